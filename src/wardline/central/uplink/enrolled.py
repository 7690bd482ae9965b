"""What each appliance may speak with and for, remembered between its batches.

Keys of an epoch and hosts are only ever added, so what is remembered stays true; a batch that is
refused for what was not known here is judged again on what the database says. A retired appliance
does not get this far: its credential is looked up anew with every request.
"""

from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import TypeVar

from wardline.central.evidence.receive import BatchRefused
from wardline.central.uplink.repository import Enrolled

APPLIANCES_REMEMBERED_MAX = 10_000

Read = Callable[[], Awaitable[Enrolled]]
T = TypeVar("T")


class Memory:
    """The appliances that were heard last; one per process."""

    def __init__(self, appliances_max: int = APPLIANCES_REMEMBERED_MAX) -> None:
        self._known: OrderedDict[str, Enrolled] = OrderedDict()
        self._max = appliances_max

    async def judge(
        self, appliance_id: str, read: Read, judge: Callable[[Enrolled], Awaitable[T]]
    ) -> tuple[Enrolled, T]:
        """What `judge` makes of the batch, on what is remembered or else on what `read` gives;
        raises what `judge` raises on the latter."""
        known = self._known.get(appliance_id)
        if known is not None:
            self._known.move_to_end(appliance_id)
            try:
                return known, await judge(known)
            except BatchRefused:
                # A host or an epoch may have been enrolled since.
                self._known.pop(appliance_id, None)
        fresh = await read()
        judged = await judge(fresh)
        self._known[appliance_id] = fresh
        if len(self._known) > self._max:
            self._known.popitem(last=False)
        return fresh, judged
