"""password_policy: what a new password must be like, how long it lasts, and when guessing ends."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from wardline.agent.checks import pam_stack
from wardline.agent.checks.pam_stack import Module
from wardline.agent.checks.probe import Probe, Unreadable
from wardline.agent.checks.protocol import Finding, Manifest
from wardline.core import severity
from wardline.core.canonical import Json
from wardline.core.evidence.bundle import Outcome
from wardline.core.severity import Severity

LOGIN_DEFS = "/etc/login.defs"
PWQUALITY = "/etc/security/pwquality.conf"
PWQUALITY_FOLDER = "/etc/security/pwquality.conf.d"
FAILLOCK = "/etc/security/faillock.conf"
PASSWORD_SERVICES = ("passwd", "common-password", "system-auth")
AUTH_SERVICES = ("login", "common-auth", "system-auth")

LENGTH_MIN = 12
LOCK_SECONDS_MIN = 1800
_CREDITS = ("dcredit", "ucredit", "lcredit", "ocredit")
_NUMBER = re.compile(r"-?\d{1,9}")


@dataclass(frozen=True, slots=True)
class Rule:
    """One setting: where a repair would write it, what is wanted, and the test of a value."""

    key: str
    home: str
    wanted: str
    accepts: Callable[[str], bool]
    severity: Severity = Severity.MEDIUM


def _between(low: int, high: int) -> Callable[[str], bool]:
    return lambda text: low <= int(text) <= high


# PCI-DSS 4 8.3.4 (at most ten attempts, half an hour), 8.3.6 (twelve characters), 8.3.9; the ages
# and the hash as in ComplianceAsCode's CIS Debian 12 profile.
RULES = (
    Rule("PASS_MAX_DAYS", "login_defs", "1 to 365", _between(1, 365)),
    Rule("PASS_MIN_DAYS", "login_defs", "1 or more", _between(1, 99999), Severity.LOW),
    Rule("PASS_WARN_AGE", "login_defs", "7 or more", _between(7, 99999), Severity.LOW),
    Rule(
        "ENCRYPT_METHOD",
        "login_defs",
        "YESCRYPT or SHA512",
        lambda text: text.upper() in ("YESCRYPT", "SHA512"),
        Severity.HIGH,
    ),
    Rule("minlen", "pwquality", f"{LENGTH_MIN} or more", _between(LENGTH_MIN, 512)),
    Rule("minclass", "pwquality", "2 or more", _between(2, 4)),
    Rule("retry", "pwquality", "1 to 3", _between(1, 3), Severity.LOW),
    Rule("enforcing", "pwquality", "1", lambda text: text == "1", Severity.HIGH),
    Rule("deny", "faillock", "1 to 10", _between(1, 10)),
    Rule(
        "unlock_time",
        "faillock",
        f"0 or at least {LOCK_SECONDS_MIN}",
        lambda text: int(text) == 0 or int(text) >= LOCK_SECONDS_MIN,
    ),
)
# What the programs themselves take where no file says anything: login.defs(5), pwquality.conf(5),
# faillock.conf(5).
_DEFAULTS = {
    "PASS_MAX_DAYS": "-1",
    "PASS_MIN_DAYS": "-1",
    "PASS_WARN_AGE": "-1",
    "ENCRYPT_METHOD": "DES",
    "minlen": "8",
    "minclass": "0",
    "retry": "1",
    "enforcing": "1",
    "deny": "3",
    "unlock_time": "600",
}


@dataclass(slots=True)
class _Seen:
    """Values by key, and the file each comes from."""

    values: dict[str, str] = field(default_factory=lambda: dict(_DEFAULTS))
    where: dict[str, str] = field(default_factory=dict)

    def put(self, key: str, value: str, path: str) -> None:
        self.values[key] = value
        self.where[key] = path


class PasswordPolicy:
    """The check; without readable PAM stacks the answer is unknown, whatever the files say."""

    manifest = Manifest(
        id="password_policy",
        title="Password policy",
        platforms=("linux",),
        controls=(
            "hipaa:164.308(a)(5)(ii)(D)",
            "hipaa:164.312(d)",
            "nist_800_53:AC-7",
            "nist_800_53:IA-5",
            "nist_800_53:IA-5(1)",
            "pci_dss:8.3.4",
            "pci_dss:8.3.6",
            "pci_dss:8.3.9",
            "soc2:CC6.1",
        ),
        interval_s=300,
        cpu_ms_max=500,
        timeout_s=5,
        severity=Severity.MEDIUM,
        evidence="The effective value of each judged setting, and the PAM modules that apply it.",
        remediation=(
            "Set the named keys in /etc/login.defs, /etc/security/pwquality.conf and "
            "/etc/security/faillock.conf; put pam_pwquality and pam_faillock into the PAM stacks."
        ),
    )

    def measure(self, probe: Probe) -> Finding:
        if not probe.exists(LOGIN_DEFS) and not probe.exists(pam_stack.FOLDER):
            reason = "no local password accounts: neither login.defs nor PAM is installed"
            return Finding(Outcome.NOT_APPLICABLE, reason, {"installed": False})
        password = pam_stack.read(probe, PASSWORD_SERVICES, "password")
        auth = pam_stack.read(probe, AUTH_SERVICES, "auth")
        seen = _Seen()
        _read_login_defs(probe, seen)
        _read_pwquality(probe, seen)
        _read_assignments(probe, seen, FAILLOCK, frozenset({"deny", "unlock_time"}))
        missing = _read_modules(password, auth, seen)
        failing = [rule for rule in RULES if not _accepts(rule, seen)]
        return _finding(failing, missing, seen)


def _finding(failing: list[Rule], missing: list[str], seen: _Seen) -> Finding:
    in_pam = {rule.key for rule in failing if seen.where.get(rule.key, "").startswith("/etc/pam.d")}
    facts: dict[str, Json] = {
        "failing": sorted({rule.key for rule in failing} | set(missing)),
        "failing_pam": sorted(in_pam | set(missing)),
        "settings": {
            rule.key: {
                "found": seen.values[rule.key],
                "wanted": rule.wanted,
                "where": seen.where.get(rule.key, "default"),
            }
            for rule in RULES
        },
    }
    for home in ("login_defs", "pwquality", "faillock"):
        facts[f"failing_{home}"] = sorted(
            rule.key for rule in failing if rule.home == home and rule.key not in in_pam
        )
    if not facts["failing"]:
        return Finding(Outcome.PASS, f"all {len(RULES)} password settings are safe", facts)
    grades = [rule.severity for rule in failing] + [Severity.HIGH for _ in missing]
    summary = f"unsafe: {', '.join(facts['failing'])}"
    return Finding(Outcome.FAIL, summary, facts, max(grades, key=severity.rank))


def _read_login_defs(probe: Probe, seen: _Seen) -> None:
    for _, line in probe.lines(LOGIN_DEFS):
        words = line.split()
        if len(words) >= 2 and words[0] in _DEFAULTS and words[0].isupper():
            seen.put(words[0], words[1].strip('"'), LOGIN_DEFS)


def _read_pwquality(probe: Probe, seen: _Seen) -> None:
    """Drop-ins in the order of their names, then the main file, which therefore wins."""
    keys = frozenset({"minlen", "minclass", "retry", "enforcing", *_CREDITS})
    names = [name for name in probe.listdir_if_there(PWQUALITY_FOLDER) if name.endswith(".conf")]
    for path in (*(f"{PWQUALITY_FOLDER}/{name}" for name in names), PWQUALITY):
        _read_assignments(probe, seen, path, keys)


def _read_assignments(probe: Probe, seen: _Seen, path: str, keys: frozenset[str]) -> None:
    text = probe.text_if_there(path)
    for line in [] if text is None else text.split("\n"):
        probe.tick()
        key, equals, value = line.partition("#")[0].partition("=")
        if equals and key.strip() in keys:
            seen.put(key.strip(), value.strip(), path)


def _read_modules(password: Iterable[Module], auth: Iterable[Module], seen: _Seen) -> list[str]:
    """Let the modules' arguments override the files; the names of the modules that are missing."""
    quality = [one for one in password if one.name in ("pam_pwquality.so", "pam_cracklib.so")]
    lock = [one for one in auth if one.name == "pam_faillock.so"]
    for module in quality:
        _put_arguments(module, ("minlen", "minclass", "retry", *_CREDITS), seen)
    for module in lock:
        _put_arguments(module, ("deny", "unlock_time"), seen)
    missing = [] if quality else ["pam_pwquality"]
    # It asks before the password is tried and counts afterwards; one without the other is nothing.
    works = {"preauth", "authfail"} <= {word for module in lock for word in module.arguments}
    return missing if works else [*missing, "pam_faillock"]


def _put_arguments(module: Module, keys: tuple[str, ...], seen: _Seen) -> None:
    for key in keys:
        value = module.value(key)
        if value is not None:
            seen.put(key, value, module.path)


def _accepts(rule: Rule, seen: _Seen) -> bool:
    value = seen.values[rule.key]
    if rule.key == "unlock_time" and value == "never":
        return True
    if rule.key == "ENCRYPT_METHOD":
        return rule.accepts(value)
    _integer(value, rule.key, seen)
    if rule.key == "minlen":
        # A positive credit makes a password of that many characters less long enough.
        credit = sum(max(0, _integer(seen.values.get(key, "0"), key, seen)) for key in _CREDITS)
        value = str(int(value) - credit)
    return rule.accepts(value)


def _integer(value: str, key: str, seen: _Seen) -> int:
    if not _NUMBER.fullmatch(value):
        raise Unreadable(seen.where.get(key, LOGIN_DEFS), f"{key} is not a number")
    return int(value)


CHECK = PasswordPolicy()
