"""What is said on a socket: JSON in every frame, and never anything that must be looked up.

A live event says what to fetch again. A policy event is the contract's: `{service, type, …}` with
`seq` beside it.
"""

from collections.abc import Callable
from dataclasses import dataclass

import orjson

from wardline.central.database.change_log import Change
from wardline.central.policies import service as policies

POLICY = "policy"
# Kind of the change-log row → type of the event, and the one thing that the event tells.
_POLICY_EVENTS = {
    policies.CREATED: ("created", "id"),
    policies.UPDATED: ("updated", "id"),
    policies.DELETED: ("deleted", "id"),
    policies.BULK_CREATED: ("bulk-created", "count"),
    "policy.restored": ("restored", "from"),
}


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
        return _text(frame if self.service is None else {"service": self.service, **frame})


def _live(change: Change) -> str:
    return _text(
        {
            "seq": change.position.id,
            "kind": change.kind,
            "site_id": change.site_id,
            "subject": change.subject,
        }
    )


def _policy(change: Change) -> str | None:
    known = _POLICY_EVENTS.get(change.kind)
    if known is None:
        return None
    kind, told = known
    return _text(
        {
            "service": POLICY,
            "type": kind,
            told: change.payload[told],
            "seq": change.position.id,
        }
    )


def _text(frame: dict[str, object]) -> str:
    return orjson.dumps(frame).decode()


LIVE_CHANNEL = Channel(None, _live)
POLICY_CHANNEL = Channel(POLICY, _policy)
