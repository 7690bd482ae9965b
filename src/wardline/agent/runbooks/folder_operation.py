"""The operation that makes a folder, for a drop-in that has none to lie in."""

from dataclasses import dataclass

from wardline.agent.hosts.host import FileKind, Host, Missing, WrongKind
from wardline.agent.runbooks.operations import Change, Undo

_FOLDER = "folder 0755"
_NONE = "(no such folder)"


@dataclass(frozen=True, slots=True)
class MakeMissingFolder:
    """A folder that is made where there is none; one that is there stays as it is."""

    step: str
    type: str
    target: str

    needs_change = False

    def preview(self, host: Host) -> Change:
        if _exists(host, self.target):
            return Change(changed=False)
        return Change(True, f"--- {self.target}\n+++ {self.target}\n+{_FOLDER}\n")

    def apply(self, host: Host, undos: list[Undo]) -> Change:
        change = self.preview(host)
        if change.changed:
            undos.append(RemoveFolder(self.target))
            host.make_folder(self.target)
        return change


@dataclass(frozen=True, slots=True)
class RemoveFolder:
    """Gone again, unless somebody has put something of theirs into it."""

    path: str

    deferred = False
    was = _NONE

    @property
    def target(self) -> str:
        return self.path

    def look(self, host: Host) -> str:
        """What stands there, in the words in which `was` says what did."""
        return _FOLDER if _exists(host, self.path) else _NONE

    def apply(self, host: Host) -> None:
        if _exists(host, self.path) and not host.listdir(self.path):
            host.remove_folder(self.path)


def _exists(host: Host, path: str) -> bool:
    try:
        kind = host.stat(path).kind
    except Missing:
        return False
    if kind is not FileKind.DIRECTORY:
        raise WrongKind(path, kind, FileKind.DIRECTORY)
    return True
