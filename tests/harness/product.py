"""Starts, kills and stops the product's own processes, as a person would on a terminal."""

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import psutil

from wardline.agent import settings
from wardline.cli.client import Client
from wardline.core.evidence.audit import LocatedBundle
from wardline.formats import kit

WARDLINE = str(Path(sys.executable).with_name("wardline"))
START_SECONDS_MAX = 90.0
STOP_SECONDS_MAX = 20.0
LOGIN = re.compile(r"(\S+@\S+).*?password:?\s+(\S+)", re.DOTALL | re.IGNORECASE)
LOGIN_SECONDS_MAX = 20.0
POLL_SECONDS = 0.1
QUICK = settings.Intervals(scale=0.008, checkin_s=2, reevaluate_s=2, heartbeat_s=600)

T = TypeVar("T")


def free_port() -> int:
    """A loopback port that nobody listened on a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(question: Callable[[], T | None], what: str, seconds: float) -> T:
    """The first answer that is neither None nor false; fails naming `what` after `seconds`."""
    deadline = time.monotonic() + seconds
    while True:
        answer = question()
        if answer:
            return answer
        assert time.monotonic() < deadline, f"not within {seconds:.0f} s: {what}"
        time.sleep(POLL_SECONDS)


def run(*arguments: str | Path, expect: int | None = 0) -> subprocess.CompletedProcess[str]:
    """One `wardline` command to its end; checks the exit code unless `expect` is None."""
    done = subprocess.run(
        [WARDLINE, *map(str, arguments)], capture_output=True, text=True, timeout=120, check=False
    )
    if expect is not None:
        assert done.returncode == expect, (
            f"{done.args}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        )
    return done


def quicken(agent: Path) -> None:
    """Lets an enrolled agent measure within seconds what a clinic measures in minutes."""
    layout = settings.Layout(agent)
    quick = settings.load(layout).model_copy(update={"intervals": QUICK})
    layout.settings.write_text(settings.to_toml(quick))


def kill_whole(process: psutil.Process) -> list[psutil.Process]:
    """SIGKILL to it and all that it began; gives what is about to be gone."""
    # It is stopped first, so that it starts and cleans up nothing while its children die.
    process.suspend()
    whole = [process, *process.children(recursive=True)]
    for one in whole:
        with contextlib.suppress(psutil.NoSuchProcess):
            one.kill()
    return whole


class Process:
    """A long-running `wardline` command whose output goes to a file."""

    def __init__(self, log: Path, *arguments: str | Path) -> None:
        self.log = log
        with log.open("wb") as output:
            self.popen = subprocess.Popen(
                [WARDLINE, *map(str, arguments)],
                stdout=output,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                env={**os.environ, "COLUMNS": "200", "NO_COLOR": "1"},
            )

    def output(self) -> str:
        return self.log.read_text(errors="replace")

    def stop(self) -> int:
        """Asks it to end as Ctrl-C does and waits; the exit code."""
        if self.popen.poll() is None:
            self.popen.send_signal(signal.SIGINT)
        try:
            return self.popen.wait(STOP_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            self.popen.kill()
            self.popen.wait()
            raise AssertionError(f"did not end on SIGINT:\n{self.output()}") from None

    def kill(self) -> None:
        self.popen.kill()
        self.popen.wait()


class Central:
    """`wardline up` on a data directory of its own; `start` waits until it serves.

    With one web process, unless `as_usual`: a second one is three more seconds of work at a start.
    """

    def __init__(
        self, folder: Path, *options: str, port: int | None = None, as_usual: bool = False
    ) -> None:
        self.data = folder / "central"
        self.port = port if port is not None else free_port()
        self.options = options if as_usual else ("--web-processes", "1", *options)
        self.folder = folder
        self.process: Process | None = None

    def start(self) -> "Central":
        # What a killed one left would look like an answer.
        (self.data / "run" / "central.json").unlink(missing_ok=True)
        self.process = Process(
            self.folder / "up.log",
            *("up", "--data", self.data, "--port", str(self.port), *self.options),
        )
        try:
            wait_for(self._serves, "wardline up serves", START_SECONDS_MAX)
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self) -> None:
        if self.process is not None:
            self.process.stop()

    @property
    def address(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.data / "run" / "central.json").read_text())
        return found

    def login(self) -> tuple[str, str]:
        """E-mail and password that the start printed."""
        process = self.process
        assert process is not None
        # It is printed a moment after the address is there.
        found = wait_for(lambda: LOGIN.search(process.output()), "a login", LOGIN_SECONDS_MAX)
        return found[1], found[2]

    def owner(self, password: str = "a long passphrase of ours") -> Client:
        """A client signed in as the first owner, with the one-time password changed."""
        email, once = self.login()
        client = Client(self.address["url"])
        me = client.sign_in(email, once)
        if me["must_change_password"]:
            client.post("/session/password", {"current": once, "new": password})
        return client

    def children(self, name: str) -> list[psutil.Process]:
        """Its processes of this name, oldest first: `web`, `jobs`, `postgres`."""
        assert self.process is not None
        found = []
        for process in psutil.Process(self.process.popen.pid).children():
            try:
                line = process.cmdline()
            except psutil.Error:
                continue
            if name in line or any(part.endswith(f"/{name}") for part in line):
                found.append(process)
        return sorted(found, key=lambda one: one.pid)

    def log_of(self, site: str, agent: Path, *codes: int) -> list[LocatedBundle]:
        """The bundles of the site's export in the log's order, once it verifies with the agent's
        keys as one of these exit codes says."""
        out, trust = self.folder / "site.zip", self.folder / "keys.txt"
        run("evidence", "export", "--site", site, "--out", out, "--data", self.data)
        trust.write_text(run("agent", "trust", "--data", agent).stdout)
        done = run("evidence", "verify", out, "--trust", trust, expect=None)
        assert done.returncode in codes, done.stdout
        with out.open("rb") as file:
            return list(kit.read(file).bundles)

    def status(self) -> Any:
        return json.loads(run("status", "--json", "--data", self.data).stdout)

    def _serves(self) -> bool:
        assert self.process is not None
        assert self.process.popen.poll() is None, f"wardline up ended:\n{self.process.output()}"
        return (self.data / "run" / "central.json").exists()
