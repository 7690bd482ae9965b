"""A promoted remedy on an appliance: L1's from the mandate on, and given up where it goes wrong."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from tests.integration.agent.bench import BAD_MODE, GOOD_MODE, Bench
from tests.integration.agent.switch import decision, drifted, healing, last
from tests.integration.agent.waiting import BOOK, CHECK
from wardline.agent.levels import Levels
from wardline.agent.runbooks import runbook
from wardline.agent.store import promotions, undos
from wardline.agent.store.undos import Wish
from wardline.core import clock, ids
from wardline.core.evidence.bundle import IncidentState, ResolutionLevel
from wardline.core.incidents import merit, signature
from wardline.core.incidents.promotion import Entry, Ledger, Step, Subject

PERIOD = timedelta(minutes=15)
AT = clock.parse("2026-11-20T09:00:00.000Z")
PROMOTION = "prom_01k9xq7v0000000000000000a1"
CANARY = (Step.PROPOSED, Step.EVALUATED, Step.APPROVED)
PROMOTED = (*CANARY, Step.PROMOTED)


@pytest.fixture
def bench(bench: Bench) -> Bench:
    """A site that heals, whose L1 has no remedy of its own."""
    healing(bench)
    without_remedies(bench)
    return bench


def without_remedies(bench: Bench) -> None:
    bench.agent.healer._levels = Levels((), ())


def ledger(bench: Bench, steps: tuple[Step, ...], **changes: Any) -> Ledger:
    """Of the drift of the bench; the canary is on its site."""
    book = runbook.registry()[BOOK]
    subject = Subject(
        CHECK,
        signature.signature(CHECK, ["/etc/passwd"]),
        BOOK,
        book.digest,
        book.remedies[0].inputs,
    )
    entries = tuple(
        Entry(number, step, AT, "Mia", bench.central.site if step is Step.APPROVED else None)
        for number, step in enumerate(steps, 1)
    )
    return Ledger(PROMOTION, replace(subject, **changes), entries)


def promote(bench: Bench, *ledgers: Ledger) -> None:
    bench.central.mandates.promote(*ledgers)
    assert bench.check_in()


def drift_again(bench: Bench) -> None:
    """Within the watch of the last heal."""
    bench.clock.sleep(timedelta(minutes=1))
    drifted(bench)


def lasted(bench: Bench) -> None:
    bench.clock.sleep(PERIOD + timedelta(seconds=1))
    bench.observe(CHECK)


def stopped(bench: Bench) -> bool:
    with bench.agent.ledger.reading() as tx:
        return promotions.stop(tx, PROMOTION, bench.central.appliance) is not None


def test_without_a_promotion_nothing_answers_and_it_is_a_persons(bench: Bench) -> None:
    drifted(bench)
    assert bench.mode == BAD_MODE
    assert last(bench).state is IncidentState.ESCALATED


def test_a_canary_is_l1s_answer_on_its_site_and_evidence_says_so(bench: Bench) -> None:
    promote(bench, ledger(bench, CANARY))
    drifted(bench)
    assert bench.mode == GOOD_MODE
    told = last(bench)
    assert (told.state, told.resolution_level) == (IncidentState.HEALED, ResolutionLevel.L1)
    assert decision(told)["promotion"] == {"id": PROMOTION, "canary": True}
    lasted(bench)
    assert last(bench).state is IncidentState.STABLE
    assert not stopped(bench)


def test_one_run_of_a_canary_that_does_not_last_stops_it_here_for_good(bench: Bench) -> None:
    promote(bench, ledger(bench, CANARY))
    drifted(bench)
    drift_again(bench)
    assert stopped(bench)
    assert bench.mode == BAD_MODE
    assert last(bench).state is IncidentState.ESCALATED
    bench.restart()
    without_remedies(bench)
    known = ledger(bench, PROMOTED)
    told = Entry(9, Step.STOPPED, AT, "Wardline", appliance_id=bench.central.appliance)
    for ledgers in (known, replace(known, entries=(*known.entries, told))):
        promote(bench, ledgers)
        bench.act()
        assert bench.mode == BAD_MODE


def test_one_of_three_runs_that_does_not_last_demotes_it_here(bench: Bench) -> None:
    promote(bench, ledger(bench, PROMOTED))
    drifted(bench)
    drift_again(bench)
    assert not stopped(bench), "one of one: too few to say"
    lasted(bench)
    assert bench.mode == GOOD_MODE
    drifted(bench)
    assert decision(last(bench))["promotion"] == {"id": PROMOTION, "canary": False}
    lasted(bench)
    assert stopped(bench)
    drifted(bench)
    assert bench.mode == BAD_MODE
    with bench.agent.ledger.reading() as tx:
        (row,) = tx.rows("SELECT reason FROM promotion_stops")
        ends = [one["ended"] for one in tx.rows("SELECT ended FROM promotion_trials ORDER BY id")]
    assert row["reason"] == "1 of 3 runs failed or did not last, more than 20 %"
    assert ends == ["recurred", "stable", "stable"]


def test_an_undo_is_held_against_the_run_that_it_names_and_no_later_one(bench: Bench) -> None:
    promote(bench, ledger(bench, PROMOTED))
    drifted(bench)
    lasted(bench)
    run_id = decision(last(bench))["runId"]
    drifted(bench)
    assert bench.mode == GOOD_MODE
    wish = Wish(ids.new("undo"), run_id, "appliance:root", "root", "why", None, bench.clock())
    with bench.agent.ledger.transaction() as tx:
        undos.want(tx, wish)
    bench.act()
    assert bench.mode == BAD_MODE
    with bench.agent.ledger.reading() as tx:
        ends = tx.rows(
            "SELECT run_id = ? AS named, ended FROM promotion_trials ORDER BY id", (run_id,)
        )
    assert [tuple(one) for one in ends] == [(1, "undone"), (0, "unproved")]


def test_a_promotion_in_use_keeps_its_runs_and_one_that_rested_for_long_does_not(
    bench: Bench,
) -> None:
    promote(bench, ledger(bench, PROMOTED))
    drifted(bench)
    lasted(bench)
    began = clock.from_milliseconds(clock.milliseconds(bench.clock()))
    kept = [(began + merit.KEPT, 1), (began + 2 * merit.KEPT, 0)]
    with bench.agent.ledger.transaction() as tx:
        for now, count in kept:
            tx.execute(
                "INSERT INTO promotion_trials (promotion_id, incident_id, mark, canary, at)"
                " VALUES (?, 'inc_x', ?, 0, ?)",
                (PROMOTION, str(now), clock.wire(now - timedelta(days=1))),
            )
            if not count:
                tx.execute("DELETE FROM promotion_trials WHERE incident_id = 'inc_x'")
            promotions.prune(tx, now)
            ended = tx.rows("SELECT id FROM promotion_trials WHERE ended_at IS NOT NULL")
            assert len(ended) == count


def test_what_a_mandate_no_longer_names_is_no_remedy_any_more(bench: Bench) -> None:
    promote(bench, ledger(bench, PROMOTED))
    promote(bench)
    drifted(bench)
    assert bench.mode == BAD_MODE


@pytest.mark.parametrize(
    "changes",
    [
        {"digest": "ab" * 32},
        {"runbook": "file_permissions.other"},
        {"inputs": {"paths": ["/etc/shadow"]}},
        {"pattern": "ab" * 8},
        {"check": "auditd"},
    ],
)
def test_nothing_runs_by_a_promotion_that_this_appliance_does_not_know(
    bench: Bench, changes: dict[str, Any]
) -> None:
    """Another version of the runbook, inputs of Central's own, another pattern."""
    promote(bench, ledger(bench, PROMOTED, **changes))
    drifted(bench)
    assert bench.mode == BAD_MODE
    assert last(bench).state is IncidentState.ESCALATED


def test_a_canary_of_another_site_is_nothing_here(bench: Bench) -> None:
    elsewhere = ledger(bench, CANARY)
    approved = replace(elsewhere.entries[-1], site_id=ids.site())
    promote(bench, replace(elsewhere, entries=(*elsewhere.entries[:-1], approved)))
    drifted(bench)
    assert bench.mode == BAD_MODE
