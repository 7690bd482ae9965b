"""session_timeout: whether a session that nobody uses any more ends or locks by itself."""

import re
from dataclasses import dataclass, field

from wardline.agent.checks import active_lines, systemd_settings
from wardline.agent.checks.probe import Probe, Unreadable
from wardline.agent.checks.protocol import Finding, Manifest
from wardline.core import severity
from wardline.core.canonical import Json
from wardline.core.evidence.bundle import Outcome
from wardline.core.severity import Severity

IDLE_SECONDS_MAX = 900
SHELL_FILES = ("/etc/profile", "/etc/profile.d/*.sh", "/etc/bash.bashrc", "/etc/bashrc")
DCONF_FILES = ("/etc/dconf/db/local.d/*", "/etc/dconf/db/gdm.d/*")
GREETER_FOLDER = "/etc/dconf/db/gdm.d/"
DESKTOPS = ("gdm", "gdm3", "lightdm", "sddm", "lxdm", "xdm")
UNIT_FOLDERS = ("/usr/lib/systemd/system", "/lib/systemd/system", "/etc/systemd/system")
# bash(1): TMOUT, in seconds; `readonly`, `export` and `declare` may stand before it.
_TMOUT = re.compile(
    r"(?:(?:then|else|do|\{)\s+)*(?:(?:readonly|export|declare|typeset)\s+(?:-[a-zA-Z]+\s+)?)?"
    r"TMOUT=[\"']?(-?\d{1,9})[\"']?(?:\s|;|$)"
)
_UNSET = re.compile(r"unset\s+(?:-v\s+)?TMOUT\b")
# systemd.time(7), as far as an idle time needs it.
_SPAN = re.compile(r"(\d{1,9})\s*(s|sec|seconds?|m|min|minutes?|h|hr|hours?|d|days?)?(?:\s|$)")
_SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}
_DCONF_NUMBER = re.compile(r"(?:uint32\s+)?(\d{1,9})")


@dataclass(slots=True)
class _Seen:
    """Idle seconds by what sets them, 0 for never, and what is wrong with each."""

    facts: dict[str, Json] = field(default_factory=dict)
    failing: list[str] = field(default_factory=list)


class SessionTimeout:
    """The check. Of a shell either TMOUT or logind's StopIdleSessionSec is enough; of a desktop it
    judges what the administrator's dconf says, for GNOME's own default locks after 5 minutes."""

    manifest = Manifest(
        id="session_timeout",
        title="Automatic logoff",
        platforms=("linux",),
        controls=(
            "hipaa:164.310(b)",
            "hipaa:164.312(a)(2)(iii)",
            "nist_800_53:AC-2(5)",
            "nist_800_53:AC-11",
            "nist_800_53:AC-12",
            "pci_dss:8.2.8",
            "soc2:CC6.1",
        ),
        interval_s=300,
        cpu_ms_max=500,
        timeout_s=5,
        severity=Severity.MEDIUM,
        evidence="After how many idle seconds a shell ends and a desktop locks, and what says so.",
        remediation=(
            "Put `readonly TMOUT=900; export TMOUT` into a file of /etc/profile.d, or "
            "StopIdleSessionSec=900 into /etc/systemd/logind.conf; take settings out of dconf that "
            "keep the screen from locking."
        ),
    )

    def measure(self, probe: Probe) -> Finding:
        shells = [path for pattern in SHELL_FILES for path in probe.glob(pattern)]
        desktop = any(
            probe.exists(f"{folder}/{name}.service") for folder in UNIT_FOLDERS for name in DESKTOPS
        )
        if not shells and not desktop:
            reason = "no shell and no desktop to log in to: /etc/profile does not exist"
            return Finding(Outcome.NOT_APPLICABLE, reason, {"sessions": False})
        seen = _Seen()
        if shells:
            _judge_shell(probe, shells, seen)
        if desktop:
            _judge_desktop(probe, seen)
        facts: dict[str, Json] = {**seen.facts, "failing": sorted(seen.failing)}
        if not seen.failing:
            within = f"{IDLE_SECONDS_MAX // 60} minutes"
            return Finding(Outcome.PASS, f"an idle session ends or locks within {within}", facts)
        grades = [_GRADES[key] for key in seen.failing]
        summary = f"idle sessions stay open: {', '.join(sorted(seen.failing))}"
        return Finding(Outcome.FAIL, summary, facts, max(grades, key=severity.rank))


_GRADES = {
    "shell": Severity.MEDIUM,
    "desktop_never_locks": Severity.HIGH,
    "desktop_locks_late": Severity.MEDIUM,
}


def _judge_shell(probe: Probe, paths: list[str], seen: _Seen) -> None:
    shell_s, where = _tmout(probe, paths)
    values = systemd_settings.read(probe, "logind.conf", "Login")
    logind_s = _span(systemd_settings.last(values, "StopIdleSessionSec", "infinity"))
    seen.facts |= {"shell_seconds": shell_s, "shell_where": where, "logind_seconds": logind_s}
    if not any(0 < seconds <= IDLE_SECONDS_MAX for seconds in (shell_s, logind_s)):
        seen.failing.append("shell")


def _tmout(probe: Probe, paths: list[str]) -> tuple[int, str]:
    """The last assignment of all files, and its file; a condition around it is not judged."""
    seconds, where = 0, ""
    for path in paths:
        for _, text in active_lines.of(probe, path):
            for piece in (part.strip() for part in text.split(";")):
                found = _TMOUT.match(piece)
                if found is not None:
                    seconds, where = max(0, int(found[1])), path
                elif _UNSET.match(piece):
                    seconds, where = 0, path
    return seconds, where


def _span(text: str) -> int:
    """Seconds of a time span such as `15min` or `1h 30min`; 0 for infinity."""
    if text.lower() == "infinity":
        return 0
    parts = list(_SPAN.finditer(text))
    if not parts or "".join(one[0] for one in parts) != text:
        raise Unreadable("logind.conf", "StopIdleSessionSec is not a time span")
    return sum(int(one[1]) * _SECONDS[(one[2] or "")[:1]] for one in parts)


def _judge_desktop(probe: Probe, seen: _Seen) -> None:
    """dconf(7) key files: `[org/gnome/desktop/session] idle-delay=uint32 300`; 0 is never."""
    locks, delay_s, greeter = True, 300, False
    for path in [path for pattern in DCONF_FILES for path in probe.glob(pattern)]:
        if path.rpartition("/")[2] == "locks":
            continue
        for section, key, value in active_lines.ini(probe, path):
            if section == "org/gnome/desktop/screensaver" and key == "lock-enabled":
                locks = value.strip().lower() != "false"
                greeter = greeter or path.startswith(GREETER_FOLDER)
            if section == "org/gnome/desktop/session" and key == "idle-delay":
                greeter = greeter or path.startswith(GREETER_FOLDER)
                found = _DCONF_NUMBER.fullmatch(value)
                if found is None:
                    raise Unreadable(path, "idle-delay is not a number")
                delay_s = int(found[1])
    seen.facts |= {
        "desktop_locks": locks,
        "desktop_seconds": delay_s,
        "desktop_set_for_greeter": greeter,
    }
    if not locks or delay_s == 0:
        seen.failing.append("desktop_never_locks")
    elif delay_s > IDLE_SECONDS_MAX:
        seen.failing.append("desktop_locks_late")


CHECK = SessionTimeout()
