"""The product's own processes killed at random under an agent that measures, repairs and reports."""

import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.harness import outbox, product
from tests.harness.outbox import Place
from tests.harness.wire import HttpRelay, Trap, When
from wardline.agent import settings
from wardline.cli.client import Client, Rejected, Unreachable
from wardline.demo import clinic, trees

CHAOS_SECONDS = 12.0
CHAOS_FULL_SECONDS = 120.0
SETTLE_SECONDS = 90.0
RESTS_MAX = 5
TICK_SECONDS = 0.05
HOST = "records-server"
FICKLE = "etc/passwd"
# Said once the agent ends on a signal as it should.
SAID_AT_START = "1 hosts, Central"
# The supervisor waits longer after every death of a young child; more of them would only wait.
CENTRAL_KILLS_MAX = {"web": 4, "jobs": 3, "postgres": 2}
LIFE_SECONDS_MAX = 6.0
BUNDLES_MIN = 8
EXCHANGES_PER_LIFE = 24
STEPS_PER_LIFE = 40
STEPS_SAMPLED = 4
DYING_AGENT = Path(__file__).with_name("dying_agent.py")
# An hour of the agent's patience, in a tenth of a second.
QUICK_OUTBOX = settings.OutboxSettings(backoff_minute_s=0.01)


class DyingAgent(product.Process):
    """An agent that kills itself before a step on its store."""

    def __init__(self, log: Path, at: int, data: Path) -> None:
        self.log = log
        with log.open("wb") as output:
            self.popen = subprocess.Popen(
                [sys.executable, DYING_AGENT, str(at), "run", "--data", data],
                stdout=output,
                stderr=subprocess.STDOUT,
            )


@dataclass(slots=True)
class Clinic:
    """A site with one agent on one tree, whose requests pass a relay."""

    central: product.Central
    owner: Client
    folder: Path
    relay: HttpRelay
    site: str = ""
    agent: product.Process | None = None
    lives: int = 0

    @property
    def tree(self) -> Path:
        return self.folder / HOST

    @property
    def data(self) -> Path:
        return self.folder / "agent"

    @property
    def store(self) -> Path:
        return self.data / "agent.db"

    def open(self) -> None:
        """A site that heals, a tree, an enrolled agent with a demo's pace."""
        zone = {"zone": "Europe/Berlin", "opening_hours": []}
        self.site = str(self.owner.post("/sites", {"name": "Chaos", **zone})["id"])
        self.owner.post(f"/sites/{self.site}/healing", {"healing": "heal", "reason": "a test"})
        token = str(self.owner.post(f"/sites/{self.site}/enrolment-tokens", {})["token"])
        trees.build(self.tree, HOST)
        product.run(
            *("agent", "enrol", self.relay.url, token, "--data", self.data),
            *(f"--tree={HOST}={self.tree}", "--no-local"),
        )
        layout = settings.Layout(self.data)
        pace = {"intervals": product.QUICK, "flap": clinic.FLAP, "outbox": QUICK_OUTBOX}
        quick = settings.load(layout).model_copy(update=pace)
        layout.settings.write_text(settings.to_toml(quick))

    def start_agent(self, dies_at: int | None = None) -> product.Process:
        """`wardline agent run`, or one that dies before that step on its store."""
        self.lives += 1
        log = self.folder / f"agent-{self.lives}.log"
        if dies_at is None:
            self.agent = product.Process(log, "agent", "run", "--data", self.data)
        else:
            self.agent = DyingAgent(log, dies_at, self.data)
        return self.agent

    def drift(self, draw: random.Random) -> None:
        """A setting breaks, or somebody sets a file's mode to and fro."""
        if draw.random() < 0.5:
            trees.break_setting(self.tree, draw)
        else:
            (self.tree / FICKLE).chmod(draw.choice([0o666, 0o644]))

    def close(self) -> None:
        if self.agent is not None and self.agent.popen.poll() is None:
            self.agent.kill()
        self.relay.close()


@dataclass(slots=True)
class Chaos:
    """What is killed when, from one seed, and what was acknowledged by then."""

    clinic: Clinic
    draw: random.Random
    acknowledged: dict[Place, tuple[bytes, bytes]] = field(default_factory=dict)
    killed: dict[str, int] = field(default_factory=dict)
    way: str = ""

    def run(self, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        drift_at = central_at = agent_at = 0.0
        while (now := time.monotonic()) < deadline:
            if not self._agent_runs():
                agent_at = now + self._start_agent()
            if now >= agent_at:
                self._kill_agent()
            if now >= drift_at:
                self.clinic.drift(self.draw)
                drift_at = now + self.draw.uniform(0.2, 0.6)
            if now >= central_at:
                self._kill_central()
                central_at = now + self.draw.uniform(1.0, 3.0)
            time.sleep(TICK_SECONDS)
        self.end_life()

    def sweep(self, steps: Iterable[int]) -> None:
        """A life that ends before each of these steps on the store, with work for every one."""
        for at in steps:
            self.way = "agent in its store"
            self.clinic.start_agent(at)
            deadline = time.monotonic() + LIFE_SECONDS_MAX
            while self._agent_runs() and time.monotonic() < deadline:
                self.clinic.drift(self.draw)
                time.sleep(TICK_SECONDS)
            self.end_life()

    def end_life(self) -> None:
        """The agent, if it still runs, is killed; what it held as acknowledged is looked at."""
        self.clinic.relay.watch()
        if self._agent_runs():
            self._kill_agent()
        self._bury()

    def _agent_runs(self) -> bool:
        agent = self.clinic.agent
        return agent is not None and agent.popen.poll() is None

    def _bury(self) -> None:
        """Counts a death, which nothing but a kill may have been; what once was acknowledged has
        to stay so."""
        agent = self.clinic.agent
        if agent is None:
            return
        assert agent.popen.wait() == -signal.SIGKILL, agent.output()
        self.killed[self.way] = self.killed.get(self.way, 0) + 1
        seen = outbox.acknowledged(self.clinic.store)
        lost = self.acknowledged.keys() - seen.keys()
        assert not lost, f"no longer acknowledged: {sorted(lost)}"
        self.acknowledged |= seen

    def _start_agent(self) -> float:
        """Buries the last one and starts one that dies on its wire, in its store, or after the
        seconds that this gives."""
        self._bury()
        clinic, draw = self.clinic, self.draw
        clinic.relay.watch()
        self.way = draw.choice(["agent on its wire", "agent in its store", "agent in time"])
        if self.way == "agent on its wire":
            when = draw.choice(list(When))
            clinic.relay.watch(Trap(draw.randrange(EXCHANGES_PER_LIFE), when, self._trapped))
        in_store = self.way == "agent in its store"
        clinic.start_agent(draw.randrange(STEPS_PER_LIFE) if in_store else None)
        return draw.uniform(1.5, 5.0) if self.way == "agent in time" else LIFE_SECONDS_MAX

    def _trapped(self) -> None:
        assert self.clinic.agent is not None
        self.clinic.agent.popen.kill()

    def _kill_agent(self) -> None:
        assert self.clinic.agent is not None
        if self._agent_runs():
            self.way = "agent in time"
            self.clinic.agent.kill()

    def _kill_central(self) -> None:
        name = self.draw.choice(list(CENTRAL_KILLS_MAX))
        alive = self.clinic.central.children(name)
        if alive and self.killed.get(name, 0) < CENTRAL_KILLS_MAX[name]:
            self.killed[name] = self.killed.get(name, 0) + 1
            self.draw.choice(alive).kill()


@pytest.fixture
def chaos(tmp_path: Path, seed: int) -> Iterator[Chaos]:
    with ExitStack() as ends:
        central = product.Central(tmp_path, as_usual=True)
        ends.callback(central.stop)
        central.start()
        owner = central.owner()
        ends.callback(owner.close)
        made = Clinic(central, owner, tmp_path, HttpRelay(central.port))
        ends.callback(made.close)
        made.open()
        yield Chaos(made, random.Random(seed))


def test_what_was_acknowledged_under_random_kills_is_logged_once(chaos: Chaos) -> None:
    chaos.sweep(chaos.draw.sample(range(STEPS_PER_LIFE), STEPS_SAMPLED))
    chaos.run(CHAOS_SECONDS)
    _check(chaos)


@pytest.mark.full
def test_what_was_acknowledged_under_long_chaos_is_logged_once(chaos: Chaos) -> None:
    chaos.run(CHAOS_FULL_SECONDS)
    _check(chaos)


@pytest.mark.full
def test_an_agent_killed_at_any_step_on_its_store_loses_and_repeats_nothing(chaos: Chaos) -> None:
    chaos.sweep(range(STEPS_PER_LIFE))
    _check(chaos)


def _check(chaos: Chaos) -> None:
    """Lets all of it come to rest, then compares the agent's store with Central's log."""
    clinic = chaos.clinic
    print(f"killed: {chaos.killed}; acknowledged by then: {len(chaos.acknowledged)}")
    _come_to_rest(clinic)
    stream = outbox.check_stream(clinic.store)
    assert len(stream) >= BUNDLES_MIN, f"too little happened: {len(stream)} bundles"
    assert {one.state for one in stream} == {outbox.ACKNOWLEDGED}
    signed = {one.place: one.signed for one in stream}
    assert chaos.acknowledged.items() <= signed.items()
    logged = clinic.central.log_of(clinic.site, clinic.data, 0, 10)
    assert [(one.envelope.payload, one.envelope.sig) for one in logged] == list(signed.values())


def _come_to_rest(clinic: Clinic) -> None:
    """An agent delivers until nothing waits, and ends; one that sealed another bundle before it
    ended is followed by one more."""
    for _ in range(RESTS_MAX):
        agent = clinic.start_agent()
        product.wait_for(lambda: _settled(clinic), "nothing is on its way any more", SETTLE_SECONDS)
        assert agent.stop() == 0
        if outbox.waiting(clinic.store) == 0:
            return
    pytest.fail(f"after {RESTS_MAX} agents {outbox.waiting(clinic.store)} bundles wait")


def _settled(clinic: Clinic) -> bool:
    """Whether all is acknowledged, signed and cosigned."""
    assert clinic.agent is not None
    assert clinic.agent.popen.poll() is None, clinic.agent.output()
    if SAID_AT_START not in clinic.agent.output():
        return False
    try:
        log = clinic.owner.get(f"/sites/{clinic.site}")["log"]
    except (Unreachable, Rejected):
        return False
    whole = log["size"] == log["checkpoint_size"] == log["witnessed_size"]
    return bool(log["size"] > 1 and whole and outbox.waiting(clinic.store) == 0)
