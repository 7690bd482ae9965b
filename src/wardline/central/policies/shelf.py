"""The compiled rules of the partners that asked last, each of one committed revision."""

from collections import OrderedDict

from wardline.core.policy.compiled import Compiled

PARTNERS_KEPT_MAX = 64
RULES_KEPT_MAX = 60_000


class Shelf:
    """One index per partner; who has not asked for longest makes room. One process, one event
    loop: every process has its own, and the database's revision says whether it still holds."""

    def __init__(self) -> None:
        self._held: OrderedDict[str, Compiled] = OrderedDict()

    def take(self, partner_id: str) -> Compiled | None:
        """The partner's index, of whichever revision it was last asked for."""
        held = self._held.get(partner_id)
        if held is not None:
            self._held.move_to_end(partner_id)
        return held

    def put(self, partner_id: str, index: Compiled) -> None:
        """Keeps an index in place of the partner's older one."""
        self._held[partner_id] = index
        self._held.move_to_end(partner_id)
        while len(self._held) > 1 and self._is_full():
            self._held.popitem(last=False)

    def __len__(self) -> int:
        return len(self._held)

    def _is_full(self) -> bool:
        rules = sum(len(index.plans) for index in self._held.values())
        return len(self._held) > PARTNERS_KEPT_MAX or rules > RULES_KEPT_MAX
