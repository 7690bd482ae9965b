"""How many requests are worked on at once: in all, and for one address."""

import contextlib
from collections import Counter
from collections.abc import Iterator

from wardline.core.errors import WardlineError
from wardline.policy import addresses

REQUESTS_MAX = 512
ADDRESS_REQUESTS_MAX = 64
RETRY_SECONDS = 2


class Busy(WardlineError):
    """More is asked at once than is worked on; the same request is welcome in a moment."""

    status = 503
    code = "busy"
    headers = {"retry-after": str(RETRY_SECONDS)}  # noqa: RUF012 - read only


class Load:
    """One per process. A request that waits for its own body takes no place of all."""

    def __init__(
        self, requests_max: int = REQUESTS_MAX, address_requests_max: int = ADDRESS_REQUESTS_MAX
    ) -> None:
        self._requests_max = requests_max
        self._address_requests_max = address_requests_max
        self._requests = 0
        self._by_address: Counter[str] = Counter()

    @contextlib.contextmanager
    def of_all(self) -> Iterator[None]:
        """A place among all requests that are worked on; raises Busy."""
        if self._requests >= self._requests_max:
            raise Busy(f"{self._requests_max} requests are worked on already: try again soon")
        self._requests += 1
        try:
            yield
        finally:
            self._requests -= 1

    @contextlib.contextmanager
    def of_address(self, address: str | None) -> Iterator[None]:
        """A place among the requests of one address; raises Busy. This machine is not counted."""
        if address is None or addresses.is_loopback(address):
            yield
            return
        if self._by_address[address] >= self._address_requests_max:
            raise Busy(
                f"{self._address_requests_max} requests of this address are worked on already:"
                " try again soon"
            )
        self._by_address[address] += 1
        try:
            yield
        finally:
            self._by_address[address] -= 1
            if not self._by_address[address]:
                del self._by_address[address]
