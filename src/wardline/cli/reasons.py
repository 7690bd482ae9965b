"""Why somebody does a thing: asked for before anybody is asked for a password."""

from wardline.core.errors import Refused


class ReasonMissing(Refused):
    """Whoever holds, clears, freezes, releases or decides something says why, and that is kept."""

    code = "reason_needed"


def given(reason: str | None, why: str) -> str:
    """The reason without blanks around it; raises ReasonMissing, which says to tell `why`."""
    if reason is None or not reason.strip():
        raise ReasonMissing(f"--reason: say {why}")
    return reason.strip()
