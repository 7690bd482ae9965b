"""Where a runbook must not run: no level, no order and no promotion gets past its preconditions."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest

from tests.integration.agent import waiting
from tests.integration.agent.bench import Bench
from wardline.agent import judge
from wardline.agent.judge import Asking, Case
from wardline.agent.levels import Levels
from wardline.agent.planner.planner import Plan, Question
from wardline.agent.runbooks import runbook
from wardline.agent.settings import Flap
from wardline.agent.standing import NOT_FROZEN, Standing
from wardline.core import canonical, clock, ids
from wardline.core.evidence.bundle import Outcome, Result
from wardline.core.incidents import incident, signature
from wardline.core.incidents.promotion import ORDER, Entry, Ledger, Step, Subject
from wardline.core.incidents.remedy import Condition, Earned, Operator, Remedy
from wardline.core.policy.decision import Check, Code, Verdict
from wardline.core.policy.decision import Outcome as Came
from wardline.core.policy.request import Initiator, Principal
from wardline.core.severity import Severity

Facts = dict[str, Any]

UFW = {"installed": ["ufw"], "enabled": [], "ssh_ports": ["22"], "failing": ["not_enabled"]}
# Each with the facts with which it may run, and what of them forbids it.
GATES: dict[str, tuple[Facts, Facts]] = {
    "removable_media.bar": ({"failing": ["usb_storage"], "loaded": False}, {"loaded": True}),
    "firewall.enable": ({**UFW, "ssh_kept": True}, {"ssh_kept": False}),
    "remote_access.require_keys": (
        {"failing": ["ssh.guessable"], "key_files": 1},
        {"key_files": 0},
    ),
}


class _Sure:
    """A planner that is sure of whatever it may name."""

    name = "sure/1"

    def plans(self, question: Question) -> Sequence[Plan]:
        return [Plan(one.runbook, 1.0, "it always helps") for one in question.offers]


# L1's own conditions in the way of every remedy, so that L2 is asked.
NEVER = (Condition("nowhere", Operator.EXISTS, True),)
UNANSWERED = Levels(tuple(replace(one, conditions=NEVER) for one in runbook.remedies()), (_Sure(),))
SCANNER = "antivirus.enable_scanner"
AT = clock.parse("2026-11-20T09:00:00.000Z")
PROMOTION = "prom_01k9xq7v0000000000000000a1"


@pytest.fixture
def healing(bench: Bench) -> Bench:
    bench.central.healing = "heal"
    bench.check_in()
    return bench


def _case(
    bench: Bench,
    check: str,
    facts: Facts,
    asking: Asking | None = None,
    standing: Standing = NOT_FROZEN,
) -> Case:
    ledger = bench.agent.ledger
    member = next(iter(bench.agent.roster))
    measured = Result(
        *(check, Outcome.FAIL, Severity.HIGH, "it fails", facts, canonical.digest(facts)),
        *(bench.clock(), 1),
    )
    drift = incident.opened(ids.incident(), ledger.site_id, member.id, measured, bench.clock())
    policy = bench.agent.healer._current_policy()
    moment = ledger.moment()
    return Case(
        *(drift, member, measured, policy, moment, 300.0, Flap(), asking or Asking(), standing)
    )


def _promoted(book: runbook.Runbook, facts: Mapping[str, Any]) -> Remedy:
    """One without preconditions, as nothing that is built from a mandate has them by itself."""
    pattern = signature.signature(book.check, signature.failing(facts))
    inputs = book.remedies[0].inputs
    return Remedy(book.check, (), book.id, inputs, ORDER, pattern, Earned("prom_x", canary=False))


@pytest.mark.parametrize("name", GATES)
def test_neither_l1_nor_a_sure_plan_starts_what_must_not_run(healing: Bench, name: str) -> None:
    check, (fits, harm) = runbook.registry()[name].check, GATES[name]
    harmful, harmless = (_case(healing, check, one) for one in ({**fits, **harm}, fits))
    for levels in (Levels(runbook.remedies(), (_Sure(),)), UNANSWERED):
        with healing.agent.ledger.reading() as tx:
            refused = levels.offered(tx, harmful)
            fitting = levels.offered(tx, harmless)
        assert (refused.remedies, refused.proposals) == ((), ())
        assert refused.exhausted is not None
        found = [*fitting.remedies, *(one.remedy for one in fitting.proposals)]
        assert [one.runbook for one in found] == [name]


@pytest.mark.parametrize("name", GATES)
@pytest.mark.parametrize(
    "asking", [Asking(), Asking(Initiator.PERSON, Principal("user_x", frozenset({"owner"})))]
)
def test_whoever_wants_it_the_decision_is_to_block(
    healing: Bench, name: str, asking: Asking
) -> None:
    """Also of a remedy that says nothing of them: the runbook's own word counts."""
    book, (fits, harm) = runbook.registry()[name], GATES[name]
    facts = {**fits, **harm}
    bare = _promoted(book, facts)
    refused, taken = (_case(healing, book.check, one, asking) for one in (facts, fits))
    with healing.agent.ledger.reading() as tx:
        blocked = judge.judge(tx, refused, bare).decision
        allowed = judge.judge(tx, taken, bare).decision
    assert (blocked.verdict, blocked.code) == (Verdict.BLOCK, Code.PRECONDITION)
    (step,) = (one for one in blocked.trace if one.check is Check.PRECONDITIONS)
    assert (step.outcome, next(iter(harm)) in step.detail) == (Came.FAIL, True)
    assert allowed.code is not Code.PRECONDITION


def test_what_is_not_known_of_a_host_lets_nothing_run(healing: Bench) -> None:
    """Facts that had no room in a result, for one."""
    case = _case(healing, "removable_media", {"failing": ["usb_storage"]})
    book = runbook.registry()["removable_media.bar"]
    with healing.agent.ledger.reading() as tx:
        decision = judge.judge(tx, case, _promoted(book, case.latest.facts)).decision
    assert decision.code is Code.PRECONDITION


def test_a_promotion_is_no_answer_where_its_runbook_must_not_run(healing: Bench) -> None:
    """As it comes out of a mandate; of several remedies the conditions choose the inputs too."""
    loaded = {"failing": ["usb_storage"], "loaded": True}
    other = {"failing": ["scanning_off"], "scanners_installed": ["clamd@scan.service"]}
    for name, facts, fits in (
        ("removable_media.bar", loaded, {**loaded, "loaded": False}),
        (SCANNER, other, {**other, "scanners_installed": ["clamav-daemon.service"]}),
    ):
        book = runbook.registry()[name]
        pattern = signature.signature(book.check, signature.failing(facts))
        subject = Subject(book.check, pattern, name, book.digest, book.remedies[0].inputs)
        steps = (Step.PROPOSED, Step.EVALUATED, Step.APPROVED, Step.PROMOTED)
        site = healing.central.site
        entries = tuple(
            Entry(number, step, AT, "Mia", site if step is Step.APPROVED else None)
            for number, step in enumerate(steps, 1)
        )
        healing.central.mandates.promote(Ledger(PROMOTION, subject, entries))
        assert healing.check_in()
        with healing.agent.ledger.reading() as tx:
            standing = healing.agent.healer._standings.now(tx)
        cases = [_case(healing, book.check, one, standing=standing) for one in (facts, fits)]
        with healing.agent.ledger.reading() as tx:
            refused, taken = (Levels((), ()).offered(tx, one) for one in cases)
        assert refused.remedies == ()
        assert [one.earned for one in taken.remedies] == [Earned(PROMOTION, canary=False)]


def test_a_plan_takes_no_other_inputs_than_the_facts_choose(healing: Bench) -> None:
    facts = {"failing": ["scanning_off"], "scanners_installed": ["clamd@scan.service"]}
    case = _case(healing, "antivirus", facts)
    levels = Levels(runbook.remedies(), (_Sure(),))
    with healing.agent.ledger.reading() as tx:
        (one,) = levels.offered(tx, case).remedies
        tried = replace(case, incident=replace(case.incident, tried=(one.mark,)))
        offered = levels.offered(tx, tried)
    assert one.inputs == {"units": ["clamd@scan.service"]}
    assert (offered.remedies, offered.proposals) == ((), ())


def test_an_order_for_what_must_not_run_any_more_says_why(bench: Bench) -> None:
    order = waiting.waiting(bench)
    for number in range(70):
        (bench.tree / f"etc/ssh/ssh_host_{number}_key").write_text("")
        (bench.tree / f"etc/ssh/ssh_host_{number}_key").chmod(0o666)
    assert waiting.given(bench, order) == ("failed", "changed")
    assert "must not run: problem_count is not lt 65" in waiting.detail(bench, order)
