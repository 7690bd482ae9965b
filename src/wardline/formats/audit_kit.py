"""An exported audit log: a partner's records and checkpoints as one deterministic ZIP.

Sections of `frame`, in this order: `records` (the leaf bytes of the log, one a line), `checkpoints`
(`{"note":<text>}`); the manifest names the partner, the origin and the log's key.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import BinaryIO

from wardline.core.audit.verify import Export
from wardline.core.errors import Malformed
from wardline.core.evidence import fields, signing
from wardline.formats import frame
from wardline.formats.frame import Pieces

SCHEMA = "audit.kit/1"
MEDIA_TYPE = frame.MEDIA_TYPE
SECTIONS = ("records", "checkpoints")

_SAID = frozenset({"partner_id", "origin", "log_key"})


@dataclass(slots=True)
class Writer:
    """Writes an export piece by piece: records in order, then checkpoints by size, then `finish`.
    Every call returns the bytes that are ready to be sent."""

    partner_id: str
    origin: str
    log_public: bytes
    pieces: Pieces = field(default_factory=lambda: Pieces(SECTIONS))

    def record(self, leaf: bytes) -> bytes:
        """The next record of the log: its exact leaf bytes."""
        return self.pieces.line(0, leaf)

    def checkpoint(self, note: str) -> bytes:
        """A checkpoint: its note text."""
        return self.pieces.line(1, frame.note_line(note))

    def finish(self) -> bytes:
        """The manifest and the directory of the ZIP."""
        return self.pieces.finish(
            {
                "schema": SCHEMA,
                "partner_id": self.partner_id,
                "origin": self.origin,
                "log_key": signing.base64_text(self.log_public),
            }
        )


def write(writer: Writer, records: Iterable[bytes], checkpoints: Iterable[str]) -> Iterator[bytes]:
    """The export as chunks."""
    yield from filter(None, map(writer.record, records))
    yield from filter(None, map(writer.checkpoint, checkpoints))
    yield writer.finish()


def read(file: BinaryIO) -> Export:
    """The export in a seekable file. The frame and every check sum are verified here, line by line
    contents as they are read; raises KitBroken with the place of the first violation."""
    opened = frame.open_file(file, SECTIONS, SCHEMA, _SAID)
    try:
        partner = fields.text(opened.manifest, "partner_id", 64, 1)
        origin = fields.text(opened.manifest, "origin", 255, 1)
        public = signing.unbase64(opened.manifest["log_key"], "log_key", signing.KEY_BYTES)
        signing.VerifyKey(public)
    except Malformed as error:
        raise frame.in_manifest(error) from None
    records, checkpoints = map(opened.lines, SECTIONS)
    return Export(
        partner=partner,
        origin=origin,
        log_public=public,
        records=records,
        checkpoints=frame.notes(checkpoints),
    )
