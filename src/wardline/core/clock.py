"""One notion of now: aware times in, aware times out, and the text form they have on the wire."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

Now = Callable[[], datetime]

_WIRE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


def system() -> datetime:
    """The present instant in UTC."""
    return datetime.now(UTC)


def wire(instant: datetime) -> str:
    """RFC 3339 in UTC with milliseconds, `2026-11-21T09:00:00.123Z`; refuses naive times."""
    if instant.tzinfo is None:
        raise ValueError("a naive time has no place on the wire; attach its zone first")
    return instant.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


def parse(text: str) -> datetime:
    """The instant of a `wire` text; raises ValueError for any other form."""
    if not _WIRE.fullmatch(text):
        raise ValueError(f"not a time of the form 2026-11-21T09:00:00.123Z: {text[:40]!r}")
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC)


def milliseconds(instant: datetime) -> int:
    """Milliseconds since the Unix epoch."""
    return (instant - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)


def from_milliseconds(value: int) -> datetime:
    """The instant so many milliseconds after the Unix epoch."""
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=value)
