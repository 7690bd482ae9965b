"""What is said on a socket: JSON in every frame, and never anything that must be looked up.

A policy event is the contract's: `{service, type, …}` with `seq` beside it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import orjson

from wardline.policy import events
from wardline.policy.live.log import Change

_TEXT = 0x81
_SHORT_MAX, _MIDDLE_MAX = 125, 0xFFFF


@dataclass(frozen=True, slots=True)
class Frame:
    """What is said, and its bytes: a whole, unmasked text frame of RFC 6455. Made once for all who
    get it."""

    text: str
    wire: bytes

    @classmethod
    def of(cls, text: str) -> "Frame":
        payload = text.encode()
        size = len(payload)
        if size <= _SHORT_MAX:
            head = bytes([_TEXT, size])
        elif size <= _MIDDLE_MAX:
            head = bytes([_TEXT, _SHORT_MAX + 1]) + size.to_bytes(2, "big")
        else:
            head = bytes([_TEXT, _SHORT_MAX + 2]) + size.to_bytes(8, "big")
        return cls(text, head + payload)


@dataclass(frozen=True, slots=True, eq=False)
class Channel:
    """One kind of socket: who speaks, and how a change is told there, if at all."""

    service: str | None
    event: Callable[[Change], str | None]

    def hello(self, seq: int, epoch: str, *, recovered: bool) -> Frame:
        """The first frame, and one whenever events may have been missed. `recovered` is false where
        what was shown before must be fetched again; `seq` is where the next frames go on from."""
        return self._said({"type": "hello", "seq": seq, "epoch": epoch, "recovered": recovered})

    def pong(self) -> Frame:
        return self._said({"type": "pong"})

    def events(self, changes: Sequence[Change]) -> list[Frame]:
        """Those of the changes that are told here."""
        told = [self.event(change) for change in changes]
        return [Frame.of(each) for each in told if each is not None]

    def _said(self, frame: dict[str, object]) -> Frame:
        return Frame.of(text(frame if self.service is None else {"service": self.service, **frame}))


def text(frame: dict[str, object]) -> str:
    """A frame as it is sent."""
    return orjson.dumps(frame).decode()


def _policy(change: Change) -> str | None:
    told = events.frame(change.kind, change.payload, change.position.id)
    return None if told is None else text(told)


POLICY_CHANNEL = Channel(events.SERVICE, _policy)
