"""An enrolled appliance on trees of its own, against the tests' faked Central, and its process."""

import contextlib
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tests.harness.fake_central import FakeCentral  # noqa: E402 (the tests are no package of ours)
from tests.harness.loopback import serving  # noqa: E402
from tests.integration.agent.bench import build_tree  # noqa: E402
from wardline.agent import settings  # noqa: E402
from wardline.agent.settings import Intervals, Layout  # noqa: E402

WAIT_S_MAX = 60.0


@dataclass
class Appliance:
    """The directory of an enrolled agent, and the Central that it reports to."""

    folder: Path
    central: FakeCentral
    running: list["subprocess.Popen[bytes]"] = field(default_factory=list)

    @property
    def data(self) -> Path:
        return self.folder / "agent"

    def start(self) -> "subprocess.Popen[bytes]":
        """`wardline agent run`, as a service starts it."""
        process = subprocess.Popen(
            [sys.executable, "-m", "wardline.agent", "run", "--data", self.data],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self.running.append(process)
        return process


@contextlib.contextmanager
def enrolled(folder: Path, intervals: Intervals) -> Iterator[Appliance]:
    """One tree and this machine itself, which is observed only."""
    central, tree = FakeCentral(healing="heal"), folder / "host"
    build_tree(tree)
    with serving(central) as url:
        made = Appliance(folder, central)
        subprocess.run(
            [
                *(sys.executable, "-m", "wardline.agent", "enrol", url, central.token),
                *("--data", made.data, "--observe-local", f"--tree=host={tree}"),
            ],
            check=True,
            stdout=subprocess.DEVNULL,
        )
        layout = Layout(made.data)
        paced = settings.load(layout).model_copy(update={"intervals": intervals})
        layout.settings.write_text(settings.to_toml(paced))
        try:
            yield made
        finally:
            for process in made.running:
                process.terminate()
                process.wait(WAIT_S_MAX)


def until(told: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + WAIT_S_MAX
    while not told():
        if time.monotonic() > deadline:
            raise TimeoutError(f"it never came to {what}")
        time.sleep(0.002)


def machine() -> dict[str, Any]:
    """Where the figures were measured."""
    return {
        "cores": os.cpu_count(),
        "load": round(os.getloadavg()[0], 2),
        "python": platform.python_version(),
        "postgres": None,
    }
