"""empty_passwords: whether an account can be entered without any password."""

from dataclasses import dataclass

from wardline.agent.checks import pam_stack, uid0_accounts
from wardline.agent.checks.probe import Probe, Unreadable
from wardline.agent.checks.protocol import Finding, Manifest
from wardline.agent.hosts.host import HostError
from wardline.core.canonical import Json
from wardline.core.evidence.bundle import Outcome
from wardline.core.severity import Severity

SHADOW = "/etc/shadow"
SHADOWED = "x"
NAMED_MAX = 40
AUTH_SERVICES = ("common-auth", "system-auth", "login")
NULLOK = frozenset({"nullok", "nullok_secure"})


@dataclass(frozen=True, slots=True)
class _Found:
    """Names of accounts, no password field of any of them; in `unknown` why shadow is not known."""

    accounts: int
    open: frozenset[str]
    open_in_passwd: frozenset[str]
    unshadowed: frozenset[str]
    unknown: str


@dataclass(frozen=True, slots=True)
class _Pam:
    """Whether pam_unix lets an empty password in; None, with the reason, where nobody can say."""

    nullok: bool | None
    unknown: str = ""


class EmptyPasswords:
    """The check; what it reads are hashes, and what it keeps are names.

    A failure that is certain is a failure, even where the rest is unknown.
    """

    manifest = Manifest(
        id="empty_passwords",
        title="Accounts without a password",
        platforms=("linux",),
        controls=(
            "hipaa:164.308(a)(1)(ii)(B)",
            "hipaa:164.308(a)(5)(ii)(D)",
            "hipaa:164.312(d)",
            "nist_800_53:CM-6",
            "nist_800_53:IA-5",
            "nist_800_53:IA-5(1)",
            "pci_dss:2.2.2",
            "pci_dss:8.3.1",
            "soc2:CC6.1",
        ),
        interval_s=300,
        cpu_ms_max=1000,
        timeout_s=5,
        severity=Severity.CRITICAL,
        evidence="The names of the accounts without a password, and whether PAM would let them in.",
        remediation=(
            "Lock each named account (`passwd -l NAME`) or give it a password (`passwd NAME`); "
            "take `nullok` out of the pam_unix lines of /etc/pam.d."
        ),
    )

    def measure(self, probe: Probe) -> Finding:
        found = _look(probe)
        pam = _pam(probe)
        facts = _facts(found, pam)
        if not found.open and found.unknown:
            return Finding(Outcome.UNKNOWN, found.unknown, {**facts, "reason": found.unknown})
        if not found.open:
            return Finding(Outcome.PASS, "every account has a password or is locked", facts)
        names = ", ".join(sorted(found.open)[:NAMED_MAX])
        said = {True: "; PAM lets them in", False: "; PAM refuses empty ones", None: ""}[pam.nullok]
        grade = Severity.HIGH if pam.nullok is False else Severity.CRITICAL
        known = f"; {found.unknown}" if found.unknown else ""
        return Finding(Outcome.FAIL, f"no password protects {names}{said}{known}", facts, grade)


def _look(probe: Probe) -> _Found:
    accounts = [one for one in uid0_accounts.entries(probe) if not one.legacy]
    if not accounts:
        raise Unreadable(uid0_accounts.ACCOUNTS, "names no account at all")
    in_passwd = {one.label for one in accounts if not one.password}
    open_ones = set(in_passwd)
    hashed = {one.label for one in accounts if _is_hash(one.password)}
    unknown = ""
    # An account without an entry in shadow has no password that could be tried.
    if any(one.password == SHADOWED for one in accounts):
        try:
            open_ones |= _open_in_shadow(probe)
        except (HostError, Unreadable) as error:
            # An account that is open by passwd alone stays a certain failure.
            unknown = str(error)
    return _Found(
        len(accounts), frozenset(open_ones), frozenset(in_passwd), frozenset(hashed), unknown
    )


def _open_in_shadow(probe: Probe) -> set[str]:
    """shadow(5): an empty second field means that no password is asked for."""
    found = set()
    for number, line in probe.lines(SHADOW):
        fields = line.lstrip().split(":")
        name = fields[0]
        if len(fields) > 1 and not fields[1] and not name.startswith(("+", "-", "#")):
            found.add(uid0_accounts.label(name, number))
    return found


def _is_hash(password: str) -> bool:
    """Something in passwd itself that is neither a pointer to shadow nor a lock."""
    return password not in ("", SHADOWED) and not password.startswith(("*", "!"))


def _pam(probe: Probe) -> _Pam:
    try:
        modules = pam_stack.read(probe, AUTH_SERVICES, "auth")
    except (HostError, Unreadable) as error:
        # It is noted beside the accounts and does not decide: the reason stands in the facts.
        return _Pam(None, str(error))
    unix = [one for one in modules if one.name == "pam_unix.so"]
    return _Pam(any(NULLOK.intersection(one.arguments) for one in unix))


def _facts(found: _Found, pam: _Pam) -> dict[str, Json]:
    return {
        "failing": sorted(found.open)[:NAMED_MAX],
        "open_count": len(found.open),
        "open_in_passwd": sorted(found.open_in_passwd)[:NAMED_MAX],
        "accounts": found.accounts,
        "hash_in_passwd": sorted(found.unshadowed)[:NAMED_MAX],
        "shadow_unknown_because": found.unknown,
        "pam_nullok": pam.nullok,
        "pam_unknown_because": pam.unknown,
    }


CHECK = EmptyPasswords()
