"""When an appliance's check-in is also a time to look through what waits there; once in a while."""

from collections import OrderedDict
from datetime import datetime, timedelta

from wardline.central.uplink.enrolled import APPLIANCES_REMEMBERED_MAX

EVERY = timedelta(minutes=10)


class Rounds:
    """The latest look per appliance; one per process, so several processes look as often each."""

    def __init__(self, appliances_max: int = APPLIANCES_REMEMBERED_MAX) -> None:
        self._looked: OrderedDict[str, datetime] = OrderedDict()
        self._max = appliances_max

    def is_due(self, appliance_id: str, now: datetime) -> bool:
        """Whether the last time is EVERY ago, or not remembered; this one counts as the last."""
        last = self._looked.get(appliance_id)
        # A clock that was set back is no reason to wait.
        if last is not None and last <= now < last + EVERY:
            return False
        self._looked[appliance_id] = now
        self._looked.move_to_end(appliance_id)
        if len(self._looked) > self._max:
            self._looked.popitem(last=False)
        return True
