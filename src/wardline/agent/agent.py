"""Puts an appliance together and runs its three loops until it is told to stop.

A loop that ends by an error of its own is told, alarmed and begun again after a rest, a few times.
One that keeps failing ends the whole process with an error: an agent never looks alive with a dead
loop in it.
"""

import fcntl
import os
import random
import signal
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from types import FrameType

from wardline.agent import roster as rosters
from wardline.agent import settings as settings_file
from wardline.agent.act import Healer
from wardline.agent.bell import ENDING, Bells
from wardline.agent.checks import check
from wardline.agent.notice import Say
from wardline.agent.observe import Observer
from wardline.agent.report import Reporter
from wardline.agent.roster import Roster
from wardline.agent.scrub.marks import Marker
from wardline.agent.scrub.patient_names import PatientNames
from wardline.agent.scrub.scrubber import Scrubber
from wardline.agent.settings import Layout, Settings
from wardline.agent.store import alarms, policies
from wardline.agent.store import ledger as ledgers
from wardline.agent.store.alarms import Code
from wardline.agent.store.before_states import BeforeStates
from wardline.agent.store.credentials import Credentials
from wardline.agent.store.database import Database, StoreFull, Transaction
from wardline.agent.store.keys import Keyring
from wardline.agent.store.ledger import Ledger
from wardline.agent.uplink import Address, Uplink
from wardline.core import clock
from wardline.core.errors import WardlineError

STOP_S_MAX = 2.5
WAKE_S = 0.2
# So many errors of one loop are survived; one that has run for so long since begins a new count.
RESTARTS_MAX = 5
RESTART_REST_S = 1.0
RESTART_FORGIVEN_S = 600.0


class AlreadyRunning(WardlineError):
    """Another agent works on this data directory."""

    code = "already_running"


class LoopDied(WardlineError):
    """One of the loops ended by an error of its own; the agent ends with it rather than go lame."""

    code = "loop_died"


@dataclass(frozen=True, slots=True)
class Agent:
    """The parts of a running appliance."""

    settings: Settings
    roster: Roster
    ledger: Ledger
    observer: Observer
    healer: Healer
    reporter: Reporter
    uplink: Uplink
    bells: Bells

    def close(self) -> None:
        self.roster.close()
        self.uplink.close()
        self.ledger.database.close()


def open_ledger(
    layout: Layout,
    settings: Settings,
    now: clock.Now = clock.system,
    monotonic_ms: Callable[[], int] = ledgers.monotonic_ms,
) -> Ledger:
    """The appliance's store; raises StoreDamaged, StoreUnusable, StoreFull, KeyUnusable and
    NamesUnusable."""
    keyring = Keyring(layout.keys)
    scrubber = Scrubber(Marker(keyring.scrubbing()), PatientNames(layout.patient_names))
    database = Database(layout.database, settings.outbox.bytes_max, now, layout.ballast, scrubber)
    return Ledger(database, keyring, settings.site.id, settings.appliance.id, now, monotonic_ms)


def open_before_states(layout: Layout, settings: Settings, ledger: Ledger) -> BeforeStates:
    return BeforeStates(layout.before_states, ledger.keyring, settings.appliance.id)


def open_uplink(layout: Layout, settings: Settings) -> Uplink:
    keyring = Keyring(layout.keys)
    address = Address(settings.central.url, keyring.central_ca())
    return Uplink(address, keyring.credential())


def load_settings(layout: Layout) -> Settings:
    """The settings, with every threshold shown to be reachable."""
    settings = settings_file.load(layout)
    settings.check_reachable(
        {name: one.manifest.interval_s for name, one in check.registry().items()}
    )
    return settings


def assemble(layout: Layout, settings: Settings, ledger: Ledger, uplink: Uplink, say: Say) -> Agent:
    """The loops over one store; what they say is scrubbed as what they store."""
    say = _scrubbed(say, ledger.scrubber)
    bells, draw = Bells(), random.Random()
    roster = rosters.open_all(settings.hosts, Credentials(layout, settings.appliance.id))
    checks = check.registry()
    return Agent(
        settings,
        roster,
        ledger,
        Observer(
            *(ledger, roster, checks, settings.intervals, bells, draw, say),
            settings.watch.period_s,
        ),
        Healer(
            ledger,
            roster,
            checks,
            settings.intervals,
            settings.flap,
            policies.public_key(settings.central.policy_key),
            policies.public_key(settings.central.order_key),
            bells,
            settings.watch.period_s,
            open_before_states(layout, settings, ledger),
        ),
        Reporter(ledger, roster, uplink, settings, bells, draw, say),
        uplink,
        bells,
    )


def _scrubbed(say: Say, scrubber: Scrubber) -> Say:
    return lambda line: say(scrubber.text(line))


def run(layout: Layout, say: Say) -> None:
    """Run until SIGTERM or SIGINT; both end it within three seconds, a running repair included.

    Raises SettingsInvalid, AlreadyRunning, KeyUnusable, the errors of the store, and LoopDied.
    """
    settings = load_settings(layout)
    with alone(layout):
        ledger = open_ledger(layout, settings)
        agent = assemble(layout, settings, ledger, open_uplink(layout, settings), say)
        _until(ENDING, agent)
        say(
            f"appliance {settings.appliance.id} of {settings.site.name}:"
            f" {len(settings.hosts)} hosts, Central {settings.central.url}"
        )
        _work(agent, say)


class _Loop:
    """A loop with its thread; begun again after an error, a bounded number of times."""

    def __init__(
        self,
        name: str,
        run: Callable[[], None],
        ready: threading.Event,
        agent: Agent,
        say: Say,
    ) -> None:
        self.name = name
        self.died: BaseException | None = None
        self._run = run
        self._ready = ready
        self._agent = agent
        self._say = say
        self._failures = 0
        self._failed_at: float | None = None
        self.thread = threading.Thread(target=self._guarded, name=name, daemon=True)

    def settle(self) -> None:
        """The alarm of an error is over once the loop has run for long enough since."""
        failed_at = self._failed_at
        if failed_at is None or time.monotonic() - failed_at < RESTART_FORGIVEN_S:
            return
        self._failed_at, self._failures = None, 0
        self._tell(lambda tx, at: alarms.over(tx, Code.LOOP_FAILED, self.name, at))

    def _guarded(self) -> None:
        try:
            while not self._agent.bells.stopping:
                if self._ready.wait(WAKE_S):
                    self._once()
        except BaseException as error:  # noqa: BLE001 (raised again by the main thread)
            self.died = error
            self._agent.bells.stop()

    def _once(self) -> None:
        """The loop until it is told to stop, or until it fails and has rested."""
        try:
            self._run()
            if not self._agent.bells.stopping:
                raise LoopDied(f"the {self.name} loop ended though nobody had stopped it")
        except Exception as error:
            self._failures += 1
            self._failed_at = time.monotonic()
            self._say("".join(traceback.format_exception(error)))
            detail = f"{type(error).__name__}: {error}"
            self._tell(lambda tx, at: alarms.sound(tx, Code.LOOP_FAILED, self.name, detail, at))
            if self._failures > RESTARTS_MAX:
                raise
            self._rest(RESTART_REST_S * 2 ** (self._failures - 1))

    def _rest(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while not self._agent.bells.stopping and time.monotonic() < end:
            time.sleep(min(WAKE_S, seconds))

    def _tell(self, write: Callable[[Transaction, datetime], object]) -> None:
        ledger = self._agent.ledger
        try:
            with ledger.transaction() as tx:
                write(tx, ledger.now())
        except WardlineError as error:
            self._say(f"the alarm of the {self.name} loop could not be stored: {error}")


def _work(agent: Agent, say: Say) -> None:
    """One thread per loop, until all are told to stop; raises LoopDied if one had to give up."""
    say = _scrubbed(say, agent.ledger.scrubber)
    at_once = threading.Event()
    at_once.set()
    # Two begin once Central could say where the stream stands.
    introduced = agent.reporter.introduced
    loops = [
        _Loop("observe", agent.observer.run, introduced, agent, say),
        _Loop("act", agent.healer.run, introduced, agent, say),
        _Loop("report", agent.reporter.run, at_once, agent, say),
    ]
    for loop in loops:
        loop.thread.start()
    while not agent.bells.stopping:
        loops[0].thread.join(WAKE_S)
        for loop in loops:
            loop.settle()
    _end(agent, [loop.thread for loop in loops])
    died = next((loop for loop in loops if loop.died is not None), None)
    if died is not None:
        raise LoopDied(
            f"the agent stopped because its {died.name} loop kept failing:"
            f" {agent.ledger.scrubber.text(str(died.died))}"
        ) from died.died


def _end(agent: Agent, threads: list[threading.Thread]) -> None:
    """Give every loop its time. What does not end in it is cut off, which the store survives."""
    deadline = time.monotonic() + STOP_S_MAX
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()))
    if not any(thread.is_alive() for thread in threads):
        agent.close()


def _until(signals: frozenset[signal.Signals], agent: Agent) -> None:
    def stop(number: int, frame: FrameType | None) -> None:
        agent.bells.stop()

    for one in signals:
        signal.signal(one, stop)
    # Whoever began this process may have held them back until now.
    signal.pthread_sigmask(signal.SIG_UNBLOCK, signals)


@contextmanager
def alone(layout: Layout) -> Iterator[None]:
    """The only agent on this directory, for as long as this process lives."""
    descriptor = os.open(layout.lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(descriptor, 20, 0).decode(errors="replace").strip()
            raise AlreadyRunning(
                f"another agent (process {holder or 'unknown'}) runs on {layout.root};"
                " stop it first, or name another directory with --data"
            ) from None
        _sign(descriptor, layout)
        yield
    finally:
        os.close(descriptor)


def _sign(descriptor: int, layout: Layout) -> None:
    """Who it is, for the next one to say; raises StoreFull, as everything here that cannot grow."""
    name = f"{os.getpid()}\n".encode()
    try:
        os.pwrite(descriptor, name, 0)
        os.ftruncate(descriptor, len(name))
    except OSError as error:
        raise StoreFull(
            f"{layout.lock} cannot be written ({error.strerror}): free disk space, then start again"
        ) from None
