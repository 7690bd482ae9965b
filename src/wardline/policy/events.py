"""The five events of the contract, and the kinds under which the change log keeps them."""

from collections.abc import Mapping

SERVICE = "policy"

CREATED = "policy.created"
UPDATED = "policy.updated"
DELETED = "policy.deleted"
BULK_CREATED = "policy.bulk-created"
RESTORED = "policy.restored"

# Kind of the change-log row → type of the event, and the one thing that the event tells.
_EVENTS = {
    CREATED: ("created", "id"),
    UPDATED: ("updated", "id"),
    DELETED: ("deleted", "id"),
    BULK_CREATED: ("bulk-created", "count"),
    RESTORED: ("restored", "from"),
}


def event(kind: str, told: object) -> dict[str, object]:
    """What a row of this kind keeps: the event without its `seq`."""
    type_, name = _EVENTS[kind]
    return {"service": SERVICE, "type": type_, name: told}


def frame(kind: str, payload: Mapping[str, object], seq: int) -> dict[str, object] | None:
    """The event as a socket tells it; None for a row that is not about the policy."""
    known = _EVENTS.get(kind)
    return None if known is None else event(kind, payload[known[1]]) | {"seq": seq}
