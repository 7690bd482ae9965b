/* A power cut or a kill, modelled: counts the file operations under one folder and dies at the n-th.
 *
 * What was written and not synced is kept aside; a sync brings it into a shadow of the folder, the
 * image of the disk. At the cut the shadow gets a share of the unsynced 512-byte sectors: none
 * (drop), a drawn half (tear), or the process just dies and the folder itself is looked at (kill).
 * Files that end in -shm are memory that SQLite maps and rebuilds; they are left out.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

enum { FDS = 1024, FILES = 256, PATHS = 512, SECTOR = 512, EXIT_CUT = 86 };
enum mode { OFF, DROP, TEAR, KILL };

struct operation {
  struct operation *next;
  int is_truncate;
  off_t at;
  size_t length;
  unsigned char *data;
};

struct tracked {
  char name[PATHS];
  struct operation *first, *last;
};

static char folder[PATHS], shadow[PATHS];
static struct tracked files[FILES];
static int file_count, file_of[FDS];
static enum mode mode = OFF;
static long events, cut_at;
static uint64_t seed;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

static uint64_t draw(void) {
  seed ^= seed << 13, seed ^= seed >> 7, seed ^= seed << 17;
  return seed;
}

static void shadow_path(const struct tracked *file, char *path) {
  if (snprintf(path, 2 * PATHS, "%s/%s", shadow, file->name) >= 2 * PATHS) abort();
}

/* The folders above a file of the image, which an agent may have made since it began. */
static void make_folders(char *path) {
  for (char *at = path + strlen(shadow) + 1; (at = strchr(at, '/')); *at++ = '/') {
    *at = 0;
    if (mkdir(path, 0700) && errno != EEXIST) abort();
  }
}

static void apply(const struct tracked *file, const struct operation *op, int torn) {
  char path[2 * PATHS];
  shadow_path(file, path);
  make_folders(path);
  int fd = REAL(open)(path, O_RDWR | O_CREAT, 0600);
  if (fd < 0) abort();
  if (op->is_truncate) {
    if (!torn || draw() & 1)
      if (REAL(ftruncate)(fd, op->at)) abort();
  } else {
    size_t done = 0;
    while (done < op->length) {
      size_t step = SECTOR - (op->at + done) % SECTOR;
      if (step > op->length - done) step = op->length - done;
      if (!torn || draw() & 1)
        if (REAL(pwrite)(fd, op->data + done, step, op->at + done) != (ssize_t)step) abort();
      done += step;
    }
  }
  REAL(close)(fd);
}

static void forget(struct tracked *file) {
  while (file->first) {
    struct operation *op = file->first;
    file->first = op->next;
    free(op->data);
    free(op);
  }
  file->last = NULL;
}

static void cut(void) {
  if (mode == TEAR)
    for (int i = 0; i < file_count; i++)
      for (struct operation *op = files[i].first; op; op = op->next) apply(&files[i], op, 1);
  _exit(EXIT_CUT);
}

/* Called with the lock held, before the operation is carried out. */
static void event(void) {
  if (mode != OFF && ++events == cut_at) cut();
}

static void keep(int fd, int is_truncate, off_t at, const void *data, size_t length) {
  struct tracked *file = &files[file_of[fd]];
  struct operation *op = calloc(1, sizeof *op);
  if (!op) abort();
  op->is_truncate = is_truncate, op->at = at, op->length = length;
  if (length) {
    op->data = malloc(length);
    if (!op->data) abort();
    memcpy(op->data, data, length);
  }
  if (file->last) file->last->next = op; else file->first = op;
  file->last = op;
}

static int is_tracked(int fd) { return mode != OFF && fd >= 0 && fd < FDS && file_of[fd] >= 0; }

static int is_inside(const char *path) {
  size_t length = strlen(folder);
  return mode != OFF && length && !strncmp(path, folder, length) && path[length] == '/';
}

static void opened(int fd, const char *path) {
  if (fd < 0 || fd >= FDS) return;
  file_of[fd] = -1;
  size_t length = strlen(path);
  if (!is_inside(path) || (length > 4 && !strcmp(path + length - 4, "-shm"))) return;
  struct stat found;
  if (fstat(fd, &found) || !S_ISREG(found.st_mode)) return;
  const char *name = path + strlen(folder) + 1;
  for (int i = 0; i < file_count; i++)
    if (!strcmp(files[i].name, name)) { file_of[fd] = i; return; }
  if (file_count == FILES) abort();
  snprintf(files[file_count].name, PATHS, "%s", name);
  file_of[fd] = file_count++;
}

/* From the driver: begin to count in `in`, with the disk's image in `image`. */
void powercut_arm(const char *in, const char *image, int how, long at, uint64_t with) {
  snprintf(folder, PATHS, "%s", in);
  snprintf(shadow, PATHS, "%s", image);
  for (int i = 0; i < FDS; i++) file_of[i] = -1;
  events = 0, cut_at = at, seed = with * 2654435761u + 88172645463325252u;
  mode = (enum mode)how;
}

long powercut_events(void) { return events; }

#define OPEN(name)                                            \
  int name(const char *path, int flags, ...) {                \
    va_list rest;                                             \
    va_start(rest, flags);                                    \
    mode_t permissions = va_arg(rest, mode_t);                \
    va_end(rest);                                             \
    int fd = REAL(name)(path, flags, permissions);            \
    pthread_mutex_lock(&lock);                                \
    opened(fd, path);                                         \
    pthread_mutex_unlock(&lock);                              \
    return fd;                                                \
  }
OPEN(open)
OPEN(open64)

int close(int fd) {
  if (fd >= 0 && fd < FDS) file_of[fd] = -1;
  return REAL(close)(fd);
}

#define PWRITE(name)                                                          \
  ssize_t name(int fd, const void *data, size_t length, off64_t at) {         \
    pthread_mutex_lock(&lock);                                                \
    if (is_tracked(fd)) event(), keep(fd, 0, at, data, length);               \
    pthread_mutex_unlock(&lock);                                              \
    return REAL(name)(fd, data, length, at);                                  \
  }
PWRITE(pwrite)
PWRITE(pwrite64)

ssize_t write(int fd, const void *data, size_t length) {
  if (is_tracked(fd)) {
    pthread_mutex_lock(&lock);
    event();
    keep(fd, 0, lseek(fd, 0, SEEK_CUR), data, length);
    pthread_mutex_unlock(&lock);
  }
  return REAL(write)(fd, data, length);
}

#define TRUNCATE(name)                                 \
  int name(int fd, off64_t size) {                     \
    pthread_mutex_lock(&lock);                         \
    if (is_tracked(fd)) event(), keep(fd, 1, size, NULL, 0); \
    pthread_mutex_unlock(&lock);                       \
    return REAL(name)(fd, size);                       \
  }
TRUNCATE(ftruncate)
TRUNCATE(ftruncate64)

#define SYNC(name)                                                                 \
  int name(int fd) {                                                               \
    pthread_mutex_lock(&lock);                                                     \
    if (is_tracked(fd)) {                                                          \
      event();                                                                     \
      struct tracked *file = &files[file_of[fd]];                                  \
      if (mode != KILL)                                                            \
        for (struct operation *op = file->first; op; op = op->next) apply(file, op, 0); \
      forget(file);                                                                \
    }                                                                              \
    pthread_mutex_unlock(&lock);                                                   \
    return mode == OFF ? REAL(name)(fd) : 0;                                       \
  }
SYNC(fsync)
SYNC(fdatasync)

int unlink(const char *path) {
  pthread_mutex_lock(&lock);
  if (is_inside(path)) {
    event();
    for (int i = 0; i < file_count; i++)
      if (!strcmp(files[i].name, path + strlen(folder) + 1)) {
        char image[2 * PATHS];
        forget(&files[i]);
        shadow_path(&files[i], image);
        if (mode != KILL) REAL(unlink)(image);
      }
  }
  pthread_mutex_unlock(&lock);
  return REAL(unlink)(path);
}

/* What changes a host without going through a tracked descriptor: only the moment counts. */
static void moment(void) {
  pthread_mutex_lock(&lock);
  event();
  pthread_mutex_unlock(&lock);
}

int fchmod(int fd, mode_t permissions) {
  moment();
  return REAL(fchmod)(fd, permissions);
}

int fchmodat(int at, const char *path, mode_t permissions, int flags) {
  moment();
  return REAL(fchmodat)(at, path, permissions, flags);
}

int chmod(const char *path, mode_t permissions) {
  moment();
  return REAL(chmod)(path, permissions);
}

int renameat(int from, const char *old, int to, const char *new) {
  moment();
  return REAL(renameat)(from, old, to, new);
}
