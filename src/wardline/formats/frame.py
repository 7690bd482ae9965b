"""The frame of every export: a deterministic ZIP of sections of lines, as a stream.

Members, stored without compression: `<section>/NNNNNN.jsonl` in the order of the sections, then
`manifest.json`. Parts are cut after the first line that reaches PART_BYTES, times and attributes
are fixed: the same lines give the same bytes. The reader rebuilds the whole frame from names, sizes
and check sums and compares it, so that no bit of an export is without meaning.
"""

import hashlib
import struct
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, BinaryIO

from wardline.core import canonical
from wardline.core.errors import Malformed
from wardline.core.evidence import fields
from wardline.core.evidence.heads import Located

MEDIA_TYPE = "application/zip"
MANIFEST = "manifest.json"

PART_BYTES = 1024 * 1024
PART_BYTES_MAX = 2 * 1024 * 1024
MANIFEST_BYTES_MAX = 4 * 1024 * 1024
PARTS_MAX = 16_000
NAME_BYTES_MAX = 64
LINE_BYTES_MAX = 512 * 1024
FILE_BYTES_MAX = 2**32 - 1

_LOCAL = struct.Struct("<4s5H3L2H")
_CENTRAL = struct.Struct("<4s6H3L5H2L")
_END = struct.Struct("<4s4H2LH")
_LOCAL_MARK, _CENTRAL_MARK, _END_MARK = b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06"
_VERSION = 10
_DATE = 0x21
_MEMBER_KEYS = frozenset({"name", "bytes", "sha256"})


class KitBroken(Malformed):
    """The file is no kit, or no longer the one that was written."""

    code = "kit_broken"


@dataclass(frozen=True, slots=True)
class Part:
    """A member as it stands in the file: `offset` is that of its data."""

    name: str
    offset: int
    size: int
    crc: int
    sha256: str
    lines: int


@dataclass(slots=True)
class Pieces:
    """Writes lines into parts: every call returns the bytes that are ready to be sent.

    Sections come in their order. Holds one part in memory, whatever comes.
    """

    sections: Sequence[str]
    parts: list[Part] = field(default_factory=list)
    counts: dict[str, int] = field(init=False)
    written: int = 0
    _section: int = 0
    _number: int = 0
    _buffer: bytearray = field(default_factory=bytearray)
    _lines: int = 0

    def __post_init__(self) -> None:
        self.counts = dict.fromkeys(self.sections, 0)

    def line(self, section: int, data: bytes) -> bytes:
        """The next line of the section with this place."""
        if section < self._section:
            raise ValueError(f"{self.sections[section]} come before {self.sections[self._section]}")
        if len(data) > LINE_BYTES_MAX or b"\n" in data:
            where = self.sections[section]
            raise Malformed(where, f"a line break, or more than {LINE_BYTES_MAX} bytes")
        ready = b""
        if section != self._section:
            ready = self._flush()
            self._section, self._number = section, 0
        self._buffer += data + b"\n"
        self._lines += 1
        self.counts[self.sections[section]] += 1
        return ready + (self._flush() if len(self._buffer) >= PART_BYTES else b"")

    def finish(self, said: Mapping[str, object]) -> bytes:
        """The manifest, which says this beside members and counts, and the directory of the ZIP."""
        ready = self._flush()
        members = [
            {"name": part.name, "bytes": part.size, "sha256": part.sha256} for part in self.parts
        ]
        manifest = canonical.dumps({**said, "members": members, **self.counts})
        if len(manifest) > MANIFEST_BYTES_MAX:
            raise Malformed(MANIFEST, f"more than {MANIFEST_BYTES_MAX} bytes; export fewer entries")
        ready += self.member(MANIFEST, manifest, 0)
        return ready + directory(self.parts, self.written)

    def member(self, name: str, data: bytes, lines: int) -> bytes:
        """A member with its header."""
        header = local(name, len(data), zlib.crc32(data))
        offset = self.written + len(header)
        if offset + len(data) > FILE_BYTES_MAX or len(self.parts) > PARTS_MAX:
            raise Malformed("kit", f"more than {FILE_BYTES_MAX} bytes or {PARTS_MAX} parts")
        digest = hashlib.sha256(data).hexdigest()
        self.parts.append(Part(name, offset, len(data), zlib.crc32(data), digest, lines))
        self.written = offset + len(data)
        return header + data

    def _flush(self) -> bytes:
        if not self._buffer:
            return b""
        name = _part_name(self.sections[self._section], self._number)
        ready = self.member(name, bytes(self._buffer), self._lines)
        self._number += 1
        self._lines = 0
        self._buffer.clear()
        return ready


@dataclass(frozen=True, slots=True)
class Opened:
    """A file whose frame and check sums hold; what stands in its lines is not looked at yet."""

    file: BinaryIO
    parts: Sequence[Part]
    manifest: fields.Object

    def lines(self, section: str) -> Iterator[Located]:
        """The lines of a section and where each stands; raises KitBroken."""
        mine = [part for part in self.parts if part.name.startswith(f"{section}/")]
        return _lines(self.file, mine)


def open_file(file: BinaryIO, sections: Sequence[str], schema: str, said: frozenset[str]) -> Opened:
    """A seekable export with these sections, whose manifest has the keys `said` beside its own;
    raises KitBroken with the place of the first violation."""
    parts = _scan(file, sections)
    keys = said | {"schema", "members", *sections}
    try:
        data = _data(file, parts[-1])
        manifest = fields.exactly(canonical.loads(data, bytes_max=MANIFEST_BYTES_MAX), keys)
        fields.one_of(manifest, "schema", (schema,))
        _check_members(manifest, parts[:-1], sections)
    except KitBroken:
        raise
    except Malformed as error:
        raise in_manifest(error) from None
    return Opened(file, parts[:-1], manifest)


def in_manifest(error: Malformed) -> KitBroken:
    """What is wrong with a field of the manifest."""
    return KitBroken(f"{MANIFEST}, {error.where}", error.why)


def note_line(note: str) -> bytes:
    """The line of a checkpoint: its note text, cosignature lines included."""
    return canonical.dumps({"note": note})


def notes(lines: Iterable[Located]) -> Iterator[Located]:
    """The note texts in lines of `note_line`."""
    for located in lines:
        try:
            obj = canonical.loads(located.data, bytes_max=LINE_BYTES_MAX)
            note = fields.text(fields.exactly(obj, frozenset({"note"})), "note", LINE_BYTES_MAX)
        except Malformed as error:
            raise KitBroken(f"{located.where}, {error.where}", error.why) from None
        yield Located(located.where, note.encode())


def _check_members(manifest: fields.Object, parts: Sequence[Part], sections: Sequence[str]) -> None:
    listed = fields.parts(manifest, "members", PARTS_MAX, _member)
    if listed != tuple((part.name, part.size, part.sha256) for part in parts):
        raise Malformed("members", "the list is not that of the members in this file")
    for section in sections:
        counted = sum(part.lines for part in parts if part.name.startswith(f"{section}/"))
        fields.integer(manifest, section, counted, counted)


def _member(value: Any) -> tuple[str, int, str]:
    obj = fields.exactly(value, _MEMBER_KEYS)
    size = fields.integer(obj, "bytes", 1, PART_BYTES_MAX)
    return fields.text(obj, "name", NAME_BYTES_MAX, 1), size, fields.hex64(obj, "sha256")


def _lines(file: BinaryIO, parts: Iterable[Part]) -> Iterator[Located]:
    for part in parts:
        for number, line in enumerate(_data(file, part)[:-1].split(b"\n"), 1):
            where = f"{part.name} line {number}"
            if len(line) > LINE_BYTES_MAX:
                raise KitBroken(where, f"more than {LINE_BYTES_MAX} bytes")
            yield Located(where, line)


def _data(file: BinaryIO, part: Part) -> bytes:
    file.seek(part.offset)
    data = file.read(part.size)
    if hashlib.sha256(data).hexdigest() != part.sha256:
        raise KitBroken(part.name, "changed while it was read")
    return data


def _scan(file: BinaryIO, sections: Sequence[str]) -> list[Part]:
    """Every member, once the whole frame is exactly the one a writer makes."""
    file.seek(0)
    parts: list[Part] = []
    at = 0
    while not parts or parts[-1].name != MANIFEST:
        part = _scan_member(file, at, parts, sections)
        parts.append(part)
        at = part.offset + part.size
    expected = directory(parts, at)
    actual = file.read(len(expected) + 1)
    if actual != expected:
        same = next(
            (i for i, (a, b) in enumerate(zip(actual, expected, strict=False)) if a != b),
            min(len(actual), len(expected)),
        )
        raise KitBroken(
            f"byte {at + same}", "the directory of the ZIP is not the one of its members"
        )
    return parts


def _scan_member(file: BinaryIO, at: int, before: list[Part], sections: Sequence[str]) -> Part:
    header = file.read(_LOCAL.size)
    if not header.startswith(_LOCAL_MARK[: len(header)]):
        raise KitBroken(f"byte {at}", "not the header of a member of a kit")
    if len(header) < _LOCAL.size:
        raise KitBroken(f"byte {at + len(header)}", "the file ends before its manifest")
    *_, crc, _, size, name_bytes, _ = _LOCAL.unpack(header)
    raw = file.read(min(name_bytes, NAME_BYTES_MAX))
    name = next((item for item in _expected(before, sections) if item.encode() == raw), None)
    if name is None:
        raise KitBroken(f"byte {at + _LOCAL.size}", "not the name of a member that may come here")
    if header + raw != local(name, size, crc):
        raise KitBroken(f"byte {at} ({name})", "the header has a field that no kit has")
    bytes_max = MANIFEST_BYTES_MAX if name == MANIFEST else PART_BYTES_MAX
    if not 0 < size <= bytes_max or len(before) > PARTS_MAX:
        raise KitBroken(f"byte {at} ({name})", f"{size} bytes, at most {bytes_max} are accepted")
    offset = at + len(header) + len(raw)
    data = file.read(size)
    if len(data) != size:
        raise KitBroken(f"byte {offset + len(data)} ({name})", "the file ends inside this member")
    if zlib.crc32(data) != crc:
        raise KitBroken(f"{name} (from byte {offset})", "its bytes do not match its check sum")
    if name != MANIFEST and not data.endswith(b"\n"):
        raise KitBroken(name, "does not end in a line break")
    digest = hashlib.sha256(data).hexdigest()
    return Part(name, offset, size, crc, digest, data.count(b"\n"))


def _expected(before: list[Part], sections: Sequence[str]) -> Iterator[str]:
    """The names that may come next."""
    last = before[-1].name if before else ""
    section = last.partition("/")[0]
    if section in sections:
        yield _part_name(section, int(last[len(section) + 1 : -len(".jsonl")]) + 1)
    later = sections[sections.index(section) + 1 :] if section in sections else sections
    yield from (_part_name(item, 0) for item in later)
    yield MANIFEST


def _part_name(section: str, number: int) -> str:
    return f"{section}/{number:06d}.jsonl"


def local(name: str, size: int, crc: int) -> bytes:
    """The header of a member."""
    raw = name.encode()
    return _LOCAL.pack(_LOCAL_MARK, _VERSION, 0, 0, 0, _DATE, crc, size, size, len(raw), 0) + raw


def directory(parts: Sequence[Part], start: int) -> bytes:
    """The directory at the end of the file."""
    records = [_central(part) for part in parts]
    size, count = sum(map(len, records)), len(parts)
    return b"".join(records) + _END.pack(_END_MARK, 0, 0, count, count, size, start, 0)


def _central(part: Part) -> bytes:
    raw = part.name.encode()
    offset = part.offset - _LOCAL.size - len(raw)
    fixed = (_CENTRAL_MARK, _VERSION, _VERSION, 0, 0, 0, _DATE, part.crc, part.size, part.size)
    return _CENTRAL.pack(*fixed, len(raw), 0, 0, 0, 0, 0, offset) + raw
