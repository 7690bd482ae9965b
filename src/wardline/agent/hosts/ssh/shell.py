"""Runs scripts on a host with exact framing: whatever a login prints beforehand is no answer.

A session is opened with one short line that every login shell reads alike; the script, and then its
input, come over standard input. The script begins both of its streams with a random mark; what
stands before it (a message of the day, an rc file that prints) is thrown away.
"""

import asyncio
import os
import secrets
import shlex
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import asyncssh

from wardline.agent.hosts.host import CannotRun, Failed, LoginRefused, Output, TimedOut

SEARCH_PATH = "/usr/sbin:/usr/bin:/sbin:/bin"
NOISE_BYTES_MAX = 64 * 1024
# A program that goes on and on is ended before it has used up its time.
FLOOD_BYTES_MAX = 16 * 1024 * 1024
PIECE_BYTES = 64 * 1024
WINDOW_BYTES = 512 * 1024
BEGIN_S = 8.0
SLACK_S = 3.0
ERROR_CHARS_MAX = 200
# How `timeout -s KILL` ends, which ends itself along with its group.
KILLED = (137, -9)
SCRIPT_TIMEOUT_S = 20.0
SCRIPT_OUTPUT_BYTES_MAX = 64 * 1024

# dd reads byte by byte, so that not one byte of what follows the script is taken from its input.
_BOOT = """exec {become}/bin/sh -c 'eval "$(dd bs=1 count={size} 2>/dev/null)"'"""
_BECOME = "sudo -n -- "

_HEAD = f"""
PATH={SEARCH_PATH}; LC_ALL=C; LANG=C; export PATH LC_ALL LANG
umask 022; cd /
printf '%s\\n' {{mark}}; printf '%s\\n' {{mark}} >&2
"""

_RUN = """
command -v "$2" >/dev/null 2>&1 || { echo missing; exit 0; }
echo found
limit=$1; shift
if command -v timeout >/dev/null 2>&1; then set -- timeout -s KILL "$limit" "$@"; fi
exec env -i PATH="$PATH" LC_ALL=C LANG=C "$@" </dev/null
"""


@dataclass(frozen=True, slots=True)
class Session:
    """A script that runs: its streams behind their marks."""

    writer: Any
    stdout: Any
    stderr: Any


class NoShell(Exception):
    """The session gave no mark; the message holds the last words it said."""


async def begin(
    connection: asyncssh.SSHClientConnection, *, sudo: bool, script: str, arguments: Sequence[str]
) -> Session:
    """Start a script; raises NoShell where no shell of ours answers."""
    mark = secrets.token_hex(16)
    words = " ".join(shlex.quote(word) for word in arguments)
    text = os.fsencode(f"set -- {words}\n" + _HEAD.format(mark=mark) + script)
    line = _BOOT.format(become=_BECOME if sudo else "", size=len(text))
    writer, stdout, stderr = await connection.open_session(
        line, encoding=None, window=WINDOW_BYTES, env={}, send_env=()
    )
    try:
        async with asyncio.timeout(BEGIN_S):
            writer.write(text)
            await _behind_mark(stdout, stderr, mark)
    except TimeoutError:
        writer.channel.abort()
        raise NoShell(f"it says nothing within {BEGIN_S:g} s; does it ask for something?") from None
    except BaseException:
        writer.channel.abort()
        raise
    return Session(writer, stdout, stderr)


async def run(
    connection: asyncssh.SSHClientConnection,
    *,
    sudo: bool,
    argv: Sequence[str],
    timeout_s: float,
    bytes_max: int,
) -> Output:
    """A program of the host without a shell around it; as LocalHost.run."""
    started = time.monotonic()
    limit = f"{max(timeout_s, 0.1):.3f}"
    session = await begin(connection, sudo=sudo, script=_RUN, arguments=[limit, *argv])
    try:
        async with asyncio.timeout(timeout_s + SLACK_S):
            if await session.stdout.readline() != b"found\n":
                raise CannotRun(argv[0], f"there is no such program in {SEARCH_PATH}")
            session.writer.write_eof()
            code, out, err, cut = await _finish(session, argv[0], bytes_max)
    except TimeoutError:
        raise TimedOut(argv[0], f"took longer than {timeout_s:g} s, ended") from None
    finally:
        session.writer.channel.abort()
    spent_s = time.monotonic() - started
    if code in KILLED and spent_s >= timeout_s:
        raise TimedOut(argv[0], f"took longer than {timeout_s:g} s, ended")
    return Output(code, out, err, cut, round(spent_s * 1000))


async def script(
    connection: asyncssh.SSHClientConnection,
    *,
    sudo: bool,
    text: str,
    arguments: Sequence[str],
    content: bytes = b"",
    timeout_s: float = SCRIPT_TIMEOUT_S,
) -> Output:
    """One of our own scripts with `content` as its input; it ends with an exit code of ours."""
    started = time.monotonic()
    session = await begin(connection, sudo=sudo, script=text, arguments=arguments)
    try:
        async with asyncio.timeout(timeout_s):
            await _feed(session, content)
            code, out, err, cut = await _finish(session, "sh", SCRIPT_OUTPUT_BYTES_MAX)
    finally:
        session.writer.channel.abort()
    return Output(code, out, err, cut, round((time.monotonic() - started) * 1000))


async def _feed(session: Session, content: bytes) -> None:
    """In pieces, so that no more of it lies in memory than the window of the channel takes."""
    try:
        for at in range(0, len(content), PIECE_BYTES):
            session.writer.write(content[at : at + PIECE_BYTES])
            await session.writer.drain()
        session.writer.write_eof()
    except (BrokenPipeError, ConnectionError):
        # The script has ended without reading on; its exit code says why.
        return


async def _behind_mark(stdout: Any, stderr: Any, mark: str) -> None:
    end = f"{mark}\n".encode()
    said = await asyncio.gather(_skip(stdout, end), _skip(stderr, end))
    if any(one is not None for one in said):
        raise NoShell(_words(b"\n".join(one or b"" for one in said)) or "it says nothing")


async def _skip(stream: Any, end: bytes) -> bytes | None:
    """None behind the mark, else what came instead of it."""
    try:
        noise: bytes = await stream.readuntil(end)
    except asyncio.IncompleteReadError as error:
        return bytes(error.partial)
    return noise if len(noise) > NOISE_BYTES_MAX else None


def _words(said: bytes) -> str:
    lines = said.decode("utf-8", "backslashreplace").splitlines()
    return "; ".join(filter(None, map(str.strip, lines)))[-ERROR_CHARS_MAX:]


async def _finish(session: Session, program: str, bytes_max: int) -> tuple[int, bytes, bytes, bool]:
    """Both streams to their end and the exit code; a signal is told as Python does, below 0."""
    flood = [FLOOD_BYTES_MAX + bytes_max]
    (out, out_cut), (err, err_cut) = await asyncio.gather(
        _tail(session.stdout, program, bytes_max, flood),
        _tail(session.stderr, program, bytes_max, flood),
    )
    await session.writer.channel.wait_closed()
    code = session.writer.channel.get_returncode()
    if code is None:
        raise ConnectionResetError("the session ended without an exit code")
    return code, out, err, out_cut or err_cut


async def _tail(stream: Any, program: str, bytes_max: int, flood: list[int]) -> tuple[bytes, bool]:
    """The last `bytes_max` bytes, and whether there were more."""
    kept, size = b"", 0
    while piece := await stream.read(PIECE_BYTES):
        size += len(piece)
        flood[0] -= len(piece)
        if flood[0] < 0:
            raise Failed(program, f"said more than {FLOOD_BYTES_MAX} bytes, ended")
        kept = (kept + piece)[-bytes_max:]
    return kept, size > bytes_max


def refused(login: str, why: str, *, sudo: bool) -> LoginRefused:
    """What to tell a person where no shell answers."""
    what = "sudo -n" if sudo else "the account's shell"
    advice = (
        "; let the account run everything by sudo without a password (NOPASSWD)" if sudo else ""
    )
    return LoginRefused(login, f"logged in, but {what} runs nothing for us: {why}{advice}")
