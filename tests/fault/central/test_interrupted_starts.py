"""Ctrl-C at any moment of a start: one line, quickly, and nothing runs or half stands afterwards."""

import contextlib
import json
import random
import signal
import socket
import time
from pathlib import Path

import psutil
import pytest

from tests.harness.product import Central, Process, free_port, wait_for
from wardline.cli import main as cli

# From the first lines of the program to a Central that serves, one in each part of that time.
MOMENTS, MOMENTS_FULL = 3, 10
START_SECONDS = 4.0
STOP_SECONDS_MAX = 10.0


def alive(words: str) -> list[list[str]]:
    """The command lines that name this folder, of processes that run."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if any(words in part for part in process.cmdline()):
                found.append(process.cmdline())
    return found


def interrupt(process: Process) -> int:
    begun = time.monotonic()
    process.popen.send_signal(signal.SIGINT)
    status = process.popen.wait(STOP_SECONDS_MAX * 2)
    assert time.monotonic() - begun < STOP_SECONDS_MAX
    return status


def test_ctrl_c_while_the_program_loads_says_stopped_and_nothing_else(tmp_path: Path) -> None:
    process = Process(tmp_path / "up.log", "up", "--data", tmp_path / "central")
    wait_for(lambda: is_loading(process), "the program loads", STOP_SECONDS_MAX)
    assert interrupt(process) == cli.EXIT_INTERRUPTED
    assert process.output() == "Stopped\n"
    assert not (tmp_path / "central").exists()


def is_loading(process: Process) -> bool:
    """A library of the command's is in memory, so our first line has run."""
    return "pydantic_core" in Path(f"/proc/{process.popen.pid}/maps").read_text()


@pytest.mark.parametrize(
    "options", [pytest.param((), id="real"), pytest.param(("--demo",), id="demo")]
)
def test_ctrl_c_while_central_starts_leaves_nothing_running(
    tmp_path: Path, seed: int, options: tuple[str, ...], pytestconfig: pytest.Config
) -> None:
    draw, data = random.Random(seed), tmp_path / "central"
    moments = MOMENTS_FULL if pytestconfig.getoption("--full") else MOMENTS
    for number in range(moments):
        process = Process(
            tmp_path / f"up-{number}.log",
            *("up", "--data", data, "--port", str(free_port()), *options),
        )
        wait_for(lambda p=process: is_loading(p), "the program loads", STOP_SECONDS_MAX)  # type: ignore[misc]
        time.sleep(START_SECONDS * (number + draw.random()) / moments)
        assert interrupt(process) in (0, cli.EXIT_INTERRUPTED), process.output()
        assert process.output().splitlines()[-1] == "Stopped"
        assert "Traceback" not in process.output()
        wait_for(lambda: not alive(str(data)), f"an end of {alive(str(data))}", STOP_SECONDS_MAX)
        assert not (data / "run" / "central.json").exists()
    central = Central(tmp_path, *options, as_usual=True).start()
    assert central.status()["central"]["url"]
    central.stop()


def test_the_end_of_the_terminal_or_sigterm_ends_a_start_too(tmp_path: Path) -> None:
    data = tmp_path / "central"
    for number in (signal.SIGTERM, signal.SIGHUP):
        process = Process(tmp_path / "up.log", "up", "--data", data, "--port", str(free_port()))
        wait_for(lambda p=process: "database" in p.output(), "it starts", STOP_SECONDS_MAX)  # type: ignore[misc]
        process.popen.send_signal(number)
        assert process.popen.wait(STOP_SECONDS_MAX) == 0
        assert process.output().splitlines()[-1] == "Stopped"
    assert not alive(str(data))


def test_a_command_that_is_interrupted_ends_as_a_shell_expects(tmp_path: Path) -> None:
    run = tmp_path / "run"
    run.mkdir()
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        (run / "central.json").write_text(json.dumps({"url": url, "token": "t"}))
        process = Process(tmp_path / "status.log", "status", "--data", tmp_path)
        silent.settimeout(STOP_SECONDS_MAX)
        asked, _ = silent.accept()
        with asked:
            assert interrupt(process) == cli.EXIT_INTERRUPTED
    assert process.output() == "Stopped\n"
