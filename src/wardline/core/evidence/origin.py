"""Where a bundle was made: what the appliance knew about its clock, and which agent it was."""

from dataclasses import dataclass
from typing import Any

from wardline.core import frozen
from wardline.core.evidence import fields

WORD_BYTES_MAX = 128
OFFSET_MS_MAX = 2**53 - 1


@dataclass(frozen=True, slots=True)
class Clock:
    """What the appliance knew about its clock: `offset_ms` against a reference, if it had one."""

    source: str
    offset_ms: int | None
    monotonic_ms: int
    boot_id: str


@dataclass(frozen=True, slots=True)
class Agent:
    version: str


# Every bundle has one, and Central reads hundreds a second.
_make_clock = frozen.maker(Clock)


def clock_from_wire(value: object) -> Clock:
    """The clock of a decoded object; raises Malformed."""
    obj = fields.exactly(value, _CLOCK_KEYS)
    return _make_clock(
        source=fields.text(obj, "source", WORD_BYTES_MAX, 1),
        offset_ms=fields.optional(obj, "offset_ms", fields.integer, -OFFSET_MS_MAX, OFFSET_MS_MAX),
        monotonic_ms=fields.integer(obj, "monotonic_ms", 0),
        boot_id=fields.text(obj, "boot_id", WORD_BYTES_MAX),
    )


def clock_to_wire(clock: Clock) -> dict[str, Any]:
    return {key: getattr(clock, key) for key in _CLOCK_KEYS}


def agent_from_wire(value: object) -> Agent:
    """The agent of a decoded object; raises Malformed."""
    return Agent(fields.text(fields.exactly(value, _AGENT_KEYS), "version", WORD_BYTES_MAX, 1))


_CLOCK_KEYS = frozenset(Clock.__slots__)
_AGENT_KEYS = frozenset(Agent.__slots__)
