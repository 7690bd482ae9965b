"""What the watch over each heal found is what L2 and the brake go by: nothing is told them by hand."""

import os
from dataclasses import replace
from datetime import timedelta

import pytest

from tests.integration.agent.bench import BAD_MODE, DRIFT, GOOD_MODE, Bench
from tests.integration.agent.switch import decision, drifted, healing, last
from tests.integration.agent.waiting import BOOK, CHECK
from wardline.agent.levels import Levels
from wardline.agent.planner.retrieval import Retrieval
from wardline.agent.runbooks import runbook
from wardline.agent.store import stops
from wardline.core.evidence.bundle import IncidentState, ResolutionLevel
from wardline.core.incidents.remedy import Condition, Operator
from wardline.core.stops import Kind, Subject

VERSION = Subject(Kind.RUNBOOK, BOOK, runbook.registry()[BOOK].digest)
# Apart from each other, so that nothing flaps, and a watch is over.
APART, DAY = timedelta(hours=3), timedelta(days=1)


@pytest.fixture
def bench(bench: Bench) -> Bench:
    healing(bench)
    return bench


def healed_for_good(bench: Bench) -> str:
    """A drift, its heal, and the look that ends its watch; the incident."""
    drifted(bench)
    assert bench.mode == GOOD_MODE
    bench.clock.sleep(APART)
    bench.observe(CHECK)
    told = last(bench)
    assert told.state is IncidentState.STABLE
    return told.incident_id


def failed(bench: Bench) -> None:
    """A drift of a file with another name, which no run changes, and its end by hand."""
    other = bench.tree / "etc/other"
    os.link(bench.tree / DRIFT, other)
    drifted(bench)
    assert bench.mode == BAD_MODE
    other.unlink()
    (bench.tree / DRIFT).chmod(GOOD_MODE)
    bench.clock.sleep(DAY)
    bench.observe(CHECK)
    bench.check_in()


def without_answers(bench: Bench) -> None:
    never = (Condition("nowhere", Operator.EXISTS, True),)
    unanswered = tuple(replace(one, conditions=never) for one in runbook.remedies())
    bench.agent.healer._levels = Levels(unanswered, (Retrieval(),))


def results(bench: Bench) -> list[str]:
    with bench.agent.ledger.reading() as tx:
        return [row["result"] for row in tx.rows("SELECT result FROM attempts ORDER BY rowid")]


def stopped(bench: Bench) -> list[tuple[Subject, int, int]]:
    with bench.agent.ledger.reading() as tx:
        return [(one.subject, one.failed, one.runs) for one in stops.in_force(tx)]


def test_three_heals_that_lasted_are_the_plan_of_the_next_drift(bench: Bench) -> None:
    lasted = [healed_for_good(bench) for _ in range(3)]
    without_answers(bench)
    drifted(bench)
    told = last(bench)
    assert (told.state, told.resolution_level) == (IncidentState.HEALED, ResolutionLevel.L2)
    assert sorted(decision(told)["plan"]["basedOn"]) == sorted(lasted)
    assert decision(told)["plan"]["confidencePercent"] == 75
    bench.clock.sleep(APART)
    bench.observe(CHECK)
    assert (last(bench).state, last(bench).resolution_level) == (
        *(IncidentState.STABLE, ResolutionLevel.L2),
    )
    assert results(bench) == ["stable"] * 4


def test_a_heal_that_is_watched_still_or_came_undone_is_no_such_proof(bench: Bench) -> None:
    for _ in range(2):
        healed_for_good(bench)
    drifted(bench)
    bench.clock.sleep(timedelta(minutes=1))
    drifted(bench)
    assert results(bench) == ["stable", "stable", "recurred", "healed"]
    bench.clock.sleep(APART)
    bench.observe(CHECK)
    assert results(bench) == ["stable", "stable", "recurred", "stable"]
    without_answers(bench)
    drifted(bench)
    assert bench.mode == BAD_MODE, "three for it and one against: not sure enough"
    assert last(bench).resolution_level is ResolutionLevel.L3


def test_more_than_a_fifth_of_five_runs_that_failed_days_apart_stop_their_version(
    bench: Bench,
) -> None:
    for _ in range(3):
        healed_for_good(bench)
    failed(bench)
    assert stopped(bench) == [], "one of four: too few to say"
    failed(bench)
    assert results(bench) == ["stable"] * 3 + ["failed"] * 2
    assert (VERSION, 2, 5) in stopped(bench)
    drifted(bench)
    assert bench.mode == BAD_MODE
    assert decision(last(bench))["code"] == "brake"


def test_as_many_failures_among_more_runs_that_lasted_stop_nothing(bench: Bench) -> None:
    for _ in range(8):
        healed_for_good(bench)
    failed(bench)
    failed(bench)
    assert stopped(bench) == [], "two of ten are a fifth, and no more"
    drifted(bench)
    assert bench.mode == GOOD_MODE
