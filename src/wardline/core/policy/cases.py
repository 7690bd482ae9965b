"""Cases that a set of rules must pass: what is asked, when and where, and what is to come of it."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from wardline.core.canonical import Json
from wardline.core.policy import parse, window
from wardline.core.policy.compiled import Compiled
from wardline.core.policy.decision import Decision
from wardline.core.policy.parse import RuleInvalid
from wardline.core.policy.request import Alert, Principal, Request, State
from wardline.core.policy.rule import Mode
from wardline.core.policy.wire import CaseWire, ExpectWire

NOBODY = "somebody"


@dataclass(frozen=True, slots=True)
class Case:
    name: str
    request: Request
    state: State
    expect: ExpectWire


@dataclass(frozen=True, slots=True)
class Result:
    """A case with what came of it; `wrong` says where that is not what was expected."""

    case: Case
    decision: Decision
    wrong: tuple[str, ...]

    def to_wire(self) -> dict[str, Json]:
        decided = self.decision
        return {
            "name": self.case.name,
            "ok": not self.wrong,
            "verdict": decided.verdict.value,
            "code": decided.code.value,
            "ruleId": decided.rule_id,
            "wrong": list(self.wrong),
        }


@dataclass(frozen=True, slots=True)
class Coverage:
    """How many cases each rule decided; `never`: rules that could and decided none, by id."""

    decided: dict[str, int]
    never: tuple[str, ...]

    def to_wire(self) -> dict[str, Json]:
        return {"decided": dict(sorted(self.decided.items())), "never": list(self.never)}


def read(obj: Json) -> list[Case]:
    """The cases of a file; raises RuleInvalid with the path of every bad field."""
    told = parse.cases(obj)
    for place, each in enumerate(told.cases):
        if each.expect == ExpectWire():
            raise RuleInvalid([(f"cases[{place}].expect", "expects nothing: name what must come")])
    return [_case(each, told.zone) for each in told.cases]


def run(index: Compiled, cases: Sequence[Case]) -> tuple[list[Result], Coverage]:
    """What comes of every case, and which rules decided any."""
    results = []
    decided = Counter[str]()
    for case in cases:
        decision = index.evaluate(case.request, case.state)
        if decision.rule_id is not None:
            decided[decision.rule_id] += 1
        results.append(Result(case, decision, tuple(_wrong(case.expect, decision))))
    rules = (plan.rule for plan in index.plans.values())
    able = {rule.id for rule in rules if rule.enabled and rule.mode is Mode.ENFORCE}
    return results, Coverage(dict(decided), tuple(sorted(able - decided.keys())))


def _wrong(expect: ExpectWire, decision: Decision) -> list[str]:
    wanted = (
        ("verdict", expect.verdict, decision.verdict),
        ("code", expect.code, decision.code),
        ("rule", expect.rule, decision.rule_id),
    )
    return [
        f"{name}: {found}, expected {want}"
        for name, want, found in wanted
        if want is not None and want != found
    ]


def _case(told: CaseWire, zone: str) -> Case:
    zone = told.zone or zone
    at = datetime.fromisoformat(told.at)
    if at.tzinfo is None:
        at = at.replace(tzinfo=window.zone(zone))
    request = Request(
        alert=Alert(told.name, told.kpi_id, "", "", told.severity, told.delta),
        at=at,
        zone=zone,
        decision_id=told.name,
        action=told.action,
        partner=told.partner,
        site=told.site,
        host=told.host,
        platform=told.platform,
        tags=frozenset(told.tags),
        facts=told.facts,
        principal=Principal(NOBODY, frozenset(told.roles)),
        initiator=told.initiator,
        opening_hours=parse.hours(told.opening_hours),
    )
    state = State(
        freeze=told.freeze,
        observing=told.observing,
        hold=told.hold,
        locked=told.locked,
        confirmed_at=at,
    )
    return Case(told.name, request, state, told.expect)
