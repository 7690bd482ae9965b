/* Counts fsync and fdatasync of the process that it is loaded into. */
#define _GNU_SOURCE
#include <dlfcn.h>

static long count;

int fsync(int fd) {
  static int (*real)(int);
  if (!real) real = (int (*)(int))dlsym(RTLD_NEXT, "fsync");
  __atomic_add_fetch(&count, 1, __ATOMIC_RELAXED);
  return real(fd);
}

int fdatasync(int fd) {
  static int (*real)(int);
  if (!real) real = (int (*)(int))dlsym(RTLD_NEXT, "fdatasync");
  __atomic_add_fetch(&count, 1, __ATOMIC_RELAXED);
  return real(fd);
}

long fsyncs(void) { return __atomic_load_n(&count, __ATOMIC_RELAXED); }
