"""No parser of host data is left out of the hostile contents, and none beside the checks crashes."""

import asyncio
import fnmatch
import stat
from collections.abc import Iterator
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tests.property.agent.examples import examples
from tests.property.agent.memory_host import MemoryHost
from tests.property.agent.test_host_data import (
    ADDED,
    ANSWERS,
    ELSEWHERE,
    FILES,
    PARSED,
    RUNNING,
    elsewhere,
    healthy,
)
from wardline.agent.checks import check
from wardline.agent.hosts import accounts, platforms, units
from wardline.agent.hosts.host import HostError, Kind, Output
from wardline.agent.hosts.queries import Query
from wardline.agent.hosts.ssh import sftp
from wardline.agent.hosts.ssh.sftp import Garbled, Sftp
from wardline.agent.runbooks import runbook, runner
from wardline.agent.runbooks.runbook import InputInvalid
from wardline.core import clock
from wardline.core.evidence import bundle
from wardline.core.evidence.bundle import Outcome, Result
from wardline.core.incidents import remedy
from wardline.core.incidents.remedy import Remedy

# Files in the syntax of one that hostile contents are made for, and what archives hold.
SAME_SYNTAX = (
    *(
        "/proc/net/udp",
        "/etc/apt/apt.conf.d/*",
        "/etc/cron.d/*",
        "/etc/cron.daily/*",
        "/etc/pam.d/*",
    ),
    *("/etc/profile", "/etc/sysctl.d/*", "/usr/lib/sysctl.d/*", "/var/backups/clinic/*.tar"),
    *("/var/lib/apt/lists/*", "/var/lib/clamav/*"),
)
UNIT = "telnet.socket"
UNIT_WORDS = "[Install] [Unit] WantedBy= WantedBy=x.target RequiredBy Alias=a.service =../x # \\ ;"

__all__ = ["elsewhere", "healthy"]


class Recorder(MemoryHost):
    """Remembers what is read of it and what it is asked."""

    def __init__(self, files: dict[str, bytes], kind: Kind) -> None:
        super().__init__(files, kind, RUNNING)
        self.seen: set[str] = set()
        self.asked: set[str] = set()

    def read(self, path: str, bytes_max: int) -> bytes:
        content = super().read(path, bytes_max)
        self.seen.add(path)
        return content

    def stream(self, path: str, bytes_max: int) -> Iterator[bytes]:
        self.seen.add(path)
        return super().stream(path, bytes_max)

    def ask(self, query: Query) -> Output:
        self.asked.add(query.id.partition(":")[0])
        return super().ask(query)


class Running(MemoryHost):
    """One that runs programs, for a repair that is only previewed."""

    writable = runs_commands = True

    def close(self) -> None:
        """There is no line."""


def test_whatever_a_check_reads_has_hostile_contents(
    healthy: dict[str, bytes], elsewhere: dict[str, bytes]
) -> None:
    words = {*PARSED, *ELSEWHERE}
    for files in (healthy, elsewhere, healthy | dict.fromkeys(ADDED, b"x\n")):
        for kind in (Kind.TREE, Kind.LOCAL):
            host = Recorder(files, kind)
            for one in check.registry().values():
                check.measure(one, host, clock.system)
            left = [
                path
                for path in sorted(host.seen - words)
                if not any(fnmatch.fnmatchcase(path, known) for known in SAME_SYNTAX)
            ]
            assert left == [], "give it words in test_host_data.py, or name whose syntax it has"
            assert host.asked <= {name.partition(":")[0] for name in ANSWERS}


@examples(40)
@given(FILES, st.booleans())
def test_the_preview_of_a_repair_of_any_host_is_a_diff_or_a_refusal_with_a_reason(
    healthy: dict[str, bytes], hostile: tuple[str, bytes], runs: bool
) -> None:
    path, content = hostile
    host = (Running if runs else MemoryHost)({**healthy, path: content}, Kind.LOCAL, RUNNING)
    if not runs:
        host.runs_commands = False  # type: ignore[attr-defined]
    for name in sorted({book.check for book in runbook.registry().values()}):
        result = check.measure(check.registry()[name], host, clock.system)
        if result.outcome is not Outcome.FAIL:
            continue
        for found in remedy.candidates(runbook.remedies(), name, result.facts):
            assert _previewed(found, result, host), (path, content)


def _previewed(found: Remedy, result: Result, host: MemoryHost) -> str | list[dict[str, Any]]:
    """What the run would do, as evidence has it, or why it would not."""
    try:
        inputs = remedy.inputs(found, result.facts)
        actions = runner.dry_run(runbook.registry()[found.runbook], inputs, host)  # type: ignore[arg-type]
    except (HostError, InputInvalid, remedy.UnresolvedInput) as refused:
        return str(refused)
    return [bundle.action_to_wire(action) for action in actions] or "nothing to do"


@given(st.binary(max_size=300), st.sampled_from(("/etc/passwd", "/etc/group", "/etc/os-release")))
def test_accounts_and_platform_are_read_from_any_bytes(content: bytes, path: str) -> None:
    host = MemoryHost({"/etc/passwd": b"", "/etc/group": b"", path: content})
    for found in (accounts.users(host), accounts.groups(host)):
        assert all(0 <= number < 10**10 for number in found.values())
    assert platforms.of_files(host).startswith("linux/")


@given(st.lists(st.lists(st.sampled_from(UNIT_WORDS.split()), max_size=4), max_size=8))
def test_any_unit_file_names_links_below_systemds_folders_or_is_refused(
    rows: list[list[str]],
) -> None:
    text = "\n".join(" ".join(row) for row in rows)
    host = MemoryHost({f"/usr/lib/systemd/system/{UNIT}": text.encode()})
    try:
        found = units.wanted(host, UNIT)  # type: ignore[arg-type]
    except HostError:
        return
    for path in found:
        assert path.startswith("/etc/systemd/system/")
        assert ".." not in path.split("/")


@given(st.binary(max_size=80))
def test_any_packet_of_attributes_is_a_stat_or_garbled(body: bytes) -> None:
    try:
        found = sftp._Fields(body).attributes()
    except Garbled:
        return
    assert found is None or found.mode == stat.S_IMODE(found.mode)


@examples(30)
@given(st.binary(max_size=120), st.booleans())
def test_any_greeting_of_a_server_is_understood_or_garbled(said: bytes, framed: bool) -> None:
    async def greet() -> None:
        reader = asyncio.StreamReader()
        reader.feed_data((len(said).to_bytes(4, "big") if framed else b"") + said)
        reader.feed_eof()
        await Sftp(reader, lambda _: None).greet()

    try:
        asyncio.run(greet())
    except (Garbled, asyncio.IncompleteReadError):
        return
    assert (said if framed else said[4:]).startswith(b"\x02\x00\x00\x00\x03")
