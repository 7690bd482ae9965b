"""The partner's rules as the policy manager asks for them, inside the session of one request."""

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from datetime import datetime

from wardline.central.database.session import Session
from wardline.central.policies import past, service
from wardline.central.policies.shelf import Shelf
from wardline.core.canonical import Json
from wardline.core.policy.analysis.estate import Estate
from wardline.core.policy.compiled import Compiled
from wardline.core.policy.kept import Sheet
from wardline.core.policy.request import ActionFacts
from wardline.core.policy.rule import Rule
from wardline.core.policy.wire import SimulationWire
from wardline.policy.simulation import Place, Simulated
from wardline.policy.store import ANY, Expectation, Past


class PartnerStore:
    """A PolicyStore over PostgreSQL; the session's transaction is that of a write."""

    __slots__ = ("_session", "_shelf", "_user_id")

    def __init__(self, session: Session, shelf: Shelf, user_id: str) -> None:
        self._session = session
        self._shelf = shelf
        self._user_id = user_id

    @property
    def owner(self) -> str:
        return self._session.scope.owner

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

    async def simulate(self, asked: SimulationWire) -> Simulated:
        return await service.simulate(self._session, self._shelf, asked, self._user_id)

    def past(self, asked: Past) -> AsyncIterator[Sequence[Sheet]]:
        return past.sheets(self._session, asked)

    def actions(self, platform: str | None) -> Mapping[str, ActionFacts] | None:
        return service.actions(platform)

    async def current(self) -> Compiled:
        return await service.current(self._session, self._shelf)

    async def rules_of(self, kpi_ids: Collection[str] | None) -> list[Rule]:
        return await service.rules_of(self._session, kpi_ids)

    async def estate(self, site_ids: Collection[str]) -> Estate:
        return await service.estate(self._session, site_ids)

    async def place(self, site_id: str | None) -> Place:
        return await service.place(self._session, site_id)

    def now(self) -> datetime:
        return self._session.now
