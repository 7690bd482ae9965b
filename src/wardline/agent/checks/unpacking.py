"""Packed files read as what they hold: gzip and xz by the name's end, bounded in size."""

import lzma
import zlib
from collections.abc import Iterator

from wardline.agent.checks.probe import Unreadable

PIECE_BYTES_MAX = 1024 * 1024
XZ_MEMORY_BYTES_MAX = 128 * 1024 * 1024
GZIP = (".gz", ".tgz")
XZ = (".xz", ".txz")


class Damaged(Unreadable):
    """A packed file or an archive that ends too early or is not what its name says."""

    code = "archive_damaged"


def plain(pieces: Iterator[bytes], path: str, bytes_max: int) -> Iterator[bytes]:
    """The content in pieces, unpacked where the name says so; Unreadable beyond `bytes_max`."""
    unpacked = _unpacked(pieces, path)
    size = 0
    try:
        for piece in unpacked:
            size += len(piece)
            if size > bytes_max:
                raise Unreadable(path, f"unpacks to more than {bytes_max} bytes")
            yield piece
    except (zlib.error, lzma.LZMAError, EOFError, OSError):
        raise Damaged(path, "cannot be unpacked") from None


def _unpacked(pieces: Iterator[bytes], path: str) -> Iterator[bytes]:
    if path.endswith(GZIP):
        return _gunzip(pieces)
    if path.endswith(XZ):
        return _decompress(pieces)
    return pieces


def _gunzip(pieces: Iterator[bytes]) -> Iterator[bytes]:
    unpacker = zlib.decompressobj(zlib.MAX_WBITS | 16)
    for piece in pieces:
        left = piece
        while left:
            yield unpacker.decompress(left, PIECE_BYTES_MAX)
            left = unpacker.unconsumed_tail
    yield unpacker.flush()


def _decompress(pieces: Iterator[bytes]) -> Iterator[bytes]:
    unpacker = lzma.LZMADecompressor(memlimit=XZ_MEMORY_BYTES_MAX)
    for piece in pieces:
        if unpacker.eof:
            return
        yield unpacker.decompress(piece, PIECE_BYTES_MAX)
        yield from _drain(unpacker)


def _drain(unpacker: lzma.LZMADecompressor) -> Iterator[bytes]:
    while not (unpacker.eof or unpacker.needs_input):
        yield unpacker.decompress(b"", PIECE_BYTES_MAX)
