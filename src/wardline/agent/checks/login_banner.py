"""login_banner: whether who logs in is warned first, and not told what the host runs."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from wardline.agent.checks import sshd_options
from wardline.agent.checks.probe import Probe, Unreadable
from wardline.agent.checks.protocol import Finding, Manifest
from wardline.agent.checks.sshd_options import Option, Options
from wardline.agent.hosts.host import Missing
from wardline.core.canonical import Json
from wardline.core.evidence.bundle import Outcome
from wardline.core.severity import Severity

ISSUE = "/etc/issue"
ISSUE_NET = "/etc/issue.net"
MOTD = "/etc/motd"
BANNER_BYTES_MAX = 64 * 1024
NAMED_MAX = 20
SERVER_PATHS = ("/usr/sbin/sshd", "/usr/bin/sshd")
CONSOLE_PATHS = (
    "/bin/login",
    "/usr/bin/login",
    "/sbin/agetty",
    "/usr/sbin/agetty",
    "/etc/login.defs",
    "/etc/pam.d/login",
)
NONE = "none"

# What a warning says in one way or the other, in the languages that banners are written in here:
# who may come in, and that what they do is watched.
_WARNING = re.compile(
    r"authori[sz]ed|unauthori[sz]ed|prohibited|forbidden|restricted|permission|consent|monitored"
    r"|autorizad|prohibid|autoris|interdit|berechtig|befugt",
    re.IGNORECASE,
)
# agetty(8): machine, release, system and version, and the whole of os-release.
_ESCAPE = re.compile(r"\\[mrsvS]")
_SYSTEM = re.compile(
    r"\b(?:debian|ubuntu|red hat|rhel|fedora|centos|rocky linux|almalinux|oracle linux"
    r"|opensuse|suse|alpine|arch linux|amazon linux|linux mint|gnu/linux)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class _Banner:
    """One text that is shown at a login: whether it warns, and what it tells of the host."""

    key: str
    path: str
    warns: bool
    tells: tuple[str, ...]
    must_warn: bool = True

    @property
    def fails(self) -> bool:
        return bool(self.tells) or (self.must_warn and not self.warns)

    @property
    def fact(self) -> dict[str, Json]:
        return {"path": self.path, "warns": self.warns, "tells": list(self.tells)}


class LoginBanner:
    """The check; the words of a banner stay on the host, only what is wrong with them leaves it."""

    manifest = Manifest(
        id="login_banner",
        title="Warning at login",
        platforms=("linux",),
        controls=(
            "hipaa:164.308(a)(4)(i)",
            "hipaa:164.310(b)",
            "nist_800_53:AC-8",
            "nist_800_53:CM-6",
            "pci_dss:2.2.6",
        ),
        interval_s=300,
        cpu_ms_max=500,
        timeout_s=5,
        severity=Severity.LOW,
        evidence="For each text shown at a login: whether it warns, and what it gives away.",
        remediation=(
            "Put a warning for authorised users only into /etc/issue and /etc/issue.net, name "
            "/etc/issue.net as Banner in sshd_config, and take the system's name out of /etc/motd."
        ),
    )

    def measure(self, probe: Probe) -> Finding:
        server = any(probe.exists(path) for path in (sshd_options.CONFIG_PATH, *SERVER_PATHS))
        if not server and not any(probe.exists(path) for path in CONSOLE_PATHS):
            reason = "nobody can log in here: neither a login program nor an SSH server"
            return Finding(Outcome.NOT_APPLICABLE, reason, {"installed": False})
        banners = [
            _read(probe, "issue", ISSUE),
            _read(probe, "issue_net", ISSUE_NET),
            _read(probe, "motd", MOTD, must_warn=False),
        ]
        if server:
            banners += _of_server(probe)
        return _finding(banners)


def _finding(banners: list[_Banner]) -> Finding:
    failing = sorted({one.key for one in banners if one.fails})
    facts: dict[str, Json] = {
        "failing": failing,
        # A server that shows one of the two files is put right together with the file.
        "failing_by_hand": sorted(
            {one.key for one in banners if one.fails and one.path not in (ISSUE, ISSUE_NET)}
        ),
        "texts": {one.key: one.fact for one in banners[:NAMED_MAX]},
    }
    if not failing:
        return Finding(Outcome.PASS, "who logs in is warned and told nothing of the host", facts)
    paths = sorted({f"{one.key} ({one.path})" for one in banners if one.fails})
    return Finding(Outcome.FAIL, f"no warning, or too talkative: {', '.join(paths)}", facts)


def _read(probe: Probe, key: str, path: str, *, must_warn: bool = True) -> _Banner:
    try:
        text = probe.text(path, BANNER_BYTES_MAX)
    except Missing:
        text = ""
    return _Banner(key, path, _WARNING.search(text) is not None, _tells(probe, text), must_warn)


def _tells(probe: Probe, text: str) -> tuple[str, ...]:
    """Escapes and names by which a stranger would know the system, each once."""
    found = {one.group() for one in _ESCAPE.finditer(text)}
    found |= {one.group().lower() for one in _SYSTEM.finditer(text)}
    system = probe.platform.rpartition("/")[2]
    if system not in ("", "unknown") and re.search(
        rf"\b{re.escape(system)}\b", text, re.IGNORECASE
    ):
        found.add(system)
    return tuple(sorted(found))


def _of_server(probe: Probe) -> Iterable[_Banner]:
    """What sshd shows: by default, and to whom a Match block says something else."""
    there = probe.exists(sshd_options.CONFIG_PATH)
    options = sshd_options.read(probe) if there else Options()
    yield _of_option(probe, "sshd_banner", options.default.get("banner"))
    for one in options.matched:
        if one.keyword == "banner":
            banner = _of_option(probe, "match.sshd_banner", one.option)
            if banner.fails:
                yield banner
                return


def _of_option(probe: Probe, key: str, option: Option | None) -> _Banner:
    """sshd_config(5), Banner: nothing is shown for `none`, which is the default."""
    if option is None or option.words[0].lower() == NONE:
        return _Banner(key, NONE, warns=False, tells=())
    path = option.words[0]
    if not path.startswith("/"):
        raise Unreadable(option.path, "Banner is not an absolute path", option.line)
    return _read(probe, key, path)


CHECK = LoginBanner()
