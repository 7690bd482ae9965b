"""sudo_config: whether becoming root asks for a password, is recorded, and soon asks again."""

import re

from wardline.agent.checks import sudo_rules
from wardline.agent.checks.probe import Probe
from wardline.agent.checks.protocol import Finding, Manifest
from wardline.agent.checks.sudo_rules import Rule, Sudoers
from wardline.core import severity
from wardline.core.canonical import Json
from wardline.core.evidence.bundle import Outcome
from wardline.core.severity import Severity

PROGRAMS = ("/usr/bin/sudo", "/bin/sudo", "/usr/local/bin/sudo")
NAMED_MAX = 32
MINUTES_MAX = 15
_WHO = re.compile(r"[%+]?[A-Za-z0-9_.:\\@$-]{1,64}")
# ComplianceAsCode sudo_* rules of its CIS Debian 12 and PCI-DSS 4 profiles.
_SETTINGS = {
    "!authenticate": ("no_authentication", Severity.HIGH),
    "visiblepw": ("visible_password", Severity.MEDIUM),
    "!env_reset": ("environment_kept", Severity.MEDIUM),
    "!syslog": ("not_logged", Severity.MEDIUM),
}
# The settings that one more line, read after all others, puts right.
SET_BY = {"no_pty": "use_pty", "asks_again_late": "timestamp_timeout"}
DROP_INS = "/etc/sudoers.d"


class SudoConfig:
    """The check; a file that sudo itself would refuse is unknown with path and line."""

    manifest = Manifest(
        id="sudo_config",
        title="Rules for becoming root",
        platforms=("linux",),
        controls=(
            "hipaa:164.308(a)(4)(i)",
            "hipaa:164.312(a)(1)",
            "hipaa:164.312(d)",
            "nist_800_53:AC-6",
            "nist_800_53:AC-6(2)",
            "nist_800_53:IA-11",
            "pci_dss:7.2.1",
            "pci_dss:10.2.1.2",
            "soc2:CC6.1",
            "soc2:CC6.3",
        ),
        interval_s=300,
        cpu_ms_max=500,
        timeout_s=5,
        severity=Severity.MEDIUM,
        evidence="Who becomes root without a password, by which line, and the settings at fault.",
        remediation=(
            "Take NOPASSWD and !authenticate out of the named lines with `visudo`, which proves "
            "the file; set use_pty and a timestamp_timeout of at most 15 minutes."
        ),
    )

    def measure(self, probe: Probe) -> Finding:
        if not probe.exists(sudo_rules.PATH):
            if any(probe.exists(path) for path in PROGRAMS):
                reason = f"sudo is installed, but {sudo_rules.PATH} does not exist"
                return Finding(Outcome.UNKNOWN, reason, {"reason": reason})
            return Finding(Outcome.NOT_APPLICABLE, "sudo is not installed", {"installed": False})
        found = sudo_rules.read(probe)
        problems = _of_settings(found) | _of_rules(found)
        facts: dict[str, Json] = {
            "failing": sorted(problems)[:NAMED_MAX],
            "rules": len(found.rules),
            "by_hand": sorted(_by_hand(found, problems))[:NAMED_MAX],
            "settings": sorted(SET_BY[key] for key in problems if key in SET_BY),
            "unasked": [
                {"who": _label(one), "where": one.where, "everything": "ALL" in one.unasked}
                for one in found.rules
                if one.unasked and one.who != "root"
            ][:NAMED_MAX],
            "failing_count": len(problems),
        }
        if not problems:
            return Finding(
                Outcome.PASS, "becoming root asks for a password, and is recorded", facts
            )
        worst = max(problems.values(), key=severity.rank)
        summary = f"too easy to become root: {', '.join(sorted(problems)[:NAMED_MAX])}"
        return Finding(Outcome.FAIL, summary, facts, worst)


def _of_settings(found: Sudoers) -> dict[str, Severity]:
    words = {"".join(one.split()) for one in found.settings}
    problems = {key: grade for word, (key, grade) in _SETTINGS.items() if word in words}
    if any(one.startswith("logfile=") for one in words):
        problems.pop("not_logged", None)
    if "use_pty" not in words or "!use_pty" in words:
        problems["no_pty"] = Severity.LOW
    if not all(_is_short(one) for one in _timeouts(found)):
        problems["asks_again_late"] = Severity.MEDIUM
    return problems


def _timeouts(found: Sudoers) -> list[str]:
    """Those in force: of the lines for everybody the last, and each that is for somebody."""
    every, scoped = (
        [
            one
            for word in words
            if (one := "".join(word.split())).startswith(
                ("timestamp_timeout=", "!timestamp_timeout")
            )
        ]
        for words in (found.settings, found.scoped)
    )
    return [*scoped, *every[-1:]]


def _by_hand(found: Sudoers, problems: dict[str, Severity]) -> set[str]:
    """What no further line puts right: rules, settings that are negated, or only for somebody."""
    left = set(problems) - set(SET_BY)
    words = {"".join(one.split()) for one in found.settings}
    if "no_pty" in problems and "!use_pty" in words:
        left.add("no_pty")
    scoped = Sudoers(settings=found.scoped, scoped=found.scoped)
    if not all(_is_short(one) for one in _timeouts(scoped)):
        left.add("asks_again_late")
    if DROP_INS not in found.folders:
        left |= set(problems)
    return left


def _is_short(setting: str) -> bool:
    """Minutes with a fraction; negative is for ever, `!` is 0."""
    if setting.startswith("!"):
        return True
    text = setting.partition("=")[2].strip("\"'")
    if not re.fullmatch(r"-?\d{1,9}(\.\d{0,9})?", text):
        return False
    return 0 <= float(text) <= MINUTES_MAX


def _of_rules(found: Sudoers) -> dict[str, Severity]:
    problems: dict[str, Severity] = {}
    # openSUSE lets everybody run everything, and asks for root's password for it.
    by_root = bool({"targetpw", "rootpw"}.intersection(found.settings))
    for one in found.rules:
        label = _label(one)
        if one.unasked and one.who != "root":
            grade = Severity.HIGH if "ALL" in one.unasked else Severity.LOW
            key = f"unasked:{label}"
            problems[key] = max(problems.get(key, grade), grade, key=severity.rank)
        if one.everything and one.who == "ALL" and not by_root:
            problems["everybody"] = Severity.CRITICAL
    return problems


def _label(rule: Rule) -> str:
    """Who a rule is for; what is no name of a user or group is named by its line."""
    names = rule.who.strip('"').split(",")
    shown = [name for name in names if _WHO.fullmatch(name)]
    return ",".join(shown[:4]) if shown and len(shown) == len(names) else rule.where


CHECK = SudoConfig()
