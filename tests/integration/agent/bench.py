"""What the agent's tests stand on: a tree host, an enrolled directory, the three loops by hand."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.harness.fake_central import FakeCentral
from wardline.agent import agent, enrol, roster
from wardline.agent.agent import Agent
from wardline.agent.checks import check
from wardline.agent.enrol import Wish
from wardline.agent.settings import Flap, HostSettings, Intervals, Layout, OutboxSettings, Settings
from wardline.agent.store import alarms, ledger, outbox
from wardline.agent.store.alarms import Alarm
from wardline.agent.store.outbox import Counts
from wardline.agent.uplink import Address, Uplink
from wardline.core import ids
from wardline.core.evidence.bundle import Result

URL = "http://127.0.0.1:8000"
OS_RELEASE = 'ID=debian\nVERSION_ID="12"\n'
# The drift: everybody may write it. A low risk, so it is repaired unasked.
DRIFT = Path("etc/passwd")
GOOD_MODE, BAD_MODE = 0o644, 0o666


@dataclass
class Clock:
    """A wall clock that a test sets, and one that nobody sets: time passes on both alike."""

    offset: timedelta = timedelta(0)
    slept: timedelta = timedelta(0)

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.offset

    def monotonic_ms(self) -> int:
        return ledger.monotonic_ms() + self.slept // timedelta(milliseconds=1)

    def sleep(self, time: timedelta) -> None:
        self.offset += time
        self.slept += time


@dataclass
class Bench:
    folder: Path
    central: FakeCentral = field(default_factory=FakeCentral)
    clock: Clock = field(default_factory=Clock)
    flap: Flap = field(default_factory=Flap)
    outbox: OutboxSettings = field(default_factory=OutboxSettings)
    said: list[str] = field(default_factory=list)
    name: str = "records"

    def __post_init__(self) -> None:
        self.tree = self.folder / "host"
        build_tree(self.tree)
        self.layout = Layout(self.folder / "agent")
        self.host = HostSettings(id=ids.host(), name=self.name, kind="tree", root=self.tree)
        self.settings: Settings = enrol.enrol(
            self.layout,
            Wish(URL, self.central.token, (self.host,), Intervals(reevaluate_s=3600), self.flap),
            roster.open_host,
            self.connect,
        ).model_copy(update={"outbox": self.outbox})
        self.agent: Agent = self.open()

    def connect(self, address: Address, credential: str | None) -> Uplink:
        return Uplink(address, credential, self.central.transport())

    def open(self) -> Agent:
        now, monotonic_ms = self.clock, self.clock.monotonic_ms
        opened = agent.open_ledger(self.layout, self.settings, now, monotonic_ms)
        uplink = self.connect(Address(URL), opened.keyring.credential())
        return agent.assemble(self.layout, self.settings, opened, uplink, self.said.append)

    def restart(self) -> None:
        self.agent.close()
        self.agent = self.open()

    def close(self) -> None:
        self.agent.close()

    def drift(self) -> None:
        (self.tree / DRIFT).chmod(BAD_MODE)

    @property
    def mode(self) -> int:
        return (self.tree / DRIFT).stat().st_mode & 0o777

    def observe(self, *names: str) -> list[Result]:
        """Measure the named checks, all of them without a name."""
        member = next(iter(self.agent_roster))
        chosen = [one for name, one in check.registry().items() if not names or name in names]
        return self.agent.observer.cycle(member, chosen)

    @property
    def agent_roster(self) -> roster.Roster:
        return self.agent.roster

    def seal(self, count: int) -> None:
        """So many bundles: every cycle finds something new."""
        names = ("passwd", "group", "shadow", "gshadow")
        for number in range(count):
            path = self.tree / "etc" / names[number % 4]
            path.chmod(0o666 if path.stat().st_mode & 0o002 == 0 else 0o640)
            self.observe("file_permissions")

    def act(self) -> None:
        self.agent.healer.turn()

    def check_in(self) -> bool:
        return self.agent.reporter.check_in()

    def report(self) -> None:
        """A check-in, everything that can be sent, and the proofs."""
        self.check_in()
        self.agent.reporter.turn()
        self.check_in()
        self.agent.reporter.prove()

    def counts(self) -> Counts:
        with self.agent.ledger.reading() as tx:
            return outbox.counts(tx)

    def alarms(self) -> dict[str, Alarm]:
        with self.agent.ledger.reading() as tx:
            return {one.code.value: one for one in alarms.sounding(tx)}

    def until(self, told: Callable[[], bool], turns: int = 10) -> None:
        for _ in range(turns):
            if told():
                return
            self.act()
        assert told()


def build_tree(root: Path) -> None:
    """A small Debian host on which file_permissions passes."""
    for folder in ("etc/ssh", "etc/pam.d", "etc/sysctl.d", "etc/apt/apt.conf.d"):
        (root / folder).mkdir(parents=True)
    (root / "etc/os-release").write_text(OS_RELEASE)
    for name, mode in (("passwd", 0o644), ("group", 0o644), ("shadow", 0o640), ("gshadow", 0o640)):
        path = root / "etc" / name
        path.write_text("root:x:0:0:root:/root:/bin/sh\n")
        path.chmod(mode)
