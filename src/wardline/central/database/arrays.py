"""Columns of many rows as one parameter each, for statements in the path of every bundle.

The driver asks of every element of a list whether it is a list itself, in Python; that costs more
than everything else about sending it. A text that PostgreSQL reads as an array, or fixed-size
values in one piece, cost a join. What is free text or has a length of its own stays a list.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime


def words(items: Sequence[str]) -> str:
    """For `$n::text::text[]`: identifiers, digests, enums; raises ValueError for free text."""
    joined = '","'.join(items)
    if joined.count('"') != 2 * max(0, len(items) - 1) or "\\" in joined:
        raise ValueError("a quote or a backslash in a word; free text goes as a list")
    return f'{{"{joined}"}}' if items else "{}"


def words_or_null(items: Sequence[str | None]) -> str:
    """As `words`, where some may be missing."""
    if None not in items:
        return words([item for item in items if item is not None])
    present = [item for item in items if item is not None]
    words(present)
    return "{" + ",".join("NULL" if item is None else f'"{item}"' for item in items) + "}"


def texts(items: Iterable[str]) -> str:
    """For `$n::text::text[]`: short texts of any kind, such as small JSON."""
    quoted = [item.replace("\\", "\\\\").replace('"', '\\"') for item in items]
    return '{"' + '","'.join(quoted) + '"}' if quoted else "{}"


def numbers(items: Iterable[int]) -> str:
    """For `$n::text::bigint[]`."""
    return "{" + ",".join(map(str, items)) + "}"


def times(items: Iterable[datetime]) -> str:
    """For `$n::text::timestamptz[]`; the times are aware."""
    return words([item.isoformat() for item in items])


def truths(items: Iterable[bool]) -> str:
    """For `$n::text::boolean[]`."""
    return "{" + ",".join("t" if item else "f" for item in items) + "}"
