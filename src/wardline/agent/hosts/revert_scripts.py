"""The scripts that arm a revert on a host and call it off: POSIX sh, the same on every host.

Each armed revert has a folder, 0700. Whoever makes the folder `decided` in it first, the revert or
who calls it off, has decided: the other one finds it made. What fired stays, with its log.
"""

import os
import secrets
import shlex
from collections.abc import Callable, Sequence

from wardline.agent.hosts.host import Failed, Output, RevertFired, RevertUnknown
from wardline.agent.hosts.reaching import HOLD, PLACE
from wardline.agent.hosts.revert import FOLDER, ArmedRevert, Revert

# What runs a script on a host: its text, its arguments, its standard input.
Script = Callable[[str, Sequence[str], bytes], Output]

UNKNOWN, FIRED, FOREIGN, NOT_A_FILE, NOT_STARTED = 30, 31, 32, 33, 34
# What a fired one may take until its log is whole, and how long what fired is kept.
TIMEOUT_S = 60.0
KEPT_DAYS = 30
WORDS_CHARS_MAX = 400

_BASE = f"""
base={FOLDER}
[ "$(id -u)" = 0 ] || base=$HOME/.local/state/wardline/reverts
"""

# It runs without whoever wrote it, in its own folder, with nothing but that folder to go by.
_BEGIN = r"""cd "$1" || exit 1
PATH=/usr/sbin:/usr/bin:/sbin:/bin; LC_ALL=C; export PATH LC_ALL
trap '' HUP PIPE
exec </dev/null >>log 2>&1
: > armed
sleep "$(cat after)"
mkdir decided 2>/dev/null || exit 0
echo "nobody called it off: putting back"
bad=0
limit=; command -v timeout >/dev/null 2>&1 && limit="timeout 30"
run() { (cd / && exec $limit "$@") && echo "ran $*" || { echo "could not run $*"; bad=1; }; }
"""
# "$at" is its own folder, "$word" what nobody can guess. Each file is put back by a process of its
# own, from within the folder in which it lay when this was armed, whatever leads there by now.
_FILES = (
    PLACE
    + HOLD
    + r"""
at=$(pwd -P)
told() { cat "$1" && printf x; }
back() {
  i=$at/$1; p=$(told "$i.path"); p=${p%x}
  place "$p" stay
  lay=$(cat "$i.in")
  [ -z "$lay" ] || [ "$(stat -c %d:%i .)" = "$lay" ] || exit 1
  if [ -e "$i.absent" ]; then rm -f -- "$n"; exit; fi
  [ ! -L "$n" ] && [ -f "$n" ] && cmp -s -- "$i.saved" "$n" &&
    [ "$(stat -c '%a %u %g' -- "$n")" = "$(cat "$i.facts")" ] && exit 99
  single=; alone && single=1
  own "$word-$1"
  cp --preserve=all -- "$i.saved" "$o" 2>/dev/null || cp -p -- "$i.saved" "$o" || exit 1
  # Never into a folder that lies under the name by now; an old busybox cannot say so.
  mv -fT -- "$o" "../$n" 2>/dev/null ||
    { [ -n "$single" ] && [ ! -d "../$n" ] && mv -f -- "$o" "../$n"; } || exit 1
}
mode_back() {
  i=$at/$1; p=$(told "$i.mode"); p=${p%x}
  read -r number mode owner < "$i.was"
  place "$p" stay
  hold "$number" "$word-$1"
  [ "$(stat -c '%u:%g' -- "$h")" = "$owner" ] || chown -h "$owner" -- "$h" || exit 1
  [ "$(stat -c '%a %u:%g' -- "$h")" = "$mode $owner" ] || chmod "$mode" -- "$h" || exit 1
}
for f in *.path; do
  [ -e "$f" ] || continue
  i=${f%.path}; p=$(told "$f"); p=${p%x}
  ( back "$i" ); code=$?
  case $code in
    0) [ -e "$i.absent" ] && echo "removed $p" || echo "restored $p" ;;
    99) echo "unchanged $p" ;;
    20) [ -e "$i.absent" ] && echo "removed $p" || { echo "could not restore $p"; bad=1; } ;;
    *) echo "could not restore $p"; bad=1 ;;
  esac
done
for f in *.mode; do
  [ -e "$f" ] || continue
  i=${f%.mode}; p=$(told "$f"); p=${p%x}
  if ( mode_back "$i" )
  then echo "restored the mode of $p"; else echo "could not restore the mode of $p"; bad=1; fi
done
sync
"""
)
_UNITS = r"""
while read -r verb unit; do
  if command -v systemctl >/dev/null 2>&1
  then $limit systemctl "$verb" -- "$unit"
  else $limit service "${unit%.service}" "$verb"
  fi && echo "$verb $unit" || { echo "could not $verb $unit"; bad=1; }
done < units
echo "$bad" > outcome
"""

# id, seconds, days that old ones are kept, numbers of files and modes, files, the paths whose modes
# are kept, then "verb unit" each.
ARM = (
    _BASE
    + PLACE
    + r"""
id=$1; after=$2; kept=$3; files=$4; modes=$5; shift 5
umask 077
mkdir -p -- "$base" || exit 1
[ -O "$base" ] && [ ! -L "$base" ] || exit 32
chmod 700 -- "$base" || exit 1
find "$base" -mindepth 1 -maxdepth 1 -type d -mtime +"$kept" -exec rm -rf -- {} + 2>/dev/null
folder=$base/$id
mkdir -- "$folder" || exit 1
trap '[ -n "$done" ] || { mkdir "$folder/decided"; rm -rf -- "$folder"; } 2>/dev/null' EXIT
trap 'exit 1' HUP INT TERM PIPE
done=
i=0
while [ "$i" -lt "$files" ]; do
  p=$1; shift; i=$((i + 1)); s=$folder/$(printf %03d "$i")
  if [ -L "$p" ]; then p=$(readlink -f -- "$p" && printf x) || exit 33; p=${p%?x}; fi
  printf %s "$p" > "$s.path" || exit 1
  ( cd -P -- "${p%/*}/" 2>/dev/null && stat -c %d:%i . ) > "$s.in"
  if [ -f "$p" ]; then
    cp --preserve=all -- "$p" "$s.saved" 2>/dev/null || cp -p -- "$p" "$s.saved" || exit 1
    stat -c '%a %u %g' -- "$p" > "$s.facts" || exit 1
  elif [ -e "$p" ]; then exit 33
  else : > "$s.absent" || exit 1
  fi
done
i=0
while [ "$i" -lt "$modes" ]; do
  m=$1; shift; i=$((i + 1)); s=$folder/$(printf %03d "$i")
  printf %s "$m" > "$s.mode" || exit 1
  ( place "$m" stay; expect file directory; one_name
    stat -c '%d:%i %a %u:%g' -- "$n" ) > "$s.was" || exit 33
done
: > "$folder/units"
for unit in "$@"; do printf '%s\n' "$unit" >> "$folder/units" || exit 1; done
printf '%s\n' "$after" > "$folder/after" || exit 1
cat > "$folder/revert.sh" || exit 1
[ -s "$folder/revert.sh" ] || exit 1
sync
started=
if [ -d /run/systemd/system ] && command -v systemd-run >/dev/null 2>&1; then
  systemd-run --quiet --collect --unit="wardline-revert-$id" \
    /bin/sh "$folder/revert.sh" "$folder" </dev/null >/dev/null 2>&1 && started=systemd-run
fi
if [ -z "$started" ]; then
  if command -v setsid >/dev/null 2>&1
  then setsid nohup /bin/sh "$folder/revert.sh" "$folder" </dev/null >/dev/null 2>&1 &
  else nohup /bin/sh "$folder/revert.sh" "$folder" </dev/null >/dev/null 2>&1 &
  fi
fi
i=0
while [ ! -e "$folder/armed" ]; do
  i=$((i + 1)); [ "$i" -le 50 ] || exit 34
  sleep 0.1 2>/dev/null || sleep 1
done
done=1
"""
)

# id; waits for one that fired until its log is whole.
DISARM = (
    _BASE
    + r"""
folder=$base/$1
[ -d "$folder" ] || exit 30
if mkdir -- "$folder/decided" 2>/dev/null; then rm -rf -- "$folder"; exit 0; fi
i=0
while [ ! -e "$folder/outcome" ] && [ "$i" -lt 40 ]; do i=$((i + 1)); sleep 1; done
tail -c 2000 -- "$folder/log"
exit 31
"""
)


def arm(host: str, revert: Revert, run: Script) -> ArmedRevert:
    """Armed by whatever runs a script there; raises Failed where it is not, and then nothing of it
    is left on the host."""
    revert.check()
    armed = ArmedRevert(secrets.token_hex(8), revert)
    output = run(ARM, _arguments(armed), _program(revert))
    why = {
        0: "",
        FOREIGN: f"{FOLDER} belongs to another account",
        NOT_A_FILE: "only a regular file, or none, can be put back, or a folder's mode",
        NOT_STARTED: "it did not start within 5 s",
    }.get(output.exit_code, _words(output))
    if why:
        raise Failed(host, f"the revert is not armed: {why}")
    return armed


def check_disarmed(output: Output, host: str, armed: ArmedRevert) -> None:
    """Raise RevertFired with its log where it was too late."""
    if output.exit_code == 0:
        return
    if output.exit_code == FIRED:
        said = output.stdout.decode("utf-8", "backslashreplace").split("\n")
        log = "; ".join(filter(None, said))[-WORDS_CHARS_MAX:]
        raise RevertFired(host, f"the revert {armed.id} has put the host back: {log}")
    if output.exit_code == UNKNOWN:
        raise RevertUnknown(host, f"there is no revert {armed.id}")
    raise Failed(host, f"the revert {armed.id} could not be called off: {_words(output)}")


def _program(revert: Revert) -> bytes:
    """The script with its commands, each word quoted."""
    word = f"word={secrets.token_hex(8)}\n"
    parts = (_BEGIN, word, *_runs(revert.commands), _FILES, *_runs(revert.reloads), _UNITS)
    return os.fsencode("".join(parts))


def _runs(commands: Sequence[Sequence[str]]) -> Sequence[str]:
    return [f"run {shlex.join(argv)}\n" for argv in commands]


def _arguments(armed: ArmedRevert) -> Sequence[str]:
    revert = armed.revert
    units = [f"{one.verb.value} {one.unit}" for one in revert.units]
    counted = (revert.after_s, KEPT_DAYS, len(revert.files), len(revert.modes))
    return [armed.id, *map(str, counted), *revert.files, *revert.modes, *units]


def _words(output: Output) -> str:
    said = output.stderr.decode("utf-8", "backslashreplace").strip()
    return said[-WORDS_CHARS_MAX:] or f"ended with exit code {output.exit_code}"
