"""Pages by key: the bound of every list, and the opaque cursor that continues one."""

import base64
import binascii
from datetime import datetime
from typing import Annotated

import orjson
from fastapi import Query

from wardline.core.errors import Refused

ITEMS_MAX = 200
ITEMS_DEFAULT = 50
CURSOR_CHARS_MAX = 512

Limit = Annotated[int, Query(ge=1, le=ITEMS_MAX)]
Cursor = Annotated[str | None, Query(max_length=CURSOR_CHARS_MAX)]


class CursorInvalid(Refused):
    """A cursor that no list of this kind gave."""

    code = "cursor_invalid"


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
        raise CursorInvalid("cursor: not one that this list gave; start without one")
    return key


def decode_newest(cursor: str | None) -> tuple[datetime, str] | None:
    """The (time, id) after which a list of the newest continues; raises CursorInvalid."""
    if cursor is None:
        return None
    at, identifier = decode(cursor, str, str)
    try:
        found = datetime.fromisoformat(str(at))
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        raise CursorInvalid("cursor: not one that this list gave; start without one")
    return found, str(identifier)
