"""The scenarios as data: what a file of scenarios/ may say, and how its story is played on a stage."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import yaml
from pydantic import ConfigDict, TypeAdapter

from tests.integration.healing import programs
from tests.integration.healing.stage import Stage, told
from tests.integration.healing.trouble import Trouble
from wardline.core.evidence.bundle import Action, IncidentRecord, Result

FOLDER = Path(__file__).with_name("scenarios")
_STRICT = ConfigDict(extra="forbid")
# What guards the line to a host is no step of a runbook.
GUARDS = ("arm_a_revert", "call_off_the_revert", "revert")
KINDS = ("tree", "ssh")
Step = str | dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What must be true in the end.

    `path` is the way up the ladder as evidence tells it, `verdict` and `code` the last decision (on
    a site that observes: what it would have been), `steps` what became of the last run's actions,
    `check` what an independent look finds, `changed` the paths that are other than somebody left
    them, `says` words that evidence has, `order` how the last order ended, `measured` the outcome
    and words of the appliance's last look.
    """

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT
    path: list[str]
    verdict: str | None = None
    code: str | None = None
    runbook: str | None = None
    steps: list[str] | None = None
    check: str
    changed: list[str]
    incidents: int = 1
    holds: int = 0
    alarms: list[str] = field(default_factory=list)
    says: list[str] = field(default_factory=list)
    order: list[str] | None = None
    measured: list[str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """A story on a healthy host; `checks` are those that are measured, the first one is judged.

    It is played on each of `hosts`, and on those of `full` in the long form of the tests as well.
    Where it is `cut`, its host's time to wait is over when it is to be entered anew.
    """

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT
    name: str
    checks: list[str]
    hosts: list[str] = field(default_factory=lambda: ["tree"])
    full: list[str] = field(default_factory=list)
    cut: bool = False
    story: list[Step]
    expect: Expected


_FILE = TypeAdapter(list[Scenario])


class Unexplained(AssertionError):
    """A repair fails in this scenario, and it does not say by which step or in which words."""


def load() -> list[Scenario]:
    """Every scenario, in the order of the files; raises Unexplained."""
    files = sorted(FOLDER.glob("*.yaml"))
    found = [
        one for path in files for one in _FILE.validate_python(yaml.safe_load(path.read_text()))
    ]
    for one in found:
        fails = any(step.startswith("failed") for step in one.expect.path)
        if fails and not (one.expect.steps or one.expect.says):
            raise Unexplained(one.name)
    return found


@dataclass
class Telling:
    """A scenario that is being played; `orders` is how each order ended."""

    scenario: Scenario
    stage: Stage
    orders: list[tuple[str, str]] = field(default_factory=list)
    measured: list[Result] = field(default_factory=list)

    def play(self) -> None:
        if self.scenario.cut:
            programs.shorten_time(self.stage.root)
            over = partial(programs.end_time, self.stage.root)
            self.stage.troubles.append(Trouble(call="disarm_revert", before=over))
        for step in self.scenario.story:
            self._step(step)
        self.stage.bench.report()

    def _step(self, step: Step) -> None:
        verb, what = (step, None) if isinstance(step, str) else next(iter(step.items()))
        assert isinstance(step, str) or len(step) == 1, f"one verb a step: {step}"
        self._verbs()[verb](what)

    def _verbs(self) -> Mapping[str, Callable[[Any], object]]:
        stage, box = self.stage, self.stage.box
        return {
            "host": stage.change,
            "look": self._look,
            "act": lambda _: stage.act(),
            "turn": self._turn,
            "wait": stage.wait,
            "report": lambda _: stage.bench.report(),
            "approve": self._approve,
            "pick": self._pick,
            "promote": lambda what: stage.promote(*what),
            "rule": lambda what: stage.rule(what["runbook"], what["set"]),
            "site": stage.site,
            "observed": lambda _: stage.observed(),
            "freeze": lambda _: stage.freeze(),
            "unfreeze": lambda _: stage.unfreeze(),
            "clear hold": lambda _: stage.clear_hold(),
            "restart": lambda _: stage.restart(),
            "boot": lambda _: stage.boot(),
            "trouble": self._trouble,
            "refused": lambda what: programs.set_state(stage.root, "refused", what),
            "dies": lambda what: programs.set_state(stage.root, "dies", what),
            "line": stage.line,
            "own sshd": lambda _: stage.own_sshd(),
            "own firewall": lambda _: stage.own_firewall(),
            "no remedy": lambda _: stage.without_answers(),
            "undo": lambda what: self.orders.append(stage.undo(what)),
            "accept": lambda what: stage.accept(self.scenario.checks, what),
            "hard link": stage.hard_link,
            "program": lambda what: [programs.replace(stage.root, *one) for one in what.items()],
            "window": self._window,
            "cut": lambda _: box.server.cut() if box else None,
        }

    def _look(self, checks: list[str] | None) -> None:
        self.measured += self.stage.look(checks or self.scenario.checks)

    def _turn(self, _: object) -> None:
        self._look(None)
        self.stage.act()

    def _window(self, what: dict[str, Any]) -> None:
        """A whole day, by the clock of the site, which is UTC."""
        opens = self.stage.bench.clock() + timedelta(days=what["opens_in_days"])
        days = [opens.isoweekday() % 7]
        window = {"days": days, "start": "00:00", "end": "23:59"}
        self.stage.rule(what["runbook"], {"window": window})

    def _approve(self, changes: dict[str, Any] | None) -> None:
        self.orders.append(self.stage.approve(self.scenario.checks, changes or {}))

    def _pick(self, words: str) -> None:
        self.orders.append(self.stage.pick(self.scenario.checks, words))

    def _trouble(self, what: dict[str, Any]) -> None:
        told: dict[str, Any] = dict(what)
        for name in ("before", "after"):
            if name in told:
                told[name] = self._later(told[name])
        self.stage.troubles.append(Trouble(**told))

    def _later(self, steps: list[Step]) -> Callable[[], None]:
        def happens() -> None:
            for step in steps:
                self._step(step)

        return happens

    def compare(self) -> None:
        """Everything that is expected, and what is expected of every story."""
        expect, stage = self.scenario.expect, self.stage
        records = stage.records(self.scenario.checks)
        found = told(records)
        assert found == expect.path, f"{found}\n{_reasons(records)}"
        assert len({one.incident_id for one in records}) == expect.incidents
        self._compare_decision(records)
        last = [one for record in records for one in record.actions]
        if expect.steps is not None:
            assert _steps(records) == expect.steps, last
        words = _words(records)
        assert [text for text in expect.says if text not in words] == [], words
        self._compare_host()
        assert stage.holds() == expect.holds
        assert sorted(stage.bench.alarms()) == sorted(expect.alarms)
        if expect.order is not None:
            assert list(self.orders[-1]) == expect.order, self.orders
        self._compare_stream()

    def _compare_decision(self, records: list[IncidentRecord]) -> None:
        expect = self.scenario.expect
        decided = [one for one in records if one.decision]
        decision = dict(decided[-1].decision or {}) if decided else {}
        judged = decision.get("would") or decision
        assert (judged.get("verdict"), judged.get("code")) == (expect.verdict, expect.code), (
            decision
        )
        books = [one.runbook.id for one in records if one.runbook]
        assert (books[-1] if books else None) == expect.runbook, books

    def _compare_host(self) -> None:
        expect, stage = self.scenario.expect, self.stage
        seen = stage.truth(self.scenario.checks[0])
        assert seen.outcome == expect.check, seen.summary
        changed = stage.changed()
        assert changed == sorted(expect.changed), changed
        assert stage.false_heals == [], stage.false_heals
        if expect.measured is not None:
            last = self.measured[-1]
            outcome, *texts = expect.measured
            assert last.outcome == outcome, last.summary
            assert [one for one in texts if one not in last.summary] == [], last.summary

    def _compare_stream(self) -> None:
        """Whatever happened, nothing that was sealed is lost, doubled or out of its place."""
        stored, counts = self.stage.bench.central.stored, self.stage.bench.counts()
        assert [one.bundle.seq for one in stored] == list(range(1, len(stored) + 1))
        assert (counts.pending, counts.unproved, counts.quarantined) == (0, 0, 0)
        assert counts.acknowledged == len(stored)


def _steps(records: list[IncidentRecord]) -> list[str]:
    """What became of each action of the last run, with its target where a step has several."""
    for record in reversed(records):
        ran = [one for one in record.actions if not (one.dry_run or one.type in GUARDS)]
        if ran:
            return [f"{one.step} {_became(one)}" for one in ran]
    return []


def _became(action: Action) -> str:
    if action.error:
        return "failed, undone" if action.undone else "failed"
    if action.undone:
        return "undone"
    return "changed" if action.changed else "unchanged"


def _words(records: list[IncidentRecord]) -> str:
    """All that a person could read of them."""
    parts = []
    for one in records:
        decision = one.decision or {}
        trace = [str(step.get("detail")) for step in decision.get("trace", [])]
        parts += [one.before.summary, str(decision.get("reason")), *trace]
        for action in one.actions:
            parts += [action.step, action.target, action.diff, action.output, action.error or ""]
    return "\n".join(parts)


def _reasons(records: list[IncidentRecord]) -> str:
    return "\n".join(
        f"{one.state}: {(one.decision or {}).get('code')} {one.before.summary}"
        f" {[(a.step, a.changed, a.error) for a in one.actions]}"
        f" after {one.after and one.after.summary}"
        for one in records
    )
