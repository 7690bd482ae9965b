"""A loop that fails is told, alarmed and begun again; one that keeps failing ends the agent."""

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from tests.harness.marks import plain_marks
from tests.integration.agent.bench import Bench
from wardline.agent import agent
from wardline.agent.agent import Agent, LoopDied

WAIT_S = 10.0


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(agent, "RESTART_REST_S", 0.001)


def _waits(made: Agent) -> Callable[[], None]:
    def run() -> None:
        while not made.bells.stopping:
            time.sleep(0.01)

    return run


def _standing_in(bench: Bench, **loops: Callable[[], None]) -> Agent:
    """The agent with loops that do nothing, but for the given ones; its store is the real one."""
    made = bench.agent
    introduced = threading.Event()
    introduced.set()
    parts: dict[str, Any] = {
        name: SimpleNamespace(run=loops.get(name, _waits(made)), introduced=introduced)
        for name in ("observer", "healer", "reporter")
    }
    # The store is closed by the fixture, after the test has looked into it.
    uplink: Any = SimpleNamespace(close=lambda: None)
    database = SimpleNamespace(close=lambda: None)
    ledger: Any = SimpleNamespace(
        transaction=made.ledger.transaction,
        now=made.ledger.now,
        scrubber=made.ledger.scrubber,
        database=database,
    )
    return replace(made, **parts, uplink=uplink, ledger=ledger)


def test_a_loop_that_failed_a_few_times_goes_on_and_the_alarm_says_so(bench: Bench) -> None:
    tries: list[int] = []
    said: list[str] = []

    def fails_twice() -> None:
        tries.append(1)
        if len(tries) <= 2:
            raise OverflowError("password=hunter2secret is too large")
        bench.agent.bells.stop()

    agent._work(_standing_in(bench, healer=fails_twice), said.append)
    assert len(tries) == 3
    alarm = bench.alarms()["loop_failed"]
    assert (alarm.subject, alarm.times) == ("act", 2)
    assert plain_marks(alarm.detail) == "OverflowError: password=[secret] is too large"
    assert len(said) == 2
    assert all("Traceback" in line and "hunter2" not in line for line in said)


@pytest.mark.parametrize("name", ["observer", "healer", "reporter"])
def test_a_loop_that_keeps_failing_ends_the_agent_with_an_error(bench: Bench, name: str) -> None:
    tries: list[int] = []

    def fails() -> None:
        tries.append(1)
        raise OverflowError("too large")

    began = time.monotonic()
    with pytest.raises(LoopDied, match="kept failing: too large"):
        agent._work(_standing_in(bench, **{name: fails}), lambda _: None)
    assert len(tries) == agent.RESTARTS_MAX + 1
    assert bench.agent.bells.stopping
    assert time.monotonic() - began < WAIT_S


def test_a_loop_that_ends_unasked_is_no_loop_that_works(bench: Bench) -> None:
    with pytest.raises(LoopDied, match="though nobody had stopped it"):
        agent._work(_standing_in(bench, observer=lambda: None), lambda _: None)


def test_a_loop_whose_thread_is_ended_from_within_ends_the_agent_at_once(bench: Bench) -> None:
    tries: list[int] = []

    def exits() -> None:
        tries.append(1)
        raise SystemExit(3)

    with pytest.raises(LoopDied):
        agent._work(_standing_in(bench, reporter=exits), lambda _: None)
    assert len(tries) == 1


def test_the_alarm_is_over_once_the_loop_has_run_for_long_enough(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(agent, "RESTART_FORGIVEN_S", 0.05)
    failed: list[int] = []
    ended = time.monotonic() + WAIT_S

    def fails_once() -> None:
        if not failed:
            failed.append(1)
            raise OverflowError("too large")
        while not bench.agent.bells.stopping:
            time.sleep(0.01)

    def stops_when_over() -> None:
        while time.monotonic() < ended and (not failed or "loop_failed" not in bench.alarms()):
            time.sleep(0.01)
        while time.monotonic() < ended and "loop_failed" in bench.alarms():
            time.sleep(0.01)
        bench.agent.bells.stop()

    agent._work(_standing_in(bench, healer=fails_once, reporter=stops_when_over), lambda _: None)
    assert failed
    assert "loop_failed" not in bench.alarms()
