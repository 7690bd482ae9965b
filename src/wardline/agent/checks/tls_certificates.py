"""tls_certificates: whether the certificates that a host's services use are in date and strong."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from wardline.agent.checks import certificate_paths, x509
from wardline.agent.checks.certificate_paths import PATHS_MAX
from wardline.agent.checks.probe import Probe, Unreadable
from wardline.agent.checks.protocol import Finding, Manifest
from wardline.agent.checks.x509 import Certificate, NotACertificate
from wardline.agent.hosts.host import HostError
from wardline.core import severity
from wardline.core.canonical import Json
from wardline.core.evidence.bundle import Outcome
from wardline.core.severity import Severity

EXPIRING_DAYS = 14
# The days that are left fall from one band into the next: facts that change daily say nothing new.
BANDS_DAYS = (1, 3, 7, EXPIRING_DAYS)
RSA_BITS_MIN = 2048
CURVE_BITS_MIN = 224
NAMED_MAX = 32
_BROKEN_DIGESTS = ("MD2", "MD5", "SHA-1")
_GRADES = {
    "expired": Severity.HIGH,
    "not_yet_valid": Severity.HIGH,
    "weak_key": Severity.HIGH,
    "expiring": Severity.MEDIUM,
    "weak_signature": Severity.MEDIUM,
}


@dataclass(slots=True)
class _Judged:
    """What was found of all certificates; `unread` are paths with their reasons."""

    problems: list[tuple[str, str, str]]
    unread: list[str]


class TlsCertificates:
    """The check; a certificate that cannot be read is unknown, unless another one surely fails."""

    manifest = Manifest(
        id="tls_certificates",
        title="Certificates of TLS services",
        platforms=("linux",),
        controls=(
            "hipaa:164.312(e)(1)",
            "hipaa:164.312(e)(2)(ii)",
            "nist_800_53:SC-8(1)",
            "nist_800_53:SC-12",
            "nist_800_53:SC-17",
            "pci_dss:4.2.1",
            "pci_dss:4.2.1.1",
            "soc2:CC6.7",
        ),
        interval_s=3600,
        cpu_ms_max=1500,
        timeout_s=10,
        severity=Severity.HIGH,
        evidence="Path, end of validity, key and digest of each certificate with a problem.",
        remediation=(
            "Renew the named certificates with a key of at least 2048 bits RSA or 256 bits EC and "
            "a SHA-2 signature, and reload the services that use them."
        ),
    )

    def measure(self, probe: Probe) -> Finding:
        uses = certificate_paths.find(probe)
        services = sorted({use.service for use in uses})
        paths = list(dict.fromkeys(use.path for use in uses))
        if not paths:
            return Finding(
                Outcome.NOT_APPLICABLE, "no service here uses a certificate", {"services": []}
            )
        judged = _judge_all(probe, paths)
        failing = sorted({problem for _, problem, _ in judged.problems})
        facts = _facts(judged, failing, services, len(paths))
        if failing:
            worst = max((_GRADES[problem] for problem in failing), key=severity.rank)
            named = sorted({f"{path} ({problem})" for path, problem, _ in judged.problems})
            return Finding(Outcome.FAIL, f"certificates: {', '.join(named)}", facts, worst)
        if judged.unread:
            reason = f"not read: {'; '.join(judged.unread)}"
            return Finding(Outcome.UNKNOWN, reason, {**facts, "reason": reason})
        return Finding(Outcome.PASS, f"{len(paths)} certificates are in date and strong", facts)


def _judge_all(probe: Probe, paths: list[str]) -> _Judged:
    judged = _Judged([], [])
    for path in paths[:PATHS_MAX]:
        try:
            chain = x509.chain(probe.text(path, x509.PEM_BYTES_MAX))
        except NotACertificate as error:
            judged.unread.append(f"{path}: {error}")
        except (HostError, Unreadable) as error:
            judged.unread.append(str(error))
        else:
            for number, one in enumerate(chain):
                judged.problems += [
                    (path, problem, said) for problem, said in _judge(one, number == 0, probe.now)
                ]
    if len(paths) > PATHS_MAX:
        judged.unread.append(f"more than {PATHS_MAX} certificates are in use; the rest")
    return judged


def _judge(one: Certificate, is_own: bool, now: datetime) -> list[tuple[str, str]]:
    """Problems of one certificate of a chain, each with what was found."""
    found = []
    if one.not_after <= now:
        found.append(("expired", f"ended {one.not_after:%Y-%m-%d}"))
    elif one.not_after <= now + timedelta(days=EXPIRING_DAYS):
        band = next(days for days in BANDS_DAYS if one.not_after <= now + timedelta(days=days))
        found.append(("expiring", f"ends {one.not_after:%Y-%m-%d}, within {band} days"))
    if one.not_before > now:
        found.append(("not_yet_valid", f"begins {one.not_before:%Y-%m-%d}"))
    least = CURVE_BITS_MIN if one.key == "EC" else RSA_BITS_MIN
    if one.key == "DSA" or (one.key in ("RSA", "EC") and one.bits < least):
        found.append(("weak_key", f"{one.key} {one.bits} bits" if one.bits else one.key))
    # Nobody checks the signature of a root on itself.
    if one.digest in _BROKEN_DIGESTS and (is_own or not one.self_issued):
        found.append(("weak_signature", f"signed with {one.digest}"))
    return found


def _facts(judged: _Judged, failing: list[str], services: list[str], count: int) -> dict[str, Json]:
    return {
        "failing": list(failing),
        "services": list(services),
        "certificates": count,
        "problems": [
            {"path": path, "problem": problem, "found": said}
            for path, problem, said in judged.problems[:NAMED_MAX]
        ],
        "problem_count": len(judged.problems),
        "unread": list(judged.unread[:NAMED_MAX]),
    }


CHECK = TlsCertificates()
