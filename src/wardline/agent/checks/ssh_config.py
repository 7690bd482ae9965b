"""ssh_config: whether the SSH server's effective configuration keeps strangers out."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from wardline.agent.checks import sshd_options
from wardline.agent.checks.probe import Probe, Unreadable
from wardline.agent.checks.protocol import Finding, Manifest
from wardline.agent.checks.sshd_options import MatchedOption, Option, Options
from wardline.core import severity
from wardline.core.canonical import Json
from wardline.core.evidence.bundle import Outcome
from wardline.core.severity import Severity

SERVER_PATHS = ("/usr/sbin/sshd", "/usr/bin/sshd")
MATCHED_MAX = 20
_TIME = re.compile(r"(\d{1,9})([smhdw]?)", re.IGNORECASE)
_SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}


class _Invalid(Exception):
    """A value that sshd itself would refuse."""


def _word(text: str) -> str:
    return text.lower()


def _number(text: str) -> int:
    if not text.isdecimal() or len(text) > 9:
        raise _Invalid
    return int(text)


def _seconds(text: str) -> int:
    """A time of sshd_config(5): `90`, `2m`, `1h30m`, `none`."""
    if text.lower() == "none":
        return 0
    parts = _TIME.findall(text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        raise _Invalid
    return sum(int(number) * _SECONDS[unit.lower()] for number, unit in parts)


def _algorithms(text: str) -> list[str]:
    """The algorithms that a list switches on; a leading `-` only takes away."""
    if text.startswith("-"):
        return []
    return [name.lower() for name in text.lstrip("+^").split(",")]


def _is(*values: str) -> Callable[[str], bool]:
    return lambda text: _word(text) in values


def _known(words: tuple[str, ...], good: tuple[str, ...]) -> Callable[[str], bool]:
    def accepts(text: str) -> bool:
        if _word(text) not in words:
            raise _Invalid
        return _word(text) in good

    return accepts


def _without(weak: re.Pattern[str]) -> Callable[[str], bool]:
    return lambda text: not any(weak.search(name) for name in _algorithms(text))


_FLAG = ("yes", "no")
_ROOT = ("yes", "no", "prohibit-password", "without-password", "forced-commands-only")
_RHOSTS = ("yes", "no", "shosts-only")
_LEVELS = ("quiet", "fatal", "error", "info", "verbose", "debug", "debug1", "debug2", "debug3")
_WEAK_CIPHERS = re.compile(r"cbc|^arcfour|^3des|^blowfish|^cast128|^none$")
_WEAK_MACS = re.compile(r"md5|ripemd|-96|^none$")
_WEAK_KEX = re.compile(r"group1-sha1|group14-sha1|group-exchange-sha1")


@dataclass(frozen=True, slots=True)
class Rule:
    """One option: sshd's own default, what is wanted in words, and the test of a value."""

    keyword: str
    default: str
    wanted: str
    accepts: Callable[[str], bool]
    severity: Severity


# ComplianceAsCode sshd_* rules of its HIPAA, PCI-DSS 4 and CIS Debian 12 profiles.
RULES = (
    Rule("PermitRootLogin", "prohibit-password", "no", _known(_ROOT, ("no",)), Severity.HIGH),
    Rule("PermitEmptyPasswords", "no", "no", _known(_FLAG, ("no",)), Severity.CRITICAL),
    Rule("MaxAuthTries", "6", "1 to 4", lambda text: 1 <= _number(text) <= 4, Severity.MEDIUM),
    Rule(
        "LoginGraceTime", "120", "1 to 60 s", lambda text: 1 <= _seconds(text) <= 60, Severity.LOW
    ),
    Rule(
        "ClientAliveInterval",
        "0",
        "1 to 900 s",
        lambda text: 1 <= _seconds(text) <= 900,
        Severity.LOW,
    ),
    Rule("HostbasedAuthentication", "no", "no", _known(_FLAG, ("no",)), Severity.HIGH),
    Rule("IgnoreRhosts", "yes", "yes", _known(_RHOSTS, ("yes",)), Severity.MEDIUM),
    Rule("PermitUserEnvironment", "no", "no", _is("no"), Severity.MEDIUM),
    Rule("StrictModes", "yes", "yes", _known(_FLAG, ("yes",)), Severity.MEDIUM),
    Rule("X11Forwarding", "no", "no", _known(_FLAG, ("no",)), Severity.LOW),
    Rule("LogLevel", "INFO", "INFO or VERBOSE", _known(_LEVELS, _LEVELS[3:]), Severity.MEDIUM),
    Rule("Protocol", "2", "2", _is("2"), Severity.CRITICAL),
    Rule("Ciphers", "built in", "no weak cipher", _without(_WEAK_CIPHERS), Severity.HIGH),
    Rule("MACs", "built in", "no weak MAC", _without(_WEAK_MACS), Severity.HIGH),
    Rule("KexAlgorithms", "built in", "no SHA-1 exchange", _without(_WEAK_KEX), Severity.HIGH),
)
_BY_KEYWORD = {rule.keyword.lower(): rule for rule in RULES}


class SshConfig:
    """The check; what sshd computes for a connection that no Match block fits, and for the rest."""

    manifest = Manifest(
        id="ssh_config",
        title="SSH server configuration",
        platforms=("linux",),
        controls=(
            "hipaa:164.312(a)(1)",
            "hipaa:164.312(d)",
            "hipaa:164.312(e)(1)",
            "nist_800_53:AC-17(2)",
            "nist_800_53:AC-6(2)",
            "nist_800_53:CM-6",
            "pci_dss:2.2.6",
            "soc2:CC6.1",
            "soc2:CC6.6",
        ),
        interval_s=300,
        cpu_ms_max=500,
        timeout_s=5,
        severity=Severity.HIGH,
        evidence="The effective value of each judged option and the line it comes from.",
        remediation=(
            "Set the named options in /etc/ssh/sshd_config before any other setting, prove the "
            "file with `sshd -t`, then reload the server. Review Match blocks by hand."
        ),
    )

    def measure(self, probe: Probe) -> Finding:
        if not probe.exists(sshd_options.CONFIG_PATH):
            return _without_config(probe)
        options = sshd_options.read(probe)
        failing = _judge_default(options)
        loosened = _judge_matched(options)
        facts = _facts(options, failing, loosened)
        keys = facts["failing"]
        if not keys:
            return Finding(Outcome.PASS, f"all {len(RULES)} judged options are safe", facts)
        worst = max(
            [rule.severity for rule in failing] + [rule.severity for rule, _ in loosened],
            key=severity.rank,
        )
        return Finding(Outcome.FAIL, f"unsafe: {', '.join(keys)}", facts, worst)


def _without_config(probe: Probe) -> Finding:
    if any(probe.exists(path) for path in SERVER_PATHS):
        reason = f"an SSH server is installed, but {sshd_options.CONFIG_PATH} does not exist"
        return Finding(Outcome.UNKNOWN, reason, {"reason": reason})
    return Finding(Outcome.NOT_APPLICABLE, "no SSH server is installed", {"installed": False})


def _judge_default(options: Options) -> list[Rule]:
    return [rule for rule in RULES if not _safe(rule, options)]


def _safe(rule: Rule, options: Options) -> bool:
    """Whether what holds by default passes; `built in` lists are those OpenSSH ships as strong."""
    option = options.default.get(rule.keyword.lower())
    if option is not None:
        return _accepts(rule, option)
    return rule.default == "built in" or rule.accepts(rule.default)


def _judge_matched(options: Options) -> list[tuple[Rule, MatchedOption]]:
    found = []
    for one in options.matched:
        rule = _BY_KEYWORD.get(one.keyword)
        if rule is not None and not _accepts(rule, one.option):
            found.append((rule, one))
    return found


def _accepts(rule: Rule, option: Option) -> bool:
    try:
        return rule.accepts(option.words[0])
    except _Invalid:
        raise Unreadable(
            option.path, f"{rule.keyword} has a value that sshd would refuse", option.line
        ) from None


def _facts(
    options: Options, failing: list[Rule], loosened: list[tuple[Rule, MatchedOption]]
) -> dict[str, Json]:
    matched = {f"match.{rule.keyword}" for rule, _ in loosened}
    return {
        "failing": sorted({rule.keyword for rule in failing} | matched),
        "failing_default": sorted(rule.keyword for rule in failing),
        "effective": {rule.keyword: _shown(options, rule) for rule in RULES},
        "password_authentication": _shown_flag(options, "passwordauthentication"),
        "loosened_by_match": [
            {
                "match": one.criteria,
                "keyword": rule.keyword,
                "found": one.option.text,
                "where": one.option.where,
            }
            for rule, one in loosened[:MATCHED_MAX]
        ],
    }


def _shown(options: Options, rule: Rule) -> dict[str, Json]:
    option = options.default.get(rule.keyword.lower())
    if option is None:
        return {"found": rule.default, "where": "default", "wanted": rule.wanted}
    return {"found": option.words[0], "where": option.where, "wanted": rule.wanted}


def _shown_flag(options: Options, keyword: str) -> bool:
    option = options.default.get(keyword)
    return option is None or option.words[0].lower() == "yes"


CHECK = SshConfig()
