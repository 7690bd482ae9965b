"""Decisions that count on the rules of a policy file.

Whoever decides, in whichever process: the file's write lock lets one count and reserve at a time.
"""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from wardline.core.policy.batch import Batch, Wanted
from wardline.core.policy.compiled import Compiled
from wardline.core.policy.request import Principal
from wardline.policy.decisions import asking, reservation
from wardline.policy.decisions.asking import Standing
from wardline.policy.decisions.reservation import Reservation, ReservationUnknown
from wardline.policy.decisions.store import KeptBatch, Key, Step, Use
from wardline.policy.file import counting
from wardline.policy.file.book import Book
from wardline.policy.file.store import Terms
from wardline.policy.simulation import Place

KEPT_PER_CALL_MAX = 1_000


@dataclass(frozen=True, slots=True)
class FileDecisions:
    """A DecisionStore over a policy file, for one caller."""

    book: Book
    terms: Terms
    caller: Principal

    async def decide(
        self, asked: Sequence[Wanted], key: Key | None, *, traced: bool = True
    ) -> bytes:
        asking.check(asked)
        index, who = self.book.index, self.caller.user_id

        def work(connection: sqlite3.Connection) -> bytes:
            if key is not None:
                held = counting.answer(connection, who, key, self.terms.now())
                if held is not None:
                    return held
            # Of the time at which it counts: the lock may have been waited for.
            now = self.terms.now()
            batch = self._batch(index, asked, now, traced=traced)
            counted = counting.count(
                connection, now, sorted(batch.needs.rules), sorted(batch.needs.hosts)
            )
            runs = batch.settle(counted)
            counting.reserve(connection, runs, now, reservation.expiry(now), who)
            version = index.revision, index.epoch
            counting.keep(connection, now, version, len(asked), batch.kpis(), batch.kept())
            counting.add_uses(connection, now, batch.uses())
            answer = asking.answer(batch, runs, now)
            if key is not None:
                counting.put_answer(connection, who, key, answer, now)
            return answer

        return await self.book.database.write(work)

    async def step(self, decision_id: str, step: Step) -> tuple[Reservation, datetime]:
        def work(connection: sqlite3.Connection) -> tuple[Reservation, datetime]:
            now = self.terms.now()
            held = counting.reservation(connection, decision_id)
            if held is None:
                raise ReservationUnknown
            found = step(held, now, self.caller.user_id)
            if found != held:
                counting.put_reservation(connection, found)
            return found, now

        return await self.book.database.write(work)

    async def uses(self) -> list[Use]:
        return await self.book.read(counting.uses)

    async def kept(
        self, kpi_ids: Sequence[str] | None = None, *, before: int | None = None, limit: int
    ) -> list[KeptBatch]:
        limit = min(limit, KEPT_PER_CALL_MAX)
        return await self.book.read(
            lambda each: counting.kept_batches(each, kpi_ids, before, limit)
        )

    def _batch(
        self, index: Compiled, asked: Sequence[Wanted], now: datetime, *, traced: bool
    ) -> Batch:
        there = Standing(Place(self.terms.zone))
        standing = {asking.site(each): there for each in asked}
        terms = asking.Terms(now, None, self.caller, self.terms.known)
        return asking.batch(index, asked, standing, terms, traced=traced)
