"""How files of a host are changed: fixed POSIX scripts that do one thing wholly or not at all.

They need a POSIX shell and coreutils (or busybox). A script enters the folder and works on names in
it, so that nothing that is renamed meanwhile leads it elsewhere; its exit code says what was wrong.
"""

import secrets
from collections.abc import Sequence

from wardline.agent.hosts.host import (
    Failed,
    FileKind,
    HardLinked,
    HostError,
    Missing,
    NotPermitted,
    Output,
    WrongKind,
)

MISSING, WRONG_KIND, HARD_LINKED, CUT_SHORT, EXISTS, DENIED = 20, 21, 22, 23, 24, 25
WORDS_CHARS_MAX = 200

# p: what "$1" leads to; "follow" resolves a link at its end too. d, n: the folder and the name.
_PLACE = """
place() {
  p=$1
  if [ "$2" = follow ] && [ -L "$p" ]; then
    p=$(readlink -f -- "$p" && printf x) || exit 20
    p=${p%?x}
  fi
  n=${p##*/}; d=${p%/*}; [ -n "$d" ] || d=/
  [ -n "$n" ] && [ "$n" != . ] && [ "$n" != .. ] || { echo "has no name" >&2; exit 1; }
  [ -d "$d" ] || exit 20
  [ -x "$d" ] || exit 25
  cd -P -- "$d" || exit 1
  n=./$n
}
kind() {
  if [ -L "$1" ]; then echo link
  elif [ -f "$1" ]; then echo file
  elif [ -d "$1" ]; then echo directory
  elif [ -p "$1" ]; then echo fifo
  elif [ -S "$1" ]; then echo socket
  elif [ -e "$1" ]; then echo device
  else echo none
  fi
}
expect() {
  k=$(kind "$n")
  [ "$k" != none ] || exit 20
  case " $* " in *" $k "*) ;; *) echo "$k"; exit 21 ;; esac
}
one_name() {
  [ "$(kind "$n")" = file ] || return 0
  h=$(stat -c %h -- "$n") || exit 1
  [ "$h" = 1 ] || { echo "$h"; exit 22; }
}
settled() { sync . 2>/dev/null || sync; }
"""

# path, bytes, mode, uid, gid, a random word; the last four may be empty.
REPLACE = (
    _PLACE
    + """
place "$1" follow; bytes=$2; mode=$3; uid=$4; gid=$5
t=./.wardline-$6
old=; [ "$(kind "$n")" = none ] || { expect file; one_name; old=1; }
trap 'rm -f -- "$t"' EXIT
trap 'exit 1' HUP INT TERM PIPE
( umask 077; set -C; : > "$t" ) || exit 1
cat > "$t" || exit 1
[ "$(wc -c < "$t")" -eq "$bytes" ] || exit 23
if [ -n "$old" ]; then
  was=$(stat -c '%a %u %g' -- "$n") || exit 1
  cp --attributes-only --preserve=all -- "$n" "$t" 2>/dev/null || :
  touch -- "$t" || exit 1
else
  was="644 $(id -u) $(id -g)"
fi
set -- $was
mode=${mode:-$1}; uid=${uid:-$2}; gid=${gid:-$3}
[ "$(stat -c '%u:%g' -- "$t")" = "$uid:$gid" ] || chown "$uid:$gid" -- "$t" || exit 1
chmod "$mode" -- "$t" || exit 1
sync "$t" 2>/dev/null || sync
mv -f -- "$t" "$n" || exit 1
settled
"""
)

CHMOD = (
    _PLACE + 'place "$1" follow; expect file directory; one_name; chmod "$2" -- "$n" || exit 1\n'
)
CHOWN = (
    _PLACE + 'place "$1" follow; expect file directory; one_name; chown "$2" -- "$n" || exit 1\n'
)
REMOVE = _PLACE + 'place "$1" follow; expect file; rm -- "$n" || exit 1; settled\n'
LINK = (
    _PLACE
    + 'place "$1" stay; [ "$(kind "$n")" = none ] || exit 24\n'
    + 'ln -s -- "$2" "$n" || exit 1; settled\n'
)
REMOVE_LINK = _PLACE + 'place "$1" stay; expect link; rm -- "$n" || exit 1; settled\n'
MAKE_FOLDER = (
    _PLACE
    + 'place "$1" stay; [ "$(kind "$n")" = none ] || exit 24\n'
    + 'mkdir -m 755 -- "$n" || exit 1; settled\n'
)
REMOVE_FOLDER = _PLACE + 'place "$1" stay; expect directory; rmdir -- "$n" || exit 1; settled\n'
LINKS = _PLACE + 'place "$1" follow; stat -c %h -- "$n" || exit 1\n'


def replace_arguments(
    path: str, content: bytes, mode: int | None, uid: int | None, gid: int | None
) -> Sequence[str]:
    wanted = ["" if one is None else str(one) for one in (uid, gid)]
    octal = "" if mode is None else f"{mode:o}"
    return [path, str(len(content)), octal, *wanted, secrets.token_hex(8)]


def check(output: Output, path: str, wanted: FileKind = FileKind.FILE) -> None:
    """Raise what a script that failed was told by the host."""
    told = output.stdout.decode("ascii", "replace").strip()
    match output.exit_code:
        case 0:
            return
        case code if code == MISSING:
            raise Missing(path)
        case code if code == WRONG_KIND and told in list(FileKind):
            raise WrongKind(path, FileKind(told), wanted)
        case code if code == HARD_LINKED and told.isdecimal():
            raise HardLinked(path, int(told[:9]))
        case code if code == CUT_SHORT:
            raise Failed(path, "did not arrive whole, so that nothing was changed")
        case code if code == EXISTS:
            raise Failed(path, "File exists")
        case code if code == DENIED:
            raise NotPermitted(path)
    raise _refused(output, path)


def _refused(output: Output, path: str) -> HostError:
    said = output.stderr.decode("utf-8", "backslashreplace").strip()
    if "Permission denied" in said or "Operation not permitted" in said:
        return NotPermitted(path)
    if "No such file" in said or "Not a directory" in said:
        return Missing(path)
    last = said.splitlines()[-1] if said else f"ended with exit code {output.exit_code}"
    return Failed(path, last.rpartition(": ")[2][-WORDS_CHARS_MAX:])
