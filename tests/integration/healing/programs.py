"""The programs of a host behind sshd: what systemctl, ufw, augenrules and sysctl do, as scripts.

They keep what a kernel and an init would keep in /run/test: a file per running unit, the rules of
ufw, what was loaded. `refused` holds commands, one a line, that end with an error and do nothing.
"""

from pathlib import Path

from wardline.agent.runbooks import runbook

STATE = "run/test"

_REFUSED = """\
typed="$name $*"
echo "$typed" >> /run/test/ran
while read -r line; do
  [ "$line" = "$typed" ] && { echo "it was refused" >&2; exit 1; }
done < /run/test/refused
"""

_SYSTEMCTL = """\
verb=$1
for unit in "$@"; do :; done
file=/usr/lib/systemd/system/$unit
links=
for link in /etc/systemd/system/*.wants/"$unit"; do [ -L "$link" ] && links="$links $link"; done
start() {
  [ -e "$file" ] || exit 5
  touch "/run/test/running/$unit"
  # One that is written to die is up for as long as it takes to say so.
  while read -r line; do
    [ "$line" = "$unit" ] && rm "/run/test/running/$unit"
  done < /run/test/dies
  return 0
}
stop() { rm -f "/run/test/running/$unit"; }
case $verb in
show)
  # Asked about all units: what runs.
  case " $* " in *" *.service "*)
    for one in /run/test/running/*; do printf 'Id=%s\\nActiveState=active\\n\\n' "${one##*/}"; done
    exit 0 ;;
  esac
  state=disabled
  [ -n "$links" ] && state=enabled
  load=loaded
  [ -e "$file" ] || { load=not-found; state=; }
  [ "$(readlink "/etc/systemd/system/$unit")" = /dev/null ] && { load=masked; state=masked; }
  active=inactive
  [ -e "/run/test/running/$unit" ] && active=active
  printf 'LoadState=%s\\nActiveState=%s\\nUnitFileState=%s\\n' "$load" "$active" "$state" ;;
enable)
  while IFS== read -r key value; do
    [ "$key" = WantedBy ] || continue
    mkdir -p "/etc/systemd/system/$value.wants"
    ln -sf "$file" "/etc/systemd/system/$value.wants/$unit"
  done < "$file"
  case " $* " in *" --now "*) start ;; esac ;;
disable)
  for link in $links; do rm "$link"; done
  case " $* " in *" --now "*) stop ;; esac ;;
start) start ;;
stop) stop ;;
restart) stop; start ;;
reload | try-reload-or-restart)
  # Where the host's sshd is the one that lets the appliance in, it reads its file again.
  [ -e /run/sshd.pid ] && kill -HUP "$(cat /run/sshd.pid)"
  exit 0 ;;
kill | daemon-reload) : ;;
*) echo "unknown verb $verb" >&2; exit 1 ;;
esac
"""

_UFW = """\
switch() {
  echo "$1" > /run/test/ufw
  while read -r line; do
    case $line in ENABLED=*) line=ENABLED=$1 ;; esac
    echo "$line"
  done < /etc/ufw/ufw.conf > /run/test/ufw.conf
  cat /run/test/ufw.conf > /etc/ufw/ufw.conf
  # Where it filters the appliance's own way: nobody is heard there while it is on.
  [ -e /run/test/listener ] || return 0
  signal=CONT
  [ "$1" = yes ] && signal=STOP
  kill -s "$signal" "$(cat /run/test/listener)"
}
case $* in
status) [ "$(cat /run/test/ufw)" = yes ] && echo "Status: active" || echo "Status: inactive" ;;
"show added")
  echo "Added user rules:"
  for rule in /run/test/rules/*; do
    [ -e "$rule" ] && echo "ufw allow ${rule##*/}/tcp"
  done ;;
"allow "*) rule=${2%/tcp}; touch "/run/test/rules/$rule" ;;
"delete allow "*) rule=${3%/tcp}; rm "/run/test/rules/$rule" ;;
"--force enable") switch yes ;;
disable) switch no ;;
*) echo "unknown words $*" >&2; exit 1 ;;
esac
exit 0
"""

_AUGENRULES = """\
: > /run/test/loaded
for one in /etc/audit/rules.d/*.rules; do cat "$one" >> /run/test/loaded; done
"""

_AUDITCTL = """\
case $1 in
-s) printf 'enabled 1\\nfailure 1\\npid 1\\nlost 0\\n' ;;
-l) cat /run/test/loaded ;;
esac
"""

_SYSCTL = """\
key=${2%%=*} value=${2#*=} path=/proc/sys
while [ "$key" != "${key#*.}" ]; do path=$path/${key%%.*} key=${key#*.}; done
echo "$value" > "$path/$key"
"""

# Whoever waits long wakes up when it is said that the time is over.
_SLEEP = """\
[ "$1" -ge 10 ] 2> /dev/null || exec /usr/bin/sleep "$1"
while [ ! -e /run/test/over ]; do /usr/bin/sleep 0.2; done
"""

_PROGRAMS = {
    "systemctl": _SYSTEMCTL,
    "ufw": _UFW,
    "augenrules": _AUGENRULES,
    "auditctl": _AUDITCTL,
    "sysctl": _SYSCTL,
    "sshd": "exit 0\n",
    "chronyd": "exit 0\n",
    "apt-config": "exit 0\n",
    "timedatectl": "echo NTP=yes; echo NTPSynchronized=yes\n",
}
RUNNING = ("auditd", "chrony", "clamav-daemon", "clamav-freshclam", "ufw")


def install(root: Path) -> None:
    """Give a host these programs, its usual services running and its firewall on."""
    for name, text in _PROGRAMS.items():
        replace(root, name, text)
    state = root / STATE
    for folder in ("running", "rules"):
        (state / folder).mkdir(parents=True)
    (state / "ufw").write_text("yes\n")
    for name in ("refused", "dies", "ran"):
        (state / name).touch()
    rules = sorted((root / "etc/audit/rules.d").glob("*.rules"))
    (state / "loaded").write_text("".join(one.read_text() for one in rules))
    _start_kernel(root)
    for unit in RUNNING:
        (state / "running" / f"{unit}.service").touch()


def replace(root: Path, name: str, text: str) -> None:
    """From now on this program does that."""
    program = root / "usr/sbin" / name
    program.parent.mkdir(parents=True, exist_ok=True)
    program.unlink(missing_ok=True)
    program.write_text(f"#!/bin/sh\nname={name}\n{_REFUSED}{text}")
    program.chmod(0o755)


def shorten_time(root: Path) -> None:
    """What waits on this host for ten seconds or more waits until `end_time`."""
    replace(root, "sleep", _SLEEP)


def end_time(root: Path) -> None:
    (root / STATE / "over").touch()


def _start_kernel(root: Path) -> None:
    """A kernel that has its settings as they are safe."""
    for row in runbook.registry()["kernel_sysctl.apply"].tables["values"].values():
        path = root / row["live"].lstrip("/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{row['value']}\n")


def set_state(root: Path, name: str, lines: list[str]) -> None:
    """What is `refused`, or which units `dies` names, from now on."""
    (root / STATE / name).write_text("".join(f"{line}\n" for line in lines))
