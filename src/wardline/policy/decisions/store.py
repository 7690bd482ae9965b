"""What the policy manager asks of a store that decides for real; beside `policy/store`."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from wardline.core.errors import Conflict
from wardline.core.policy.batch import Wanted
from wardline.policy.decisions.reservation import Reservation

# For so long the same key gets the same answer.
KEY_KEPT = timedelta(hours=24)
KEY_CHARS_MAX = 128

# What somebody says of a reservation: `Reservation.started` and its like.
Step = Callable[[Reservation, datetime, str], Reservation]


class KeyReused(Conflict):
    """The Idempotency-Key was used for another request."""

    status = 422
    code = "idempotency_key_reused"


@dataclass(frozen=True, slots=True)
class Key:
    """An Idempotency-Key, with the SHA-256 of the body that it came with."""

    text: str
    digest: bytes

    def check(self, digest: bytes) -> None:
        """Against the body that the key was first used with; raises KeyReused."""
        if digest != self.digest:
            raise KeyReused("idempotency-key: it was used for another request; take a new one")


def key(text: str, body: bytes) -> Key:
    return Key(text, hashlib.sha256(body).digest())


@dataclass(frozen=True, slots=True)
class Use:
    """How often a rule decided, how often that something runs, and when it did last."""

    rule_id: str
    last_decided_at: datetime
    decided: int
    ran: int


@dataclass(frozen=True, slots=True)
class KeptBatch:
    """The decisions of one call: `body` is for `core.policy.kept.unpack`; ids only grow."""

    id: int
    at: datetime
    revision: int
    epoch: int
    decisions: int
    body: bytes


class DecisionStore(Protocol):
    """Decisions of one owner's rules, for one caller. Each call is one transaction."""

    async def decide(
        self, asked: Sequence[Wanted], key: Key | None, *, traced: bool = True
    ) -> bytes:
        """The JSON of the answer, with or without traces; what runs and counts is reserved when
        this returns.

        With a key that is known, the answer of the first time. Raises RuleInvalid, KeyReused.
        """

    async def step(self, decision_id: str, step: Step) -> tuple[Reservation, datetime]:
        """What `step` makes of a reservation, and the instant at which it did; raises
        ReservationUnknown, ReservationOver."""

    async def uses(self) -> list[Use]:
        """Of every rule that ever decided, by id."""

    async def kept(
        self, kpi_ids: Sequence[str] | None = None, *, before: int | None = None, limit: int
    ) -> list[KeptBatch]:
        """Batches with decisions on these kpis, or on any, newest first, below an id."""
