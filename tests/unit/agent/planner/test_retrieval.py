"""What the built-in planner proposes, and what no planner's plan gets past."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest

from wardline.agent.planner import planner
from wardline.agent.planner.planner import Plan, Question
from wardline.agent.planner.retrieval import Retrieval
from wardline.core.incidents import likeness
from wardline.core.incidents.brake import Result
from wardline.core.incidents.history import Past
from wardline.core.incidents.remedy import Condition, Operator, Remedy

CHECK = "file_permissions"
FACTS: dict[str, Any] = {"failing": ["etc/passwd"], "modes": {"etc/passwd": "0666"}}
NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
NEVER = (Condition("nothing", Operator.EXISTS, True),)
OFFERS = (
    Remedy(CHECK, NEVER, "a.restore", {"paths": "{facts.missing}"}, 10),
    Remedy(CHECK, NEVER, "a.restore", {"paths": "{facts.failing}"}, 20),
    Remedy(CHECK, NEVER, "b.reset", {}, 30),
)


def past(number: int, result: Result, book: str = "a.restore", **changes: Any) -> Past:
    told: dict[str, Any] = {
        "incident_id": f"inc_{number}",
        "pattern": "p",
        "facts": likeness.tokens(FACTS),
        "runbook_id": book,
        "runbook_digest": f"digest of {book}",
        "ended_at": NOW,
        "result": result,
    }
    return Past(**{**told, **changes})


def question(*seen: Past, offers: tuple[Remedy, ...] = OFFERS) -> Question:
    digests = {one.runbook: f"digest of {one.runbook}" for one in OFFERS}
    return Question("inc_now", CHECK, "p", FACTS, offers, digests, seen)


def stable(count: int, **changes: Any) -> tuple[Past, ...]:
    return tuple(past(number, Result.STABLE, **changes) for number in range(count))


def proposed(*seen: Past, offers: tuple[Remedy, ...] = OFFERS) -> list[str]:
    found = planner.propose((Retrieval(),), question(*seen, offers=offers))
    return [one.remedy.runbook for one in found]


def test_what_lasted_three_times_against_the_same_drift_is_proposed() -> None:
    (found,) = planner.propose((Retrieval(),), question(*stable(3)))
    assert found.remedy is OFFERS[1], "the first remedy whose inputs the facts give"
    assert found.to_wire() == {
        "planner": "retrieval/1",
        "confidencePercent": 75,
        "why": "lasted in 3 of 3 similar drifts on this appliance",
        "basedOn": ["inc_0", "inc_1", "inc_2"],
    }


@pytest.mark.parametrize(
    ("seen", "why"),
    [
        ((), "nothing is known"),
        (stable(2), "two are too few"),
        ((*stable(3), past(9, Result.FAILED)), "one failed"),
        ((*stable(3), past(9, Result.UNDONE)), "one was undone"),
        ((*stable(3), past(9, Result.RECURRED)), "one did not last"),
        (tuple(past(n, Result.HEALED) for n in range(9)), "a heal that is watched is not verified"),
        (tuple(past(n, Result.UNPROVED) for n in range(9)), "nothing shows that it lasted"),
        (tuple(past(n, Result.NOTHING) for n in range(9)), "nothing was changed"),
        (stable(9, runbook_digest="another version"), "another version of it"),
        (stable(9, pattern="q", facts=("mode=0777",)), "another drift"),
    ],
)
def test_nothing_is_proposed_without_enough_verified_outcomes(
    seen: tuple[Past, ...], why: str
) -> None:
    assert proposed(*seen) == [], why


def test_enough_that_lasted_outweigh_one_that_did_not() -> None:
    assert proposed(*stable(5), past(9, Result.FAILED)) == ["a.restore"]


def test_a_drift_of_another_pattern_counts_as_much_as_it_is_alike() -> None:
    assert proposed(*stable(3, pattern="q")) == ["a.restore"]
    partly = likeness.tokens({**FACTS, "more": {str(n): n for n in range(20)}})
    assert proposed(*stable(9, pattern="q", facts=partly)) == []


def test_the_surest_comes_first() -> None:
    sure, surer = stable(3), stable(9, book="b.reset")
    assert proposed(*sure, *surer) == ["b.reset", "a.restore"]


CHOICES = tuple(
    Remedy(CHECK, (), "a.restore", {"units": [one]}, 10, choice=f"{one} does it")
    for one in ("x", "y")
)
X, Y = (one.mark for one in CHOICES)


def test_a_choice_is_planned_by_what_that_very_choice_came_to() -> None:
    (found,) = planner.propose((Retrieval(),), question(*stable(3, choice=Y), offers=CHOICES))
    assert (found.remedy, found.plan.choice) == (CHOICES[1], Y)


@pytest.mark.parametrize(
    ("seen", "why"),
    [
        (stable(9), "the runbook lasted where nobody had a choice"),
        (stable(2, choice=X), "two are too few"),
        ((*stable(3, choice=X), past(9, Result.STABLE, choice=Y)), "people did not agree"),
        ((*stable(3, choice=X), past(9, Result.UNDONE, choice=X)), "one was undone"),
        ((*stable(9, choice=X), *stable(9, choice=Y)), "either lasted"),
    ],
)
def test_a_choice_is_left_to_people_without_enough_of_theirs(
    seen: tuple[Past, ...], why: str
) -> None:
    assert proposed(*seen, offers=CHOICES) == [], why


def test_what_was_learnt_of_a_choice_says_nothing_of_a_remedy_that_is_none() -> None:
    assert proposed(*stable(9, choice=X)) == []


def test_a_plan_that_names_no_choice_picks_none() -> None:
    eager = _Eager(Plan("a.restore", 1.0, "trust me"))
    assert planner.propose((eager,), question(offers=CHOICES)) == ()


class _Eager:
    """A planner that is sure of everything, as a language model may be."""

    name = "eager/1"

    def __init__(self, *plans: Plan) -> None:
        self._plans = plans

    def plans(self, question: Question) -> Sequence[Plan]:
        return self._plans


@pytest.mark.parametrize(
    ("plan", "offers"),
    [
        (Plan("c.format_the_disk", 1.0, "trust me"), OFFERS),
        (Plan("a.restore", 0.69, "hardly"), OFFERS),
        (Plan("a.restore", 1.01, "more than sure"), OFFERS),
        (Plan("a.restore", float("nan"), "no number"), OFFERS),
        (Plan("a.restore", 1.0, "its inputs are not there"), OFFERS[:1]),
        (Plan("b.reset", 1.0, "it was tried"), OFFERS[:2]),
        (Plan("b.reset", 1.0, "nothing is allowed"), ()),
    ],
)
def test_no_plan_gets_past_the_guard_rails(plan: Plan, offers: tuple[Remedy, ...]) -> None:
    assert planner.propose((_Eager(plan),), question(offers=offers)) == ()


def test_the_next_planner_is_asked_only_where_the_one_before_has_nothing_to_say() -> None:
    silent, first = _Eager(), _Eager(Plan("b.reset", 0.9, "first"))
    second = _Eager(Plan("a.restore", 1.0, "second"))
    found = planner.propose((silent, first, second), question())
    assert [(one.remedy.runbook, one.plan.why) for one in found] == [("b.reset", "first")]


def test_what_a_planner_says_is_cut_to_what_evidence_holds() -> None:
    wordy = _Eager(Plan("b.reset", 0.9, "w" * 999, tuple(f"inc_{n}" for n in range(99))))
    (found,) = planner.propose((wordy,), question())
    told = found.to_wire()
    assert (len(str(told["why"])), len(told["basedOn"])) == (300, 10)
