"""Orders at the faked Central: leased, reported on, and handed out again as a real one would."""

from dataclasses import dataclass, field
from typing import Any

from wardline.core import orders
from wardline.core.orders import Status


@dataclass
class FakeOrders:
    """By id: the envelope as it is handed out, where the order stands, and what was reported."""

    wires: dict[str, dict[str, Any]] = field(default_factory=dict)
    status: dict[str, Status] = field(default_factory=dict)
    reports: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    loose: list[dict[str, Any]] = field(default_factory=list)

    def give(self, order_id: str, wire: dict[str, Any]) -> None:
        self.wires[order_id] = wire
        self.status[order_id] = Status.PENDING
        self.reports.setdefault(order_id, [])

    def throw(self, wire: dict[str, Any]) -> None:
        """Hand this out once, whatever it is."""
        self.loose.append(wire)

    def waiting(self) -> int:
        return len(self.loose) + sum(one is Status.PENDING for one in self.status.values())

    def lease(self, count: int) -> list[dict[str, Any]]:
        pending = [name for name, one in self.status.items() if one is Status.PENDING]
        taken = pending[: max(0, count - len(self.loose))]
        for name in taken:
            self.status[name] = Status.LEASED
        loose, self.loose = self.loose[:count], self.loose[count:]
        return [*loose, *(self.wires[name] for name in taken)]

    def expire_leases(self) -> None:
        """What was handed out and not reported on is handed out again."""
        for name, one in self.status.items():
            if one is Status.LEASED:
                self.status[name] = Status.PENDING

    def report(self, sent: dict[str, Any]) -> str | None:
        """The status that follows; None for an order that is not known here."""
        name = sent["order_id"]
        if name not in self.status:
            return None
        self.reports[name].append(sent)
        then = Status(sent["status"])
        now = self.status[name]
        if now is Status.PENDING:  # its lease ran out before the report came
            now = Status.LEASED
        if orders.can_move(now, then):
            self.status[name] = then
        return self.status[name].value

    def last(self, order_id: str) -> tuple[str, str]:
        """Status and code of the last report."""
        sent = self.reports[order_id][-1]
        return sent["status"], sent["code"]
