"""The errors of Central's app, in the one shape that `wardline.policy.problems` gives them."""

from fastapi import FastAPI

from wardline.core.errors import Refused
from wardline.policy import problems

# PostgreSQL's disk_full.
DISK_FULL = "53100"

response = problems.response


class InvalidText(Refused):
    """Text that cannot be stored: a NUL or half of a surrogate pair."""

    code = "invalid_text"


def install(app: FastAPI) -> None:
    """Every error of the app leaves as a problem."""
    problems.install(app, is_want_of_room=_is_for_want_of_room)


def _is_for_want_of_room(error: Exception) -> bool:
    """The driver's error as it is, or as the toolkit around it hands it on."""
    return getattr(getattr(error, "orig", error), "sqlstate", None) == DISK_FULL
