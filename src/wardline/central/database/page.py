"""Pages of every list: their bound, the opaque cursor that continues one, and a bounded offset.

A cursor costs the same on every page. An offset is for a client that counts pages; the rows that it
skips are read all the same, so it ends at OFFSET_MAX.
"""

import base64
import binascii
from datetime import UTC, datetime
from typing import Annotated

import orjson
from fastapi import Query

from wardline.core.errors import Refused

ITEMS_MAX = 200
ITEMS_DEFAULT = 50
CURSOR_CHARS_MAX = 512
OFFSET_MAX = 10_000
NUMBER_MAX = 2**63 - 1

Limit = Annotated[int, Query(ge=1, le=ITEMS_MAX)]
Cursor = Annotated[str | None, Query(max_length=CURSOR_CHARS_MAX)]
Offset = Annotated[int | None, Query(ge=0, le=OFFSET_MAX)]


class CursorInvalid(Refused):
    """A cursor that no list of this kind gave."""

    code = "cursor_invalid"


class OffsetAndCursor(Refused):
    """A page that is asked for by offset and by cursor at once."""

    code = "offset_and_cursor"


def skipped(offset: int | None, cursor: str | None) -> int:
    """How many rows stand before the page; raises OffsetAndCursor."""
    if offset is not None and cursor is not None:
        raise OffsetAndCursor("offset, cursor: give one of them; a cursor says where it continues")
    return offset or 0


def encode(*key: str | int) -> str:
    """The cursor that continues after this key."""
    return base64.urlsafe_b64encode(orjson.dumps(key)).decode().rstrip("=")


def decode(cursor: str, *kinds: type) -> list[str | int]:
    """The key in a cursor, of exactly these types; raises CursorInvalid."""
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        key = orjson.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
    except (ValueError, binascii.Error):
        key = None
    if not isinstance(key, list) or [type(part) for part in key] != list(kinds):
        raise _foreign()
    if not all(_is_storable(part) for part in key):
        raise _foreign()
    return key


def decode_newest(cursor: str | None) -> tuple[datetime, str] | None:
    """The (time, id) after which a list of the newest continues; raises CursorInvalid."""
    if cursor is None:
        return None
    at, identifier = decode(cursor, str, str)
    try:
        found = datetime.fromisoformat(str(at))
        # A time without a zone, or one that is beyond the calendar in UTC, is none of ours.
        utc = None if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, OverflowError):
        utc = None
    if utc is None:
        raise _foreign()
    return utc, str(identifier)


def _is_storable(part: str | int) -> bool:
    """Whether PostgreSQL can compare with it."""
    return "\x00" not in part if isinstance(part, str) else 0 <= part <= NUMBER_MAX


def _foreign() -> CursorInvalid:
    return CursorInvalid("cursor: not one that this list gave; start without one")
