"""Random repairs, each with a fault at a random step, and what the appliance then claims of them.

One appliance goes through all runs: a drift that a built-in runbook answers, unasked or by an order,
a tree or a tree whose programs run, and a fault at one operation of the repair, of its undo or of its
verification. What it claims is compared with what an independent look finds.
"""

import random
import re
import shutil
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.harness import ordering
from tests.integration.healing import picture
from tests.integration.healing.picture import Picture
from tests.integration.healing.stage import Stage
from tests.integration.healing.trouble import Trouble
from tests.unit.agent import host_trees
from tests.unit.agent.live_host import Machine
from tests.unit.agent.runbooks.test_runner import AT_ONCE, DRIFTS
from wardline.agent.hosts.host import Output
from wardline.agent.runbooks import runbook, runner
from wardline.agent.settings import Flap, Watch
from wardline.agent.store import freezes
from wardline.core.evidence.bundle import IncidentRecord, IncidentState, Outcome
from wardline.core.incidents.states import State

# More heals of one drift than a test makes: what flaps is another test's.
PATIENT, SHORT = Flap(heals=10_000), Watch(period_s=1)
WATCH_MINUTES = 0.05
REPORT_EVERY = 25
# Repairs that need nothing of a live host but systemctl, ufw and augenrules.
LIVE = (
    "antivirus.enable_updates",
    "audit_logging.enable",
    "firewall.enable",
    "prohibited_services.disable",
    "ssh_config.harden",
    "time_sync.enable",
)
RUNNING = (
    *("auditd.service", "chrony.service", "clamav-daemon.service"),
    *("clamav-freshclam.service", "ufw.service"),
)
KINDS = ("full_disk", "read_only", "refused", "failed", "died", "died_after")
CHANGING = (*KINDS, "loses", "reverts before", "reverts after", "freezes")
READING, NOTHING = "read", "nothing"
# Each of them is met once, at the first change or read of a run, before chance has its turn.
FAULTS = (NOTHING, READING, *CHANGING)
# What no change of a tree alone makes fail is not drawn.
OF_LIVE_HOSTS = frozenset({"listening_ports.protect_list"})
STAGED = re.compile(r"/\.[^/]+\.[0-9a-f]{16}$")
# Where an appliance keeps what it counts of failed repairs.
COUNTED = frozenset({"attempts", "breakers", "stops"})
NEVER = 1 << 40
READS = ("read", "stat", "lstat")


class Live(Machine):
    """With an sshd that finds every file in order."""

    def run(self, argv: Sequence[str], timeout_s: float, output_bytes_max: int) -> Output:
        if argv[0] == "sshd":
            return Output(0, b"", b"", False, 1)
        if argv[0] == "systemctl" and argv[1] in ("try-reload-or-restart", "kill"):
            return Output(0, b"", b"", False, 1)
        return super().run(argv, timeout_s, output_bytes_max)


@dataclass(frozen=True, slots=True)
class Case:
    """A drift, what its repair changes when nothing goes wrong, and how many calls that takes; one
    that is `ordered` waits for a person."""

    runbook_id: str
    live: bool
    ordered: bool
    drifted: Picture
    repaired: Picture
    calls: dict[str, int]

    @property
    def paths(self) -> list[str]:
        return picture.differing(self.drifted, self.repaired)


@dataclass
class Runs:
    """The runs of one appliance; `problems` are claims that are not true."""

    folder: Path
    healthy: Path
    draw: random.Random
    problems: list[str] = field(default_factory=list)
    ends: Counter[str] = field(default_factory=Counter)
    met: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=lambda: list(reversed(FAULTS)))
    struck: int = 0
    made: int = 0

    def __post_init__(self) -> None:
        self.folder.mkdir(exist_ok=True)
        self.saved = self.folder / "saved"
        self.stage = Stage(self.folder, self.healthy, flap=PATIENT, watch=SHORT)
        self._pace, runner.PACE = runner.PACE, AT_ONCE
        try:
            self._prepare()
        except BaseException:
            self.close()
            raise

    def _prepare(self) -> None:
        """Every repair once without a fault, under rules that ask nobody."""
        self.well = self.stage.picture()
        for one in list(runbook.registry()):
            unasked: dict[str, Any] = {"approval": None, "autoExecute": True}
            ordering.change_rule(self.stage.bench.central, f"runbook.{one}", **unasked)
        self.stage.bench.check_in()
        self.cases = [
            *(self._learn(one, live=False) for one in sorted(DRIFTS) if one not in OF_LIVE_HOSTS),
            *(self._learn(one, live=True) for one in LIVE),
        ]

    @property
    def false_heals(self) -> int:
        return len(self.stage.false_heals)

    def close(self) -> None:
        runner.PACE = self._pace
        self.stage.close()

    def run(self, count: int) -> None:
        for number in range(count):
            self._one(self.draw.choice(self.cases))
            if number % REPORT_EVERY == 0:
                self.stage.bench.report()
        self.stage.bench.report()
        healed = sum(
            record.state is IncidentState.HEALED
            for one in self.stage.bench.central.stored
            for record in one.bundle.incidents
        )
        compared = sum(State.HEALED.value in name for name, _ in self.stage.seen)
        if healed != compared:
            self.problems.append(f"{healed} heals are told, {compared} were looked at")

    def _learn(self, runbook_id: str, *, live: bool) -> Case:
        """The repair without a fault, and whether a person has to start it."""
        found = self._enter(runbook_id, live)
        assert found is Outcome.FAIL, runbook_id
        counting = self._count()
        self.stage.act()
        ordered = self._state() is State.WAITING
        if ordered:
            counting = self._count()
            self._order(runbook_id)
        calls = {call: one.counted for call, one in counting.items()}
        case = Case(runbook_id, live, ordered, self.stage.base, self.stage.picture(), calls)
        assert self._state() is State.HEALED, (runbook_id, self._record())
        assert calls["change"] > 0, runbook_id
        self._leave(case)
        return case

    def _count(self) -> dict[str, Trouble]:
        """Troubles that never strike, for they count."""
        counting = {call: Trouble(call=call, nth=NEVER) for call in ("change", *READS)}
        self.stage.troubles[:] = counting.values()
        return counting

    def _order(self, runbook_id: str) -> None:
        self.stage.approve([runbook.registry()[runbook_id].check], {})

    def _one(self, case: Case) -> None:
        stage = self.stage
        self._enter(case.runbook_id, case.live)
        if case.ordered:
            stage.act()
        what = self.faults.pop() if self.faults else None
        fault, interferes, trouble = self._trouble(case, what)
        stage.troubles[:] = [trouble]
        if case.ordered:
            self._order(case.runbook_id)
        else:
            stage.act()
        if (defect := stage.bench.alarms().get("incident_defect")) is not None:
            self.problems.append(f"{case.runbook_id} {trouble}: {defect.detail}")
        dead = trouble.raises in ("died", "died_after") and trouble.struck > 0
        if dead:
            stage.troubles.clear()
            self._settle()
        self.made += 1
        self.struck += trouble.struck > 0
        self.met[fault] += trouble.struck > 0
        self.ends[self._state().value] += 1
        self._judge(case, trouble, interferes=interferes, dead=dead)
        self._leave(case)

    def _settle(self) -> None:
        """The next agent's first look at what the dead one left, without a repair of its own."""
        self.stage.bench.agent.healer._settle_interrupted()
        self.stage._compare()

    def _trouble(self, case: Case, first: str | None) -> tuple[str, bool, Trouble]:
        """A fault, at its `first` chance or at a random step; its name, and whether somebody else
        changes the host in it."""
        draw = self.draw
        times = 1 if first else draw.choice((1, 1, 1, 0))
        what = first or (READING if draw.random() < 0.2 else draw.choice(CHANGING))
        if what == NOTHING:
            return what, False, Trouble(nth=NEVER)
        if what == READING:
            call = READS[0] if first else draw.choice(READS)
            nth = 1 if first else draw.randint(1, max(1, case.calls[call] * 2))
            return what, False, Trouble(call=call, nth=nth, times=times, raises="failed")
        nth = 1 if first else draw.randint(1, case.calls["change"])
        fault = Trouble(call="change", nth=nth, times=times)
        match what:
            case "loses":
                fault.loses = True
            case "reverts before":
                fault.before = self._reverts(case)
            case "reverts after":
                fault.after = self._reverts(case)
            case "freezes":
                fault.times, fault.after = 1, self.stage.freeze
            case _:
                fault.raises = what
        if fault.raises in ("died", "died_after"):
            fault.times = 1
        return what, what.startswith("reverts"), fault

    def _reverts(self, case: Case) -> Callable[[], None]:
        """A rival that puts the drift back."""
        return lambda: picture.put(self.saved, self.stage.root, case.paths)

    def _judge(self, case: Case, trouble: Trouble, *, interferes: bool, dead: bool) -> None:
        """No claim but a true one: what is said to be undone is, and nothing is ever half a file."""
        now, record = self.stage.picture(), self._record()
        told = f"{case.runbook_id} live={case.live} {_named(trouble)}: {record.state}"
        errors = "\n".join(one.error or "" for one in record.actions)
        # What was to be proved and could not be taken away is named; not by the dead and the deceived.
        unsaid = dead or trouble.loses
        now = {
            path: seen
            for path, seen in now.items()
            if not (STAGED.search(path) and (unsaid or f"/{path}" in errors))
        }
        left = any(one.changed and not one.undone for one in record.actions)
        if not (left or dead or interferes) and record.state is not IncidentState.HEALED:
            if other := picture.differing(now, self.stage.base):
                self.problems.append(f"{told}: nothing is said to be left, but {other}")
        for path, seen in now.items():
            whole = {case.drifted.get(path, ())[2:], case.repaired.get(path, ())[2:]}
            if seen[2:] not in whole:
                self.problems.append(f"{told}: {path} is neither the old file nor the new one")

    def _record(self) -> IncidentRecord:
        return self.stage.incidents()[0].record()

    def _state(self) -> State:
        return self.stage.incidents()[0].state

    def _enter(self, runbook_id: str, live: bool) -> Outcome:
        """The healthy host drifts, and is measured."""
        stage = self.stage
        stage.troubles.clear()
        stage.live = Live(stage.root, *RUNNING) if live else None
        host_trees.change(stage.root, DRIFTS[runbook_id])
        stage.base = stage.picture()
        shutil.rmtree(self.saved, ignore_errors=True)
        picture.put(stage.root, self.saved, picture.differing(stage.base, self.well))
        stage.take_over()
        (found,) = stage.look([runbook.registry()[runbook_id].check])
        return found.outcome

    def _leave(self, case: Case) -> None:
        """The host is as it should be again; what was healed lasts, what was not is resolved."""
        stage = self.stage
        stage.troubles.clear()
        with stage.bench.agent.ledger.reading() as tx:
            frozen = freezes.in_force(tx) is not None
        if frozen:
            stage.unfreeze()
        stage.wait(WATCH_MINUTES)
        check = [runbook.registry()[case.runbook_id].check]
        if self._state() is State.HEALED:
            stage.look(check)
        self._mend()
        (found,) = stage.look(check)
        assert found.outcome is not Outcome.FAIL, f"{case.runbook_id}: {found.summary}"
        self._forget()

    def _forget(self) -> None:
        """What keeps failing is stopped one day: that is another test's."""
        with self.stage.bench.agent.ledger.transaction() as tx:
            names = {row["name"] for row in tx.rows("SELECT name FROM sqlite_master")}
            assert names >= COUNTED
            for table in sorted(COUNTED):
                tx.execute(f"DELETE FROM {table}")

    def _mend(self) -> None:
        other = picture.differing(self.stage.picture(), self.well)
        picture.put(self.healthy, self.stage.root, other)


def _named(trouble: Trouble) -> str:
    around = "before" * bool(trouble.before) + "after" * bool(trouble.after)
    what = trouble.raises or ("loses" if trouble.loses else around)
    return f"{what} at {trouble.call} {trouble.nth} for {trouble.times}"
