"""account_ageing: whether passwords end, unused accounts close, service accounts stay shut."""

import re
from dataclasses import dataclass

from wardline.agent.checks import uid0_accounts
from wardline.agent.checks.probe import Probe, Unreadable
from wardline.agent.checks.protocol import Finding, Manifest
from wardline.core import severity
from wardline.core.canonical import Json
from wardline.core.evidence.bundle import Outcome
from wardline.core.severity import Severity

SHADOW = "/etc/shadow"
LOGIN_DEFS = "/etc/login.defs"
NAMED_MAX = 24
DAY_S = 86400
# PCI DSS 4 8.3.9 and 8.2.6; login.defs(5) and its defaults for the numbers of people's accounts.
DAYS_MAX = 365
INACTIVE_DAYS_MAX = 90
UID_MIN = 1000
_CLOSED_SHELLS = re.compile(
    r"/(?:s?bin|usr/s?bin|usr/local/s?bin)/(?:nologin|false|sync|shutdown|halt)|/dev/null"
)
_NUMBER = re.compile(r"-?\d{1,9}")
_GRADES = {
    "no_end": Severity.MEDIUM,
    "stays_open": Severity.LOW,
    "changed_in_the_future": Severity.MEDIUM,
    "service_can_log_in": Severity.HIGH,
}
_NOTHING = re.compile(r"[*!].*|x|")


@dataclass(frozen=True, slots=True)
class _Entry:
    """One line of shadow(5) whose password works: day of the last change, limits in days."""

    label: str
    name: str
    changed: int | None
    days_max: int | None
    inactive: int | None
    ends: int | None


class AccountAgeing:
    """The check; only accounts whose password works are judged, and no password field is kept."""

    manifest = Manifest(
        id="account_ageing",
        title="Ageing of accounts",
        platforms=("linux",),
        controls=(
            "hipaa:164.308(a)(3)(ii)(C)",
            "hipaa:164.308(a)(5)(ii)(D)",
            "hipaa:164.312(a)(1)",
            "nist_800_53:AC-2(3)",
            "nist_800_53:IA-5",
            "nist_800_53:IA-5(1)",
            "pci_dss:8.2.6",
            "pci_dss:8.3.9",
            "soc2:CC6.2",
        ),
        interval_s=300,
        cpu_ms_max=1000,
        timeout_s=5,
        severity=Severity.MEDIUM,
        evidence="The names of the accounts at fault, and what is wrong with each; no password.",
        remediation=(
            f"For each named account set `chage -M {DAYS_MAX} -I 30 NAME`; lock service accounts "
            "with `usermod -L -s /usr/sbin/nologin NAME`; set INACTIVE in /etc/default/useradd."
        ),
    )

    def measure(self, probe: Probe) -> Finding:
        accounts = [one for one in uid0_accounts.entries(probe) if not one.legacy]
        if not accounts:
            raise Unreadable(uid0_accounts.ACCOUNTS, "names no account at all")
        if not any(one.password == "x" for one in accounts):  # noqa: S105 (passwd's own pointer)
            reason = "no account here has a password in /etc/shadow"
            return Finding(Outcome.NOT_APPLICABLE, reason, {"shadowed": False})
        entries = _entries(probe)
        services = _services(probe)
        problems: list[tuple[str, str]] = []
        by_hand: set[str] = set()
        for one in entries:
            keys = _judge(probe, one, services)
            problems += [(one.label, key) for key in keys]
            if keys and not _is_limited_safely(probe, one, keys):
                by_hand.add(one.label)
        return _finding(problems, len(entries), by_hand)


def _finding(problems: list[tuple[str, str]], judged: int, by_hand: set[str]) -> Finding:
    failing = sorted({f"{label}:{key}" for label, key in problems})
    facts: dict[str, Json] = {
        "failing": list(failing[:NAMED_MAX]),
        "failing_count": len(failing),
        "by_hand": sorted(by_hand)[:NAMED_MAX],
        "with_password": judged,
    }
    if not failing:
        return Finding(Outcome.PASS, f"{judged} accounts with a password age as they should", facts)
    worst = max((_GRADES[key] for _, key in problems), key=severity.rank)
    summary = f"{len(failing)} accounts do not age: {', '.join(failing[:NAMED_MAX])}"
    return Finding(Outcome.FAIL, summary, facts, worst)


def _entries(probe: Probe) -> list[_Entry]:
    """shadow(5): name, password, last change, least, most, warning, inactive, end."""
    found = []
    for number, line in probe.lines(SHADOW):
        fields = line.strip().split(":")
        if len(fields) < 2 or line.lstrip().startswith(("+", "-", "#")):
            continue
        if _NOTHING.fullmatch(fields[1]):
            continue
        fields += [""] * (9 - len(fields))
        changed, days_max, inactive, ends = (_days(fields[at], number) for at in (2, 4, 6, 7))
        label = uid0_accounts.label(fields[0], number)
        found.append(_Entry(label, fields[0], changed, days_max, inactive, ends))
    return found


def _days(text: str, number: int) -> int | None:
    """Days; None where the field is empty or says never (-1)."""
    if not text:
        return None
    if not _NUMBER.fullmatch(text):
        raise Unreadable(SHADOW, "a field of days is no number", number)
    return int(text) if int(text) >= 0 else None


def _services(probe: Probe) -> frozenset[str]:
    """Accounts below UID_MIN that a shell is waiting for, root left out."""
    least = UID_MIN
    for line in (probe.text_if_there(LOGIN_DEFS) or "").split("\n"):
        words = line.split()
        if (
            len(words) >= 2
            and words[0] == "UID_MIN"
            and words[1].isdecimal()
            and len(words[1]) < 10
        ):
            least = int(words[1])
    found = set()
    for _, line in probe.lines(uid0_accounts.ACCOUNTS):
        fields = line.strip().split(":")
        if len(fields) < 7 or not fields[2].isdecimal() or len(fields[2]) > 10:
            continue
        if 0 < int(fields[2]) < least and not _CLOSED_SHELLS.fullmatch(fields[6]):
            found.add(fields[0])
    return frozenset(found)


def _judge(probe: Probe, one: _Entry, services: frozenset[str]) -> list[str]:
    today = int(probe.now.timestamp()) // DAY_S
    if one.ends is not None and one.ends < today:
        return []
    found = []
    if one.days_max is None or one.days_max > DAYS_MAX:
        found.append("no_end")
    if one.inactive is None or one.inactive > INACTIVE_DAYS_MAX:
        found.append("stays_open")
    # One day ahead may be another zone.
    if one.changed is not None and one.changed > today + 1:
        found.append("changed_in_the_future")
    if one.name in services:
        found.append("service_can_log_in")
    return found


def _is_limited_safely(probe: Probe, one: _Entry, keys: list[str]) -> bool:
    """Whether limits alone put it right and shut nobody out: the password is not past them yet.

    shadow(5): no day of the last change means that nothing of this is looked at.
    """
    if set(keys) - {"no_end", "stays_open"} or not one.changed:
        return False
    return one.changed + DAYS_MAX > int(probe.now.timestamp()) // DAY_S


CHECK = AccountAgeing()
