"""The site's own list of patients' names: how it is kept, and how it is found in texts.

One name a line in a file that only the appliance's account reads. A name of several words is found
in any order and writing (`Roe, Jane`, `jane_roe`, `JaneRoe`, `Jane A. Roe`); one of a single word
inside paths, host and file names, and elsewhere where it is capitalised. Each text is read once,
word by word, so that the time is linear however long the list is. Only hashes of the names are held
in memory.
"""

import itertools
import re
import unicodedata
from collections.abc import Iterable, Iterator
from pathlib import Path

from wardline.agent.scrub.marks import Kind, Marker
from wardline.agent.scrub.ordinary_words import is_ordinary
from wardline.core.errors import WardlineError

NAMES_MAX = 20_000
NAME_CHARS_MAX = 100
WORDS_MAX = 4
LETTERS_LEAST = 3
FILE_BYTES_MAX = 4 << 20
FOREIGN_BITS = 0o077

_WORD = re.compile(r"[^\W\d_]+")
_GAP_CHARS_MAX = 6
_PATH_LIKE = frozenset("/\\._-@$~=0123456789")
Span = tuple[int, int, Kind, str]


class NamesUnusable(WardlineError):
    """The list of patients' names cannot be used; the message names the file and no name."""

    code = "names_unusable"


def plain(name: str) -> tuple[str, ...]:
    """The words of a name as they are compared: folded, without accents."""
    kept = (
        char
        for char in unicodedata.normalize("NFKD", name)
        if unicodedata.category(char) not in ("Mn", "Cf")
    )
    return tuple(word.casefold() for word in _WORD.findall("".join(kept)))


def key(name: str) -> tuple[str, ...]:
    """What two ways of writing one name have in common."""
    return tuple(sorted(plain(name)))


def refusal(name: str) -> str | None:
    """Why a name cannot stand in a list, without saying the name; None where it can."""
    words = plain(name)
    if not words or "\n" in name or name.strip().startswith("#"):
        return "it has no letters, or more than one line"
    if len(name) > NAME_CHARS_MAX or len(words) > WORDS_MAX:
        return f"it is longer than {NAME_CHARS_MAX} characters or {WORDS_MAX} words"
    if len(words) > 1:
        return None
    if len(words[0]) < LETTERS_LEAST:
        return f"a single word needs {LETTERS_LEAST} letters: give the whole name"
    if is_ordinary(words[0]):
        return "it is also an ordinary word of paths and evidence: give the whole name"
    return None


class PatientNames:
    """The list in force; `edition` changes with it."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self.edition: tuple[int, ...] = ()
        self._words: frozenset[int] = frozenset()
        self._phrases: frozenset[int] = frozenset()
        self._single: frozenset[int] = frozenset()
        self.refresh()

    @classmethod
    def none(cls) -> "PatientNames":
        return cls(None)

    @classmethod
    def of(cls, names: Iterable[str]) -> "PatientNames":
        """Of a list that stands in no file."""
        made = cls(None)
        made._take(names)
        return made

    def refresh(self) -> None:
        """Read the file where it is another than before; raises NamesUnusable."""
        if self._path is None:
            return
        edition = _edition(self._path)
        if edition != self.edition:
            self._take(read(self._path))
            self.edition = edition

    def found(self, text: str) -> Iterator[Span]:
        """Where names stand in a folded text."""
        if not self._words:
            return
        run: list[tuple[int, int, str]] = []
        for match in _WORD.finditer(text):
            word = match[0].casefold()
            key = hash(word)
            if key in self._single and _stands_out(text, match.start(), match.end()):
                yield match.start(), match.end(), Kind.NAME, word
            if run and not _near(text, run[-1][1], match.start()):
                yield from self._in_run(run)
                run = []
            if key in self._words:
                run.append((match.start(), match.end(), word))
            elif len(word) > 1 or not run:
                yield from self._in_run(run)
                run = []
        yield from self._in_run(run)

    def in_host_name(self, raw: str, marker: Marker) -> str:
        """A host's name with single words replaced wherever they are words of it."""
        return _WORD.sub(
            lambda found: (
                marker.mark(Kind.NAME, found[0].casefold())
                if hash(found[0].casefold()) in self._single
                else found[0]
            ),
            raw,
        )

    def _in_run(self, run: list[tuple[int, int, str]]) -> Iterator[Span]:
        """The names in neighbouring words of names, the longest first, none twice."""
        at = 0
        while at < len(run):
            for length in range(min(WORDS_MAX, len(run) - at), 0, -1):
                words = sorted(word for _, _, word in run[at : at + length])
                if hash(" ".join(words)) in self._phrases:
                    yield run[at][0], run[at + length - 1][1], Kind.NAME, " ".join(words)
                    at += length
                    break
            else:
                at += 1

    def _take(self, names: Iterable[str]) -> None:
        words: set[int] = set()
        phrases: set[int] = set()
        single: set[int] = set()
        for name in names:
            parts = plain(name)[:WORDS_MAX]
            if refusal(name) is not None:
                continue
            if len(parts) == 1:
                words.add(hash(parts[0]))
                single.add(hash(parts[0]))
            elif parts:
                kept = [part for part in parts if len(part) > 1] or list(parts)
                words.update(map(hash, kept))
                phrases.add(hash(" ".join(sorted(kept))))
                # Written as one word, in either order.
                joined = ["".join(order) for order in itertools.permutations(kept)][:6]
                words.update(map(hash, joined))
                phrases.update(map(hash, joined))
        self._words, self._phrases = frozenset(words), frozenset(phrases)
        self._single = frozenset(single)


def read(path: Path) -> list[str]:
    """The names of a list, none where there is no file; raises NamesUnusable."""
    try:
        status = path.stat()
        if status.st_mode & FOREIGN_BITS:
            raise NamesUnusable(f"{path} is open to other accounts: chmod 600 {path}")
        if status.st_size > FILE_BYTES_MAX:
            raise NamesUnusable(f"{path} has more than {FILE_BYTES_MAX} bytes")
        lines = path.read_text("utf-8").splitlines()
    except FileNotFoundError:
        return []
    except (OSError, UnicodeDecodeError) as error:
        raise NamesUnusable(f"{path} cannot be read: {type(error).__name__}") from None
    names = [line.strip() for line in lines if line.strip() and not line.startswith("#")]
    if len(names) > NAMES_MAX:
        raise NamesUnusable(f"{path} has {len(names)} names, at most {NAMES_MAX} are used")
    return names


def _edition(path: Path) -> tuple[int, ...]:
    try:
        status = path.stat()
    except OSError:
        return ()
    return (status.st_mtime_ns, status.st_size, status.st_ino, status.st_mode)


def _near(text: str, end: int, start: int) -> bool:
    """Whether only blanks, signs, digits or an initial stand between two words."""
    gap = text[end:start]
    return len(gap) <= _GAP_CHARS_MAX and "\n" not in gap


def _stands_out(text: str, start: int, end: int) -> bool:
    """In a path, a host name or a file name, or capitalised, or all there is."""
    if text[start].isupper():
        return True
    before = text[start - 1] if start else ""
    after = text[end] if end < len(text) else ""
    if before in _PATH_LIKE and before:
        return True
    if after == ".":
        return end + 1 < len(text) and text[end + 1].isalnum()
    return (after in _PATH_LIKE and after != "") or (not before and not after)
