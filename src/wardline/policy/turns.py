"""How many costly questions are worked on at once: in this process, and of one owner in it."""

import contextlib
from collections import Counter
from collections.abc import Iterator

from wardline.core.errors import WardlineError

RETRY_SECONDS = 2


class Busy(WardlineError):
    """As many costly questions as may be are worked on here; the same one is welcome in a
    moment."""

    status = 503
    code = "busy"
    headers = {"retry-after": str(RETRY_SECONDS)}  # noqa: RUF012 - read only


class OwnerBusy(Busy):
    """As many costly questions about the same rules as may be are worked on here; the same one is
    welcome in a moment."""

    status = 429


class Turns:
    """Places for questions of one kind, which nobody waits for."""

    def __init__(self, what: str, at_once_max: int, owner_max: int) -> None:
        self._what = what
        self._at_once_max = at_once_max
        self._owner_max = owner_max
        self._by_owner: Counter[str] = Counter()

    @property
    def is_taken(self) -> bool:
        return self._by_owner.total() > 0

    @contextlib.contextmanager
    def taken(self, owner: str) -> Iterator[None]:
        """A place of the owner's; raises Busy, OwnerBusy."""
        if self._by_owner[owner] >= self._owner_max:
            raise OwnerBusy(
                f"{self._what}: at most {self._owner_max} at once of the same rules; {_AGAIN}"
            )
        if self._by_owner.total() >= self._at_once_max:
            raise Busy(f"{self._what}: at most {self._at_once_max} at once here; {_AGAIN}")
        self._by_owner[owner] += 1
        try:
            yield
        finally:
            self._by_owner[owner] -= 1
            if not self._by_owner[owner]:
                del self._by_owner[owner]


_AGAIN = f"ask again in {RETRY_SECONDS} seconds"

# An analysis of ten thousand rules takes the processor for seconds, and drafts may be as many.
LOOKS = Turns("analyses and simulations of drafts", 4, 2)
# Each takes the processor for up to 20 seconds.
REPLAYS = Turns("replays", 1, 1)
