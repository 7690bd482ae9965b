"""ssh_keys: whether the keys that open accounts are strong, and their owner's alone."""

import base64
import binascii
import re
from dataclasses import dataclass, field

from wardline.agent.checks import places, sshd_options, uid0_accounts
from wardline.agent.checks.probe import Probe, Unreadable
from wardline.agent.checks.protocol import Finding, Manifest
from wardline.agent.hosts.host import HostError, Missing, WrongKind
from wardline.core import severity
from wardline.core.canonical import Json
from wardline.core.evidence.bundle import Outcome
from wardline.core.severity import Severity

SERVERS = ("/usr/sbin/sshd", "/usr/bin/sshd", sshd_options.CONFIG_PATH)
DEFAULT_FILES = (".ssh/authorized_keys", ".ssh/authorized_keys2")
# The homes and files whose modes are set: the runbook has the same list.
PLACES = (
    "/home/*",
    "/home/*/.ssh",
    "/home/*/.ssh/authorized_keys",
    "/home/*/.ssh/authorized_keys2",
    "/root",
    "/root/.ssh",
    "/root/.ssh/authorized_keys",
    "/root/.ssh/authorized_keys2",
)
FILE_BYTES_MAX = 256 * 1024
HOMES_MAX = 400
KEYS_MAX = 2000
NAMED_MAX = 24
RSA_BITS_MIN = 2048
_GROUP_OR_OTHERS = 0o022
# The types of OpenSSH 9.2's sshd(8), "AUTHORIZED_KEYS FILE FORMAT"; ssh-dss is refused since 7.0.
_KEY = re.compile(
    r"(?:(?P<options>(?:[^\s\"]|\"(?:[^\"\\]|\\.)*\")+)\s+)?"
    r"(?P<type>ssh-(?:rsa|dss|ed25519)|ecdsa-sha2-nistp(?:256|384|521)"
    r"|sk-(?:ssh-ed25519|ecdsa-sha2-nistp256)@openssh\.com)(?:-cert-v01@openssh\.com)?\s+"
    r"(?P<key>[A-Za-z0-9+/]{16,4096}={0,2})(?:\s.*)?"
)
_LIMITED = re.compile(r"(?:^|,)(?:from|command)=|(?:^|,)restrict(?:,|$)", re.IGNORECASE)
_GRADES = {
    "old_type": Severity.HIGH,
    "short_rsa": Severity.HIGH,
    "others_may_change": Severity.HIGH,
    "root_without_limits": Severity.MEDIUM,
}


@dataclass(slots=True)
class _Seen:
    """What was found: (account, problem), keys in all, lines that sshd would pass over."""

    problems: set[tuple[str, str]] = field(default_factory=set)
    keys: int = 0
    ignored: int = 0
    accounts: set[str] = field(default_factory=set)
    unknown: list[str] = field(default_factory=list)
    too_open: set[str] = field(default_factory=set)
    elsewhere: set[str] = field(default_factory=set)


class SshKeys:
    """The check; neither a key nor its comment, which often holds an address, leaves the host."""

    manifest = Manifest(
        id="ssh_keys",
        title="Keys that open accounts over SSH",
        platforms=("linux",),
        controls=(
            "hipaa:164.308(a)(4)(ii)(C)",
            "hipaa:164.312(d)",
            "hipaa:164.312(e)(1)",
            "nist_800_53:AC-6(2)",
            "nist_800_53:AC-17",
            "nist_800_53:IA-5(2)",
            "nist_800_53:SC-12",
            "pci_dss:8.3.2",
            "soc2:CC6.1",
        ),
        interval_s=300,
        cpu_ms_max=1000,
        timeout_s=10,
        severity=Severity.HIGH,
        evidence="Accounts with keys, how many keys, and what is wrong with whose; no key of any.",
        remediation=(
            "Replace keys of type ssh-dss and RSA keys below 2048 bits by ed25519 ones; take write "
            "permission on .ssh and its files away from others; give each of root's keys a from= "
            "or command=, or remove it."
        ),
    )

    def measure(self, probe: Probe) -> Finding:
        if not any(probe.exists(path) for path in SERVERS):
            return Finding(
                Outcome.NOT_APPLICABLE, "no SSH server is installed", {"installed": False}
            )
        patterns, by_command = _patterns(probe)
        seen = _Seen()
        homes = _homes(probe)
        for label, name, home in homes[:HOMES_MAX]:
            for pattern in patterns:
                _look(probe, seen, label, home, _path(pattern, name, home))
        if len(homes) > HOMES_MAX:
            seen.unknown.append(f"more than {HOMES_MAX} accounts; the rest was not looked at")
        return _finding(seen, by_command)


def _finding(seen: _Seen, by_command: bool) -> Finding:
    failing = sorted(f"{label}:{key}" for label, key in seen.problems)
    facts: dict[str, Json] = {
        "failing": list(failing[:NAMED_MAX]),
        "failing_count": len(failing),
        "by_hand": _by_hand(seen),
        "too_open": sorted(seen.too_open)[:NAMED_MAX],
        "accounts": sorted(seen.accounts)[:NAMED_MAX],
        "keys": seen.keys,
        "ignored_lines": seen.ignored,
        "from_a_command_too": by_command,
        "unknown_because": "; ".join(seen.unknown)[:400],
    }
    if failing:
        worst = max((_GRADES[key] for _, key in seen.problems), key=severity.rank)
        summary = f"unsafe keys: {', '.join(failing[:NAMED_MAX])}"
        return Finding(Outcome.FAIL, summary, facts, worst)
    if seen.unknown:
        reason = "; ".join(seen.unknown)
        return Finding(Outcome.UNKNOWN, reason, {**facts, "reason": reason[:400]})
    return Finding(Outcome.PASS, f"{seen.keys} keys open {len(seen.accounts)} accounts", facts)


def _patterns(probe: Probe) -> tuple[tuple[str, ...], bool]:
    """AuthorizedKeysFile of sshd_config(5), and whether a command adds keys of its own."""
    if not probe.exists(sshd_options.CONFIG_PATH):
        return DEFAULT_FILES, False
    options = sshd_options.read(probe)
    files = options.default.get("authorizedkeysfile")
    command = options.default.get("authorizedkeyscommand")
    words = DEFAULT_FILES if files is None else files.words[:8]
    chosen = tuple(word for word in words if word.lower() != "none")
    return chosen, command is not None and command.words[0].lower() != "none"


def _homes(probe: Probe) -> list[tuple[str, str, str]]:
    """Label, name and home of each account; of one home every account counts."""
    found = []
    for number, line in probe.lines(uid0_accounts.ACCOUNTS):
        fields = line.strip().split(":")
        if (
            len(fields) >= 6
            and fields[5].startswith("/")
            and not fields[0].startswith(("+", "-", "#"))
        ):
            found.append((uid0_accounts.label(fields[0], number), fields[0], fields[5].rstrip("/")))
    return found


def _path(pattern: str, name: str, home: str) -> str:
    tokens = {"%%": "%", "%h": home, "%u": name.replace("/", "_")}
    path = re.sub(r"%[%hu]", lambda found: tokens[found[0]], pattern)
    return path if path.startswith("/") else f"{home}/{path}"


def _look(probe: Probe, seen: _Seen, label: str, home: str, path: str) -> None:
    try:
        text = probe.text(path, FILE_BYTES_MAX)
        folders = (home, path.rpartition("/")[0], path)
        modes = {one: probe.stat(one).mode for one in folders if one}
    except Missing:
        return
    except WrongKind as error:
        # /dev/null is how an account is told to have no keys.
        if path != "/dev/null":
            seen.unknown.append(str(error))
        return
    except (HostError, Unreadable) as error:
        seen.unknown.append(str(error))
        return
    before = seen.keys
    for line in text.split("\n"):
        probe.tick()
        _judge(seen, label, line.strip())
    if seen.keys > before:
        seen.accounts.add(label)
        for one in (one for one, mode in modes.items() if mode & _GROUP_OR_OTHERS):
            seen.problems.add((label, "others_may_change"))
            (seen.too_open if places.is_plain(probe, one, PLACES) else seen.elsewhere).add(one)


def _by_hand(seen: _Seen) -> list[str]:
    """What no change of modes puts right, and what lies where none is made."""
    left = {f"{label}:{key}" for label, key in seen.problems if key != "others_may_change"}
    too_many = {"more than are named"} if len(seen.too_open) > NAMED_MAX else set[str]()
    return sorted(left | seen.elsewhere | too_many)[:NAMED_MAX]


def _judge(seen: _Seen, label: str, line: str) -> None:
    if not line or line.startswith("#"):
        return
    found = _KEY.fullmatch(line)
    if found is None:
        seen.ignored += 1
        return
    seen.keys += 1
    if seen.keys > KEYS_MAX:
        raise Unreadable(DEFAULT_FILES[0], f"more than {KEYS_MAX} keys on this host")
    if found["type"] == "ssh-dss":
        seen.problems.add((label, "old_type"))
    if found["type"] == "ssh-rsa" and 0 < _rsa_bits(found["key"]) < RSA_BITS_MIN:
        seen.problems.add((label, "short_rsa"))
    if label == "root" and not _LIMITED.search(found["options"] or ""):
        seen.problems.add((label, "root_without_limits"))


def _rsa_bits(text: str) -> int:
    """RFC 4253 6.6: three strings with their lengths before them, the last is the modulus; 0 where
    the text is not that."""
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return 0
    parts: list[bytes] = []
    at = 0
    while at + 4 <= len(data) and len(parts) < 3:
        size = int.from_bytes(data[at : at + 4], "big")
        parts.append(data[at + 4 : at + 4 + size])
        at += 4 + size
    return int.from_bytes(parts[2], "big").bit_length() if len(parts) == 3 else 0


CHECK = SshKeys()
