"""The auditor's kit: a site's evidence log as one deterministic ZIP, written and read as a stream.

Members, stored without compression, in this order: `entries/NNNNNN.jsonl` (the leaf bytes of the
log, one a line), `bundles/NNNNNN.jsonl` (`{"envelope":<DSSE>,"index":n}`),
`checkpoints/NNNNNN.jsonl` (`{"note":<text>}`), `manifest.json`. Parts are cut after the first line
that reaches PART_BYTES, times and attributes are fixed: the same log gives the same bytes. The
reader rebuilds the whole frame from names, sizes and check sums and compares it, so that no bit of
a kit is without meaning.
"""

import hashlib
import struct
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, BinaryIO

import orjson

from wardline.core import canonical
from wardline.core.errors import Malformed
from wardline.core.evidence import fields, signing
from wardline.core.evidence.audit import Export, Located, LocatedBundle
from wardline.core.evidence.signing import Envelope

SCHEMA = "evidence.kit/1"
MEDIA_TYPE = "application/zip"
MANIFEST = "manifest.json"
SECTIONS = ("entries", "bundles", "checkpoints")

PART_BYTES = 1024 * 1024
PART_BYTES_MAX = 2 * 1024 * 1024
MANIFEST_BYTES_MAX = 4 * 1024 * 1024
PARTS_MAX = 16_000
NAME_BYTES_MAX = 64
LINE_BYTES_MAX = 512 * 1024
KIT_BYTES_MAX = 2**32 - 1

_LOCAL = struct.Struct("<4s5H3L2H")
_CENTRAL = struct.Struct("<4s6H3L5H2L")
_END = struct.Struct("<4s4H2LH")
_LOCAL_MARK, _CENTRAL_MARK, _END_MARK = b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06"
_VERSION = 10
_DATE = 0x21
_MANIFEST_KEYS = frozenset(
    {"schema", "site_id", "origin", "log_key", "members", "entries", "bundles", "checkpoints"}
)
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
class Writer:
    """Writes a kit piece by piece: every call returns the bytes that are ready to be sent.

    Entries first, then bundles by the index of their entry, then checkpoints by size, then
    `finish`. Holds one part in memory, whatever the size of the log. The last checkpoint ought to
    cover the last entry: what comes after it is reported as vouched for by nobody.
    """

    site_id: str
    origin: str
    log_public: bytes
    _parts: list[Part] = field(default_factory=list)
    _counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(SECTIONS, 0))
    _section: int = 0
    _number: int = 0
    _buffer: bytearray = field(default_factory=bytearray)
    _lines: int = 0
    _written: int = 0

    def entry(self, leaf: bytes) -> bytes:
        """The next entry of the log: its exact leaf bytes."""
        return self._line(0, leaf)

    def bundle(self, index: int, envelope: Envelope) -> bytes:
        """The bundle that the entry at `index` stands for."""
        return self._line(1, _bundle_line(index, envelope.to_json()))

    def checkpoint(self, note: str) -> bytes:
        """A checkpoint: its note text, cosignature lines included."""
        return self._line(2, canonical.dumps({"note": note}))

    def finish(self) -> bytes:
        """The manifest and the directory of the ZIP."""
        ready = self._flush()
        manifest = canonical.dumps(
            {
                "schema": SCHEMA,
                "site_id": self.site_id,
                "origin": self.origin,
                "log_key": signing.base64_text(self.log_public),
                "members": [
                    {"name": part.name, "bytes": part.size, "sha256": part.sha256}
                    for part in self._parts
                ],
                **self._counts,
            }
        )
        if len(manifest) > MANIFEST_BYTES_MAX:
            raise Malformed(MANIFEST, f"more than {MANIFEST_BYTES_MAX} bytes; export fewer entries")
        ready += self._member(MANIFEST, manifest, 0)
        return ready + _directory(self._parts, self._written)

    def _line(self, section: int, data: bytes) -> bytes:
        if section < self._section:
            raise ValueError(f"{SECTIONS[section]} come before {SECTIONS[self._section]}")
        if len(data) > LINE_BYTES_MAX or b"\n" in data:
            raise Malformed(SECTIONS[section], f"a line break, or more than {LINE_BYTES_MAX} bytes")
        ready = b""
        if section != self._section:
            ready = self._flush()
            self._section, self._number = section, 0
        self._buffer += data + b"\n"
        self._lines += 1
        self._counts[SECTIONS[section]] += 1
        return ready + (self._flush() if len(self._buffer) >= PART_BYTES else b"")

    def _flush(self) -> bytes:
        if not self._buffer:
            return b""
        name = _part_name(SECTIONS[self._section], self._number)
        ready = self._member(name, bytes(self._buffer), self._lines)
        self._number += 1
        self._lines = 0
        self._buffer.clear()
        return ready

    def _member(self, name: str, data: bytes, lines: int) -> bytes:
        header = _local(name, len(data), zlib.crc32(data))
        offset = self._written + len(header)
        if offset + len(data) > KIT_BYTES_MAX or len(self._parts) > PARTS_MAX:
            raise Malformed("kit", f"more than {KIT_BYTES_MAX} bytes or {PARTS_MAX} parts")
        digest = hashlib.sha256(data).hexdigest()
        self._parts.append(Part(name, offset, len(data), zlib.crc32(data), digest, lines))
        self._written = offset + len(data)
        return header + data


def write(
    writer: Writer,
    entries: Iterable[bytes],
    bundles: Iterable[tuple[int, Envelope]],
    checkpoints: Iterable[str],
) -> Iterator[bytes]:
    """The kit as chunks."""
    yield from filter(None, map(writer.entry, entries))
    yield from filter(None, (writer.bundle(index, envelope) for index, envelope in bundles))
    yield from filter(None, map(writer.checkpoint, checkpoints))
    yield writer.finish()


def read(file: BinaryIO) -> Export:
    """The export in a seekable kit. The frame and every check sum are verified here, line by line
    contents as they are read; raises KitBroken with the place of the first violation."""
    parts = _scan(file)
    manifest_part = parts[-1]
    where = MANIFEST
    try:
        data = _data(file, manifest_part)
        manifest = fields.exactly(
            canonical.loads(data, bytes_max=MANIFEST_BYTES_MAX), _MANIFEST_KEYS
        )
        fields.one_of(manifest, "schema", (SCHEMA,))
        site = fields.entity(manifest, "site_id", "site")
        origin = fields.text(manifest, "origin", 255, 1)
        public = signing.unbase64(manifest["log_key"], "log_key", signing.KEY_BYTES)
        signing.VerifyKey(public)
        _check_members(manifest, parts[:-1])
    except KitBroken:
        raise
    except Malformed as error:
        raise KitBroken(f"{where}, {error.where}", error.why) from None
    entries, bundles, checkpoints = (
        [part for part in parts[:-1] if part.name.startswith(f"{section}/")] for section in SECTIONS
    )
    return Export(
        site=site,
        origin=origin,
        log_public=public,
        entries=_lines(file, entries),
        bundles=_bundles(_lines(file, bundles)),
        checkpoints=_notes(_lines(file, checkpoints)),
    )


def _check_members(manifest: fields.Object, parts: list[Part]) -> None:
    listed = fields.parts(manifest, "members", PARTS_MAX, _member)
    if listed != tuple((part.name, part.size, part.sha256) for part in parts):
        raise Malformed("members", "the list is not that of the members in this file")
    for section in SECTIONS:
        counted = sum(part.lines for part in parts if part.name.startswith(f"{section}/"))
        fields.integer(manifest, section, counted, counted)


def _member(value: Any) -> tuple[str, int, str]:
    obj = fields.exactly(value, _MEMBER_KEYS)
    size = fields.integer(obj, "bytes", 1, PART_BYTES_MAX)
    return fields.text(obj, "name", NAME_BYTES_MAX, 1), size, fields.hex64(obj, "sha256")


def _bundles(lines: Iterable[Located]) -> Iterator[LocatedBundle]:
    for located in lines:
        try:
            obj = fields.exactly(_json(located.data), frozenset({"envelope", "index"}))
            index = fields.integer(obj, "index", 0)
            envelope = fields.part(obj, "envelope", Envelope.from_wire)
            if _bundle_line(index, envelope.to_json()) != located.data:
                raise Malformed("", "not in canonical form")
        except Malformed as error:
            raise KitBroken(f"{located.where}, {error.where}", error.why) from None
        yield LocatedBundle(located.where, index, envelope)


def _notes(lines: Iterable[Located]) -> Iterator[Located]:
    for located in lines:
        try:
            obj = canonical.loads(located.data, bytes_max=LINE_BYTES_MAX)
            note = fields.text(fields.exactly(obj, frozenset({"note"})), "note", LINE_BYTES_MAX)
        except Malformed as error:
            raise KitBroken(f"{located.where}, {error.where}", error.why) from None
        yield Located(located.where, note.encode())


def _json(data: bytes) -> object:
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise Malformed("", f"not JSON (at byte {error.pos})") from None


def _bundle_line(index: int, envelope: bytes) -> bytes:
    return b'{"envelope":%b,"index":%d}' % (envelope, index)


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


# The frame


def _scan(file: BinaryIO) -> list[Part]:
    """Every member, once the whole frame is exactly the one a writer makes."""
    file.seek(0)
    parts: list[Part] = []
    at = 0
    while not parts or parts[-1].name != MANIFEST:
        part = _scan_member(file, at, parts)
        parts.append(part)
        at = part.offset + part.size
    expected = _directory(parts, at)
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


def _scan_member(file: BinaryIO, at: int, before: list[Part]) -> Part:
    header = file.read(_LOCAL.size)
    if not header.startswith(_LOCAL_MARK[: len(header)]):
        raise KitBroken(f"byte {at}", "not the header of a member of a kit")
    if len(header) < _LOCAL.size:
        raise KitBroken(f"byte {at + len(header)}", "the file ends before its manifest")
    *_, crc, _, size, name_bytes, _ = _LOCAL.unpack(header)
    raw = file.read(min(name_bytes, NAME_BYTES_MAX))
    name = next((item for item in _expected(before) if item.encode() == raw), None)
    if name is None:
        raise KitBroken(f"byte {at + _LOCAL.size}", "not the name of a member that may come here")
    if header + raw != _local(name, size, crc):
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


def _expected(before: list[Part]) -> Iterator[str]:
    """The names that may come next."""
    last = before[-1].name if before else ""
    section = last.partition("/")[0]
    if section in SECTIONS:
        yield _part_name(section, int(last[len(section) + 1 : -len(".jsonl")]) + 1)
    later = SECTIONS[SECTIONS.index(section) + 1 :] if section in SECTIONS else SECTIONS
    yield from (_part_name(item, 0) for item in later)
    yield MANIFEST


def _part_name(section: str, number: int) -> str:
    return f"{section}/{number:06d}.jsonl"


def _local(name: str, size: int, crc: int) -> bytes:
    raw = name.encode()
    return _LOCAL.pack(_LOCAL_MARK, _VERSION, 0, 0, 0, _DATE, crc, size, size, len(raw), 0) + raw


def _directory(parts: list[Part], start: int) -> bytes:
    records = [_central(part) for part in parts]
    size, count = sum(map(len, records)), len(parts)
    return b"".join(records) + _END.pack(_END_MARK, 0, 0, count, count, size, start, 0)


def _central(part: Part) -> bytes:
    raw = part.name.encode()
    offset = part.offset - _LOCAL.size - len(raw)
    fixed = (_CENTRAL_MARK, _VERSION, _VERSION, 0, 0, 0, _DATE, part.crc, part.size, part.size)
    return _CENTRAL.pack(*fixed, len(raw), 0, 0, 0, 0, 0, offset) + raw
