"""The tree heads of an export, each held against the leaves that came before it.

One pass: leaves are added in order, and every head of the size that the tree has then is checked,
those in the export for signature and root, those that its reader holds for the root alone.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from wardline.core.errors import Malformed
from wardline.core.evidence import checkpoint, log, signing
from wardline.core.evidence.checkpoint import Checkpoint, Note
from wardline.core.evidence.verdict import Exit, Findings

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Located:
    """Bytes of the export and the place they were read from."""

    where: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Head:
    """A tree head and its note, with the place they were read from."""

    where: str
    note: Note
    head: Checkpoint


class Ahead(Generic[T]):
    """An iterable whose next item can be looked at before it is taken; nothing is read before."""

    __slots__ = ("_items", "_next", "_read")

    def __init__(self, items: Iterable[T]) -> None:
        self._items = iter(items)
        self._next: T | None = None
        self._read = False

    @property
    def next(self) -> T | None:
        """The next item, None after the last."""
        if not self._read:
            self._next, self._read = next(self._items, None), True
        return self._next

    def advance(self) -> T:
        taken = self.next
        if taken is None:
            raise LookupError("nothing is left to take")
        self._read = False
        return taken


@dataclass(slots=True)
class Heads:
    """The tree that grows, and what of its heads is still to come; `size` counts the leaves,
    `seen` the heads, `last` is the largest that holds, `matched` the largest of the reader's own
    that has the root of this tree."""

    origin: str
    log_public: bytes
    given: Ahead[Head]
    held: Ahead[Checkpoint]
    findings: Findings
    size: int = 0
    seen: int = 0
    last: Checkpoint | None = None
    matched: int = 0
    _frontier: log.Frontier = field(default_factory=log.Frontier)
    _pending: list[bytes] = field(default_factory=list)

    def add(self, leaf: bytes) -> None:
        """The next leaf of the log."""
        self._pending.append(log.leaf_hash(leaf))
        self.size += 1

    def reach(self) -> list[Head]:
        """Checks every tree head of the size that the tree has now; those of the export that
        hold."""
        good: list[Head] = []
        while self.given.next is not None and self.given.next.head.size <= self.size:
            found = self.given.advance()
            if self._holds(found):
                good.append(found)
        while self.held.next is not None and self.held.next.size == self.size:
            head = self.held.advance()
            if head.root == self._root():
                self.matched = head.size
            else:
                what = f"the checkpoint of {head.size} entries that you hold has another root"
                self.findings.find(Exit.DIVERGES, f"index 0 to {head.size - 1}", what)
        return good

    def end(self) -> None:
        """What is left when the leaves are: heads beyond them, leaves beyond the heads."""
        while self.given.next is not None:
            found = self.given.advance()
            self.seen += 1
            if self._signed(_place(found), found):
                what = f"the log had {found.head.size} entries, the export holds {self.size}"
                self.findings.find(Exit.INCOMPLETE, found.where, what)
        while self.held.next is not None:
            self._held_beyond(self.held.advance().size)
        covered = self.last.size if self.last else 0
        if self.last is None:
            what = "no checkpoint vouches for any entry"
            self.findings.find(Exit.INCOMPLETE, "checkpoints", what)
        elif covered < self.size:
            what = f"{self.size - covered} entries come after the last checkpoint; none vouches"
            self.findings.find(Exit.INCOMPLETE, f"index {covered}", what)

    def _holds(self, found: Head) -> bool:
        head, where = found.head, _place(found)
        self.seen += 1
        if not self._signed(where, found):
            return False
        if head.size < self.size:
            what = f"comes after the head of {self.size} entries"
            self.findings.find(Exit.INVALID, where, what)
            return False
        if head.root != self._root():
            since = self.last.size if self.last else 0
            what = f"the entries do not hash to its root; the break is at index {since} or later"
            self.findings.find(Exit.INVALID, where, what)
            return False
        self.last = head
        return True

    def _signed(self, where: str, found: Head) -> bool:
        if found.head.origin != self.origin:
            what = f"a checkpoint of another log than {self.origin}"
        elif not found.note.verify(self.origin, self.log_public):
            what = f"not signed by the log's key {signing.key_id(self.log_public)}"
        else:
            return True
        self.findings.find(Exit.INVALID, where, what)
        return False

    def _held_beyond(self, size: int) -> None:
        what = (
            f"you hold a checkpoint of {size} entries, the export has {self.size}: export it again;"
            f" if the new one still ends here, the last {size - self.size} entries are withheld"
        )
        self.findings.find(Exit.INCOMPLETE, f"index {self.size}", what)

    def _root(self) -> bytes:
        self._frontier = self._frontier.append(self._pending)
        self._pending = []
        return self._frontier.root


def of(
    origin: str,
    log_public: bytes,
    notes: Iterable[Located],
    held: Sequence[Checkpoint],
    findings: Findings,
) -> Heads:
    """The heads of a log in an export, and of the checkpoints its reader holds those of this log;
    the others are named as not compared."""
    for head in held:
        if head.origin != origin:
            what = "a checkpoint that you hold is of this other log; it was not compared"
            findings.find(Exit.VERIFIED, head.origin, what)
    mine = sorted((head for head in held if head.origin == origin), key=lambda head: head.size)
    return Heads(origin, log_public, Ahead(_parsed(notes)), Ahead(mine), findings)


def _place(found: Head) -> str:
    return f"{found.where} (size {found.head.size})"


def _parsed(notes: Iterable[Located]) -> Iterator[Head]:
    for located in notes:
        try:
            note = checkpoint.parse_note(located.data.decode())
            head = note.checkpoint()
        except UnicodeDecodeError:
            raise Malformed(located.where, "not UTF-8") from None
        except Malformed as error:
            raise Malformed(f"{located.where}, {error.where}", error.why) from None
        yield Head(located.where, note, head)
