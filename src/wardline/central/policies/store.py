"""The partner's rules as the policy manager asks for them, inside the session of one request."""

from collections.abc import Sequence

from wardline.central.database.session import Session
from wardline.central.policies import service
from wardline.central.policies.shelf import Shelf
from wardline.core.canonical import Json
from wardline.core.policy.compiled import Compiled
from wardline.core.policy.decision import Decision
from wardline.core.policy.rule import Rule
from wardline.core.policy.wire import SimulationWire
from wardline.policy.store import ANY, Expectation


class PartnerStore:
    """A PolicyStore over PostgreSQL; the session's transaction is that of a write."""

    __slots__ = ("_session", "_shelf", "_user_id")

    def __init__(self, session: Session, shelf: Shelf, user_id: str) -> None:
        self._session = session
        self._shelf = shelf
        self._user_id = user_id

    async def rules(self) -> list[dict[str, Json]]:
        return await service.page(self._session)

    async def export(self) -> list[dict[str, Json]]:
        return await service.export(self._session)

    async def save(
        self, rule: Rule, expected: Expectation = ANY, *, reason: str | None = None
    ) -> int:
        return await service.save(self._session, rule, expected, reason)

    async def update(
        self, rule: Rule, expected: Expectation = ANY, *, reason: str | None = None
    ) -> int:
        return await service.update(self._session, rule, expected, reason)

    async def save_all(
        self, rules: Sequence[Rule], expected: Expectation = ANY, *, reason: str | None = None
    ) -> int:
        return await service.save_all(self._session, rules, expected, reason)

    async def delete(
        self, rule_id: str, expected: Expectation = ANY, *, reason: str | None = None
    ) -> None:
        await service.delete(self._session, rule_id, expected, reason)

    async def simulate(self, asked: SimulationWire) -> Decision:
        return await service.simulate(self._session, self._shelf, asked, self._user_id)

    async def current(self) -> Compiled:
        return await service.current(self._session, self._shelf)
