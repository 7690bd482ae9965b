"""Lists of Central's, page by page."""

from collections.abc import Iterator
from typing import Any

from wardline.cli.client import Client

PAGE_ITEMS = 200
PAGES_MAX = 50


def items(central: Client, path: str, **asked: str | int) -> Iterator[Any]:
    """What the list at `path` holds, in its order, as far as anybody would read."""
    asked["limit"] = PAGE_ITEMS
    for _ in range(PAGES_MAX):
        page = central.get(path, **asked)
        yield from page["items"]
        if page["next_cursor"] is None:
            return
        asked["cursor"] = page["next_cursor"]
