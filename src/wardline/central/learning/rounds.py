"""The rounds of learning: statistics worked out anew, candidates proposed, promotions ended.

A job of its own, over all tenants; whatever it decides about a promotion is an entry of its ledger.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import RowMapping, exc
from sqlalchemy.ext.asyncio import AsyncEngine

from wardline.central.database.scope import Scope
from wardline.central.database.session import Session, open_session
from wardline.central.jobs.loops import ACTOR
from wardline.central.learning import ledger
from wardline.central.learning.ledger import Line
from wardline.central.learning.repository.patterns import Patterns
from wardline.core.clock import Now
from wardline.core.errors import Conflict
from wardline.core.incidents import catalogue, merit
from wardline.core.incidents.merit import Canary, Merit, Runs
from wardline.core.incidents.promotion import Stage, Step, Subject
from wardline.core.incidents.trial import End

INTERVAL_S = 60.0
# What ages is worked out anew this often also where nothing new came.
EVERYBODY_INTERVAL = timedelta(hours=1)
# A transaction that began so much earlier may commit after a look.
OVERLAP = timedelta(minutes=5)
PARTNERS_PER_LOOK_MAX = 500
RUNBOOKS_PER_PARTNER_MAX = 5_000
STANDING_PER_PARTNER_MAX = 5_000
TRIALS_PER_PROMOTION_MAX = 10_000
REMOVED_PER_ROUND_MAX = 50_000

# A round without one ends at once, and the next begins where this one did.
_NO_DATABASE = (OSError, exc.InterfaceError, exc.TimeoutError)
_HORIZON = timedelta(days=merit.HORIZON_DAYS)
_WAITING = (Stage.CANDIDATE.value, Stage.EVALUATED.value)
_COUNTS = (
    "pattern_signature",
    "incident_type",
    "runbook_id",
    "runbook_digest",
    "runbook_version",
    "runs",
    "watched",
    "stable",
    "failed",
    "recurred",
    "undone",
    "unproved",
    "occurrences",
    "by_l2",
)


class Learner:
    """Remembers how far it has looked, and whom it has to look at again; one per installation."""

    def __init__(self, engine: AsyncEngine, now: Now) -> None:
        self._engine = engine
        self._now = now
        self._seen: datetime | None = None
        self._everybody_at: datetime | None = None
        self._again: set[str] = set()

    async def learn(self) -> int:
        """One round: how many partners it worked on, each in a transaction of its own. The first
        round, and one an hour, is about all of them. What goes wrong with one is raised when all
        are done, and it is tried again in the next round."""
        began = self._now()
        last = self._everybody_at
        everybody = last is None or began - last >= EVERYBODY_INTERVAL
        worked, wrong, again = 0, list[Exception](), set[str]()
        async for partner_id in self._partners(None if everybody else self._seen or began):
            worked += 1
            try:
                async with self._open() as session:
                    await work_out(session, partner_id)
            except Conflict:
                # Somebody has moved one of its promotions meanwhile.
                again.add(partner_id)
            except _NO_DATABASE:
                raise
            except Exception as error:  # noqa: BLE001 (whatever it is, it is raised below)
                error.add_note(f"learning of {partner_id}")
                again.add(partner_id)
                wrong.append(error)
        self._seen, self._again = began, again
        if everybody:
            self._everybody_at = began
            async with self._open() as session:
                await Patterns(session).remove(began - merit.KEPT, REMOVED_PER_ROUND_MAX)
        if wrong:
            first = "; ".join((*wrong[0].__notes__, str(wrong[0])))
            raise ExceptionGroup(f"{len(wrong)} of {worked} partners: {first}", wrong)
        return worked

    async def _partners(self, since: datetime | None) -> AsyncIterator[str]:
        """Whom a round is about, by id; those with a run since then, or all of them."""
        after = ""
        again = sorted(self._again)
        while True:
            async with self._open() as session:
                if since is None:
                    page = await Patterns(session).every(after, PARTNERS_PER_LOOK_MAX)
                else:
                    known = since - OVERLAP, again, after, PARTNERS_PER_LOOK_MAX
                    page = await Patterns(session).due(*known)
            for partner_id in page:
                yield partner_id
            if len(page) < PARTNERS_PER_LOOK_MAX:
                return
            after = page[-1]

    def _open(self) -> AbstractAsyncContextManager[Session]:
        return open_session(self._engine, Scope.system(), ACTOR, now=self._now)


async def work_out(session: Session, partner_id: str) -> None:
    """Everything that follows from a partner's runs as they stand."""
    patterns, since = Patterns(session), session.now - _HORIZON
    found = await patterns.of_runbooks(partner_id, since, RUNBOOKS_PER_PARTNER_MAX)
    merits = [(row, _merit(row)) for row in found]
    await patterns.put(partner_id, since, [_told(row, one) for row, one in merits])
    standing = await patterns.standing(partner_id, STANDING_PER_PARTNER_MAX)
    for row in standing:
        if row["stage"] not in _WAITING:
            await _follow(session, partner_id, row)
    await _withdraw(session, partner_id, standing, merits)
    await _propose(session, partner_id, standing, merits)


def _merit(row: RowMapping) -> Merit:
    good = sum(map(merit.weight, row["good_ages"]))
    bad = sum(map(merit.weight, row["bad_ages"]))
    return Merit(row["occurrences"], row["by_l2"], good, good + bad)


def _told(row: RowMapping, one: Merit) -> dict[str, Any]:
    told = {name: row[name] for name in _COUNTS}
    return told | {
        "good": one.good,
        "everything": one.all,
        "lacking": list(merit.lacking(one)),
        "newest_at": row["newest_at"].isoformat(),
    }


async def _withdraw(
    session: Session,
    partner_id: str,
    standing: Sequence[RowMapping],
    merits: Sequence[tuple[RowMapping, Merit]],
) -> None:
    """A candidate that nobody approved, of which the numbers no longer hold."""
    known = {_key(row): one for row, one in merits}
    for row in standing:
        if row["stage"] in _WAITING:
            missing = merit.lacking(known.get(_key(row), Merit(0, 0, 0, 0)))
            if missing:
                line = Line(Step.WITHDRAWN, f"no longer earned: {'; '.join(missing)}")
                await ledger.grow(session, partner_id, row["id"], line)


async def _propose(
    session: Session,
    partner_id: str,
    standing: Sequence[RowMapping],
    merits: Sequence[tuple[RowMapping, Merit]],
) -> None:
    """The best runbook of each pattern that has none, of those whose version is known here."""
    taken = {(row["pattern_signature"], row["incident_type"]) for row in standing}
    ranked = sorted(merits, key=lambda each: (-each[1].good, each[0]["runbook_id"]))
    for row, one in ranked:
        place = row["pattern_signature"], row["incident_type"]
        book = catalogue.runbooks().get(row["runbook_id"])
        known = book is not None and book.digest == row["runbook_digest"]
        if place in taken or merit.lacking(one) or not known:
            continue
        taken.add(place)
        subject = Subject(
            row["incident_type"],
            row["pattern_signature"],
            row["runbook_id"],
            row["runbook_digest"],
            {},
        )
        why = (
            f"{one.occurrences} incidents, {one.by_l2} of them healed for good by an L2 plan,"
            f" {one.success_pct} % verified success"
        )
        line = Line(Step.PROPOSED, why, {"occurrences": one.occurrences, "by_l2": one.by_l2})
        await ledger.propose(session, partner_id, subject, row["runbook_version"], line)


async def _follow(session: Session, partner_id: str, row: RowMapping) -> None:
    """A promotion in force: ended by its runs, stopped where an appliance has ended it by its own,
    promoted when its canary is over."""
    trials = await Patterns(session).trials(partner_id, row["id"], TRIALS_PER_PROMOTION_MAX)
    # As they were received: the clocks of two appliances say nothing about each other.
    received = sorted(trials, key=lambda one: one["changed_at"])
    over = merit.ended_at(_ends(received), _before(trials, "before", "bad_before"))
    if over is not None:
        await ledger.grow(session, partner_id, row["id"], Line(Step.DEMOTED, over[1]))
        return
    _, now = await ledger.held(session, partner_id, row["id"])
    for appliance_id in sorted({one["appliance_id"] for one in trials} - now.stopped):
        own = [one for one in trials if one["appliance_id"] == appliance_id]
        over = merit.ended_at(_ends(own), _before(own, "own_before", "own_bad_before"))
        if over is not None:
            line = Line(Step.STOPPED, over[1], appliance_id=appliance_id)
            await ledger.grow(session, partner_id, row["id"], line)
    if now.stage is Stage.CANARY:
        await _follow_canary(session, partner_id, row, trials)


async def _follow_canary(
    session: Session, partner_id: str, row: RowMapping, trials: Sequence[RowMapping]
) -> None:
    stable = sum(
        one["ended"] == End.STABLE and one["canary"] and one["site_id"] == row["canary_site_id"]
        for one in trials
    )
    canary = Canary(row["approved_at"], stable)
    if canary.passed(session.now):
        why = f"its canary is over: {stable} runs, all of them stable"
        await ledger.grow(session, partner_id, row["id"], Line(Step.PROMOTED, why))
    elif canary.idle(session.now):
        why = f"nothing was proved in {merit.CANARY_MAX.days} days of its canary"
        await ledger.grow(session, partner_id, row["id"], Line(Step.DEMOTED, why))


def _before(trials: Sequence[RowMapping], decided: str, bad: str) -> Runs | None:
    """What the runs come to that are older than these; None where these are all."""
    if not trials or trials[0][decided] is None:
        return None
    return Runs(trials[0][decided], trials[0][bad])


def _ends(trials: Sequence[RowMapping]) -> list[tuple[End, bool]]:
    return [(End(one["ended"]), one["canary"]) for one in trials]


def _key(row: RowMapping) -> tuple[str, ...]:
    return tuple(
        row[name] for name in ("pattern_signature", "incident_type", "runbook_id", "runbook_digest")
    )
