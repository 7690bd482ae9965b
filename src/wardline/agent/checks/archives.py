"""One file out of a tar archive that is read from its beginning, never unpacked as a whole.

Source: tar(5). What an archive holds is bounded, and so is what a packed one may grow to.
"""

import io
import tarfile
from collections.abc import Iterator

from wardline.agent.checks import unpacking
from wardline.agent.checks.probe import Probe, Unreadable
from wardline.agent.checks.unpacking import Damaged

ARCHIVE_BYTES_MAX = 512 * 1024 * 1024
PLAIN_BYTES_MAX = 2 * 1024 * 1024 * 1024
MEMBERS_MAX = 100_000
ENDINGS = (".tar", ".tar.gz", ".tgz", ".tar.xz", ".txz")


def member(probe: Probe, archive: str, wanted: str, bytes_max: int) -> bytes | None:
    """The content of the last file that is `wanted`, a path of the host; None where none is.

    An archive may hold it as that path or as an end of it, for tar(1) is often told a folder.
    """
    pieces = unpacking.plain(probe.stream(archive, ARCHIVE_BYTES_MAX), archive, PLAIN_BYTES_MAX)
    found: bytes | None = None
    try:
        with tarfile.open(fileobj=_Source(probe, pieces), mode="r|") as tar:
            for number, one in enumerate(tar):
                probe.tick()
                if number > MEMBERS_MAX:
                    raise Unreadable(archive, f"holds more than {MEMBERS_MAX} files")
                if one.isfile() and _is_wanted(one.name, wanted):
                    if one.size > bytes_max:
                        raise Unreadable(archive, f"its {wanted} has more than {bytes_max} bytes")
                    content = tar.extractfile(one)
                    found = content.read(bytes_max) if content else None
                # Kept by tarfile for going back, which nobody does here: it would only grow.
                vars(tar)["members"] = []
    except (tarfile.TarError, EOFError, OSError, ValueError, OverflowError) as error:
        said = " ".join(str(error).split())[:100] or type(error).__name__
        raise Damaged(archive, f"cannot be read as an archive ({said})") from None
    return found


def _is_wanted(name: str, wanted: str) -> bool:
    plain = name.removeprefix("./").strip("/")
    return bool(plain) and (f"/{plain}" == wanted or wanted.endswith(f"/{plain}"))


class _Source(io.RawIOBase):
    """What tarfile reads from: the pieces one after the other, as many bytes as it asks for."""

    def __init__(self, probe: Probe, pieces: Iterator[bytes]) -> None:
        self._probe = probe
        self._pieces = pieces
        self._rest = bytearray()

    def read(self, size: int = -1) -> bytes:
        while size < 0 or len(self._rest) < size:
            self._probe.look()
            piece = next(self._pieces, None)
            if piece is None:
                size = len(self._rest)
                break
            self._rest += piece
        taken = bytes(self._rest[:size])
        del self._rest[:size]
        return taken
