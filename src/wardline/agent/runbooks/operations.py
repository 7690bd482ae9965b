"""The concrete changes that a step comes down to on a host, each recording how it is undone."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from wardline.agent.hosts.host import Failed, FileKind, HardLinked, Host, Missing, Output
from wardline.agent.runbooks import diff, staging, views
from wardline.agent.runbooks.proofs import STAGED
from wardline.agent.runbooks.states import FileState, State
from wardline.agent.runbooks.views import View
from wardline.core.evidence.bundle import OUTPUT_BYTES_MAX

FILE_BYTES_MAX = 1024 * 1024
HELPER_TIMEOUT_S = 30


class CommandFailed(Failed):
    """A command ended with another exit code than 0; its output rides along."""

    def __init__(self, argv: tuple[str, ...], output: Output) -> None:
        self.exit_code = output.exit_code
        self.output = tail(output)
        super().__init__(argv[0], f"ended with exit code {output.exit_code}: {self.output[-400:]}")


class Refused(Failed):
    """The operation itself is not for a host that is as this one is; `why` says what is in the
    way."""


@dataclass(frozen=True, slots=True)
class Change:
    """What an operation did, or would do."""

    changed: bool
    diff: str = ""
    output: str = ""
    exit_code: int | None = None


class TextEdit(Protocol):
    """A change of a file's text that comes out the same however often it is made."""

    @property
    def only_if_present(self) -> bool:
        """Whether a file that is not there stays so."""
        ...

    def apply(self, text: str) -> str:
        """`text` as it is wanted; itself where nothing is to change."""
        ...

    @property
    def view(self) -> View:
        """What a diff may show of the file."""
        ...


class Undo(Protocol):
    """How to put something back; raises HostError where that is not possible.

    `was` is what stood there before, `look` what stands there now: equal when it is back.
    """

    @property
    def deferred(self) -> bool:
        """Whether everything else has to be back in its place first."""
        ...

    @property
    def target(self) -> str: ...

    @property
    def was(self) -> State: ...

    def look(self, host: Host) -> State: ...

    def apply(self, host: Host) -> None: ...


class Operation(Protocol):
    """One change of one target."""

    @property
    def step(self) -> str: ...

    @property
    def type(self) -> str: ...

    @property
    def target(self) -> str: ...

    @property
    def needs_change(self) -> bool:
        """Whether it has a point only where an earlier step of the run has changed something."""
        ...

    def preview(self, host: Host) -> Change: ...

    def apply(self, host: Host, undos: list[Undo]) -> Change:
        """Do it. What undoes it is in `undos` before anything is changed."""
        ...


@dataclass(frozen=True, slots=True)
class WriteFile:
    """A file with wanted lines, or with wanted content and mode."""

    step: str
    type: str
    target: str
    wanted: TextEdit | bytes
    mode: int | None
    check_with: tuple[str, ...] | None
    reload_with: tuple[str, ...] | None
    # Judges the service's whole configuration after the switch, before anything is reloaded.
    confirm_with: tuple[str, ...] | None = None

    needs_change = False

    def preview(self, host: Host) -> Change:
        before = _look(host, self.target, self._view)
        after = self._after(before)
        return Change(self._differs(before, after), self._diff(before.content, after))

    def apply(self, host: Host, undos: list[Undo]) -> Change:
        before = _look(host, self.target, self._view)
        after = self._after(before)
        if after is None or not self._differs(before, after):
            return Change(changed=False)
        output = self._prove(host, after)
        if _look(host, self.target) != before:
            raise Failed(
                self.target, "was edited by somebody else in this moment; nothing was done"
            )
        reloads = () if self.reload_with is None else (self.reload_with,)
        undos.append(RestoreFile(self.target, before, after, self.check_with, reloads))
        host.replace_file(self.target, after, self.mode)
        if host.read(self.target, FILE_BYTES_MAX) != after:
            raise Failed(self.target, "does not hold what was written")
        self._check_status(host, before)
        output += _run_if_possible(host, self.confirm_with)
        output += _run_if_possible(host, self.reload_with)
        return Change(True, self._diff(before.content, after), output)

    def _diff(self, before: bytes | None, after: bytes | None) -> str:
        shown = partial(views.shown, self._view)
        return diff.of_bytes(self.target, _through(shown, before), _through(shown, after))

    @property
    def _view(self) -> View:
        return View.WHOLE if isinstance(self.wanted, bytes) else self.wanted.view

    def _after(self, before: FileState) -> bytes | None:
        """The content that is wanted, None where there is no file and none is wanted."""
        if isinstance(self.wanted, bytes):
            return self.wanted
        if before.content is None and self.wanted.only_if_present:
            return None
        return _through(self.wanted.apply, before.content or b"")

    def _differs(self, before: FileState, after: bytes | None) -> bool:
        if after is None:
            return False
        if before.content != after or before.status is None:
            return True
        return self.mode is not None and before.status.mode != self.mode

    def _check_status(self, host: Host, before: FileState) -> None:
        """Mode and owner are the old ones, but for a mode that is wanted."""
        found, old = host.stat(self.target), before.status
        mode = self.mode if self.mode is not None else old.mode if old else found.mode
        owner = (old.uid, old.gid) if old else (found.uid, found.gid)
        if (found.mode, found.uid, found.gid) != (mode, *owner):
            raise Failed(self.target, "did not keep its mode and owner")

    def _prove(self, host: Host, content: bytes) -> str:
        return prove(host, self.target, content, self.check_with)


@dataclass(frozen=True, slots=True)
class RestoreFile:
    """The file as it was, or its absence. `check_with` proves it where a person undoes the run: of
    a step that failed nothing has to be proved, for that is what the host was running with."""

    path: str
    before: FileState
    after: bytes
    check_with: tuple[str, ...] | None
    reloads: tuple[tuple[str, ...], ...]

    deferred = False

    @property
    def target(self) -> str:
        return self.path

    @property
    def was(self) -> FileState:
        return self.before

    def look(self, host: Host) -> FileState:
        return _look(host, self.path, self.before.view)

    def apply(self, host: Host) -> None:
        found = _look(host, self.path)
        if found != self.before:
            if found.content != self.after:
                raise Failed(self.path, "was edited since, so it was left as it is")
            self._restore(host)
            if _look(host, self.path) != self.before:
                raise Failed(self.path, "is not as it was before")
        for argv in self.reloads:
            _run_if_possible(host, argv)

    def _restore(self, host: Host) -> None:
        status = self.before.status
        if self.before.content is None or status is None:
            host.remove(self.path)
        else:
            host.replace_file(self.path, self.before.content, status.mode, status.uid, status.gid)


def prove(host: Host, path: str, content: bytes, check_with: tuple[str, ...] | None) -> str:
    """Let the program that reads the file judge the new content before it is switched in; what it
    said. CommandFailed where it does not like it."""
    if check_with is None or not host.runs_commands:
        return ""
    staged = staging.put(host, path, content)
    try:
        staging.clear_away(host, path, staged)
        argv = tuple(word.replace(STAGED, staged) for word in check_with)
        return _run_if_possible(host, argv)
    finally:
        host.remove(staged)


def tail(output: Output) -> str:
    """The end of what a command wrote, from the beginning of a line, within what evidence takes."""
    # What a cut has left of a line may be half of what the scrubber takes out.
    kept = [
        _whole_lines(one) if output.truncated else one for one in (output.stdout, output.stderr)
    ]
    text = b"".join(kept).decode("utf-8", "backslashreplace")
    return diff.fit(text, OUTPUT_BYTES_MAX, from_end=True)


def _whole_lines(data: bytes) -> bytes:
    """Without its first line where it is as long as anything is kept."""
    return data.partition(b"\n")[2] if len(data) >= OUTPUT_BYTES_MAX else data


def _through(edit: Callable[[str], str], content: bytes | None) -> bytes | None:
    """Content through an edit of text; bytes that are not UTF-8 are carried through as they are."""
    if content is None:
        return None
    return edit(content.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape")


def _look(host: Host, path: str, view: View = View.WHOLE) -> FileState:
    """The file that an operation is about; HardLinked before anything of it is shown or changed."""
    try:
        status = host.stat(path)
        if status.kind is FileKind.FILE and status.links > 1:
            raise HardLinked(path, status.links)
        return FileState(host.read(path, FILE_BYTES_MAX), status, view)
    except Missing:
        return FileState(None, None, view)


def run(host: Host, argv: tuple[str, ...], timeout_s: float) -> Output:
    output = host.run(argv, timeout_s, OUTPUT_BYTES_MAX)
    if output.exit_code != 0:
        raise CommandFailed(argv, output)
    return output


def _run_if_possible(host: Host, argv: tuple[str, ...] | None) -> str:
    if argv is None or not host.runs_commands:
        return ""
    return tail(run(host, argv, HELPER_TIMEOUT_S))
