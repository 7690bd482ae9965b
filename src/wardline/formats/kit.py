"""The auditor's kit: a site's evidence log as one deterministic ZIP, written and read as a stream.

Sections of `frame`, in this order: `entries` (the leaf bytes of the log, one a line), `bundles`
(`{"envelope":<DSSE>,"index":n}`), `checkpoints` (`{"note":<text>}`); the manifest names the site,
the origin and the log's key.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import BinaryIO

import orjson

from wardline.core.errors import Malformed
from wardline.core.evidence import fields, signing
from wardline.core.evidence.audit import Export, LocatedBundle
from wardline.core.evidence.heads import Located
from wardline.core.evidence.signing import Envelope
from wardline.formats import frame
from wardline.formats.frame import KitBroken, Pieces

SCHEMA = "evidence.kit/1"
MEDIA_TYPE = frame.MEDIA_TYPE
SECTIONS = ("entries", "bundles", "checkpoints")

_SAID = frozenset({"site_id", "origin", "log_key"})


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
    pieces: Pieces = field(default_factory=lambda: Pieces(SECTIONS))

    def entry(self, leaf: bytes) -> bytes:
        """The next entry of the log: its exact leaf bytes."""
        return self.pieces.line(0, leaf)

    def bundle(self, index: int, envelope: Envelope) -> bytes:
        """The bundle that the entry at `index` stands for."""
        return self.pieces.line(1, _bundle_line(index, envelope.to_json()))

    def checkpoint(self, note: str) -> bytes:
        """A checkpoint: its note text, cosignature lines included."""
        return self.pieces.line(2, frame.note_line(note))

    def finish(self) -> bytes:
        """The manifest and the directory of the ZIP."""
        return self.pieces.finish(
            {
                "schema": SCHEMA,
                "site_id": self.site_id,
                "origin": self.origin,
                "log_key": signing.base64_text(self.log_public),
            }
        )


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
    opened = frame.open_file(file, SECTIONS, SCHEMA, _SAID)
    try:
        site = fields.entity(opened.manifest, "site_id", "site")
        origin = fields.text(opened.manifest, "origin", 255, 1)
        public = signing.unbase64(opened.manifest["log_key"], "log_key", signing.KEY_BYTES)
        signing.VerifyKey(public)
    except Malformed as error:
        raise frame.in_manifest(error) from None
    entries, bundles, checkpoints = map(opened.lines, SECTIONS)
    return Export(
        site=site,
        origin=origin,
        log_public=public,
        entries=entries,
        bundles=_bundles(bundles),
        checkpoints=frame.notes(checkpoints),
    )


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


def _json(data: bytes) -> object:
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise Malformed("", f"not JSON (at byte {error.pos})") from None


def _bundle_line(index: int, envelope: bytes) -> bytes:
    return b'{"envelope":%b,"index":%d}' % (envelope, index)
