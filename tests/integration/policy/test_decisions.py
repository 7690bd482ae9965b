"""Decisions that count on a policy file, on real sockets and over several processes."""

import asyncio
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import orjson
import pytest

from tests.harness import deciding
from tests.harness.policy_contract import RULE
from tests.harness.policy_decisions import LIMITED, DecisionSuite, asked
from wardline.core.policy import kept, parse, usage
from wardline.core.policy.request import Principal, State
from wardline.policy.decisions.reservation import Reservation, ReservationOver
from wardline.policy.file import counting
from wardline.policy.file.book import Book
from wardline.policy.file.decisions import FileDecisions
from wardline.policy.file.store import FileStore, Terms

PROCESSES, DECIDERS, REQUESTS = 5, 10, 3
LIMIT = 40


@pytest.fixture
def site() -> str:
    return "site-1"


class TestDecisions(DecisionSuite):
    pass


class Clock:
    def __init__(self) -> None:
        self.value = datetime(2026, 11, 23, 9, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.value


class Desk:
    """A policy file with a clock of our own, and one caller."""

    def __init__(self, path: Path) -> None:
        self.clock = Clock()
        self.book = Book(path)
        terms = Terms(now=self.clock)
        self.rules = FileStore(self.book, terms, "somebody")
        self.store = FileDecisions(self.book, terms, Principal("somebody", frozenset()))

    async def decide(self, *requests: object) -> list:
        answer = await self.store.decide(parse.asked({"requests": list(requests)}), None)
        return orjson.loads(answer)["decisions"]


@pytest.fixture
async def desk(tmp_path: Path):
    made = Desk(tmp_path / "policies.db")
    yield made
    await made.book.close()


async def test_deciders_in_several_processes_never_exceed_a_budget(desk: Desk) -> None:
    await desk.rules.save(parse.rule({**LIMITED, "limits": {"maxRunsPerSitePerHour": LIMIT}}))
    told = {
        "file": str(desk.book.database.path),
        "body": asked(),
        "deciders": DECIDERS,
        "requests": REQUESTS,
    }
    reserved = await deciding.reserved_by([told] * PROCESSES)
    assert len(reserved) == len(set(reserved)) == LIMIT < PROCESSES * DECIDERS * REQUESTS


async def test_a_decider_killed_before_its_start_leaves_a_reservation_that_expires(
    desk: Desk,
) -> None:
    await desk.rules.save(parse.rule({**LIMITED, "limits": {"maxRunsPerSitePerHour": 1}}))
    told = {"file": str(desk.book.database.path), "body": asked(), "deciders": 1, "requests": 1}
    (reserved,) = await deciding.killed_after_deciding(told)
    desk.clock.value = datetime.now(UTC)
    (decision,) = await desk.decide(asked())
    assert decision["code"] == "limit_exceeded"
    desk.clock.value += usage.RESERVED + usage.GRACE + timedelta(seconds=1)
    (decision,) = await desk.decide(asked())
    assert decision["verdict"] == "run"
    with pytest.raises(ReservationOver):
        await desk.store.step(reserved, Reservation.started)


async def test_a_reservation_survives_a_restart(tmp_path: Path) -> None:
    first = Desk(tmp_path / "policies.db")
    await first.rules.save(parse.rule({**LIMITED, "limits": {"maxRunsPerSitePerHour": 1}}))
    await first.decide(asked())
    await first.book.close()
    second = Desk(tmp_path / "policies.db")
    (decision,) = await second.decide(asked())
    assert decision["code"] == "limit_exceeded"
    await second.book.close()


async def test_a_run_that_never_ends_is_in_flight_for_so_long(desk: Desk) -> None:
    await desk.rules.save(parse.rule({**RULE, "limits": {"maxConcurrentPerSite": 1}}))
    (decision,) = await desk.decide(asked())
    await desk.store.step(decision["decisionId"], Reservation.started)
    desk.clock.value += usage.IN_FLIGHT - timedelta(seconds=1)
    assert (await desk.decide(asked()))[0]["code"] == "limit_exceeded"
    desk.clock.value += timedelta(seconds=1)
    assert (await desk.decide(asked()))[0]["verdict"] == "run"


async def test_rolling_sums_let_go_to_the_second(desk: Desk) -> None:
    rule = {
        **RULE,
        "params": {"qty": 2.5},
        "limits": {"maxDailyQty": 5, "maxRunsPerSitePerHour": 1},
    }
    await desk.rules.save(parse.rule(rule))
    start = desk.clock.value
    for hours in (0, 1):
        desk.clock.value = start + timedelta(hours=hours)
        first, second = await desk.decide(asked(), asked())
        assert (first["verdict"], second["code"]) == ("run", "limit_exceeded")
        await desk.store.step(first["decisionId"], Reservation.started)
        await desk.store.step(first["decisionId"], Reservation.ended)
    desk.clock.value = start + timedelta(days=1, seconds=-1)
    assert (await desk.decide(asked()))[0]["code"] == "limit_exceeded"
    desk.clock.value = start + timedelta(days=1)
    assert (await desk.decide(asked()))[0]["verdict"] == "run"


async def test_decisions_are_kept_so_that_they_can_be_made_again(desk: Desk) -> None:
    rule = {**RULE, "limits": {}, "params": {"note": "{facts.path}"}}
    await desk.rules.save(parse.rule(rule))
    alert = {**asked()["alert"], "delta": 1.5, "facts": {"path": "/etc/x", "share": 0.25}}
    await desk.decide(asked(alert=alert, site="site-1", host="host-1"), asked(alert=alert))
    await desk.rules.simulate(parse.simulation({"alert": alert}))
    (batch,) = await desk.store.kept(limit=10)
    assert (batch.decisions, batch.revision) == (2, 1)
    for one in kept.unpack(batch.body):
        again = desk.book.index.evaluate(one.request, _state(one))
        assert (again.verdict, again.code, again.rule_id) == (one.verdict, one.code, one.rule_id)
    assert await desk.store.kept([alert["kpiId"]], limit=1) == [batch]
    assert await desk.store.kept(["another"], limit=1) == []
    assert await desk.store.kept(before=batch.id, limit=1) == []


async def test_what_is_old_makes_room_and_what_counts_stays(desk: Desk) -> None:
    await desk.rules.save(parse.rule({**RULE, "limits": {}, "cooldownMinutes": 60 * 24 * 300}))
    (decision,) = await desk.decide(asked())
    await desk.store.step(decision["decisionId"], Reservation.started)
    desk.clock.value += timedelta(days=kept.DAYS_MAX + 1)
    await desk.book.database.write(lambda each: counting.tidy(each, desk.clock.value))
    assert await desk.store.kept(limit=10) == []
    assert (await desk.decide(asked()))[0]["code"] == "cooldown"
    desk.clock.value += usage.COOLDOWN
    await desk.book.database.write(lambda each: counting.tidy(each, desk.clock.value))
    left = await desk.book.read(lambda each: each.execute("SELECT count(*) FROM runs").fetchone())
    assert left == (0,)


def _state(one):
    return State(freeze=one.freeze, observing=one.observing, hold=one.held)


async def test_rules_that_another_process_has_just_written_decide(
    desk: Desk, tmp_path: Path
) -> None:
    await desk.rules.save(parse.rule(LIMITED))
    (before,) = await desk.decide(asked())
    other = Book(tmp_path / "policies.db")
    await FileStore(other, Terms(now=desk.clock), "else").delete(LIMITED["id"])
    await other.close()
    (after,) = await desk.decide(asked())
    assert (before["verdict"], after["code"]) == ("run", "no_match"), "nobody looked in between"
    (newest, _) = await desk.store.kept(limit=2)
    assert newest.revision == 2


async def test_who_waited_for_a_writer_decides_by_what_it_wrote(desk: Desk) -> None:
    await desk.rules.save(parse.rule(LIMITED))
    held = threading.Event()
    first = asyncio.create_task(desk.book.database.write(lambda _: held.wait()))
    writes = asyncio.create_task(desk.rules.delete(LIMITED["id"]))
    await asyncio.sleep(0)
    decides = asyncio.create_task(desk.decide(asked()))
    await asyncio.sleep(0)
    held.set()
    await asyncio.gather(first, writes)
    assert [each["code"] for each in await decides] == ["no_match"]


async def test_what_could_not_be_replayed_is_not_decided(desk: Desk) -> None:
    await desk.rules.save(parse.rule(LIMITED))
    large = {**asked()["alert"], "facts": {"text": "x" * (kept.BYTES_MAX + 1)}}
    with pytest.raises(parse.RuleInvalid, match="bytes to keep, at most"):
        await desk.decide({**asked(), "alert": large})
    assert await desk.store.kept(limit=1) == []
    assert await desk.store.uses() == []
    text = "x" * (kept.BYTES_MAX - 1_000)
    (told,) = await desk.decide({**asked(), "alert": {**large, "facts": {"text": text}}})
    (batch,) = await desk.store.kept(limit=1)
    (read,) = kept.unpack(batch.body)
    assert (told["verdict"], read.request.facts) == ("run", {"text": text})
