"""The machine that the agent itself runs on; observed only, unless it is declared writable."""

import os
import selectors
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from typing import IO

from wardline.agent.hosts import platforms, revert_scripts
from wardline.agent.hosts.host import CannotRun, Failed, Kind, Output, Space, TimedOut
from wardline.agent.hosts.queries import Query
from wardline.agent.hosts.revert import ArmedRevert, Revert
from wardline.agent.hosts.rooted import RootedFiles

SEARCH_PATH = "/usr/sbin:/usr/bin:/sbin:/bin"
_ENVIRONMENT = {"PATH": SEARCH_PATH, "LC_ALL": "C", "LANG": "C"}
_PIECE_BYTES = 64 * 1024


class LocalHost(RootedFiles):
    """This machine. `writable=False`, the default, makes it an observed host."""

    kind = Kind.LOCAL
    runs_commands = True

    def __init__(self, id: str, name: str, *, writable: bool = False) -> None:
        super().__init__("/", dotdot_escapes=False, owners_known=True, writable=writable)
        self.id = id
        self.name = name
        self.platform = (
            platforms.of_files(self) if sys.platform == "linux" else f"{sys.platform}/unknown"
        )

    def space(self, path: str) -> Space:
        try:
            found = os.statvfs(path)
        except OSError as error:
            raise Failed(path, error.strerror or "cannot be measured") from None
        unit = found.f_frsize
        return Space(found.f_blocks * unit, found.f_bavail * unit, found.f_files, found.f_favail)

    def ask(self, query: Query) -> Output:
        return self.run(query.argv, query.timeout_s, query.bytes_max)

    def run(self, argv: Sequence[str], timeout_s: float, output_bytes_max: int) -> Output:
        program = shutil.which(argv[0], path=SEARCH_PATH)
        if program is None:
            raise CannotRun(argv[0], f"there is no such program in {SEARCH_PATH}")
        started = time.monotonic()
        try:
            process = subprocess.Popen(
                [program, *argv[1:]],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=_ENVIRONMENT,
                cwd="/",
                start_new_session=True,
            )
        except OSError as error:
            raise CannotRun(argv[0], error.strerror or "could not be started") from None
        with process:
            try:
                out, err, cut = _collect(process, started + timeout_s, output_bytes_max)
                code = process.wait(max(0.0, started + timeout_s - time.monotonic()))
            except subprocess.TimeoutExpired:
                raise TimedOut(argv[0], f"took longer than {timeout_s:g} s, ended") from None
            finally:
                _end(process)
        return Output(code, out, err, cut, round((time.monotonic() - started) * 1000))

    def arm_revert(self, revert: Revert) -> ArmedRevert:
        """It outlives the agent: a repair may end it, or the machine's way to Central."""
        self._check_writable(self.name)
        return revert_scripts.arm(self.name, revert, self._script)

    def disarm_revert(self, armed: ArmedRevert) -> None:
        """No line leads here that could be cut: whoever asks is still here."""
        self._check_writable(self.name)
        output = self._script(revert_scripts.DISARM, [armed.id], b"")
        revert_scripts.check_disarmed(output, self.name, armed)

    def _script(self, text: str, arguments: Sequence[str], content: bytes) -> Output:
        started = time.monotonic()
        try:
            ended = subprocess.run(
                ["/bin/sh", "-c", text, "sh", *arguments],
                input=content,
                capture_output=True,
                env=_ENVIRONMENT | {"HOME": os.path.expanduser("~")},
                cwd="/",
                timeout=revert_scripts.TIMEOUT_S,
                start_new_session=True,
                check=False,
            )
        except OSError as error:
            raise CannotRun("/bin/sh", error.strerror or "could not be started") from None
        except subprocess.TimeoutExpired:
            raise TimedOut("/bin/sh", f"took longer than {revert_scripts.TIMEOUT_S:g} s") from None
        spent_ms = round((time.monotonic() - started) * 1000)
        return Output(ended.returncode, ended.stdout, ended.stderr, False, spent_ms)


def _collect(
    process: subprocess.Popen[bytes], deadline: float, bytes_max: int
) -> tuple[bytes, bytes, bool]:
    """Both streams to their end, the last `bytes_max` bytes of each; TimeoutExpired when late."""
    assert process.stdout is not None
    assert process.stderr is not None
    kept: dict[IO[bytes], bytes] = {process.stdout: b"", process.stderr: b""}
    cut = False
    with selectors.DefaultSelector() as selector:
        for stream in kept:
            selector.register(stream, selectors.EVENT_READ, stream)
        while selector.get_map():
            left = deadline - time.monotonic()
            ready = selector.select(left) if left > 0 else []
            if not ready:
                raise subprocess.TimeoutExpired(process.args, 0)
            for key, _ in ready:
                stream = key.data
                piece = os.read(stream.fileno(), _PIECE_BYTES)
                if not piece:
                    selector.unregister(stream)
                whole = kept[stream] + piece
                cut = cut or len(whole) > bytes_max
                kept[stream] = whole[-bytes_max:]
    return kept[process.stdout], kept[process.stderr], cut


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the session of a process nobody has waited for yet, its children included."""
    if process.returncode is None:
        os.killpg(process.pid, signal.SIGKILL)
