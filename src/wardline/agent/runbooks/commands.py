"""The operation that runs a program, and the two ways in which its effect is seen on the host."""

from dataclasses import dataclass

from wardline.agent.hosts.host import Failed, Host
from wardline.agent.hosts.queries import Query
from wardline.agent.runbooks import diff, operations
from wardline.agent.runbooks.operations import Change, Undo

CAPTURE_BYTES_MAX = 4096
BEFORE = "{before}"


@dataclass(frozen=True, slots=True)
class FileEffect:
    """A file whose whole content, without blanks around it, is the state."""

    path: str
    wanted: str

    @property
    def name(self) -> str:
        return self.path

    def look(self, host: Host) -> str:
        return host.read(self.path, CAPTURE_BYTES_MAX).decode("ascii", "backslashreplace").strip()


@dataclass(frozen=True, slots=True)
class AnswerEffect:
    """A question whose answer has the wanted line, or has not: then the state is empty."""

    query: Query
    wanted: str

    @property
    def name(self) -> str:
        return " ".join(self.query.argv)

    def look(self, host: Host) -> str:
        output = host.ask(self.query)
        if output.exit_code != 0 or output.truncated:
            raise operations.CommandFailed(self.query.argv, output)
        lines = output.stdout.decode("utf-8", "backslashreplace").splitlines()
        return self.wanted if self.wanted in (line.strip() for line in lines) else ""


@dataclass(frozen=True, slots=True)
class Command:
    """A program and the program that undoes it."""

    step: str
    type: str
    effect: FileEffect | AnswerEffect
    argv: tuple[str, ...]
    undo: tuple[str, ...]
    timeout_s: int

    needs_change = False

    @property
    def target(self) -> str:
        return self.effect.name

    def preview(self, host: Host) -> Change:
        if not host.runs_commands:
            return Change(False, output="left out: this host runs no commands")
        before = self.effect.look(host)
        if before == self.effect.wanted:
            return Change(changed=False)
        return Change(True, diff.of_texts(self.target, before, self.effect.wanted))

    def apply(self, host: Host, undos: list[Undo]) -> Change:
        change = self.preview(host)
        if not change.changed:
            return change
        before = self.effect.look(host)
        argv = self._undo_of(before)
        undos.append(RunUndo(argv, self.effect, before, self.timeout_s))
        output = operations.run(host, self.argv, self.timeout_s)
        if self.effect.look(host) != self.effect.wanted:
            raise Failed(self.target, "did not take the value it was given")
        return Change(True, change.diff, operations.tail(output), output.exit_code)

    def undoing(self, host: Host) -> tuple[str, ...]:
        """The program that brings back what the host has now."""
        return self._undo_of(self.effect.look(host))

    def _undo_of(self, before: str) -> tuple[str, ...]:
        return tuple(word.replace(BEFORE, before) for word in self.undo)


@dataclass(frozen=True, slots=True)
class RunUndo:
    """The program that undoes another one; `before` is what its effect was."""

    argv: tuple[str, ...]
    effect: FileEffect | AnswerEffect
    before: str
    timeout_s: int

    deferred = False

    @property
    def target(self) -> str:
        return self.effect.name

    @property
    def was(self) -> str:
        return self.before

    def look(self, host: Host) -> str:
        return self.effect.look(host)

    def apply(self, host: Host) -> None:
        if self.effect.look(host) == self.before:
            return
        operations.run(host, self.argv, self.timeout_s)
        if self.effect.look(host) != self.before:
            raise Failed(self.effect.name, "is not as it was before")
