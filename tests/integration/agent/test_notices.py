"""What a person at the agent's terminal hears: the beginning and the end of a trouble, once each."""

import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.harness.fake_central import on, problem
from tests.integration.agent.bench import Bench

WAIT_S = 10.0
FULL = Path("/dev/full")


def _until(told: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WAIT_S
    while not told():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_central_that_is_away_is_said_once_and_so_is_its_return(bench: Bench) -> None:
    bench.check_in()
    assert bench.said == []
    for _ in range(3):
        bench.central.odd.append(on("/checkin", problem(503, "down for a while")))
        assert not bench.check_in()
    assert len(bench.said) == 1
    assert "Central did not take our check-in" in bench.said[0]
    assert "down for a while" in bench.said[0]
    for _ in range(2):
        assert bench.check_in()
    assert bench.said[1:] == ["Central answers again: http://127.0.0.1:8000"]


def test_a_full_store_is_said_once_and_so_is_that_there_is_room(bench: Bench) -> None:
    observer, bells = bench.agent.observer, bench.agent.bells
    database = bench.agent.ledger.database
    room, database.bytes_max = database.bytes_max, database.bytes_used()
    thread = threading.Thread(target=observer.run)
    thread.start()
    try:
        for _ in range(3):
            _until(lambda: len(bench.said) == 1)
            bells.observe.ring()
            time.sleep(0.1)
        database.bytes_max = room
        bells.observe.ring()
        _until(lambda: len(bench.said) == 2)
        bells.observe.ring()
        time.sleep(0.1)
    finally:
        bells.stop()
        thread.join(WAIT_S)
    assert bench.said[0].startswith("checks have stopped: ")
    assert "Nothing unsent was dropped" in bench.said[0]
    assert bench.said[1:] == ["there is room again: checks go on"]


@pytest.mark.skipif(not FULL.exists(), reason="no /dev/full here")
@pytest.mark.parametrize(
    "speaker", ["wardline.agent.resident", "wardline.cli.commands.up"], ids=["agent", "central"]
)
def test_a_log_on_a_full_disk_ends_nobody(tmp_path: Path, speaker: str) -> None:
    program = f"import pathlib, {speaker} as one; one._say('unheard'); pathlib.Path('on').touch()"
    with FULL.open("wb", buffering=0) as full:
        subprocess.run([sys.executable, "-c", program], stdout=full, stderr=full, cwd=tmp_path)
    assert (tmp_path / "on").exists()
