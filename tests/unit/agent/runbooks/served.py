"""A host that runs, on a clock of its own: programs take their time, and a line may be down."""

from collections.abc import Callable, Sequence
from pathlib import Path

from tests.unit.agent import host_trees
from tests.unit.agent.live_host import Machine
from wardline.agent.hosts.host import HostError, Output, TimedOut
from wardline.agent.hosts.revert import ArmedRevert
from wardline.agent.runbooks import runbook, runner
from wardline.agent.runbooks.line_guard import Pace
from wardline.agent.runbooks.runbook import Runbook

HARDEN = runbook.registry()["ssh_config.harden"]
TIME = runbook.registry()["time_sync.enable"]
TELNET = runbook.registry()["prohibited_services.disable"]
KEYWORDS = {"keywords": ["MaxAuthTries"]}
CHRONY = {"chrony": ["pool"], "timesyncd": [], "units": ["chrony.service"]}
CONFIG, OLD = "etc/ssh/sshd_config", "Port 22\nMaxAuthTries 9\n"
ENTER = "a new connection"


class Served(Machine):
    """Programs take their time on `clock`; what is told of a command happens along with it.

    `let_in` says what a new connection comes to.
    """

    clock = 0.0
    takes_s = 0.0
    let_in: Callable[[], HostError | None] = staticmethod(lambda: None)

    def __init__(self, root: Path, *running: str) -> None:
        super().__init__(root, "nginx.service", *running)
        self.along: dict[str, Callable[[], object]] = {}
        self.log: list[str] = []

    def wait(self, seconds: float) -> None:
        self.clock += seconds

    @property
    def pace(self) -> Pace:
        return Pace(now=lambda: self.clock, wait=self.wait)

    def run(self, argv: Sequence[str], timeout_s: float, output_bytes_max: int) -> Output:
        self.clock += min(self.takes_s, timeout_s)
        if self.takes_s > timeout_s:
            raise TimedOut(argv[0], f"took longer than {timeout_s:g} s, ended")
        self.log.append(" ".join(argv[:2]))
        for word, happens in self.along.items():
            if word in " ".join(argv):
                happens()
        if argv[0] == "sshd":
            return Output(0, b"", b"", False, 1)
        return super().run(argv, timeout_s, output_bytes_max)

    def disarm_revert(self, armed: ArmedRevert) -> None:
        self.log.append(ENTER)
        if (error := self.let_in()) is not None:
            raise error
        super().disarm_revert(armed)


def at(folder: Path) -> Served:
    """A clinic's host whose chrony and sshd have drifted."""
    root = host_trees.clinic(folder)
    host_trees.change(root, {"replace": {"etc/chrony/chrony.conf": ["pool 2", "#pool 2"]}})
    (root / CONFIG).write_text(OLD)
    return Served(root, "chrony.service")


def run(host: Served, book: Runbook = HARDEN, **inputs: list[str]) -> runner.RunReport:
    return runner.run(book, inputs or KEYWORDS, host, pace=host.pace)
