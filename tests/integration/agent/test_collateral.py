"""A repair that brings something else down: undone, failed, and a person's from then on."""

from typing import Any

import pytest

from tests.integration.agent.bench import BAD_MODE, GOOD_MODE, Bench
from tests.integration.agent.switch import drifted, healing
from tests.integration.agent.waiting import CHECK, detail, given, waiting
from wardline.agent.hosts.host import Output, TimedOut
from wardline.agent.hosts.queries import Query
from wardline.agent.hosts.revert import ArmedRevert
from wardline.agent.runbooks import runner
from wardline.agent.runbooks.line_guard import Pace
from wardline.core.evidence.bundle import IncidentState, ResolutionLevel

UP, DOWN = b"Id=ehr.service\nActiveState=active\n", b"Id=ehr.service\nActiveState=failed\n"


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner, "PACE", Pace(settle_s=0))


def fragile(bench: Bench) -> None:
    """The host runs a service that is only up while /etc/passwd has its bad mode."""
    host: Any = next(iter(bench.agent_roster)).host
    host.runs_commands = True
    host.arm_revert = lambda revert: ArmedRevert("0" * 16, revert)
    host.disarm_revert = lambda _: None
    host.ask = lambda _: Output(0, UP if bench.mode == BAD_MODE else DOWN, b"", False, 1)


def mute(bench: Bench) -> None:
    """The host does not say any more what is up, once it is repaired."""
    fragile(bench)
    host: Any = next(iter(bench.agent_roster)).host
    said = host.ask

    def ask(query: Query) -> Output:
        if bench.mode != BAD_MODE:
            raise TimedOut("systemctl", "took longer than 15 s, ended")
        return Output(0, said(query).stdout, b"", False, 1)

    host.ask = ask


def test_a_harmful_repair_is_undone_and_is_a_persons_at_once(bench: Bench) -> None:
    healing(bench)
    fragile(bench)
    drifted(bench)
    bench.report()
    failed, escalated = bench.central.records(CHECK)[-2:]
    assert bench.mode == BAD_MODE
    assert (failed.state, escalated.state) == (IncidentState.FAILED, IncidentState.ESCALATED)
    assert escalated.resolution_level is ResolutionLevel.L3
    said = next(one for one in escalated.actions if one.type == "collateral")
    assert said.error == "up before the run and down after it: ehr.service"
    assert next(one for one in escalated.actions if one.changed).undone
    bench.act()
    bench.report()
    assert bench.central.records(CHECK)[-1] == escalated, "and it is left alone"


def test_an_order_whose_run_did_harm_ends_by_that_name(bench: Bench) -> None:
    order = waiting(bench)
    fragile(bench)
    assert given(bench, order) == ("failed", "collateral")
    assert "ehr.service; everything that it had changed is undone" in detail(bench, order)
    assert bench.central.records(CHECK)[-1].state is IncidentState.ESCALATED


def test_a_repair_of_which_nobody_can_say_whether_it_did_harm_stands_and_is_a_persons(
    bench: Bench,
) -> None:
    healing(bench)
    mute(bench)
    drifted(bench)
    bench.report()
    failed, escalated = bench.central.records(CHECK)[-2:]
    assert (failed.state, escalated.state) == (IncidentState.FAILED, IncidentState.ESCALATED)
    assert bench.mode == GOOD_MODE, "nothing says that it did harm"
    said = escalated.actions[-1]
    assert (said.type, "systemctl: took longer" in str(said.error)) == ("look_again", True)
    assert escalated.decision is not None
    assert escalated.decision["run"]["undoUntil"] is not None, "a person can undo it"


def test_an_order_whose_harm_nobody_could_look_for_says_so(bench: Bench) -> None:
    order = waiting(bench)
    mute(bench)
    assert given(bench, order)[0] == "failed"
    assert "whether all is up that was up before the run is not known" in detail(bench, order)
    assert bench.central.records(CHECK)[-1].state is IncidentState.ESCALATED
