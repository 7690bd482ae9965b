"""uid0_accounts: whether root alone has the number that may do everything."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from wardline.agent.checks.probe import Probe, Unreadable
from wardline.agent.checks.protocol import Finding, Manifest
from wardline.core import severity
from wardline.core.canonical import Json
from wardline.core.evidence.bundle import Outcome
from wardline.core.severity import Severity

ACCOUNTS = "/etc/passwd"
SHARED_MAX = 20
NAMED_MAX = 40
UID_MAX = 2**32 - 1
PLUS = "legacy_entries"

# The C library reads the number with strtoul(3): blanks, a sign and leading zeros are allowed.
_UID = re.compile(r"\s*([+-]?)(\d{1,40})")
_NAME = re.compile(r"[A-Za-z0-9_.][A-Za-z0-9_.@-]{0,63}\$?")


@dataclass(frozen=True, slots=True)
class Account:
    """One entry of the host's passwd file; `label` is its name, or its line where it has none.

    `password` is the second field and never leaves the check that reads it.
    """

    name: str
    label: str
    password: str
    uid: int | None

    @property
    def legacy(self) -> bool:
        """`+` and `-` lines take accounts of another source in or out: nsswitch.conf(5), compat."""
        return self.name.startswith(("+", "-"))


class Uid0Accounts:
    """The check; it reads the number as the C library does, so `+0` and `000` are 0 as well."""

    manifest = Manifest(
        id="uid0_accounts",
        title="Accounts with root's number",
        platforms=("linux",),
        controls=(
            "hipaa:164.308(a)(4)(i)",
            "hipaa:164.312(a)(2)(i)",
            "nist_800_53:AC-6(5)",
            "nist_800_53:IA-2",
            "nist_800_53:IA-4",
            "pci_dss:8.2.1",
            "soc2:CC6.1",
            "soc2:CC6.3",
        ),
        interval_s=300,
        cpu_ms_max=1000,
        timeout_s=5,
        severity=Severity.CRITICAL,
        evidence="The names of the accounts with uid 0, and of those that share another number.",
        remediation=(
            "Give each named account a number of its own, or remove it after asking who made it; "
            "take `+` lines out of /etc/passwd."
        ),
    )

    def measure(self, probe: Probe) -> Finding:
        accounts = list(entries(probe))
        labels = {one.label for one in accounts if one.uid == 0 and not one.legacy}
        if not labels:
            raise Unreadable(ACCOUNTS, "names no account with uid 0, so it is not the host's own")
        others = labels - {"root"}
        legacy = [one for one in accounts if one.legacy]
        facts = _facts(accounts, labels, others, legacy)
        if not facts["failing"]:
            return Finding(Outcome.PASS, "root alone has uid 0", facts)
        grades = [Severity.CRITICAL] * len(others) + [Severity.MEDIUM] * bool(legacy)
        return Finding(
            Outcome.FAIL, _summary(others, legacy), facts, max(grades, key=severity.rank)
        )


def entries(probe: Probe) -> Iterator[Account]:
    """The entries of /etc/passwd; comments and lines without a password field are left out."""
    for number, line in probe.lines(ACCOUNTS):
        text = line.lstrip()
        if not text or text.startswith("#"):
            continue
        fields = text.split(":")
        name = fields[0]
        if len(fields) < 2 and not name.startswith(("+", "-")):
            continue
        yield Account(
            name,
            label(name, number),
            fields[1] if len(fields) > 1 else "",
            _uid(fields[2]) if len(fields) > 2 else None,
        )


def label(name: str, line: int) -> str:
    """What facts may say of an account: a name that is none might be anything, a hash as well."""
    return name if _NAME.fullmatch(name) else f"line {line}"


def _uid(text: str) -> int | None:
    """The number as the C library takes it, None where it would leave the entry out."""
    found = _UID.fullmatch(text)
    if found is None:
        return None
    value = int(found[2])
    # A negative number wraps to one that is far too large; too large ones become the largest.
    return UID_MAX if value and found[1] == "-" else min(value, UID_MAX)


def _facts(
    accounts: list[Account], labels: set[str], others: set[str], legacy: list[Account]
) -> dict[str, Json]:
    shared: dict[int, set[str]] = {}
    for one in accounts:
        if one.uid is not None and not one.legacy:
            shared.setdefault(one.uid, set()).add(one.label)
    groups = sorted((uid, sorted(names)) for uid, names in shared.items() if len(names) > 1)
    return {
        "failing": sorted(sorted(others)[:NAMED_MAX] + [PLUS] * bool(legacy)),
        "uid0": sorted(labels)[:NAMED_MAX],
        "uid0_count": len(labels),
        "shared_numbers": [
            {"uid": uid, "accounts": list(names[:NAMED_MAX])} for uid, names in groups[:SHARED_MAX]
        ],
        "shared_number_count": len(groups),
        "legacy_entry_count": len(legacy),
    }


def _summary(others: set[str], legacy: list[Account]) -> str:
    said = []
    if others:
        said.append(f"as mighty as root: {', '.join(sorted(others)[:NAMED_MAX])}")
    if legacy:
        said.append(f"{ACCOUNTS} takes accounts from elsewhere: {len(legacy)} `+` or `-` lines")
    return "; ".join(said)


CHECK = Uid0Accounts()
