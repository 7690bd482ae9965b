"""A host that is reached over SSH: read by SFTP, asked and changed by scripts, on one line.

What a measurement asks is bounded by its own time; a host that stays silent for too long is given
up, so that the next questions fail at once and say why, until the line has rested.
"""

import random
import time
from collections.abc import Coroutine, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

import asyncssh

from wardline.agent.hosts import links, paths, platforms, revert_scripts
from wardline.agent.hosts.host import (
    PIECE_BYTES,
    FileKind,
    Kind,
    Missing,
    Output,
    ReadOnly,
    Space,
    Stat,
    TimedOut,
    Unreachable,
)
from wardline.agent.hosts.queries import Query
from wardline.agent.hosts.revert import ArmedRevert, Revert
from wardline.agent.hosts.ssh import changes, engine, files, line, shell
from wardline.agent.hosts.ssh.files import Measurement, Question
from wardline.agent.hosts.ssh.line import CONNECT_S, Line, OpenCredential
from wardline.agent.hosts.ssh.login import Login
from wardline.agent.hosts.ssh.sftp import Entry, Garbled
from wardline.core.errors import WrongUsage

ANSWER_S = 10.0
# Who says nothing for so long is given up, whatever time the measurement still has.
SILENT_S = 3.0
CLOSE_S = 3.0
EXPECTED_CHECKS_MAX = 512

T = TypeVar("T")

# What each check asked last, by platform: hosts of one kind have mostly the same files.
_EXPECTED: dict[tuple[str, str], tuple[Question, ...]] = {}


class KeyInvalid(WrongUsage):
    """What was given as a private key is none."""

    code = "key_invalid"


class SshHost:
    """One host over SSH; one thread at a time uses it, but for `prepare` and `platform`."""

    kind = Kind.SSH
    runs_commands = True

    def __init__(
        self,
        id: str,
        name: str,
        login: Login,
        credential: OpenCredential,
        *,
        platform: str = platforms.UNKNOWN,
        writable: bool = False,
    ) -> None:
        self.id = id
        self.name = name
        self.writable = writable
        self.platform = platform
        self.login = login
        self._line = Line(login, credential, random.Random())
        self._told_platform = False
        self._measurement: Measurement | None = None
        self._end = float("inf")

    # Reaching

    def prepare(self) -> bool:
        if self._line.settled:
            return True
        engine.soon(self._line.begin)
        return False

    @contextmanager
    def measuring(self, check: str, timeout_s: float) -> Iterator[None]:
        self.connect()
        key = (self.platform, check)
        measurement = Measurement(self._answer, _EXPECTED.get(key, ()))
        self._end = time.monotonic() + timeout_s
        self._measurement = measurement
        engine.soon(measurement.start)
        try:
            yield
        finally:
            self._measurement, self._end = None, float("inf")
            asked = engine.call(measurement.end(), CLOSE_S)
            if asked and (key in _EXPECTED or len(_EXPECTED) < EXPECTED_CHECKS_MAX):
                _EXPECTED[key] = asked

    def connect(self) -> None:
        """Open the line and look what system it is; raises Unreachable."""
        self._call(self._line.open(), self.login.text, CONNECT_S + 1)
        if not self._told_platform:
            self.platform = platforms.of_files(self)
            self._told_platform = True

    def close(self) -> None:
        try:
            engine.call(self._line.close(), CLOSE_S)
        except (TimeoutError, OSError, asyncssh.Error):
            # It was to be gone, and it is.
            return

    # Reading

    def read(self, path: str, bytes_max: int) -> bytes:
        content: bytes = self._know("read", path, bytes_max)
        return content

    def stream(self, path: str, bytes_max: int) -> Iterator[bytes]:
        content = self.read(path, bytes_max)
        for at in range(0, len(content), PIECE_BYTES):
            yield content[at : at + PIECE_BYTES]

    def stat(self, path: str) -> Stat:
        found: Stat = self._know("stat", path)
        return self._looked_at(found, path, "follow")

    def lstat(self, path: str) -> Stat:
        found: Stat = self._know("lstat", path)
        return self._looked_at(found, path, "stay")

    def readlink(self, path: str) -> str:
        target: str = self._know("readlink", path)
        links.check_target(path, target, dotdot_escapes=False)
        return target

    def listdir(self, path: str) -> list[str]:
        found: list[Entry] = self._know("listdir", path)
        return files.names(found)

    def glob(self, pattern: str) -> list[str]:
        return paths.glob(self, pattern)

    def exists(self, path: str) -> bool:
        try:
            self._know("stat", path)
        except Missing:
            return False
        return True

    def space(self, path: str) -> Space:
        found: Space = self._know("space", path)
        return found

    def ask(self, query: Query) -> Output:
        question = Question("ask", query.id, 0, query)
        output: Output = self._put(question, query.argv[0], query.timeout_s + shell.SLACK_S)
        return output

    # Changing

    def run(self, argv: Sequence[str], timeout_s: float, output_bytes_max: int) -> Output:
        work = self._run(argv, timeout_s, output_bytes_max)
        return self._call(work, argv[0], timeout_s + shell.SLACK_S + shell.BEGIN_S)

    def replace_file(
        self,
        path: str,
        content: bytes,
        mode: int | None = None,
        uid: int | None = None,
        gid: int | None = None,
    ) -> None:
        arguments = changes.replace_arguments(path, content, mode, uid, gid)
        self._change(changes.REPLACE, path, arguments[1:], content=content)

    def chmod(self, path: str, mode: int, found: Stat) -> None:
        self._check_writable(path)
        arguments = changes.held_arguments(path, f"{mode:o}", found)
        self._change(changes.CHMOD, path, arguments[1:])

    def chown(self, path: str, uid: int, gid: int, found: Stat) -> None:
        self._check_writable(path)
        arguments = changes.held_arguments(path, f"{uid}:{gid}", found)
        self._change(changes.CHOWN, path, arguments[1:])

    def remove(self, path: str) -> None:
        self._change(changes.REMOVE, path, [])

    def link(self, path: str, target: str) -> None:
        self._check_writable(path)
        links.check_target(path, target, dotdot_escapes=False)
        self._change(changes.LINK, path, [target])

    def remove_link(self, path: str) -> None:
        self._change(changes.REMOVE_LINK, path, [], FileKind.LINK)

    def make_folder(self, path: str) -> None:
        self._change(changes.MAKE_FOLDER, path, [])

    def remove_folder(self, path: str) -> None:
        self._change(changes.REMOVE_FOLDER, path, [], FileKind.DIRECTORY)

    def arm_revert(self, revert: Revert) -> ArmedRevert:
        self._check_writable(self.name)
        return revert_scripts.arm(self.name, revert, self._script)

    def disarm_revert(self, armed: ArmedRevert) -> None:
        self._check_writable(self.name)
        timeout_s = CONNECT_S + revert_scripts.TIMEOUT_S
        output = self._call(self._disarm(armed), self.name, timeout_s)
        revert_scripts.check_disarmed(output, self.name, armed)

    # Asking

    def _know(self, kind: str, path: str, limit: int = 0) -> Any:
        paths.parts(path)
        return self._put(Question(kind, path, limit), path, ANSWER_S)

    def _put(self, question: Question, path: str, timeout_s: float) -> Any:
        measurement = self._measurement
        work = self._answer(question) if measurement is None else measurement.answer(question)
        return self._call(work, path, timeout_s)

    async def _answer(self, question: Question) -> Any:
        if question.query is not None:
            query = question.query
            return await self._run(query.argv, query.timeout_s, query.bytes_max)
        opened = await self._line.open()
        with self._heard():
            return await files.answer(opened.sftp, question)

    async def _run(self, argv: Sequence[str], timeout_s: float, bytes_max: int) -> Output:
        opened = await self._line.open()
        async with opened.sessions:
            with self._heard():
                return await shell.run(
                    opened.connection,
                    sudo=self.login.sudo,
                    argv=argv,
                    timeout_s=timeout_s,
                    bytes_max=bytes_max,
                )

    def _change(
        self,
        script: str,
        path: str,
        arguments: Sequence[str],
        wanted: FileKind = FileKind.FILE,
        content: bytes = b"",
    ) -> None:
        self._check_writable(path)
        paths.parts(path)
        output = self._script(script, [path, *arguments], content)
        changes.check(output, path, wanted)

    def _script(self, script: str, arguments: Sequence[str], content: bytes = b"") -> Output:
        timeout_s = shell.SCRIPT_TIMEOUT_S + shell.BEGIN_S
        return self._call(self._run_script(script, arguments, content), self.name, timeout_s)

    async def _run_script(self, script: str, arguments: Sequence[str], content: bytes) -> Output:
        opened = await self._line.open()
        async with opened.sessions:
            with self._heard():
                return await shell.script(
                    opened.connection,
                    sudo=self.login.sudo,
                    text=script,
                    arguments=arguments,
                    content=content,
                )

    async def _disarm(self, armed: ArmedRevert) -> Output:
        """Over a connection of its own: that it comes about is the proof that is asked for."""
        connection = await self._line.fresh()
        try:
            with self._heard():
                return await shell.script(
                    connection,
                    sudo=self.login.sudo,
                    text=revert_scripts.DISARM,
                    arguments=[armed.id],
                    timeout_s=revert_scripts.TIMEOUT_S,
                )
        finally:
            connection.abort()

    def _looked_at(self, found: Stat, path: str, links_at_the_end: str) -> Stat:
        """What a repair has to know besides; SFTP tells neither names nor numbers of a file."""
        repairable = found.kind in (FileKind.FILE, FileKind.DIRECTORY) and paths.parts(path)
        if self._measurement is not None or not repairable:
            return found
        output = self._script(changes.LOOK, [path, links_at_the_end])
        return changes.looked(output, path, found.kind)

    def _call(self, work: Coroutine[Any, Any, T], path: str, timeout_s: float) -> T:
        """The result of `work`, in its own time and that of the measurement."""
        started = time.monotonic()
        left_s = min(timeout_s, self._end - started)
        if left_s <= 0:
            work.close()
            raise TimedOut(path, "the time of this measurement is used up")
        try:
            return engine.call(work, left_s)
        except TimeoutError:
            waited_s = time.monotonic() - started
            if waited_s >= SILENT_S:
                why = f"the host did not answer within {waited_s:.0f} s"
                engine.soon(lambda: self._line.drop(why))
            raise TimedOut(path, f"no answer from the host within {waited_s:.1f} s") from None

    @contextmanager
    def _heard(self) -> Iterator[None]:
        """Turn a line that breaks in the middle into an Unreachable."""
        try:
            yield
        except Garbled as error:
            self._line.drop(f"the connection broke: {error}")
            raise Unreachable(self.login.text, f"the connection broke: {error}") from None
        except shell.NoShell as error:
            raise shell.refused(self.login.text, str(error), sudo=self.login.sudo) from None
        except (asyncssh.Error, EOFError, OSError) as error:
            if isinstance(error, TimeoutError):
                raise TimedOut(self.login.text, "the script took too long, ended") from None
            why = f"the connection broke: {error}" if str(error) else "the connection broke"
            raise Unreachable(self.login.text, why) from None

    def _check_writable(self, path: str) -> None:
        if not self.writable:
            raise ReadOnly(path)


def shown_key(address: str, port: int) -> str:
    """The host key that answers there now, for a person to compare; raises Unreachable."""
    return engine.call(line.shown_key(address, port), CONNECT_S + 1)


def new_key(comment: str) -> tuple[str, str]:
    """A fresh Ed25519 key: the private half, and the line for authorized_keys."""
    made = asyncssh.generate_private_key("ssh-ed25519", comment=comment)
    private, public = made.export_private_key("openssh"), made.export_public_key("openssh")
    return private.decode("ascii"), public.decode("ascii").strip()


def plain_key(text: str, passphrase: str | None) -> str | None:
    """A private key without its passphrase; None where it needs one, or another one."""
    try:
        read = asyncssh.import_private_key(text, passphrase)
    except asyncssh.KeyEncryptionError:
        return None
    except asyncssh.KeyImportError as error:
        if "assphrase" in str(error):
            return None
        raise KeyInvalid("this is no private key that OpenSSH would take") from None
    return read.export_private_key("openssh").decode("ascii")
