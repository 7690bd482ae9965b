"""Conditions over an alert's facts: the one place where an expression language joins."""

from wardline.core.errors import Refused
from wardline.core.policy.request import Request

UNSUPPORTED = "conditions are not supported by this version"


class ConditionFailed(Refused):
    """A condition could not be evaluated; a deny then counts as matched, an allow does not."""

    code = "condition"


def holds(condition: str | None, request: Request) -> bool:
    """Whether `condition` is true of the request; raises ConditionFailed."""
    if condition is None:
        return True
    raise ConditionFailed(f"{UNSUPPORTED} (decision {request.decision_id})")
