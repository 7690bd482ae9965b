"""How files of a host are changed: fixed POSIX scripts that do one thing wholly or not at all."""

import secrets
import stat
from collections.abc import Sequence

from wardline.agent.hosts import reaching
from wardline.agent.hosts.host import (
    Exchanged,
    Failed,
    FileKind,
    HardLinked,
    HostError,
    Missing,
    NotPermitted,
    Output,
    Stat,
    WrongKind,
)
from wardline.agent.hosts.reaching import HOLD, PLACE

WORDS_CHARS_MAX = 200

# path, bytes, mode, uid, gid, a random word; the last four may be empty.
REPLACE = (
    PLACE
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

# path, mode or owner, device and number of what was looked at, a random word.
_HELD = PLACE + HOLD + 'trap "exit 1" HUP INT TERM PIPE; place "$1" stay; hold "$3" "$4"\n'
CHMOD = _HELD + 'chmod "$2" -- "$h" || exit 1\n'
CHOWN = _HELD + 'chown -h "$2" -- "$h" || exit 1\n'
REMOVE = PLACE + 'place "$1" follow; expect file; rm -- "$n" || exit 1; settled\n'
LINK = (
    PLACE
    + 'place "$1" stay; [ "$(kind "$n")" = none ] || exit 24\n'
    + 'ln -s -- "$2" "$n" || exit 1; settled\n'
)
REMOVE_LINK = PLACE + 'place "$1" stay; expect link; rm -- "$n" || exit 1; settled\n'
MAKE_FOLDER = (
    PLACE
    + 'place "$1" stay; [ "$(kind "$n")" = none ] || exit 24\n'
    + 'mkdir -m 755 -- "$n" || exit 1; settled\n'
)
REMOVE_FOLDER = PLACE + 'place "$1" stay; expect directory; rmdir -- "$n" || exit 1; settled\n'
# path, "follow" or "stay".
LOOK = PLACE + 'place "$1" "$2"; stat -c "%f %u %g %s %Y %h %d %i" -- "$n" || exit 1\n'


def replace_arguments(
    path: str, content: bytes, mode: int | None, uid: int | None, gid: int | None
) -> Sequence[str]:
    wanted = ["" if one is None else str(one) for one in (uid, gid)]
    octal = "" if mode is None else f"{mode:o}"
    return [path, str(len(content)), octal, *wanted, secrets.token_hex(8)]


def held_arguments(path: str, wanted: str, found: Stat) -> Sequence[str]:
    """For a change of the very file that was found; Exchanged where it is not known by a number."""
    if found.kind not in (FileKind.FILE, FileKind.DIRECTORY):
        raise WrongKind(path, found.kind, FileKind.FILE)
    if found.inode is None:
        raise Exchanged(path)
    device, number = found.inode
    return [path, wanted, f"{device}:{number}", secrets.token_hex(8)]


def looked(output: Output, path: str, kind: FileKind) -> Stat:
    """What LOOK has told of a file or a folder, all of it of one moment."""
    check(output, path)
    try:
        mode, uid, gid, size, modified_s, links, device, number = output.stdout.split()
        raw = int(mode, 16)
        found = FileKind.FILE if stat.S_ISREG(raw) else FileKind.DIRECTORY
        told = Stat(
            *(found, stat.S_IMODE(raw), int(uid), int(gid), int(size), int(modified_s)),
            links=int(links),
            inode=(int(device), int(number)),
        )
    except ValueError:
        raise Failed(path, "the host does not say what it is") from None
    if not (stat.S_ISREG(raw) or stat.S_ISDIR(raw)) or found is not kind:
        raise Exchanged(path)
    return told


def check(output: Output, path: str, wanted: FileKind = FileKind.FILE) -> None:
    """Raise what a script that failed was told by the host."""
    told = output.stdout.decode("ascii", "replace").strip()
    match output.exit_code:
        case 0:
            return
        case code if code == reaching.MISSING:
            raise Missing(path)
        case code if code == reaching.WRONG_KIND and told in list(FileKind):
            raise WrongKind(path, FileKind(told), wanted)
        case code if code == reaching.HARD_LINKED and told.isdecimal():
            raise HardLinked(path, int(told[:9]))
        case code if code == reaching.CUT_SHORT:
            raise Failed(path, "did not arrive whole, so that nothing was changed")
        case code if code == reaching.EXISTS:
            raise Failed(path, "File exists")
        case code if code == reaching.DENIED:
            raise NotPermitted(path)
        case code if code == reaching.EXCHANGED:
            raise Exchanged(path)
    raise _refused(output, path)


def _refused(output: Output, path: str) -> HostError:
    said = output.stderr.decode("utf-8", "backslashreplace").strip()
    if "Permission denied" in said or "Operation not permitted" in said:
        return NotPermitted(path)
    if "No such file" in said or "Not a directory" in said:
        return Missing(path)
    last = said.splitlines()[-1] if said else f"ended with exit code {output.exit_code}"
    return Failed(path, last.rpartition(": ")[2][-WORDS_CHARS_MAX:])
