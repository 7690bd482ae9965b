"""An incident in one sentence: what is claimed is what is known, in every state."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from tests.unit.core.incidents.drift import AT
from wardline.core import deviation, ids
from wardline.core.evidence.bundle import Action, Outcome
from wardline.core.evidence.watch import Watch, WatchEnd
from wardline.core.incidents import choice, situation
from wardline.core.incidents.situation import Aftermath, Latest, Situation, Undo
from wardline.core.incidents.states import State
from wardline.core.policy.decision import Code

FAILS = "ssh_config fails on frontdesk (PermitRootLogin is yes; it must be no)"
PASSES = "ssh_config passes on frontdesk"
BOOK = "ssh_config.harden"
LATEST = Latest(Outcome.FAIL, "PermitRootLogin is yes; it must be no.", AT)
STEP = Action("set lines", "set_config_line", "/etc/ssh/sshd_config", False, True, None, 3)
BROKE = Action("reload", "run_command", "sshd", False, False, 1, 3, error="ended with exit code 1")
PLACE = "set lines: /etc/ssh/sshd_config"
WATCH = Watch(1, BOOK, AT, AT, AT + timedelta(minutes=15))


def says(state: State, outcome: Outcome = Outcome.FAIL, **changes: Any) -> str:
    latest = replace(LATEST, outcome=outcome)
    plain = Situation("ssh_config", "frontdesk", state, latest, BOOK, None, (), None)
    return situation.sentence(replace(plain, **changes), AT)


def blocked(code: Code) -> dict[str, Any]:
    return {"verdict": "block", "code": code.value, "trace": []}


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({}, "nothing was run yet; what to do is decided next"),
        (
            {"watch": replace(WATCH, ended=WatchEnd.RECURRED, ended_at=AT)},
            "the repair by ssh_config.harden did not last; what to do is decided next",
        ),
        (
            {"decision": blocked(Code.OUTSIDE_WINDOW)},
            "nothing is run now, because its window is closed; it is tried again by itself once"
            " that is over",
        ),
        (
            {"decision": blocked(Code.NO_MATCH)},
            "nothing is run now, because no rule matches; it stays so until somebody changes the"
            " rules or repairs it by hand",
        ),
        (
            {"decision": blocked(Code.BRAKE)},
            "nothing is run now, because its version was stopped after failures; it is judged anew"
            " once a person has found out why and releases it",
        ),
        (
            {"decision": blocked(Code.HOLD)},
            "nothing is run now, because a hold is set; it is judged anew once a person clears the"
            " hold",
        ),
        (
            {"decision": {"verdict": "block", "code": deviation.ACCEPTED}},
            "a person has accepted this state until a date: nothing repairs it, and any other"
            " failure there is judged as usual",
        ),
        (
            {"decision": deviation.ended_decision({}, deviation.End.CHANGED)},
            "what fails now is not the state that was accepted; what to do is decided next",
        ),
        (
            {"decision": blocked(Code.HOLD), "held": "the vendor is at it"},
            "ssh_config.harden is on hold (the vendor is at it); nothing is repaired by itself"
            " until a person clears the hold",
        ),
        (
            {"decision": {**blocked(Code.HOLD), "hold": {"clearedAt": "2026-11-21T09:00:00.000Z"}}},
            "a person has let its repair go on; what to do is decided next",
        ),
        (
            {"actions": (replace(BROKE, type="interrupted"),)},
            "the agent was stopped in the middle of ssh_config.harden, which of its steps ran is"
            " not known; it is decided anew",
        ),
        (
            {"actions": (replace(STEP, undone=True), replace(BROKE, type="frozen"))},
            "a freeze stopped ssh_config.harden between two steps, and all that it had changed was"
            " put back and found back; what to do is decided next",
        ),
    ],
)
def test_what_is_open_says_why_and_what_comes_next(changes: dict[str, Any], told: str) -> None:
    assert says(State.OPEN, **changes) == f"{FAILS}: {told}."


@pytest.mark.parametrize(
    ("actions", "told"),
    [
        ((BROKE,), "failed, and it had changed nothing"),
        ((STEP,), "did not help, and what it changed stands"),
        (
            (replace(STEP, undone=True), BROKE),
            "failed, and all that it had changed was put back and found back",
        ),
        (
            (STEP, BROKE),
            "failed, and one change of it could not be put back and must be looked at by hand",
        ),
    ],
)
def test_a_run_that_failed_is_never_told_as_a_success(
    actions: tuple[Action, ...], told: str
) -> None:
    for state, next_ in (
        (State.FAILED, "what else may help is tried next"),
        (State.ESCALATED, "nothing more happens by itself, a person has to act"),
    ):
        assert says(state, actions=actions) == f"{FAILS}: {BOOK} {told}; {next_}."


def test_what_was_repaired_claims_no_more_than_was_measured() -> None:
    healed = says(State.HEALED, Outcome.PASS, watch=WATCH)
    assert healed == f"{PASSES}: {BOOK} repaired it, and it is watched to see whether that lasts."
    over = says(State.HEALED, Outcome.PASS, watch=replace(WATCH, until=AT - timedelta(seconds=1)))
    assert "no measurement since then shows that it lasted" in over
    stable = f"{PASSES}: {BOOK} repaired it, and that lasted."
    assert says(State.STABLE, Outcome.PASS, watch=WATCH) == stable
    gone = f"{PASSES}: the drift went away without a repair of ours."
    assert says(State.RESOLVED, Outcome.PASS) == gone
    anew = says(State.STABLE, Outcome.FAIL, watch=WATCH)
    assert anew.endswith("the check fails anew since, and that is another incident.")


@pytest.mark.parametrize(
    ("actions", "told"),
    [
        (
            (replace(BROKE, type="interrupted"),),
            f"the agent was stopped in the middle of {BOOK}, which of its steps ran is not known,"
            " and the check passes since",
        ),
        (
            (replace(STEP, undone=True), replace(BROKE, type="frozen")),
            f"the drift went away without a repair of ours; {BOOK} had run before, and all that it"
            " had changed was put back and found back",
        ),
        ((STEP,), f"{BOOK} had run before, what it changed stands, and the check passes since"),
        (
            (STEP, BROKE),
            f"{BOOK} had run before, one change of it could not be put back and must be looked at"
            " by hand, and the check passes since",
        ),
        ((replace(STEP, dry_run=True),), "the drift went away without a repair of ours"),
    ],
)
def test_what_went_away_is_not_told_as_if_nothing_had_run(
    actions: tuple[Action, ...], told: str
) -> None:
    assert says(State.RESOLVED, Outcome.PASS, actions=actions) == f"{PASSES}: {told}."


def test_what_a_freeze_stopped_and_nobody_could_put_back_is_a_persons_by_that_name() -> None:
    stopped = (STEP, replace(BROKE, type="frozen"))
    assert says(State.ESCALATED, actions=stopped) == (
        f"{FAILS}: a freeze stopped {BOOK} between two steps, and one change of it could not be put"
        " back and must be looked at by hand; nothing more happens by itself, a person has to act."
    )


@pytest.mark.parametrize(
    ("decision", "told"),
    [
        (
            {"verdict": "ask", "approverRoles": ["owner", "manager"]},
            f"{BOOK} waits for an approval, and runs once the owner or manager agrees",
        ),
        (
            {"verdict": "ask", "approverRoles": None},
            f"{BOOK} waits for an approval, and runs once somebody who may agrees",
        ),
        (
            {"verdict": "offer"},
            f"{BOOK} is offered, and runs only when somebody starts it",
        ),
    ],
)
def test_what_waits_names_who_can_end_that(decision: dict[str, Any], told: str) -> None:
    assert says(State.WAITING, decision=decision) == f"{FAILS}: {told}."


@pytest.mark.parametrize(
    ("would", "told"),
    [
        ({"verdict": "run"}, f"otherwise {BOOK} would have run"),
        ({"verdict": "ask"}, f"otherwise an approval would have been asked for, to run {BOOK}"),
        ({"verdict": "offer"}, f"otherwise {BOOK} would have been offered to a person"),
        (
            {"verdict": "block", "code": "denied"},
            f"{BOOK} would not have run either, because a rule denies it",
        ),
        (None, "no repair is known for it"),
        ("nonsense", "no repair is known for it"),
    ],
)
def test_observing_says_what_would_have_happened(would: object, told: str) -> None:
    decision = {**blocked(Code.OBSERVING), "would": would}
    nothing = "nothing was changed, for this site is only observed"
    assert says(State.OBSERVING, decision=decision) == f"{FAILS}: {nothing}; {told}."
    host = says(State.OBSERVING, decision=decision, observed=True)
    assert host == f"{FAILS}: nothing was changed, for this host is only observed; {told}."


def test_a_silent_appliance_a_lost_host_and_no_repair_are_said() -> None:
    silent = says(State.FAILED, silent=True)
    assert silent.startswith(f"When its appliance was last heard of, {FAILS}: ")
    lost = says(State.OPEN, Outcome.UNKNOWN)
    assert lost.startswith("ssh_config cannot be measured on frontdesk (PermitRootLogin is yes")
    none = says(State.ESCALATED, runbook=None)
    assert none.endswith(
        "no repair of ours answers it; nothing more happens by itself, a person has to act."
    )
    picks = says(
        State.ESCALATED, runbook=None, decision={"verdict": "offer", "code": choice.NEEDED}
    )
    assert picks.endswith(
        "several repairs are sound, and which one is right is a person's to say; nothing more happens"
        " by itself, a person has to act."
    )
    assert says(State.ESCALATED, held="healed 3 times").endswith("until a person clears the hold.")


def test_it_is_one_line_and_no_longer_than_anybody_reads() -> None:
    for state in State:
        latest = replace(LATEST, summary="a word\nand another " * 200)
        told = says(state, latest=latest)
        assert "\n" not in told
        assert len(told) < 2 * situation.SUMMARY_CHARS_MAX + 200
        assert told.endswith(".")


def test_every_code_of_a_decision_has_words() -> None:
    assert {code for code in Code if situation.because(code) == code.replace("_", " ")} == set()
    assert situation.because("of_a_newer_agent") == "of a newer agent"


@pytest.mark.parametrize(
    ("actions", "found"),
    [
        ((), Aftermath(Undo.NOTHING, ())),
        ((replace(STEP, dry_run=True),), Aftermath(Undo.NOTHING, ())),
        ((STEP,), Aftermath(Undo.STANDS, ("set lines: /etc/ssh/sshd_config",))),
        ((replace(STEP, undone=True), BROKE), Aftermath(Undo.VERIFIED, ())),
        ((STEP, BROKE), Aftermath(Undo.PART, ("set lines: /etc/ssh/sshd_config",))),
        (
            (replace(STEP, undone=True), replace(STEP, step="mode")),
            Aftermath(Undo.PART, ("mode: /etc/ssh/sshd_config",)),
        ),
        ((replace(BROKE, type="interrupted"),), Aftermath(Undo.UNKNOWN, ())),
        ((replace(STEP, type="undo"),), Aftermath(Undo.VERIFIED, ())),
        ((replace(STEP, type="undo", error="gone"),), Aftermath(Undo.PART, (PLACE,))),
    ],
)
def test_the_aftermath_names_what_is_left_by_hand(
    actions: tuple[Action, ...], found: Aftermath
) -> None:
    assert situation.aftermath(actions, None) == found


@pytest.mark.parametrize(
    ("state", "actions", "found"),
    [
        ("undone", (replace(STEP, type="undo"),), Aftermath(Undo.VERIFIED, ())),
        # The last look, or the host's own revert, found what no step had failed at.
        ("left", (replace(STEP, type="undo"),), Aftermath(Undo.PART, ())),
        ("left", (replace(STEP, type="undo", error="gone"),), Aftermath(Undo.PART, (PLACE,))),
        (
            "interrupted",
            (replace(STEP, type="undo", error="?"),),
            Aftermath(Undo.UNKNOWN, (PLACE,)),
        ),
        # Nothing was put back: what the run had done stands.
        (
            "refused",
            (STEP, replace(STEP, type="undo", dry_run=True)),
            Aftermath(Undo.STANDS, (PLACE,)),
        ),
    ],
)
def test_what_an_undo_came_to_is_its_own_last_word(
    state: str, actions: tuple[Action, ...], found: Aftermath
) -> None:
    assert situation.aftermath(actions, {"undo": {"state": state}}) == found


def test_a_repair_that_a_person_had_undone_is_told_so() -> None:
    run_id, at = ids.new("run"), "2026-11-20T09:00:00.000Z"
    for state, word in (("undone", "it"), ("left", "a part of it")):
        told = {"run": run_id, "at": at, "state": state}
        decision = {"verdict": "run", "runId": run_id, "undo": told}
        said = says(State.STABLE, decision=decision, watch=WATCH)
        assert f"that lasted; a person has had {word} undone since" in said
        elsewhere = {**decision, "runId": ids.new("run")}
        assert "undone" not in says(State.STABLE, decision=elsewhere, watch=WATCH)
    left = {"verdict": "block", "undo": {"state": "left"}}
    said = says(State.ESCALATED, decision=left, actions=(replace(STEP, type="undo"),))
    assert "was undone by a person, and some of it could not be put back" in said
