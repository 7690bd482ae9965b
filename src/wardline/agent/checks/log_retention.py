"""log_retention: whether the logs of who came in and what was done are kept long enough here."""

import re

from wardline.agent.checks import log_forwarding, logrotate_rules, systemd_settings
from wardline.agent.checks.logrotate_rules import Block
from wardline.agent.checks.probe import Probe, Unreadable
from wardline.agent.checks.protocol import Finding, Manifest
from wardline.agent.hosts.units import FOLDERS
from wardline.core.canonical import Json
from wardline.core.evidence.bundle import Outcome
from wardline.core.severity import Severity

# PCI DSS 4 10.5.1: three months at hand; the year that it wants in all may lie elsewhere.
DAYS_MIN = 90
LOGS = (
    "/var/log/auth.log",
    "/var/log/secure",
    "/var/log/syslog",
    "/var/log/messages",
    "/var/log/wtmp",
    "/var/log/btmp",
)
JOURNALD = "systemd-journald.service"
# systemd.time(7), as far as MaxRetentionSec needs it.
_SPAN = re.compile(
    r"(\d{1,9})\s*(s|sec|seconds?|min|minutes?|m|h|hours?|d|days?|w|weeks?|months?|M|y|years?)?"
    r"(?:\s|$)"
)
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800, "M": 2629800, "y": 31557600}


class LogRetention:
    """The check. Only what is turned over by time is judged; whether the disk is large enough is a
    matter of `disk_space`. Logs that are forwarded are kept where they go, and are noted."""

    manifest = Manifest(
        id="log_retention",
        title="How long logs are kept",
        platforms=("linux",),
        controls=(
            "hipaa:164.308(a)(1)(ii)(D)",
            "hipaa:164.312(b)",
            "hipaa:164.316(b)(2)(i)",
            "nist_800_53:AU-4",
            "nist_800_53:AU-11",
            "pci_dss:10.5.1",
            "soc2:CC7.2",
            "soc2:CC7.3",
        ),
        interval_s=3600,
        cpu_ms_max=500,
        timeout_s=5,
        severity=Severity.MEDIUM,
        evidence="The days that logrotate keeps of each log, and those of the journal.",
        remediation=(
            f"Let logrotate keep at least {DAYS_MIN} days of the named logs (`weekly` and `rotate "
            "13`), raise MaxRetentionSec in /etc/systemd/journald.conf, or forward the logs."
        ),
    )

    def measure(self, probe: Probe) -> Finding:
        rotates = probe.exists(logrotate_rules.PATH)
        journal = any(probe.exists(f"{folder}/{JOURNALD}") for folder in FOLDERS)
        if not rotates and not journal:
            reason = "nothing turns logs over: neither logrotate nor journald is installed"
            return Finding(Outcome.NOT_APPLICABLE, reason, {"installed": False})
        blocks = _blocks(logrotate_rules.read(probe)) if rotates else {}
        days = {log: block.kept.days for log, block in blocks.items()}
        journal_days = _journal(probe) if journal else None
        failing = sorted(f"kept_too_short:{log}" for log, kept in days.items() if kept < DAYS_MIN)
        if journal_days is not None and journal_days < DAYS_MIN:
            failing.append("journal_kept_too_short")
        forwarding = log_forwarding.read(probe)
        facts: dict[str, Json] = {
            "failing": list(failing),
            "days": {log.rpartition("/")[2]: kept for log, kept in sorted(days.items())},
            "files": sorted({one.path for one in blocks.values() if one.kept.days < DAYS_MIN}),
            "journal_days": journal_days,
            "journal_keys": ["MaxRetentionSec"] if "journal_kept_too_short" in failing else [],
            "forwarding": forwarding,
        }
        if not failing:
            return Finding(Outcome.PASS, f"logs are kept for {DAYS_MIN} days or more", facts)
        grade = Severity.LOW if forwarding["to"] else Severity.MEDIUM
        summary = f"kept for less than {DAYS_MIN} days: {', '.join(failing)}"
        return Finding(Outcome.FAIL, summary, facts, grade)


def _blocks(blocks: list[Block]) -> dict[str, Block]:
    """The block of each log that some block names; of two the first counts, as for logrotate."""
    found = {}
    for log in LOGS:
        block = next((one for one in blocks if one.covers(log)), None)
        if block is not None:
            found[log] = block
    return found


def _journal(probe: Probe) -> int | None:
    """Days that MaxRetentionSec leaves of the journal, None where time ends nothing."""
    values = systemd_settings.read(probe, "journald.conf", "Journal")
    text = systemd_settings.last(values, "MaxRetentionSec", "0")
    parts = list(_SPAN.finditer(text))
    if not parts or "".join(one[0] for one in parts) != text:
        raise Unreadable("journald.conf", "MaxRetentionSec is not a time span")
    seconds = sum(int(one[1]) * _SECONDS[_unit(one[2] or "s")] for one in parts)
    return seconds // 86400 if seconds else None


def _unit(text: str) -> str:
    return "M" if text.startswith(("month", "M")) else text[0]


CHECK = LogRetention()
