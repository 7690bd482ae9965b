"""Sockets on the product's own processes: both web processes deliver, whoever of the rest dies."""

import contextlib
import json
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import psutil
import pytest
from websockets.sync.client import ClientConnection, connect

from tests.fault.central.test_kill import RECOVERY_SECONDS_MAX, SITE, answers, serving
from tests.harness.product import Central, wait_for
from wardline.central.supervisor import WEB_PROCESSES_DEFAULT

SOCKETS_MAX = 100
SOON_SECONDS = 10.0
# From the answer to a write until the last socket has it; the machine may be busy.
LIVE_SECONDS_MAX = 2.0


@pytest.fixture
def central(tmp_path: Path) -> Iterator[Central]:
    made = Central(tmp_path, as_usual=True).start()
    yield made
    made.stop()


def opened(central: Central, query: str = "") -> AbstractContextManager[ClientConnection]:
    address = central.address
    return connect(
        f"{address['url'].replace('http', 'ws', 1)}/api/v1/live{query}",
        additional_headers={"authorization": f"Bearer {address['token']}"},
        proxy=None,
    )


def heard(live: ClientConnection) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(live.recv(timeout=SOON_SECONDS))
    return found


def until(live: ClientConnection, **wanted: Any) -> dict[str, Any]:
    while not wanted.items() <= (frame := heard(live)).items():
        pass
    return frame


def holders(central: Central, port: int) -> set[int]:
    """The web processes that hold an open connection to the port."""
    found = set()
    for pid in serving(central, "wardline.central", "web"):
        kept = psutil.Process(pid).net_connections("tcp")
        if any(one.laddr.port == port and one.status == "ESTABLISHED" for one in kept):
            found.add(pid)
    return found


def test_sockets_outlive_the_jobs_process_and_the_database(central: Central) -> None:
    owner = central.owner()
    with contextlib.ExitStack() as stack:
        lives: list[ClientConnection] = []
        # Who accepts is the system's choice.
        while len(holders(central, central.port)) < WEB_PROCESSES_DEFAULT or len(lives) < 4:
            assert len(lives) < SOCKETS_MAX, "one web process accepts everything"
            lives.append(stack.enter_context(opened(central)))
        hellos = [heard(live) for live in lives]
        assert len({hello["epoch"] for hello in hellos}) == 1
        assert len(holders(central, central.port)) == WEB_PROCESSES_DEFAULT
        site = owner.post("/sites", {"name": "First", **SITE})
        begun = time.monotonic()
        seqs = {until(live, kind="site.added", subject=site["id"])["seq"] for live in lives}
        assert time.monotonic() - begun < LIVE_SECONDS_MAX
        assert len(seqs) == 1

        # Without the announcer the hub's own sweep finds what is new.
        (jobs,) = serving(central, "wardline.central", "jobs")
        psutil.Process(jobs).suspend()
        site = owner.post("/sites", {"name": "Second", **SITE})
        assert all(until(live, subject=site["id"]) for live in lives)
        psutil.Process(jobs).kill()

        (postgres,) = serving(central, "postgres")
        psutil.Process(postgres).kill()
        for live in lives:
            assert until(live, type="hello", recovered=False)["epoch"] != hellos[0]["epoch"]
        wait_for(lambda: answers(owner), "Central after the database died", RECOVERY_SECONDS_MAX)
        site = owner.post("/sites", {"name": "Third", **SITE})
        assert all(until(live, subject=site["id"]) for live in lives)
    owner.close()


def test_who_comes_back_after_a_web_process_died_resumes(central: Central) -> None:
    owner = central.owner()
    with opened(central) as live:
        hello = heard(live)
        first = owner.post("/sites", {"name": "First", **SITE})
        last = until(live, subject=first["id"])["seq"]
    for pid in serving(central, "wardline.central", "web"):
        psutil.Process(pid).kill()
    wait_for(lambda: answers(owner), "Central after its web processes died", RECOVERY_SECONDS_MAX)
    second = owner.post("/sites", {"name": "Second", **SITE})
    with opened(central, f"?since={last}&epoch={hello['epoch']}") as live:
        assert heard(live)["recovered"] is True
        assert until(live, kind="site.added")["subject"] == second["id"]
    owner.close()
