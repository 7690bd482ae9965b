"""The states of an incident and the table of every way from one to another (ADR 9)."""

from collections.abc import Mapping
from enum import StrEnum


class State(StrEnum):
    """Where an incident stands; `repairing` is the appliance's own and never on the wire.

    `healed`: a run of ours changed something and the check passed after it; it is watched.
    `stable`: the check passed once more at or after the end of the watch.
    """

    OPEN = "open"
    OBSERVING = "observing"
    WAITING = "waiting"
    REPAIRING = "repairing"
    HEALED = "healed"
    STABLE = "stable"
    RESOLVED = "resolved"
    FAILED = "failed"
    ESCALATED = "escalated"


# What is not settled, not a person's and not being repaired: the policy is asked again.
TO_JUDGE = (State.OPEN, State.OBSERVING, State.WAITING, State.FAILED)
CLOSED = frozenset({State.HEALED, State.STABLE, State.RESOLVED})

_WAITING = frozenset({State.OPEN, State.OBSERVING, State.WAITING})
_FROM_WAITING = _WAITING | {State.REPAIRING, State.ESCALATED, State.RESOLVED}

# From → to. A drift after `stable` or `resolved` is another incident: out of them leads only what a
# person does, who has a run of that incident undone (ADR 12). What is a person's is repaired where
# they pick a choice (ADR 16).
TRANSITIONS: Mapping[State, frozenset[State]] = {
    State.OPEN: _FROM_WAITING,
    State.OBSERVING: _FROM_WAITING,
    State.WAITING: _FROM_WAITING,
    State.FAILED: _FROM_WAITING,
    State.REPAIRING: frozenset({State.OPEN, State.FAILED, State.HEALED, State.RESOLVED}),
    State.HEALED: frozenset({State.OPEN, State.STABLE}),
    State.ESCALATED: frozenset({State.OPEN, State.REPAIRING, State.RESOLVED}),
    State.STABLE: frozenset({State.OPEN}),
    State.RESOLVED: frozenset({State.OPEN}),
}
