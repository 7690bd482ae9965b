"""database_access: whether a database server of the host lets anybody in without a password."""

from wardline.agent.checks import database_servers
from wardline.agent.checks.probe import Probe
from wardline.agent.checks.protocol import Finding, Manifest
from wardline.core import severity
from wardline.core.canonical import Json
from wardline.core.evidence.bundle import Outcome
from wardline.core.severity import Severity

NAMED_MAX = 24
_GRADES = {
    "no_password_over_network": Severity.CRITICAL,
    "weak_method_over_network": Severity.HIGH,
    "no_password_on_host": Severity.MEDIUM,
}


class DatabaseAccess:
    """The check. It reads how the servers ask, never what they hold, and keeps no password."""

    manifest = Manifest(
        id="database_access",
        title="Logins of database servers",
        platforms=("linux",),
        controls=(
            "hipaa:164.312(a)(1)",
            "hipaa:164.312(d)",
            "hipaa:164.312(e)(2)(ii)",
            "nist_800_53:AC-3",
            "nist_800_53:AC-14",
            "nist_800_53:IA-2",
            "pci_dss:7.2.6",
            "pci_dss:8.3.1",
            "soc2:CC6.1",
        ),
        interval_s=300,
        cpu_ms_max=500,
        timeout_s=5,
        severity=Severity.HIGH,
        evidence="Which servers are configured, and the file and line that lets people in unasked.",
        remediation=(
            "Use scram-sha-256 in the named lines of pg_hba.conf and hostssl for other hosts; "
            "remove skip-grant-tables; set requirepass (Redis), authorization: enabled (MongoDB); "
            "then reload the server."
        ),
    )

    def measure(self, probe: Probe) -> Finding:
        servers, found = database_servers.find(probe)
        if not servers:
            return Finding(
                Outcome.NOT_APPLICABLE, "no database server is configured here", {"servers": []}
            )
        failing = sorted({f"{one.server}:{one.key}" for one in found})
        facts: dict[str, Json] = {
            "failing": list(failing),
            "servers": list(servers),
            "places": sorted({f"{one.where} {one.key}" for one in found})[:NAMED_MAX],
            "place_count": len(found),
        }
        if not failing:
            return Finding(Outcome.PASS, f"who connects is asked: {', '.join(servers)}", facts)
        worst = max((_GRADES[one.key] for one in found), key=severity.rank)
        return Finding(Outcome.FAIL, f"let in unasked: {', '.join(failing)}", facts, worst)


CHECK = DatabaseAccess()
