"""What an owner does at a real Central: approves what waits, takes orders back, asks once more.

Central may be dead or dying: what it does not answer is looked at again at the next round.
"""

from dataclasses import dataclass, field
from typing import Any

from wardline.cli.client import Client, Rejected, Unreachable
from wardline.core import orders
from wardline.core.orders import Status

PAGE = 200

Row = dict[str, Any]


@dataclass(slots=True)
class Person:
    """The owner, who approves what waits, takes some of it back, and asks again for what came to
    nothing; what Central does not answer is looked at again."""

    owner: Client
    site: str
    # One in so many orders is taken back.
    takes_back_every: int = 10
    known: dict[str, Row] = field(default_factory=dict)
    pending: list[Row] = field(default_factory=list)
    taken_back: int = 0
    holds_back: bool = False
    is_patient: bool = False

    def look(self) -> bool:
        """What waits, and where the newest orders stand; False without an answer."""
        try:
            self.pending = self.owner.get("/approvals", state="pending", limit=PAGE)["items"]
            page = self.owner.get("/orders", site=self.site, limit=PAGE)["items"]
        except (Unreachable, Rejected) as error:
            return is_later(error)
        self.known |= {row["id"]: row for row in page}
        return True

    def act(self) -> None:
        """Answer what waits; who is patient takes nothing of it back."""
        for approval in self.pending:
            if self.holds_back:
                return
            answer = self._try(f"/sites/{self.site}/approvals/{approval['id']}/approve")
            name = None if answer is None else answer["order_id"]
            if name is not None:
                about = approval["incident_id"]
                self.known.setdefault(name, {"status": Status.PENDING, "incident_id": about})
                if not self.is_patient and self._is_due_back():
                    self._take_back(name)

    def ask_again(self) -> None:
        """For incidents that wait, with neither an approval nor an order on its way."""
        try:
            waiting = self.owner.get(f"/sites/{self.site}/incidents", state="waiting", limit=PAGE)
        except (Unreachable, Rejected) as error:
            is_later(error)
            return
        asked = {row["incident_id"] for row in self.pending}
        live = [row for row in self.known.values() if row["status"] not in orders.FINAL]
        asked |= {row["incident_id"] for row in live}
        for one in waiting["items"]:
            if one["id"] not in asked:
                self._try(f"/sites/{self.site}/incidents/{one['id']}/start")

    def waiting(self) -> set[str]:
        """The orders that nobody has fetched, as far as was seen."""
        return {name for name, row in self.known.items() if row["status"] == Status.PENDING}

    def all_orders(self) -> dict[str, Row]:
        """Every order of the site, page by page."""
        found: dict[str, Row] = {}
        cursor: dict[str, str] = {}
        while True:
            page = self.owner.get("/orders", site=self.site, limit=PAGE, **cursor)
            found |= {row["id"]: row for row in page["items"]}
            if page["next_cursor"] is None:
                return found
            cursor = {"cursor": page["next_cursor"]}

    def escalated(self, check: str) -> set[str]:
        """Hosts with a drift of this check that is a person's to mend."""
        try:
            page = self.owner.get(f"/sites/{self.site}/incidents", state="escalated", limit=PAGE)
        except (Unreachable, Rejected) as error:
            is_later(error)
            return set()
        ours = [one for one in page["items"] if one["check"] == check]
        return {one["host_id"] for one in ours if one["closed_at"] is None}

    def _is_due_back(self) -> bool:
        return self.taken_back < len(self.known) // self.takes_back_every

    def _take_back(self, order_id: str) -> None:
        row = self._try(f"/sites/{self.site}/orders/{order_id}/cancel")
        if row is not None:
            self.known[order_id] = row
            self.taken_back += 1

    def _try(self, path: str) -> Row | None:
        """None where Central did not answer, or somebody was quicker."""
        try:
            answer: Row = self.owner.post(path, {"reason": "looked at the diff"})
        except (Unreachable, Rejected) as error:
            is_later(error)
            return None
        return answer


def is_later(error: Unreachable | Rejected) -> bool:
    """False, for an answer that the chaos explains; everything else is a failure of the test."""
    if isinstance(error, Rejected) and error.status not in (404, 409) and error.status < 500:
        raise error
    return False
