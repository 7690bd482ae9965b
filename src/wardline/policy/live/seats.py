"""How many sockets there may be, in all and by whose they are, and what one socket may cost."""

import contextlib
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from wardline.core.errors import WardlineError


class TooManySockets(WardlineError):
    """This user, partner or server has as many sockets open as it may; close one of them."""

    status = 429
    code = "too_many_sockets"


@dataclass(frozen=True, slots=True)
class Limits:
    """Named in one place; `sweep_seconds` is how late an event is when no announcement comes."""

    sockets_max: int = 1_000
    partner_sockets_max: int = 256
    user_sockets_max: int = 16
    frames_max: int = 4_096
    replay_rows_max: int = 1_000
    sweep_seconds: float = 5.0
    recheck_seconds: float = 15.0
    send_seconds_max: float = 10.0


class Seats:
    """Counts the sockets of this process."""

    def __init__(self) -> None:
        self._taken: Counter[str] = Counter()

    @contextlib.contextmanager
    def take(self, places_max: Mapping[str, int]) -> Iterator[None]:
        """A place under each name until the block ends; raises TooManySockets."""
        for name, most in places_max.items():
            if self._taken[name] >= most:
                raise TooManySockets(f"sockets: {most} are open; close one of them")
        self._taken.update(places_max.keys())
        try:
            yield
        finally:
            self._taken.subtract(places_max.keys())
            self._taken += Counter()

    def __len__(self) -> int:
        """Names under which there is at least one socket."""
        return len(self._taken)
