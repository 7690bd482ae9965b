"""The disk under Central's data fills up while it runs: evidence waits, and nothing is lost."""

import contextlib
import shutil
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx2
import psutil
import pytest

from tests.harness.appliance import Appliance, issue_token
from tests.harness.flow import ROUNDS_UNTIL_USUAL, Flow
from tests.harness.product import Central, run, wait_for
from tests.harness.served import Served, make_place
from wardline.agent.uplink import Address, CentralUnavailable, Uplink
from wardline.central import supervisor
from wardline.core import ids

DISK_BYTES = 420 << 20
CHUNK = bytes(1 << 16)
# A batch that needs no new page of any table finds its room; one of so many needs one.
ROUNDS_MAX = 60
INSUFFICIENT_STORAGE = 507
REQUEST_SECONDS_MAX = 30.0
WAIT_SECONDS_MAX = 40.0
LOG_CHARS = 4_000


class Disk:
    """A small file system of its own, which can be filled to the last byte."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._ballast = folder / "ballast"

    def fill(self) -> None:
        with self._ballast.open("ab", buffering=0) as file, contextlib.suppress(OSError):
            while file.write(CHUNK):
                pass
        assert shutil.disk_usage(self.folder).free == 0

    def free(self) -> None:
        self._ballast.unlink()


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "tmpfs", folder], capture_output=True
    )
    if mounted.returncode != 0:
        pytest.skip("this user may not mount a file system")
    yield Disk(folder)
    subprocess.run(["umount", folder], check=True)


@pytest.fixture
def served(disk: Disk) -> Iterator[Served]:
    made = Served(disk.folder)
    yield made
    made.close()


@pytest.fixture
async def flow(served: Served) -> AsyncIterator[Flow]:
    owner = await served.owner()
    token = await issue_token(owner, await make_place(owner))
    await owner.close()
    served.start_web()
    async with httpx2.AsyncClient(base_url=served.http.url, timeout=REQUEST_SECONDS_MAX) as client:
        flow = Flow(served, Appliance(client, hosts=[ids.host(), ids.host()]))
        assert (await flow.appliance.enrol(token)).status_code == 200
        for _ in range(ROUNDS_UNTIL_USUAL):
            await flow.suffer(served.database, None, lambda: None)
        yield flow


async def test_evidence_without_room_is_refused_whole_and_taken_when_there_is_room(
    disk: Disk, flow: Flow
) -> None:
    for _ in range(ROUNDS_MAX):
        disk.fill()
        suffered = await flow.suffer(flow.served.database, None, disk.free)
        assert suffered.answer is not None
        if suffered.answer.status_code != 200:
            break
        assert suffered.stored
    else:
        pytest.fail("every batch found room on a full disk")
    assert not suffered.stored
    assert suffered.answer.status_code == INSUFFICIENT_STORAGE
    assert suffered.answer.json()["code"] == "no_room"
    assert flow.served.web_ended() is None
    answer = suffered.answer
    uplink = Uplink(
        Address(flow.served.http.url),
        transport=httpx2.MockTransport(
            lambda _: httpx2.Response(answer.status_code, content=answer.content)
        ),
    )
    with pytest.raises(CentralUnavailable, match="is full"):
        uplink.evidence(["{}"], 0, [])
    uplink.close()


def test_a_full_disk_is_said_once_and_the_database_comes_back_when_there_is_room(
    disk: Disk, tmp_path: Path
) -> None:
    central = Central(disk.folder, as_usual=True)
    central.folder = tmp_path
    central.start()
    assert central.process is not None
    output, no_room, no_start = (
        central.process.output,
        "free some space. Without room",
        "with at least",
    )
    try:
        disk.fill()
        wait_for(lambda: no_room in output(), "it is said", WAIT_SECONDS_MAX)
        psutil.Process(postmaster(central)).kill()
        wait_for(lambda: no_start in output(), "a start without room", WAIT_SECONDS_MAX)
        time.sleep(supervisor.DATABASE_PAUSE_SECONDS * 3)
        disk.free()
        words = ("There is room again", "The database runs again")
        wait_for(lambda: all(one in output() for one in words), "all goes on", WAIT_SECONDS_MAX)
        assert output().count(no_room) == output().count(no_start) == 1
        # Recovery and the pool may take another moment; what is asked is that it comes back.
        try:
            wait_for(lambda: answers(central), "Central answers again", WAIT_SECONDS_MAX)
        except AssertionError:
            pytest.fail(_found(central))
        assert central.status()["totals"]["sites"] == 0
    finally:
        central.stop()


def answers(central: Central) -> bool:
    return run("status", "--json", "--data", central.data, expect=None).returncode == 0


def _found(central: Central) -> str:
    """What Central says, and the ends of its logs."""
    assert central.process is not None
    said = run("status", "--json", "--data", central.data, expect=None)
    logs = [file.read_text()[-LOG_CHARS:] for file in sorted((central.data / "log").iterdir())]
    return "\n\n".join([str(said), central.process.output(), *logs])


def postmaster(central: Central) -> int:
    return int((central.data / "postgres" / "postmaster.pid").read_text().split("\n", 1)[0])
