"""file_sharing: whether files are shared with whoever asks, or over a broken protocol."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from wardline.agent.checks import active_lines, systemd_units
from wardline.agent.checks.probe import Probe, Unreadable
from wardline.agent.checks.protocol import Finding, Manifest
from wardline.core import severity
from wardline.core.canonical import Json
from wardline.core.evidence.bundle import Outcome
from wardline.core.severity import Severity

SMB_CONFIG = "/etc/samba/smb.conf"
SMB_UNITS = ("smbd.service", "smb.service", "samba-ad-dc.service", "samba.service")
EXPORTS = ("/etc/exports", "/etc/exports.d/*.exports")
NFS_UNITS = ("nfs-server.service", "nfs-kernel-server.service")
NAMED_MAX = 24
SHARES_MAX = 500
_YES = ("yes", "true", "1")
_NO = ("no", "false", "0")
# smb.conf(5), `server min protocol`: what stands before SMB2 has no signing worth the name.
_OLD_PROTOCOLS = ("core", "coreplus", "lanman1", "lanman2", "nt1")
_SYNONYMS = {
    "minprotocol": "serverminprotocol",
    "public": "guestok",
    "onlyguest": "guestonly",
    "writable": "writeable",
}
_EXPORT = re.compile(
    r'(?:"(?P<quoted>[^"]{1,1024})"|(?P<plain>/\S{0,1023}))(?:\s+(?P<clients>.*))?'
)
_CLIENT = re.compile(r"(?P<name>[^\s()]*)(?:\((?P<options>[^()]*)\))?")
_NAME = re.compile(r"[A-Za-z0-9 _.$/-]{1,80}")
_GRADES = {
    "old_protocol": Severity.HIGH,
    "guest": Severity.HIGH,
    "guest_writes": Severity.CRITICAL,
    "null_passwords": Severity.HIGH,
    "unsigned": Severity.MEDIUM,
    "exported_to_all": Severity.HIGH,
    "exported_to_all_writable": Severity.CRITICAL,
    "remote_root": Severity.HIGH,
}
# The setting of [global] that puts a problem right for every share.
SET_BY = {
    "old_protocol": "server min protocol",
    "null_passwords": "null passwords",
    "unsigned": "server signing",
    "guest": "map to guest",
    "guest_writes": "map to guest",
}


@dataclass(frozen=True, slots=True)
class _Problem:
    """A key of what is wrong, and the share or export it is about; empty for the server itself."""

    key: str
    share: str = ""

    @property
    def name(self) -> str:
        return f"{self.key}:{self.share}" if self.share else self.key


class FileSharing:
    """The check; what is configured counts, whether the server runs at this moment or not."""

    manifest = Manifest(
        id="file_sharing",
        title="File shares",
        platforms=("linux",),
        controls=(
            "hipaa:164.308(a)(4)(i)",
            "hipaa:164.312(a)(1)",
            "hipaa:164.312(e)(1)",
            "nist_800_53:AC-3",
            "nist_800_53:AC-14",
            "nist_800_53:CM-7",
            "pci_dss:2.2.5",
            "pci_dss:7.2.1",
            "soc2:CC6.1",
            "soc2:CC6.6",
        ),
        interval_s=300,
        cpu_ms_max=500,
        timeout_s=5,
        severity=Severity.HIGH,
        evidence="Which servers there are, how many shares, and which are open to anybody.",
        remediation=(
            "In /etc/samba/smb.conf take away `server min protocol` below SMB2 and `guest ok`; in "
            "/etc/exports name the hosts of each export and take no_root_squash away."
        ),
    )

    def measure(self, probe: Probe) -> Finding:
        samba = _is_there(probe, SMB_UNITS) and probe.exists(SMB_CONFIG)
        exports = [path for pattern in EXPORTS for path in probe.glob(pattern)]
        nfs = _is_there(probe, NFS_UNITS) and bool(exports)
        if not samba and not nfs:
            summary = "no server for files is set up: neither Samba nor NFS"
            return Finding(Outcome.NOT_APPLICABLE, summary, {"servers": []})
        shares = 0
        problems: set[_Problem] = set()
        for found in (_of_samba(probe) if samba else (), _of_nfs(probe, exports) if nfs else ()):
            for one in found:
                if isinstance(one, _Problem):
                    problems.add(one)
                else:
                    shares += one
        failing = sorted(problem.name for problem in problems)
        keys = {SET_BY[problem.key] for problem in problems if problem.key in SET_BY}
        facts: dict[str, Json] = {
            "failing": list(failing[:NAMED_MAX]),
            "failing_count": len(failing),
            "by_hand": sorted(one.name for one in problems if one.key not in SET_BY)[:NAMED_MAX],
            "for_guests": "map to guest" in keys,
            "settings": sorted(keys),
            "servers": [name for name, there in (("nfs", nfs), ("samba", samba)) if there],
            "shares": shares,
        }
        if not failing:
            return Finding(Outcome.PASS, f"{shares} shares, none of them open to anybody", facts)
        worst = max((_GRADES[one.key] for one in problems), key=severity.rank)
        summary = f"shared too freely: {', '.join(failing[:NAMED_MAX])}"
        return Finding(Outcome.FAIL, summary, facts, worst)


def _is_there(probe: Probe, units: tuple[str, ...]) -> bool:
    return any(systemd_units.is_installed(probe, unit) for unit in units)


def _of_samba(probe: Probe) -> Iterator[_Problem | int]:
    """Problems, and the number of shares. Names of parameters hold no blanks and have synonyms."""
    shares: dict[str, dict[str, str]] = {"global": {}}
    for section, key, value in _parameters(probe):
        name = "".join(key.split())
        shares.setdefault(section, {})[_SYNONYMS.get(name, name)] = value.strip().lower()
        if len(shares) > SHARES_MAX:
            raise Unreadable(SMB_CONFIG, f"more than {SHARES_MAX} shares")
    server = shares.pop("global")
    if server.get("serverminprotocol", "smb2_02") in _OLD_PROTOCOLS:
        yield _Problem("old_protocol")
    if server.get("nullpasswords", "no") in _YES:
        yield _Problem("null_passwords")
    if server.get("serversigning", "default") in ("disabled", *_NO):
        yield _Problem("unsigned")
    guests = server.get("maptoguest", "never") != "never"
    for section, values in shares.items():
        open_to_all = values.get("guestok", server.get("guestok", "no")) in _YES
        if open_to_all and guests and values.get("available", "yes") not in _NO:
            writes = values.get("writeable", "no") in _YES or values.get("readonly", "yes") in _NO
            yield _Problem("guest_writes" if writes else "guest", _label(section))
    yield len(shares)


def _parameters(probe: Probe) -> Iterator[tuple[str, str, str]]:
    section = "global"
    for number, text in active_lines.of(probe, SMB_CONFIG, "#;"):
        if text.startswith("["):
            if not text.endswith("]"):
                raise Unreadable(SMB_CONFIG, "a section without its bracket", number)
            section = text[1:-1].strip().lower()
            continue
        key, equals, value = text.partition("=")
        if equals:
            yield section, key.strip().lower(), value


def _of_nfs(probe: Probe, paths: list[str]) -> Iterator[_Problem | int]:
    """exports(5): a path, then clients with their options; no client at all is everybody."""
    for path in paths:
        text = probe.text(path).replace("\\\n", " ")
        for number, line in enumerate(text.split("\n"), 1):
            probe.tick()
            plain = line.partition("#")[0].strip()
            if not plain:
                continue
            found = _EXPORT.fullmatch(plain)
            if found is None:
                raise Unreadable(path, "is not an export", number)
            yield 1
            yield from _of_export(found["quoted"] or found["plain"], found["clients"] or "*")


def _of_export(exported: str, clients: str) -> Iterator[_Problem]:
    label, default = _label(exported), ""
    for word in clients.split()[:256]:
        if word.startswith("-"):
            default = word[1:]
            continue
        found = _CLIENT.fullmatch(word)
        if found is None:
            continue
        options = f"{default},{found['options'] or ''}".replace(" ", "").split(",")
        # Kerberos asks who somebody is, whatever host they come from.
        known = any(one.startswith("sec=krb5") for one in options)
        if found["name"] in ("", "*", "0.0.0.0/0", "::/0") and not known:
            writable = "rw" in options
            yield _Problem("exported_to_all_writable" if writable else "exported_to_all", label)
        if "no_root_squash" in options:
            yield _Problem("remote_root", label)


def _label(name: str) -> str:
    return name if _NAME.fullmatch(name) else "one with an unusual name"


CHECK = FileSharing()
