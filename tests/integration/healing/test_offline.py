"""Thirty days without Central: healing, holds, budgets and evidence go on, and all of it arrives."""

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.harness import ordering
from tests.harness.fake_central import Answer, on, problem
from tests.integration.agent.bench import BAD_MODE, DRIFT, GOOD_MODE, Bench
from wardline.agent.store import backoff, holds
from wardline.core import canonical, ids, protocol
from wardline.core.evidence import bundle
from wardline.core.evidence.bundle import Kind

CHECK = "file_permissions"
RULE = f"runbook.{CHECK}.restore"
DAYS, LOOKS_A_DAY = 30, 3
# The days on which the drift comes: once, so often that the budget ends, and again and again.
ONCE, BUDGET, FLAPPING = range(1, 9), 12, 20
RUNS_A_DAY = 3
BEYOND_FLAPPING, WITHIN = timedelta(minutes=150), timedelta(minutes=20)


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    """An appliance that may run a repair three times a day, on the day before the line goes down."""
    made = Bench(tmp_path)
    made.clock.offset -= timedelta(days=DAYS + 2)
    made.central.healing = "heal"
    ordering.change_rule(made.central, RULE, limits={"maxRunsPerHostPerDay": RUNS_A_DAY})
    made.report()
    made.observe(CHECK)
    made.report()
    yield made
    made.close()


def _away(*_: object) -> Answer:
    raise httpx2.ConnectError("no route to host")


def _turn(bench: Bench) -> None:
    """A look, what it asks for, and a try to send it."""
    bench.observe(CHECK)
    bench.act()
    assert not bench.check_in()
    bench.agent.reporter.turn()


def _healed(bench: Bench) -> bool:
    bench.drift()
    _turn(bench)
    healed = bench.mode == GOOD_MODE
    (bench.tree / DRIFT).chmod(GOOD_MODE)
    return healed


def _month(bench: Bench) -> dict[int, list[bool]]:
    """Which drifts of which day were healed."""
    healed: dict[int, list[bool]] = {}
    for day in range(DAYS):
        began = bench.clock.slept
        if day in ONCE:
            healed[day] = [_healed(bench)]
        elif day in (BUDGET, FLAPPING):
            healed[day] = []
            for _ in range(RUNS_A_DAY + 2 if day == BUDGET else RUNS_A_DAY + 1):
                healed[day].append(_healed(bench))
                bench.clock.sleep(BEYOND_FLAPPING if day == BUDGET else WITHIN)
                _turn(bench)
        for _ in range(LOOKS_A_DAY):
            bench.clock.sleep((began + timedelta(days=1) - bench.clock.slept) / 2)
            _turn(bench)
        bench.clock.sleep(began + timedelta(days=1) - bench.clock.slept)
        if day in (3, 21):
            bench.restart()
        if day == 9:
            bench.restart()
            bench.agent.ledger._boot_id = ids.new("boot")
    return healed


def test_thirty_days_without_central_lose_nothing_and_arrive_in_order_once_and_paced(
    bench: Bench,
) -> None:
    central, answers = bench.central, bench.central.answer
    before = len(central.stored)
    central.answer = _away  # type: ignore[method-assign]
    healed = _month(bench)
    assert all(healed[day] == [True] for day in ONCE)
    assert healed[BUDGET] == [True] * RUNS_A_DAY + [False, False], "the budget is kept offline"
    assert healed[FLAPPING] == [True] * 3 + [False], "so is the flap rule"
    with bench.agent.ledger.reading() as tx:
        assert [one.check for one in holds.active(tx)] == [CHECK]
        assert backoff.remaining_ms(tx, bench.agent.ledger.moment()) <= 60 * 60_000
    sealed = bench.counts().pending
    assert sealed > DAYS * LOOKS_A_DAY
    assert bench.counts().quarantined == 0

    central.answer = answers  # type: ignore[method-assign]
    heard = len(central.requests)
    central.odd += [_lost(bench), on("/evidence", problem(429, "slow", retry_after="60"))]
    assert bench.check_in()
    bench.agent.reporter.turn()
    taken = len(central.stored) - before
    assert 0 < taken < sealed, "what Central took though its answer was lost, and no more"
    assert bench.counts().pending == sealed
    _pass(bench)
    bench.agent.reporter.turn()
    assert len(central.stored) - before == taken, "Central asked for a minute"
    bench.agent.reporter.turn()
    assert len(central.stored) - before == taken
    _pass(bench)
    bench.report()
    bench.report()
    _whole(bench, before, sealed)
    doubled = [one.times for one in central.stored]
    assert doubled == [1] * before + [2] * taken + [1] * (len(doubled) - before - taken)
    batches = [sent["envelopes"] for name, sent in central.requests[heard:] if name == "/evidence"]
    assert max(len(one) for one in batches) <= protocol.ENVELOPES_PER_BATCH_MAX
    assert max(len(json.dumps(one)) for one in batches) <= protocol.BATCH_BYTES_MAX
    assert len(central.holds) == 1
    assert bench.alarms() == {}
    assert bench.mode != BAD_MODE


def _lost(bench: Bench) -> Any:
    """Central takes the first batch, and the line breaks before its answer is here."""

    def odd(name: str, sent: dict[str, Any]) -> Answer | None:
        if name != "/evidence":
            return None
        refused = [bench.central._take(at, wire) for at, wire in enumerate(sent["envelopes"])]
        assert refused == [None] * len(refused)
        bench.central.odd.remove(odd)
        raise httpx2.ReadError("the line broke")

    return odd


def _pass(bench: Bench) -> None:
    """The rest that was drawn, or asked for, is over."""
    with bench.agent.ledger.reading() as tx:
        rest_ms = backoff.remaining_ms(tx, bench.agent.ledger.moment())
    bench.clock.sleep(timedelta(milliseconds=rest_ms + 1))


def _whole(bench: Bench, before: int, sealed: int) -> None:
    """Every bundle, once, in the order in which it was sealed, each on its own day."""
    stored, counts = bench.central.stored, bench.counts()
    assert len(stored) == before + sealed
    assert (counts.pending, counts.unproved, counts.quarantined) == (0, 0, 0)
    prev = bundle.NO_PREV
    for seq, one in enumerate(stored, 1):
        assert (one.bundle.seq, one.bundle.prev) == (seq, prev)
        prev = bundle.chain_hash(bundle.PAYLOAD_TYPE, one.envelope.payload)
    times = [one.bundle.captured_at for one in stored]
    assert times == sorted(times)
    days = {(at - times[before]) // timedelta(days=1) for at in times[before:]}
    assert days >= set(range(DAYS)), "no day without evidence"
    beats = [one for one in stored[before:] if one.bundle.kind is Kind.HEARTBEAT]
    assert len(beats) >= DAYS * LOOKS_A_DAY - 1
    records = bench.central.records(CHECK)
    assert len({canonical.digest(bundle.incident_to_wire(one)) for one in records}) == len(records)
