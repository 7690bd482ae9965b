"""The registry of the built-in checks, and the one way to measure: with a budget, never raising."""

import time
from collections.abc import Mapping
from types import MappingProxyType

from wardline.agent.checks import (
    account_ageing,
    antivirus,
    audit_logging,
    backup,
    backup_restore,
    core_dumps,
    database_access,
    disk_encryption,
    disk_space,
    empty_passwords,
    file_integrity,
    file_permissions,
    file_sharing,
    firewall,
    kernel_sysctl,
    listening_ports,
    log_retention,
    login_banner,
    mandatory_access_control,
    os_support,
    package_sources,
    password_policy,
    patching,
    prohibited_services,
    remote_access,
    removable_media,
    scheduled_jobs,
    session_timeout,
    ssh_config,
    ssh_keys,
    sudo_config,
    time_sync,
    tls_certificates,
    uid0_accounts,
)
from wardline.agent.checks.probe import Budget, Probe
from wardline.agent.checks.protocol import Check, Finding, Manifest
from wardline.agent.hosts.host import Kind, Reader, covers
from wardline.core import canonical, clock
from wardline.core.canonical import Json
from wardline.core.errors import WardlineError
from wardline.core.evidence.bundle import Outcome, Result

SUMMARY_CHARS_MAX = 400
FACT_CHARS_MAX = 512

_REGISTRY: Mapping[str, Check] = MappingProxyType(
    {
        check.manifest.id: check
        for check in (
            account_ageing.CHECK,
            antivirus.CHECK,
            audit_logging.CHECK,
            backup.CHECK,
            backup_restore.CHECK,
            core_dumps.CHECK,
            database_access.CHECK,
            disk_encryption.CHECK,
            disk_space.CHECK,
            empty_passwords.CHECK,
            file_integrity.CHECK,
            file_permissions.CHECK,
            file_sharing.CHECK,
            firewall.CHECK,
            kernel_sysctl.CHECK,
            listening_ports.CHECK,
            log_retention.CHECK,
            login_banner.CHECK,
            mandatory_access_control.CHECK,
            os_support.CHECK,
            package_sources.CHECK,
            password_policy.CHECK,
            patching.CHECK,
            prohibited_services.CHECK,
            remote_access.CHECK,
            removable_media.CHECK,
            scheduled_jobs.CHECK,
            session_timeout.CHECK,
            ssh_config.CHECK,
            ssh_keys.CHECK,
            sudo_config.CHECK,
            time_sync.CHECK,
            tls_certificates.CHECK,
            uid0_accounts.CHECK,
        )
    }
)


def registry() -> Mapping[str, Check]:
    """The built-in checks by id."""
    return _REGISTRY


def measure(check: Check, host: Reader, now: clock.Now) -> Result:
    """Measure `check` on `host`: whatever goes wrong becomes `unknown` with path and reason."""
    manifest = check.manifest
    measured_at = clock.parse(clock.wire(now()))
    started = time.monotonic()
    finding = _find(
        check, Probe(host, Budget(manifest.cpu_ms_max, manifest.timeout_s), measured_at)
    )
    facts = _clean(finding.facts)
    return Result(
        check=manifest.id,
        outcome=finding.outcome,
        severity=finding.severity or manifest.severity,
        summary=_text(finding.summary, SUMMARY_CHARS_MAX),
        facts=facts,
        facts_digest=canonical.digest(facts),
        measured_at=measured_at,
        duration_ms=round((time.monotonic() - started) * 1000),
        controls=manifest.controls,
    )


def _find(check: Check, probe: Probe) -> Finding:
    try:
        platform = probe.platform
        if not covers(check.manifest.platforms, platform):
            if probe.kind is Kind.TREE:
                # One that is not there says so here, as the reason.
                probe.stat("/")
            return _unknown(f"no checks for this platform yet ({platform})", "platform")
        return check.measure(probe)
    except WardlineError as error:
        return _unknown(str(error), error.code)
    except Exception as error:  # noqa: BLE001 (becomes a result that names the check)
        # A defect of one check must stop neither the others nor the loop. It is not hidden: the
        # outcome says that the check, not the host, is at fault.
        place = f"{type(error).__name__} in {check.manifest.id}"
        return _unknown(f"the check itself failed ({place}): please report this", "defect")


def _unknown(reason: str, code: str) -> Finding:
    return Finding(Outcome.UNKNOWN, reason, {"reason": reason, "reason_code": code})


def _clean(value: Json) -> Json:
    """`value` with every text made fit for the profile: host data may hold anything."""
    if isinstance(value, str):
        return _text(value, FACT_CHARS_MAX)
    if isinstance(value, Mapping):
        return {key: _clean(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_clean(item) for item in value]
    return value


def _text(text: str, chars_max: int) -> str:
    shown = "".join(char if char.isprintable() else f"\\x{ord(char):02x}" for char in text)
    return shown if len(shown) <= chars_max else f"{shown[: chars_max - 1]}…"


__all__ = ["Check", "Finding", "Manifest", "measure", "registry"]
