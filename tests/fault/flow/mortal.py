"""An agent that dies again and again, counts its changes, and looks after trees that drift anew."""

import random
import signal
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import BaseModel

from tests.integration.agent.bench import DRIFT, build_tree
from wardline.agent import settings
from wardline.agent.settings import Intervals, Layout, OutboxSettings

CHECK = "file_permissions"
RULE = "runbook.file_permissions.restore"
COUNTING_AGENT = Path(__file__).with_name("counting_agent.py")
QUICK = Intervals(scale=24, checks={CHECK: 0.7}, checkin_s=1, reevaluate_s=1, heartbeat_s=3600)
QUICK_OUTBOX = OutboxSettings(backoff_minute_s=0.01)
# Said once the agent is about to begin its work.
SAID_AT_START = "hosts, Central"
# In store: the steps within which it dies; otherwise it lives for so long, once it is at work.
STEPS_PER_LIFE = 600
LIFE_S = (0.5, 4.0)
START_S_USUAL = 1.0
START_S_MAX = 40.0
STOP_S_MAX = 20.0
NEVER = 10**9


@dataclass(frozen=True, slots=True)
class Tree:
    """A host whose one file is given away again and again."""

    root: Path
    host_id: str

    @property
    def mode(self) -> int:
        return (self.root / DRIFT).stat().st_mode & 0o777

    def set_mode(self, mode: int) -> None:
        (self.root / DRIFT).chmod(mode)


@dataclass(slots=True)
class Mortal:
    """One agent under `folder`, life after life, and how each of them ended. One that `adapts`
    lives longer on a machine that takes longer to start it: a real Central is as slow there."""

    folder: Path
    draw: random.Random
    adapts: bool = False
    trees: list[Tree] = field(default_factory=list)
    killed: Counter[str] = field(default_factory=Counter)
    lives: int = 0
    _process: "subprocess.Popen[bytes] | None" = None
    _started_at: float = 0.0
    _dies_at: float = 0.0
    _is_numbered: bool = False

    @property
    def data(self) -> Path:
        return self.folder / "agent"

    @property
    def store(self) -> Path:
        return self.data / "agent.db"

    def effects(self) -> Counter[str]:
        """Changes of a host by the order that was running; `none` for those without one."""
        written = self.folder / "effects"
        return Counter(written.read_text().splitlines() if written.exists() else ())

    def enrol(self, url: str, token: str, hosts: int, **pace: BaseModel) -> None:
        """An enrolled agent that has measured nothing yet, of so many trees without a drift; `pace`
        are parts of its settings."""
        roots = {f"host-{number}": self.folder / f"host-{number}" for number in range(hosts)}
        for root in roots.values():
            build_tree(root)
        done = subprocess.run(
            [
                *(sys.executable, "-m", "wardline.agent", "enrol", url),
                *(token, "--data", self.data, "--no-local"),
                *(f"--tree={name}={root}" for name, root in roots.items()),
            ],
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.returncode == 0, done.stderr
        layout = Layout(self.data)
        quick = {"intervals": QUICK, "outbox": QUICK_OUTBOX, **pace}
        made = settings.load(layout).model_copy(update=quick)
        layout.settings.write_text(settings.to_toml(made))
        self.trees = [Tree(roots[host.name], host.id) for host in made.hosts]

    def start(self, step: int = NEVER) -> None:
        """The next life, which ends before that step on its store, if not earlier."""
        self.lives += 1
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [
                    *(sys.executable, COUNTING_AGENT, str(step), self.folder / "effects"),
                    *("run", "--data", self.data),
                ],
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def is_alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def is_at_work(self) -> bool:
        return self.is_alive() and SAID_AT_START in self._said()

    def live(self, in_peace: bool = False) -> bool:
        """Kill what has lived long enough; bury it, and start the next. Whether one was started.
        In peace nothing is killed, and the next has no death before it."""
        if self.is_alive() and in_peace:
            return False
        if self.is_alive():
            if not self._is_numbered and self.is_at_work():
                self._is_numbered = True
                now = time.monotonic()
                slow = max(1.0, (now - self._started_at) / START_S_USUAL) if self.adapts else 1.0
                self._dies_at = now + self.draw.uniform(*LIFE_S) * slow
            if time.monotonic() >= self._dies_at:
                self.kill("in time")
            return False
        self.bury()
        in_store = not in_peace and self.draw.random() < 0.5
        self.start(self.draw.randrange(STEPS_PER_LIFE) if in_store else NEVER)
        self._is_numbered = False
        self._started_at = time.monotonic()
        self._dies_at = self._started_at + START_S_MAX
        return True

    def kill(self, way: str) -> None:
        """As nothing else may end it; may be called by a relay's thread."""
        process = self._process
        if process is not None and process.poll() is None:
            self.killed[way] += 1
            process.kill()
            process.wait()

    def bury(self) -> None:
        """A death that nothing but a kill may have been."""
        if self._process is not None:
            assert self._process.wait() == -signal.SIGKILL, self._said()
            assert "Traceback" not in self._said(), self._said()
            self.killed["agent"] += 1
            self._process = None

    def stop(self) -> None:
        """Ends the last life as a service is stopped."""
        assert self._process is not None
        self._process.terminate()
        assert self._process.wait(STOP_S_MAX) == 0, self._said()

    def close(self) -> None:
        if self._process is not None and self.is_alive():
            self._process.kill()
            self._process.wait()

    @property
    def _log(self) -> Path:
        return self.folder / f"agent-{self.lives}.log"

    def _said(self) -> str:
        return self._log.read_text(errors="replace")
