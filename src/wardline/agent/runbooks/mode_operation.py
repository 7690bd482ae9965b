"""The operation on a mode and its owner: set to what is wanted, or narrowed where others may write.

People own folders on the way to what is changed here and may put something else under its path at
any moment. So each change is of the very file that was looked at right before (`Host.chmod`), an
owner is set only where it is another one, and nothing is given to what nobody has looked at.
"""

from dataclasses import dataclass

from wardline.agent.hosts.host import Failed, FileKind, HardLinked, Host, Stat, WrongKind
from wardline.agent.runbooks.operations import Change, Undo
from wardline.agent.runbooks.states import ModeState

GROUP_OR_OTHERS_WRITE = 0o022
# A change of owner takes the bits away that set the user or the group.
_KEPT_BITS = 0o1777


@dataclass(frozen=True, slots=True)
class ChangeMode:
    """Mode and, where they are known, owner and group of a file or a folder; never of a link.

    Without a `mode` only write permission of group and others is taken, whatever stands there
    belongs to `uid` and `gid`, and nothing is ever given.
    """

    step: str
    type: str
    target: str
    mode: int | None
    uid: int | None
    gid: int | None

    needs_change = False

    def preview(self, host: Host) -> Change:
        before = self._state(_look(host, self.target))
        return self._change(before, self._wanted(before))

    def apply(self, host: Host, undos: list[Undo]) -> Change:
        found = _look(host, self.target)
        before = self._state(found)
        wanted = self._wanted(before)
        if before != wanted:
            undos.append(RestoreMode(self.target, before, wanted))
            _set(host, self.target, found, wanted)
        return self._change(before, wanted)

    def _state(self, found: Stat) -> ModeState:
        return _state(found, owned=self.uid is not None)

    def _wanted(self, before: ModeState) -> ModeState:
        if self.mode is not None:
            return ModeState(self.mode, self.uid, self.gid)
        if (before.uid, before.gid) != (self.uid, self.gid):
            raise Failed(self.target, "belongs to somebody else by now; it was left as it is")
        return ModeState(before.mode & ~GROUP_OR_OTHERS_WRITE, self.uid, self.gid)

    def _change(self, before: ModeState, wanted: ModeState) -> Change:
        if before == wanted:
            return Change(changed=False)
        lines = [f"--- {self.target}", f"+++ {self.target}", f"-{before}", f"+{wanted}"]
        return Change(True, "\n".join(lines) + "\n")


@dataclass(frozen=True, slots=True)
class RestoreMode:
    """Mode, owner and group as they were `before`, of what is still as the run left it, `after`."""

    target: str
    before: ModeState
    after: ModeState

    deferred = False

    @property
    def was(self) -> ModeState:
        return self.before

    def look(self, host: Host) -> ModeState:
        return self._state(_look(host, self.target))

    def apply(self, host: Host) -> None:
        found = _look(host, self.target)
        now = self._state(found)
        if now == self.before:
            return
        if not self._is_ours(now):
            raise Failed(self.target, "was changed since, so it was left as it is")
        _set(host, self.target, found, self.before)

    def _state(self, found: Stat) -> ModeState:
        return _state(found, owned=self.before.uid is not None)

    def _is_ours(self, now: ModeState) -> bool:
        """Also where a change broke off between owner and mode."""
        ends = (self.before, self.after)
        modes = {mode for one in ends for mode in (one.mode, one.mode & _KEPT_BITS)}
        return now.mode in modes and (now.uid, now.gid) in {(one.uid, one.gid) for one in ends}


def _look(host: Host, path: str) -> Stat:
    found = host.lstat(path)
    if found.kind not in (FileKind.FILE, FileKind.DIRECTORY):
        raise WrongKind(path, found.kind, FileKind.FILE)
    if found.kind is FileKind.FILE and found.links > 1:
        raise HardLinked(path, found.links)
    return found


def _state(found: Stat, *, owned: bool) -> ModeState:
    return ModeState(found.mode, found.uid if owned else None, found.gid if owned else None)


def _set(host: Host, path: str, found: Stat, wanted: ModeState) -> None:
    owner = (wanted.uid, wanted.gid)
    gives = owner not in ((None, None), (found.uid, found.gid))
    if gives and wanted.uid is not None and wanted.gid is not None:
        host.chown(path, wanted.uid, wanted.gid, found)
    if gives or found.mode != wanted.mode:
        # After the owner: a change of owner takes set-user-id bits away.
        host.chmod(path, wanted.mode, found)
    if _state(_look(host, path), owned=wanted.uid is not None) != wanted:
        raise Failed(path, "did not take the mode it was given")
