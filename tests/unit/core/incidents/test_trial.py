"""What a record says of the run that it tells of, and when it says nothing."""

from dataclasses import replace
from datetime import timedelta

import pytest

from tests.harness.appliance import START, healed, incident, recurred, result, stable, watched
from wardline.core import clock
from wardline.core.evidence.bundle import IncidentOutcome, IncidentState, ResolutionLevel
from wardline.core.evidence.watch import WatchEnd
from wardline.core.incidents import trial
from wardline.core.incidents.remedy import Earned
from wardline.core.incidents.trial import End

OPENED = incident()
HEAL = watched(OPENED, 2)
FAILED = replace(
    healed(OPENED),
    state=IncidentState.FAILED,
    outcome=IncidentOutcome.FAILED,
    after=result(measured_at=START),
    closed_at=None,
)


def test_a_heal_is_a_trial_whose_end_is_told_later() -> None:
    found = trial.begun(HEAL)
    assert found is not None
    assert (found.mark, found.level, found.end) == ("heal 2", ResolutionLevel.L1, None)
    assert trial.ended(HEAL) is None
    again = recurred(HEAL, START + timedelta(minutes=3))
    assert trial.begun(again) is None
    told = trial.ended(again)
    assert told is not None
    assert (told.mark, told.end, told.at) == ("heal 2", End.RECURRED, START + timedelta(minutes=3))


def test_a_stable_heal_is_told_whole() -> None:
    lasted = stable(HEAL)
    found, told = trial.begun(lasted), trial.ended(lasted)
    assert found is not None
    assert told is not None
    assert (found.mark, found.end) == (told.mark, told.end) == ("heal 2", End.STABLE)


def test_a_run_after_which_the_check_fails_is_a_failed_trial_told_the_same_twice() -> None:
    found = trial.begun(FAILED)
    assert found is not None
    assert (found.mark, found.end) == (f"failed {clock.wire(START)}", End.FAILED)
    assert trial.begun(FAILED) == found


@pytest.mark.parametrize(
    "record",
    [
        OPENED,
        healed(OPENED),  # of an agent that watched nothing
        replace(FAILED, decision={"verdict": "block", "code": "error"}),
        replace(FAILED, state=IncidentState.OPEN, outcome=None),  # stopped by a freeze
        replace(HEAL, runbook=None),
    ],
)
def test_what_proves_nothing_is_no_trial(record) -> None:
    assert trial.begun(record) is None


def test_a_decision_tells_by_which_promotion_it_was_made() -> None:
    earned = Earned("prom_01k9xq7v0000000000000000a1", canary=True)
    decision = trial.with_earned({"verdict": "run"}, earned)
    assert trial.earned_of(decision) == earned
    found = trial.begun(replace(HEAL, decision=decision))
    assert found is not None
    assert found.earned == earned
    assert trial.with_earned({}, None) == {}


@pytest.mark.parametrize("lie", [None, 7, [], {"id": 3, "canary": True}, {"id": "x"}])
def test_what_an_appliance_may_write_there_is_no_promotion(lie: object) -> None:
    assert trial.earned_of({"promotion": lie}) is None


def test_unproved_counts_neither_way() -> None:
    late = recurred(HEAL, START + timedelta(hours=5), WatchEnd.UNPROVED)
    told = trial.ended(late)
    assert told is not None
    assert (told.end.counts, told.end.bad) == (False, False)


def test_every_end_of_a_watch_is_one_of_a_trial() -> None:
    assert {one.value for one in WatchEnd} < {one.value for one in End}
    assert End.UNDONE.bad
