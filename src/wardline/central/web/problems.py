"""The errors of Central's app, in the one shape that `wardline.policy.problems` gives them."""

import asyncpg
from fastapi import FastAPI
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolExhausted

from wardline.central.database.engine import TROUBLE
from wardline.core.errors import Refused
from wardline.policy import problems

# PostgreSQL's disk_full, its classes of broken connections, and its ways to say that it ends or
# only begins.
DISK_FULL = "53100"
BROKEN_CLASS = "08"
ENDING = frozenset({"57P01", "57P02", "57P03"})
# The driver's words where the server's last one, that it ends, came between two statements and its
# end of the connection has not come yet (PROTOCOL_ERROR_CONSUME of its state machine).
ENDED_BY_SERVER = "another operation (2) is in progress"

response = problems.response


class InvalidText(Refused):
    """Text that cannot be stored: a NUL or half of a surrogate pair."""

    code = "invalid_text"


def install(app: FastAPI) -> None:
    """Every error of the app leaves as a problem."""
    storage = problems.Storage((SQLAlchemyError, *TROUBLE), _is_want_of_room, _is_away)
    problems.install(app, storage)


def _is_want_of_room(error: Exception) -> bool:
    return _state(error) == DISK_FULL


def _is_away(error: Exception) -> bool:
    """Whether it was killed, ends, starts or is busy with others."""
    cause = _of_driver(error)
    match cause:
        case ConnectionError() | TimeoutError() | PoolExhausted():
            return True
        case FileNotFoundError():
            # Its socket; a file that is missing has a name.
            return cause.filename is None
        case asyncpg.InterfaceError():
            # The driver has no class of its own for what it says where it lost its connection.
            return "connection is closed" in str(cause) or "connection was closed" in str(cause)
        case asyncpg.InternalClientError():
            return ENDED_BY_SERVER in str(cause)
    state = _state(error)
    return state.startswith(BROKEN_CLASS) or state in ENDING


def _state(error: Exception) -> str:
    """The SQLSTATE of the driver's error, if it has one."""
    return getattr(_of_driver(error), "sqlstate", None) or ""


def _of_driver(error: BaseException) -> BaseException:
    """What the driver raised, under what the toolkit put around it."""
    while (inner := getattr(error, "orig", None)) is not None:
        error = inner
    return error
