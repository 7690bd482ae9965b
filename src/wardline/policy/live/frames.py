"""What is said on a socket: JSON in every frame, and never anything that must be looked up.

A policy event is the contract's: `{service, type, …}` with `seq` beside it.
"""

from collections.abc import Callable
from dataclasses import dataclass

import orjson

from wardline.policy import events
from wardline.policy.live.log import Change


@dataclass(frozen=True, slots=True)
class Channel:
    """One kind of socket: who speaks, and how a change is told there, if at all."""

    service: str | None
    event: Callable[[Change], str | None]

    def hello(self, seq: int, epoch: str, *, recovered: bool) -> str:
        """The first frame, and one whenever events may have been missed. `recovered` is false where
        what was shown before must be fetched again; `seq` is where the next frames go on from."""
        return self._said({"type": "hello", "seq": seq, "epoch": epoch, "recovered": recovered})

    def pong(self) -> str:
        return self._said({"type": "pong"})

    def _said(self, frame: dict[str, object]) -> str:
        return text(frame if self.service is None else {"service": self.service, **frame})


def text(frame: dict[str, object]) -> str:
    """A frame as it is sent."""
    return orjson.dumps(frame).decode()


def _policy(change: Change) -> str | None:
    told = events.frame(change.kind, change.payload, change.position.id)
    return None if told is None else text(told)


POLICY_CHANNEL = Channel(events.SERVICE, _policy)
