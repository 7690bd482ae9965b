"""The rules of a policy file as the policy manager asks for them, for one caller."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

import orjson

from wardline.core import clock, ids
from wardline.core.canonical import Json
from wardline.core.clock import Now
from wardline.core.policy import exact, kept
from wardline.core.policy.analysis.estate import Estate
from wardline.core.policy.compiled import Compiled
from wardline.core.policy.kept import Sheet
from wardline.core.policy.request import ActionFacts, State
from wardline.core.policy.rule import Rule
from wardline.core.policy.wire import SimulationWire
from wardline.formats import policy_file
from wardline.formats.policy_schema import RuleRow
from wardline.policy import admission, events, simulation
from wardline.policy.file import counting, rows
from wardline.policy.file.book import Book, Written
from wardline.policy.simulation import Place, Simulated
from wardline.policy.store import ANY, Expectation, Past, RuleInvalid, RuleUnknown

ALL_RULES = "policies"
BATCHES_PER_LOOK = 100


@dataclass(frozen=True, slots=True)
class Terms:
    """What holds for every caller of a policy file: the zone of rules that name none, and the
    actions that there are, None for any."""

    zone: str = "UTC"
    actions: Mapping[str, ActionFacts] | None = None
    now: Now = clock.system

    def known(self, _: str | None) -> Mapping[str, ActionFacts] | None:
        """The actions that there are, on any platform."""
        return self.actions


class FileStore:
    """A PolicyStore over a policy file; `author` is who asks."""

    __slots__ = ("_author", "_book", "_terms")

    def __init__(self, book: Book, terms: Terms, author: str) -> None:
        self._book = book
        self._terms = terms
        self._author = author

    @property
    def owner(self) -> str:
        """A file's rules are one owner's, whoever asks."""
        return ALL_RULES

    async def rules(self) -> list[dict[str, Json]]:
        return await self._book.read(lambda each: [_public(row) for row in rows.all_rules(each)])

    async def export(self) -> list[dict[str, Json]]:
        return await self._book.read(lambda each: [_authored(row) for row in rows.all_rules(each)])

    async def save(
        self, rule: Rule, expected: Expectation = ANY, *, reason: str | None = None
    ) -> int:
        return await self._write_one(rule, expected, reason)

    async def update(
        self, rule: Rule, expected: Expectation = ANY, *, reason: str | None = None
    ) -> int:
        return await self._write_one(rule, expected, reason, must_exist=True)

    async def save_all(
        self, rules: Sequence[Rule], expected: Expectation = ANY, *, reason: str | None = None
    ) -> int:
        if not rules:
            return 0
        admission.check_all(rules, actions=self._terms.actions, partner=None)

        def work(connection: sqlite3.Connection) -> tuple[int, Written]:
            held = rows.held(connection, [rule.id for rule in rules])
            for rule_id, revision in held.items():
                expected.check(rule_id, revision)
            check_room(connection, len(rules) - len(held))
            written = self._put(connection, rules, reason)
            rows.announce(connection, written.writing, events.BULK_CREATED, ALL_RULES, len(rules))
            return len(rules), written

        return await self._book.write(work)

    async def delete(
        self, rule_id: str, expected: Expectation = ANY, *, reason: str | None = None
    ) -> None:
        def work(connection: sqlite3.Connection) -> tuple[None, Written]:
            revision = rows.held(connection, [rule_id]).get(rule_id)
            if revision is None:
                raise RuleUnknown
            expected.check(rule_id, revision)
            writing = rows.begin(connection, self._author, self.now(), reason)
            rows.remove(connection, writing, [rule_id])
            rows.announce(connection, writing, events.DELETED, rule_id, rule_id)
            epoch = rows.stand(connection).epoch
            return None, Written(writing, epoch, removed=[rule_id])

        await self._book.write(work)

    async def simulate(self, asked: SimulationWire) -> Simulated:
        request = simulation.request(
            asked,
            await self.place(simulation.site(asked)),
            now=self.now(),
            decision_id=ids.new("dec"),
            partner=None,
            user_id=self._author,
        )
        state = State(actions=self._terms.actions, confirmed_at=request.at)
        index = self._book.index
        if asked.rules is None:
            return simulation.in_force(index, request, state)
        return await asyncio.to_thread(
            simulation.on_draft,
            asked,
            request,
            state,
            revision=index.revision,
            epoch=index.epoch,
        )

    async def rules_of(self, kpi_ids: Collection[str] | None) -> list[Rule]:
        rules = (plan.rule for plan in self._book.index.plans.values())
        return [rule for rule in rules if kpi_ids is None or rule.when.kpi_id in kpi_ids]

    async def estate(self, site_ids: Collection[str]) -> Estate:
        return Estate(actions=self._terms.actions)

    async def place(self, site_id: str | None) -> Place:
        return Place(self._terms.zone)

    async def past(self, asked: Past) -> AsyncIterator[Sequence[Sheet]]:
        before: int | None = None
        kpis = sorted(asked.kpi_ids)
        while True:
            look = partial(
                counting.kept_batches, kpi_ids=kpis, before=before, limit=BATCHES_PER_LOOK
            )
            found = await self._book.read(look)
            bodies = [each.body for each in found if asked.since <= each.at < asked.until]
            if bodies:
                yield await asyncio.to_thread(_sheets, bodies)
            if len(found) < BATCHES_PER_LOOK or found[-1].at < asked.since:
                return
            before = found[-1].id

    def actions(self, platform: str | None) -> Mapping[str, ActionFacts] | None:
        return self._terms.actions

    async def current(self) -> Compiled:
        return self._book.index

    def now(self) -> datetime:
        return self._terms.now()

    async def _write_one(
        self, rule: Rule, expected: Expectation, reason: str | None, *, must_exist: bool = False
    ) -> int:
        admission.check(rule, actions=self._terms.actions, partner=None)

        def work(connection: sqlite3.Connection) -> tuple[int, Written]:
            revision = rows.held(connection, [rule.id]).get(rule.id)
            if revision is None and must_exist:
                raise RuleUnknown
            expected.check(rule.id, revision)
            check_room(connection, 1 if revision is None else 0)
            written = self._put(connection, [rule], reason)
            kind = events.CREATED if revision is None else events.UPDATED
            rows.announce(connection, written.writing, kind, rule.id, rule.id)
            return written.writing.revision, written

        return await self._book.write(work)

    def _put(
        self, connection: sqlite3.Connection, rules: Sequence[Rule], reason: str | None
    ) -> Written:
        writing = rows.begin(connection, self._author, self.now(), reason)
        rows.put(connection, writing, rules)
        return Written(writing, rows.stand(connection).epoch, rules)


def _sheets(bodies: Sequence[bytes]) -> list[Sheet]:
    return [kept.sheet(each) for each in bodies]


def check_room(connection: sqlite3.Connection, added: int) -> None:
    """Raises RuleInvalid where that many more rules are too many."""
    if added and rows.count(connection) + added > policy_file.RULES_MAX:
        raise RuleInvalid([("$", f"a policy has at most {policy_file.RULES_MAX} rules")])


def _authored(row: RuleRow) -> dict[str, Json]:
    """A rule in the form in which it was written."""
    body: dict[str, Json] = exact.plain(orjson.loads(row[1]))
    return body


def _public(row: RuleRow) -> dict[str, Json]:
    _, _, revision, created_by, created_at, updated_by, updated_at = row
    stamp: dict[str, Any] = {
        "revision": revision,
        "createdBy": created_by,
        "createdAt": created_at,
        "updatedBy": updated_by,
        "updatedAt": updated_at,
    }
    return _authored(row) | stamp
