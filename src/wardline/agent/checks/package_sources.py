"""package_sources: whether packages come from signed archives only, and who vouches for each."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from wardline.agent.checks import active_lines, apt_settings
from wardline.agent.checks.probe import Probe, Unreadable
from wardline.agent.checks.protocol import Finding, Manifest
from wardline.core import severity
from wardline.core.canonical import Json
from wardline.core.evidence.bundle import Outcome
from wardline.core.severity import Severity

APT_MARK = "/var/lib/dpkg/status"
APT_LINES = ("/etc/apt/sources.list", "/etc/apt/sources.list.d/*.list")
APT_BLOCKS = "/etc/apt/sources.list.d/*.sources"
DNF_MAIN = ("/etc/dnf/dnf.conf", "/etc/yum.conf")
DNF_REPOS = "/etc/yum.repos.d/*.repo"
NAMED_MAX = 24
SOURCES_MAX = 1000
# The archives of the makers themselves: their keys come with the system.
_OWN = re.compile(
    r"(?:.+\.)?(?:debian\.org|ubuntu\.com|raspberrypi\.(?:com|org)|raspbian\.org|linuxmint\.com)"
)
_LINE = re.compile(
    r"(?:deb|deb-src)\s+(?:\[(?P<options>[^\]]*)\]\s*)?(?P<address>[^\s\[]\S*)\s+\S.*"
)
_HOST = re.compile(
    r"[a-z0-9+-]{1,40}://(?:[^/@\s]{0,200}@)?(?P<host>[A-Za-z0-9.-]{1,253})(?::\d{1,5})?(?:/.*)?"
)
_FIELD = re.compile(r"(?P<key>[A-Za-z-]{1,40}):\s*(?P<value>.*)")
_NO = ("0", "no", "false", "off")
_GRADES = {
    "unsigned": Severity.HIGH,
    "unverified": Severity.HIGH,
    "insecure_allowed": Severity.HIGH,
    "any_key": Severity.LOW,
    "tls_unverified": Severity.MEDIUM,
}
_APT_SWITCHES = (
    "apt::get::allowunauthenticated",
    "acquire::allowinsecurerepositories",
    "acquire::allowweakrepositories",
)


@dataclass(slots=True)
class _Seen:
    """Problems as (host of the archive or name of the repository, key), and how many there are."""

    problems: set[tuple[str, str]] = field(default_factory=set)
    sources: int = 0

    def count(self, path: str) -> None:
        self.sources += 1
        if self.sources > SOURCES_MAX:
            raise Unreadable(path, f"more than {SOURCES_MAX} sources on this host")


class PackageSources:
    """The check; of an address only its host is kept, for the rest may hold a password."""

    manifest = Manifest(
        id="package_sources",
        title="Where software comes from",
        platforms=("linux",),
        controls=(
            "hipaa:164.308(a)(5)(ii)(B)",
            "hipaa:164.312(c)(1)",
            "nist_800_53:CM-5(6)",
            "nist_800_53:CM-14",
            "nist_800_53:SI-7",
            "nist_800_53:SR-11",
            "pci_dss:6.3.2",
            "soc2:CC6.8",
            "soc2:CC8.1",
        ),
        interval_s=3600,
        cpu_ms_max=500,
        timeout_s=5,
        severity=Severity.HIGH,
        evidence="How many archives are in use, and the hosts or names of those at fault.",
        remediation=(
            "Take trusted=yes, allow-insecure=yes and AllowUnauthenticated away, set gpgcheck=1, "
            "and give each foreign archive its own key (`signed-by=`, `gpgkey=`)."
        ),
    )

    def measure(self, probe: Probe) -> Finding:
        repositories = probe.glob(DNF_REPOS)
        has_apt = probe.exists(APT_MARK)
        if not has_apt and not repositories:
            reason = "only apt and dnf are understood, and neither has any source here"
            return Finding(Outcome.UNKNOWN, reason, {"reason": reason})
        seen = _Seen()
        if has_apt:
            _of_apt(probe, seen)
        if repositories:
            _of_dnf(probe, seen, repositories)
        failing = sorted(f"{name}:{key}" for name, key in seen.problems)
        facts: dict[str, Json] = {
            "failing": list(failing[:NAMED_MAX]),
            "failing_count": len(failing),
            "sources": seen.sources,
        }
        if not failing:
            summary = f"{seen.sources} package sources, each of them signed"
            return Finding(Outcome.PASS, summary, facts)
        worst = max((_GRADES[key] for _, key in seen.problems), key=severity.rank)
        summary = f"package sources that nobody vouches for: {', '.join(failing[:NAMED_MAX])}"
        return Finding(Outcome.FAIL, summary, facts, worst)


def _of_apt(probe: Probe, seen: _Seen) -> None:
    """sources.list(5), in one line or in blocks; apt.conf(5) for what holds for all of them."""
    settings = apt_settings.read(probe)
    if any(settings.get(name, "").lower() in ("1", "yes", "true", "on") for name in _APT_SWITCHES):
        seen.problems.add(("apt.conf", "insecure_allowed"))
    for pattern in APT_LINES:
        for path in probe.glob(pattern):
            for number, text in active_lines.of(probe, path):
                found = _LINE.fullmatch(text.partition(" #")[0].strip())
                if found is None:
                    raise Unreadable(path, "is not a source of apt", number)
                options = dict(
                    one.lower().partition("=")[::2] for one in (found["options"] or "").split()
                )
                _judge_apt(seen, path, found["address"], options)
    for path in probe.glob(APT_BLOCKS):
        for block in _blocks(probe, path):
            if block.get("enabled", "yes").lower() not in _NO:
                for address in block.get("uris", "").split()[:64]:
                    _judge_apt(seen, path, address, block)


def _judge_apt(seen: _Seen, path: str, address: str, options: dict[str, str]) -> None:
    seen.count(path)
    name = _host(address)
    if options.get("trusted", "").lower() in ("yes", "true", "1", "on"):
        seen.problems.add((name, "unsigned"))
    if options.get("allow-insecure", "").lower() in ("yes", "true", "1", "on"):
        seen.problems.add((name, "unverified"))
    foreign = not _OWN.fullmatch(name)
    if foreign and not options.get("signed-by") and not address.startswith(("cdrom:", "file:")):
        # Every key of the system is believed for it, and its own one for every other archive.
        seen.problems.add((name, "any_key"))


def _blocks(probe: Probe, path: str) -> Iterator[dict[str, str]]:
    """deb822(5): fields by name in lower case; a line that begins with a blank goes on."""
    block: dict[str, str] = {}
    key = ""
    for number, line in probe.lines(path):
        if line.startswith("#"):
            continue
        if not line.strip():
            if block:
                yield block
            block, key = {}, ""
        elif line[0] in " \t":
            if not key:
                raise Unreadable(path, "goes on with a field that never began", number)
            if len(block[key]) < 64 * 1024:
                block[key] += f" {line.strip()}"
        else:
            found = _FIELD.fullmatch(line)
            if found is None:
                raise Unreadable(path, "is not a field of a source", number)
            key = found["key"].lower()
            block[key] = found["value"].strip()
    if block:
        yield block


def _of_dnf(probe: Probe, seen: _Seen, repositories: list[str]) -> None:
    """dnf.conf(5): gpgcheck is off unless it is set, in [main] for all or for one of them."""
    default = False
    for path in DNF_MAIN:
        if probe.exists(path):
            for section, key, value in active_lines.ini(probe, path):
                if section == "main" and key == "gpgcheck":
                    default = value.lower() not in _NO
            break
    for path in repositories:
        sections: dict[str, dict[str, str]] = {}
        for section, key, value in active_lines.ini(probe, path):
            sections.setdefault(section, {})[key] = value.lower()
        for name, values in sections.items():
            if values.get("enabled", "1") in _NO:
                continue
            seen.count(path)
            label = name if re.fullmatch(r"[a-z0-9_.:-]{1,80}", name) else path
            if (values["gpgcheck"] in _NO) if "gpgcheck" in values else not default:
                seen.problems.add((label, "unsigned"))
            if values.get("sslverify", "1") in _NO:
                seen.problems.add((label, "tls_unverified"))


def _host(address: str) -> str:
    """The host of an address, lower case; what has none is named by its kind."""
    found = _HOST.fullmatch(address)
    if found is not None:
        return found["host"].lower()
    scheme = address.partition(":")[0]
    return scheme if scheme in ("cdrom", "file", "copy", "mirror+file") else "another"


CHECK = PackageSources()
