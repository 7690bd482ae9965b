"""A host's own list of the ports that it is meant to answer on: /etc/wardline/ports.toml."""

import tomllib
from dataclasses import dataclass
from typing import Any

from wardline.agent.checks.probe import Probe, Unreadable

ALLOWED_PATH = "/etc/wardline/ports.toml"
LIST_BYTES_MAX = 16 * 1024
ENTRIES_MAX = 256
_GROUP_OR_OTHERS = 0o022
_KEYS = {"port", "protocol", "why"}


@dataclass(frozen=True, slots=True)
class PortList:
    """`ports` are (protocol, port). A list that others than root can change is not followed."""

    ports: frozenset[tuple[str, int]]
    anybody_may_write: bool


def read(probe: Probe) -> PortList | None:
    """The list, None where the host has none; Unreadable where it says anything else.

    [[allow]]
    port = 11112
    protocol = "tcp"          # the default; or "udp"
    why = "DICOM from the scanner"
    """
    status = probe.stat_if_there(ALLOWED_PATH)
    if status is None:
        return None
    content = _parse(probe.text(ALLOWED_PATH, LIST_BYTES_MAX))
    entries = content.get("allow", [])
    if set(content) - {"allow"} or not isinstance(entries, list) or len(entries) > ENTRIES_MAX:
        raise Unreadable(ALLOWED_PATH, f"is to hold up to {ENTRIES_MAX} [[allow]] and nothing else")
    may_write = bool(status.mode & _GROUP_OR_OTHERS) or status.uid not in (None, 0)
    return PortList(
        frozenset(_entry(number, one) for number, one in enumerate(entries, 1)), may_write
    )


def _parse(text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        said = " ".join(str(error).split())[:120]
        raise Unreadable(ALLOWED_PATH, f"is not TOML ({said})") from None


def _entry(number: int, one: object) -> tuple[str, int]:
    where = f"the {number}. [[allow]]"
    if not isinstance(one, dict) or set(one) - _KEYS:
        raise Unreadable(ALLOWED_PATH, f"{where} has other keys than port, protocol and why")
    port, protocol = one.get("port"), one.get("protocol", "tcp")
    if not isinstance(port, int) or isinstance(port, bool) or not 1 <= port <= 65535:
        raise Unreadable(ALLOWED_PATH, f"{where} has no port from 1 to 65535")
    if protocol not in ("tcp", "udp"):
        raise Unreadable(ALLOWED_PATH, f"{where} has another protocol than tcp or udp")
    if not isinstance(one.get("why"), str) or not one["why"].strip():
        raise Unreadable(ALLOWED_PATH, f"{where} does not say why")
    return protocol, port
