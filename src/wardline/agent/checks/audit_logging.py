"""audit_logging: whether what people do on the host is recorded, and the record is kept."""

from dataclasses import dataclass, field

from wardline.agent.checks import audit_rules, log_forwarding, systemd_settings, systemd_units
from wardline.agent.checks.audit_rules import Rules
from wardline.agent.checks.probe import NoAnswer, Probe, Unreadable
from wardline.agent.checks.protocol import Finding, Manifest
from wardline.agent.hosts import queries
from wardline.agent.hosts.host import HostError, Kind
from wardline.core import severity
from wardline.core.canonical import Json
from wardline.core.evidence.bundle import Outcome
from wardline.core.severity import Severity

AUDITD = "auditd.service"
AUDITD_CONF = "/etc/audit/auditd.conf"
JOURNALD = "systemd-journald.service"
JOURNAL_FOLDER = "/var/log/journal"
# auditd.conf(5): the others stop recording, or never stop the file from growing.
KEPT_ACTIONS = ("rotate", "keep_logs", "syslog", "exec")
_GRADES = {
    "nothing_recorded": Severity.HIGH,
    "auditd_not_enabled": Severity.HIGH,
    "auditd_not_running": Severity.HIGH,
    "kernel_audit_disabled": Severity.HIGH,
    "rules_silenced": Severity.HIGH,
    "no_rules": Severity.HIGH,
    "log_not_written": Severity.HIGH,
    "local_events_dropped": Severity.HIGH,
    "max_log_file_action": Severity.MEDIUM,
}


@dataclass(slots=True)
class _Seen:
    """What was found of auditd; `rules` is None where `unknown` says why they were not read."""

    failing: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    rules: Rules | None = None
    read_from: str = "files"
    lost: bool = False


class AuditLogging:
    """The check; where auditd is not installed, a journal on disk is the weaker form."""

    manifest = Manifest(
        id="audit_logging",
        title="Audit logging",
        platforms=("linux",),
        controls=(
            "hipaa:164.308(a)(1)(ii)(D)",
            "hipaa:164.308(a)(5)(ii)(C)",
            "hipaa:164.312(b)",
            "nist_800_53:AU-2",
            "nist_800_53:AU-5",
            "nist_800_53:AU-12",
            "pci_dss:10.2.1",
            "pci_dss:10.2.2",
            "soc2:CC7.2",
        ),
        interval_s=300,
        cpu_ms_max=500,
        timeout_s=10,
        severity=Severity.HIGH,
        evidence=(
            "What records (auditd or the journal), the rules in force and what they leave out, "
            "and where logs are forwarded to."
        ),
        remediation=(
            "Install and enable auditd, put rules that watch the account files and sudoers into "
            "/etc/audit/rules.d, load them with `augenrules --load`, and keep write_logs and "
            "local_events on in /etc/audit/auditd.conf."
        ),
    )

    def measure(self, probe: Probe) -> Finding:
        unit = systemd_units.look(probe, AUDITD)
        forwarding = log_forwarding.read(probe)
        if not unit.installed and not unit.masked:
            return _of_journal(probe, forwarding)
        seen = _Seen()
        if not unit.enabled or unit.masked:
            seen.failing.append("auditd_not_enabled")
        if unit.active is False:
            seen.failing.append("auditd_not_running")
        read_rules = _read_files if probe.kind is Kind.TREE else _ask_kernel
        for read in (_read_config, read_rules):
            try:
                read(probe, seen)
            except (HostError, Unreadable, NoAnswer) as error:
                seen.unknown.append(str(error))
        return _finding(seen, forwarding)


def _of_journal(probe: Probe, forwarding: dict[str, Json]) -> Finding:
    """journald.conf(5): `auto`, the default, keeps the journal on disk where its folder exists."""
    unit = systemd_units.look(probe, JOURNALD)
    values = systemd_settings.read(probe, "journald.conf", "Journal")
    storage = systemd_settings.last(values, "Storage", "auto").lower()
    kept = storage == "persistent" or (storage == "auto" and probe.exists(JOURNAL_FOLDER))
    facts: dict[str, Json] = {
        "failing": [],
        "recorded_by": "journald" if kept else "",
        "journal_storage": storage,
        "forwarding": forwarding,
    }
    runs = unit.installed and unit.active is not False
    if not runs or not kept:
        why = f"Storage={storage} keeps no journal on disk" if runs else "nor does journald run"
        summary = f"nothing records: auditd is not installed, {why}"
        wrong: dict[str, Json] = {"failing": ["nothing_recorded"], "by_hand": ["nothing_recorded"]}
        return Finding(Outcome.FAIL, summary, {**facts, **wrong})
    if probe.kind is not Kind.TREE and unit.active is None:
        reason = f"auditd is not installed, and whether {JOURNALD} runs cannot be asked"
        return Finding(Outcome.UNKNOWN, reason, {**facts, "reason": reason})
    summary = "the journal is kept on disk: the weaker form, auditd is not installed"
    return Finding(Outcome.PASS, summary, facts)


def _read_config(probe: Probe, seen: _Seen) -> None:
    """auditd.conf(5); what it does not set is on, and a full file is rotated."""
    values = {}
    for _, line in probe.lines(AUDITD_CONF):
        key, equals, value = line.partition("=")
        if equals and not key.lstrip().startswith("#"):
            values[key.strip().lower()] = value.strip().lower()
    if values.get("write_logs", "yes") == "no" or values.get("log_format") == "nolog":
        seen.failing.append("log_not_written")
    if values.get("local_events", "yes") == "no":
        seen.failing.append("local_events_dropped")
    action = values.get("max_log_file_action", "rotate").split()[:1]
    if not action or action[0] not in KEPT_ACTIONS:
        seen.failing.append("max_log_file_action")


def _read_files(probe: Probe, seen: _Seen) -> None:
    _judge_rules(audit_rules.read_files(probe), seen)


def _ask_kernel(probe: Probe, seen: _Seen) -> None:
    """The rules in force and the state of the kernel's audit; files say neither on a live host."""
    seen.read_from = "kernel"
    told = probe.ask(queries.AUDIT_STATUS).splitlines()
    status = dict(line.strip().partition(" ")[::2] for line in told)
    if "enabled" not in status or "pid" not in status:
        raise NoAnswer("auditctl: does not say whether the kernel's audit is enabled")
    if status["enabled"].strip() == "0":
        seen.failing.append("kernel_audit_disabled")
    if status["pid"].strip() == "0":
        seen.failing.append("auditd_not_running")
    seen.lost = status.get("lost", "0").strip() != "0"
    _judge_rules(audit_rules.read_loaded(probe.ask(queries.AUDIT_RULES).splitlines()), seen)


def _judge_rules(rules: Rules, seen: _Seen) -> None:
    seen.rules = rules
    if rules.disabled:
        seen.failing.append("kernel_audit_disabled")
    if rules.silenced:
        seen.failing.append("rules_silenced")
    if not rules.count:
        seen.failing.append("no_rules")
    else:
        seen.failing += [f"unwatched:{path}" for path in rules.unwatched]


def _finding(seen: _Seen, forwarding: dict[str, Json]) -> Finding:
    failing = sorted(set(seen.failing))
    rules = seen.rules or Rules()
    facts: dict[str, Json] = {
        "failing": failing,
        "by_hand": [key for key in failing if _is_by_hand(key, seen)],
        "recorded_by": "auditd",
        "read_from": seen.read_from,
        "rules": rules.count,
        "rules_known": seen.rules is not None,
        "unknown_because": "; ".join(seen.unknown),
        "lost_events": seen.lost,
        "forwarding": forwarding,
    }
    if failing:
        worst = max((_GRADES.get(key, Severity.MEDIUM) for key in failing), key=severity.rank)
        summary = f"not recorded as it should be: {', '.join(failing)}"
        return Finding(Outcome.FAIL, summary, facts, worst)
    if seen.unknown:
        reason = "; ".join(seen.unknown)
        return Finding(Outcome.UNKNOWN, reason, {**facts, "reason": reason})
    return Finding(Outcome.PASS, f"auditd records by {rules.count} rules", facts)


def _is_by_hand(key: str, seen: _Seen) -> bool:
    """What no added rule, setting or start of auditd puts right; a start enables the kernel's."""
    if key == "kernel_audit_disabled":
        return seen.read_from == "files" or "auditd_not_running" not in seen.failing
    return key == "rules_silenced"


CHECK = AuditLogging()
