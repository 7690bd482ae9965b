"""Who changed a file again after it was repaired, where the host can tell.

The audit log of Linux names account and program of a change (auditd's own format, audit.log(5));
failing that, when a file was last written, and what its head says of who manages it.
"""

import re
from collections.abc import Iterable
from datetime import UTC, datetime

from wardline.agent.hosts.host import HostError, Reader
from wardline.core import clock

AUDIT_LOG = "/var/log/audit/audit.log"
AUDIT_BYTES_MAX = 16 << 20
PASSWD_BYTES_MAX = 1 << 20
HEAD_BYTES_MAX = 256 * 1024
HEAD_LINES = 20
FILES_MAX = 3
LINE_CHARS_MAX = 120
# The account of whoever never logged in, as the kernel has it.
_UNSET = "4294967295"

_EVENT = re.compile(rb"\bmsg=audit\((\d{1,12})\.(\d{3}):(\d{1,20})\)")
_FIELD = re.compile(rb'\b(auid|exe|success|name)=("[^"]{0,4096}"|[^\s"]{1,8192})')
_MANAGED = re.compile(
    r"(?i)\b(?:managed|maintained|generated|written|controlled) by\b|\bansible managed\b"
)


def named(host: Reader, paths: Iterable[str], since: datetime) -> str | None:
    """Who or what changed these files after `since`, in words; None where nothing tells. Whatever
    the host's files hold, it raises nothing."""
    chosen = list(dict.fromkeys(path for path in paths if path.startswith("/")))[:FILES_MAX]
    if not chosen:
        return None
    audited = _audited(host, chosen, since)
    told = [audited.get(path) or _seen(host, path, since) for path in chosen]
    return "; ".join(filter(None, told)) or None


def _audited(host: Reader, paths: list[str], since: datetime) -> dict[str, str]:
    """By path, the last change of it that the audit log holds."""
    try:
        log = host.read(AUDIT_LOG, AUDIT_BYTES_MAX)
    except HostError:
        return {}
    about: dict[bytes, str] = {}
    actors: dict[bytes, tuple[datetime, dict[bytes, bytes]]] = {}
    wanted = {path.encode(errors="backslashreplace"): path for path in paths}
    for line in log.splitlines():
        event = _EVENT.search(line)
        if event is None:
            continue
        found = {name: value.strip(b'"') for name, value in _FIELD.findall(line)}
        if line.startswith(b"type=PATH") and (path := wanted.get(_name(found.get(b"name", b"")))):
            about[event[0]] = path
        elif line.startswith(b"type=SYSCALL") and found.get(b"success") == b"yes":
            at = _instant(int(event[1]) + int(event[2]) / 1000)
            if at is not None and at > since:
                actors[event[0]] = (at, found)
    users = _users(host) if about else {}
    told: dict[str, str] = {}
    for event_id, path in about.items():
        if event_id in actors:
            told[path] = _words(path, *actors[event_id], users)
    return told


def _instant(seconds: float) -> datetime | None:
    """None for a time that no calendar has: the line may have been written to hide something."""
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, ValueError, OSError):
        return None


def _name(raw: bytes) -> bytes:
    """A path as auditd writes it: in quotes, or in hex where it holds what quotes would not."""
    if raw.startswith(b"/"):
        return raw
    try:
        return bytes.fromhex(raw.decode("ascii"))
    except ValueError:
        return raw


def _words(path: str, at: datetime, found: dict[bytes, bytes], users: dict[str, str]) -> str:
    auid = found.get(b"auid", b"").decode("ascii", "replace")
    who = users.get(auid, f"account {auid}")
    if auid in ("", _UNSET):
        who = "a service"
    program = found.get(b"exe", b"an unknown program").decode("utf-8", "backslashreplace")
    said = f"{who} changed {path} at {clock.wire(at)} with {program[:LINE_CHARS_MAX]}"
    return f"{said} (the host's audit log)"


def _users(host: Reader) -> dict[str, str]:
    try:
        lines = host.read("/etc/passwd", PASSWD_BYTES_MAX).decode("utf-8", "replace").splitlines()
    except HostError:
        return {}
    entries = (line.split(":") for line in lines)
    return {entry[2]: entry[0] for entry in entries if len(entry) == 7}


def _seen(host: Reader, path: str, since: datetime) -> str | None:
    """When the file was written, if after the repair, and who its head says that it belongs to."""
    try:
        written = _instant(host.stat(path).modified_s)
        head = _managed(host, path)
    except HostError:
        return None
    parts = []
    if written is not None and written > since:
        parts.append(f"{path} was written at {clock.wire(written)}, nobody knows by whom")
    if head is not None:
        parts.append(f"its head says: {head}" if parts else f"the head of {path} says: {head}")
    return ", ".join(parts) or None


def _managed(host: Reader, path: str) -> str | None:
    lines = host.read(path, HEAD_BYTES_MAX).decode("utf-8", "replace").splitlines()
    for line in lines[:HEAD_LINES]:
        if _MANAGED.search(line[:LINE_CHARS_MAX]):
            return line.strip(" \t#;/*!\"'")[:LINE_CHARS_MAX]
    return None
