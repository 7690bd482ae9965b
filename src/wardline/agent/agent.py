"""Puts an appliance together and runs its three loops until it is told to stop, or one dies."""

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
from types import FrameType

from wardline.agent import roster as rosters
from wardline.agent import settings as settings_file
from wardline.agent.act import Healer
from wardline.agent.bell import Bells
from wardline.agent.checks import check
from wardline.agent.observe import Observer
from wardline.agent.report import Reporter
from wardline.agent.roster import Roster
from wardline.agent.settings import Layout, Settings
from wardline.agent.store import policies
from wardline.agent.store.database import Database
from wardline.agent.store.keys import Keyring
from wardline.agent.store.ledger import Ledger
from wardline.agent.uplink import Address, Uplink
from wardline.core import clock
from wardline.core.errors import WardlineError

STOP_S_MAX = 2.5
WAKE_S = 0.2


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
        self.uplink.close()
        self.ledger.database.close()


def open_ledger(layout: Layout, settings: Settings, now: clock.Now = clock.system) -> Ledger:
    """The appliance's store; raises StoreDamaged, StoreUnusable or StoreFull."""
    database = Database(layout.database, settings.outbox.bytes_max, now, layout.ballast)
    return Ledger(database, Keyring(layout.keys), settings.site.id, settings.appliance.id, now)


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


def assemble(layout: Layout, settings: Settings, ledger: Ledger, uplink: Uplink) -> Agent:
    """The loops over one store."""
    bells, draw = Bells(), random.Random()
    roster = rosters.open_all(settings.hosts)
    checks = check.registry()
    return Agent(
        settings,
        roster,
        ledger,
        Observer(ledger, roster, checks, settings.intervals, bells, draw),
        Healer(
            ledger,
            roster,
            checks,
            settings.intervals,
            settings.flap,
            policies.public_key(settings.central.policy_key),
            bells,
        ),
        Reporter(ledger, roster, uplink, settings, bells, draw),
        uplink,
        bells,
    )


def run(layout: Layout, say: Callable[[str], None]) -> None:
    """Run until SIGTERM or SIGINT; both end it within three seconds, a running repair included.

    Raises SettingsInvalid, AlreadyRunning, KeyUnusable, the errors of the store, and LoopDied.
    """
    settings = load_settings(layout)
    with _alone(layout):
        ledger = open_ledger(layout, settings)
        agent = assemble(layout, settings, ledger, open_uplink(layout, settings))
        _until(signals=(signal.SIGTERM, signal.SIGINT), agent=agent)
        say(
            f"appliance {settings.appliance.id} of {settings.site.name}:"
            f" {len(settings.hosts)} hosts, Central {settings.central.url}"
        )
        _work(agent, say)


def _work(agent: Agent, say: Callable[[str], None]) -> None:
    """One thread per loop; the first that dies stops them all."""
    died: list[BaseException] = []

    def guarded(loop: Callable[[], None]) -> None:
        try:
            loop()
        except BaseException as error:  # noqa: BLE001 (raised again by the main thread)
            died.append(error)
            say("".join(traceback.format_exception(error)))
            agent.bells.stop()

    def introduced(loop: Callable[[], None]) -> Callable[[], None]:
        """A loop that begins once Central could say where the stream stands."""

        def later() -> None:
            while not agent.reporter.introduced.wait(WAKE_S):
                if agent.bells.stopping:
                    return
            loop()

        return later

    loops = {
        "observe": introduced(agent.observer.run),
        "act": introduced(agent.healer.run),
        "report": agent.reporter.run,
    }
    threads = [
        threading.Thread(target=guarded, args=(loop,), name=name, daemon=True)
        for name, loop in loops.items()
    ]
    for thread in threads:
        thread.start()
    while not agent.bells.stopping:
        threads[0].join(WAKE_S)
    _end(agent, threads)
    if died:
        raise LoopDied(f"the agent stopped because of: {died[0]}") from died[0]


def _end(agent: Agent, threads: list[threading.Thread]) -> None:
    """Give every loop its time. What does not end in it is cut off, which the store survives."""
    deadline = time.monotonic() + STOP_S_MAX
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()))
    if not any(thread.is_alive() for thread in threads):
        agent.close()


def _until(signals: tuple[signal.Signals, ...], agent: Agent) -> None:
    def stop(number: int, frame: FrameType | None) -> None:
        agent.bells.stop()

    for one in signals:
        signal.signal(one, stop)


@contextmanager
def _alone(layout: Layout) -> Iterator[None]:
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
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        os.close(descriptor)
