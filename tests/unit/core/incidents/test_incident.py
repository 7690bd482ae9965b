"""The only ways in which an incident moves on."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from tests.unit.core.incidents.drift import AT, BOOK, failed, result
from wardline.core.errors import Conflict
from wardline.core.evidence.bundle import (
    ACTIONS_MAX,
    Action,
    IncidentOutcome,
    Outcome,
    ResolutionLevel,
)
from wardline.core.incidents import incident
from wardline.core.incidents.incident import Incident
from wardline.core.incidents.states import State
from wardline.core.incidents.watching import Attempt

ATTEMPT = Attempt(AT, timedelta(minutes=15))
RAN = Action("mode", "set_mode", "/etc/passwd", False, True, None, 3)


def _opened() -> Incident:
    return incident.opened("inc_x", "site_x", "host_x", failed(), AT)


def _started() -> Incident:
    return incident.started(_opened(), {"verdict": "run"}, BOOK)


def test_a_run_with_a_passing_measurement_is_healed_at_l1() -> None:
    healed = incident.ended(_started(), True, (RAN,), result(Outcome.PASS), AT, ATTEMPT)
    assert (healed.state, healed.outcome) == (State.HEALED, IncidentOutcome.SUCCESS)
    assert healed.level is ResolutionLevel.L1
    assert healed.closed_at == AT


@pytest.mark.parametrize("outcome", [Outcome.FAIL, Outcome.UNKNOWN, Outcome.NOT_APPLICABLE])
def test_a_run_that_ended_well_without_a_passing_measurement_is_failed(outcome: Outcome) -> None:
    ended = incident.ended(_started(), True, (RAN,), result(outcome), AT, ATTEMPT)
    assert (ended.state, ended.outcome) == (State.FAILED, IncidentOutcome.FAILED)
    assert ended.closed_at is None
    assert ended.tried == (BOOK.id,)


def test_a_run_that_failed_is_failed_even_if_the_check_passes_now() -> None:
    ended = incident.ended(_started(), False, (RAN,), result(Outcome.PASS), AT, ATTEMPT)
    assert ended.state is State.FAILED


@pytest.mark.parametrize(
    "told",
    [
        (),
        (replace(RAN, changed=False),),
        (replace(RAN, undone=True),),
        (replace(RAN, dry_run=True),),
    ],
)
def test_a_run_that_changed_nothing_resolves_and_never_heals(told: tuple[Action, ...]) -> None:
    ended = incident.ended(_started(), True, told, result(Outcome.PASS), AT, ATTEMPT)
    assert (ended.state, ended.outcome, ended.level) == (State.RESOLVED, None, None)
    assert ended.closed_at == AT


@pytest.mark.parametrize("outcome", [Outcome.PASS, Outcome.FAIL])
def test_a_run_that_was_stopped_and_left_a_change_closes_nothing(outcome: Outcome) -> None:
    """Passing may be its own doing, and nobody has proved that."""
    stopped = incident.stopped(_started(), (RAN,), result(outcome), AT, is_back=False)
    assert (stopped.state, stopped.closed_at) == (State.OPEN, None)
    assert incident.escalated(stopped).state is State.ESCALATED
    back = incident.stopped(_started(), (replace(RAN, undone=True),), result(Outcome.PASS), AT)
    assert (back.state, back.outcome, back.closed_at) == (State.RESOLVED, None, AT)


def test_nothing_is_closed_by_a_measurement_that_bears_an_earlier_time() -> None:
    """The clock was set back: nothing would show which of the two came first."""
    back = replace(result(Outcome.PASS), measured_at=AT - timedelta(hours=1))
    for moved in (
        incident.ended(_started(), True, (RAN,), back, AT, ATTEMPT),
        incident.interrupted(_started(), back, AT),
    ):
        assert (moved.state, moved.outcome, moved.closed_at) == (State.OPEN, None, None)
    assert not incident.can_close(_opened(), back, AT)
    assert not incident.can_close(_opened(), result(Outcome.PASS), AT - timedelta(hours=1))
    assert incident.can_close(_opened(), result(Outcome.PASS), AT)


def test_an_interrupted_run_is_never_a_success() -> None:
    passing = incident.interrupted(_started(), result(Outcome.PASS), AT)
    assert passing.outcome is None
    assert passing.closed_at == AT
    still = incident.interrupted(_started(), failed(), AT)
    assert (still.state, still.closed_at, still.interruptions) == (State.OPEN, None, 1)
    assert still.record().actions[0].error is not None


@pytest.mark.parametrize(
    "move",
    [
        lambda one: incident.judged(one, State.WAITING, {"verdict": "ask"}, BOOK, ()),
        incident.escalated,
        lambda one: one,
    ],
)
def test_a_drift_that_went_away_by_itself_never_has_the_outcome_success(
    move: Callable[[Incident], Incident],
) -> None:
    cleared = incident.resolved(move(_opened()), result(Outcome.PASS), AT)
    assert cleared.closed_at == AT
    assert cleared.outcome is not IncidentOutcome.SUCCESS
    assert cleared.state is not State.HEALED


@pytest.mark.parametrize(
    "move",
    [
        lambda one: incident.started(one, {}, BOOK),
        lambda one: incident.judged(one, State.OPEN, None, None, ()),
        incident.escalated,
        lambda one: incident.resolved(one, result(Outcome.PASS), AT),
        lambda one: incident.interrupted(one, failed(), AT),
        lambda one: incident.ended(one, True, (), result(Outcome.PASS), AT, ATTEMPT),
    ],
)
def test_what_is_closed_moves_no_more(move: Callable[[Incident], Incident]) -> None:
    healed = incident.ended(_started(), True, (RAN,), result(Outcome.PASS), AT, ATTEMPT)
    with pytest.raises(Conflict):
        move(healed)


def test_a_cleared_hold_opens_what_it_had_escalated_and_leaves_the_rest_where_it_was() -> None:
    told = {"hold": {"clearedBy": "user_1"}}
    escalated = incident.escalated(_opened(), {"code": "hold"})
    again = incident.hold_cleared(escalated, told)
    assert (again.state, again.level, again.outcome) == (State.OPEN, None, None)
    assert again.decision == told
    assert incident.hold_cleared(_opened(), told).state is State.OPEN
    closed = incident.resolved(escalated, result(Outcome.PASS), AT)
    assert incident.hold_cleared(closed, told) == replace(closed, decision=told)
    with pytest.raises(Conflict):
        incident.hold_cleared(_started(), told)
    with pytest.raises(Conflict):
        incident.reopened(_opened(), told)


def test_what_was_a_persons_and_went_away_keeps_its_level_and_claims_no_outcome() -> None:
    cleared = incident.resolved(incident.escalated(_opened()), result(Outcome.PASS), AT)
    assert (cleared.level, cleared.outcome) == (ResolutionLevel.L3, None)


def test_nothing_is_sealed_in_the_middle_of_a_repair() -> None:
    with pytest.raises(Conflict):
        _started().record()


def test_the_same_kind_of_drift_on_two_hosts_has_one_pattern() -> None:
    other = incident.opened("inc_y", "site_y", "host_y", failed(), AT)
    assert other.pattern_signature == _opened().pattern_signature


def test_a_record_holds_as_many_actions_and_diffs_as_fit_and_says_what_it_leaves_out() -> None:
    big = Action("a", "set_mode", "/x", False, True, None, 1, diff="d" * 16_000)
    many = incident.ended(_started(), True, (big,) * 70, result(Outcome.PASS), AT, ATTEMPT).record()
    assert len(many.actions) == ACTIONS_MAX
    assert sum(len(action.diff) for action in many.actions) < 60_000
    assert "left out" in many.actions[10].diff
    assert "further steps are left out" in (many.actions[-1].error or "")
