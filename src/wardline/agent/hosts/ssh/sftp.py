"""Reads files of a host by SFTP version 3, with a limit on everything that the host may answer.

Format: draft-ietf-secsh-filexfer-02, and statvfs@openssh.com of OpenSSH's PROTOCOL. Any number of
questions may be under way at once; nothing here can change a file.
"""

import asyncio
import stat
import struct
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from enum import IntEnum
from typing import Protocol

from wardline.agent.hosts.host import (
    ENTRIES_MAX,
    Failed,
    FileKind,
    HostError,
    Missing,
    NotPermitted,
    Space,
    Stat,
    TooLarge,
)

VERSION = 3
# OpenSSH answers a read with at most 255 KiB; a folder's page of names is far smaller.
PACKET_BYTES_MAX = 256 * 1024 + 1024
READ_BYTES = 32 * 1024
READS_AT_ONCE = 16
NAME_BYTES_MAX = 4096
EXTENDED_PAIRS_MAX = 64
# A first page may hold `.` and `..` alone, and no other one.
EMPTY_PAGES_MAX = 4

_STATVFS = b"statvfs@openssh.com"


class Packet(IntEnum):
    """The packets that this side sends or understands."""

    INIT = 1
    VERSION = 2
    OPEN = 3
    CLOSE = 4
    READ = 5
    LSTAT = 7
    OPENDIR = 11
    READDIR = 12
    STAT = 17
    READLINK = 19
    STATUS = 101
    HANDLE = 102
    DATA = 103
    NAME = 104
    ATTRS = 105
    EXTENDED = 200
    EXTENDED_REPLY = 201


class Code(IntEnum):
    """Status codes, as far as they are told apart."""

    OK = 0
    EOF = 1
    NO_SUCH_FILE = 2
    PERMISSION_DENIED = 3


class Garbled(Exception):
    """The host said what is no SFTP: the line cannot be used any more."""


class Reader(Protocol):
    """What comes from the host."""

    async def readexactly(self, size: int) -> bytes: ...


Write = Callable[[bytes], None]


@dataclass(frozen=True, slots=True)
class Entry:
    """A name in a folder, with what stands there itself (links are not followed)."""

    name: bytes
    stat: Stat | None


class Sftp:
    """One SFTP conversation. `serve` has to run as long as questions are asked."""

    def __init__(self, reader: Reader, write: Write) -> None:
        self._reader = reader
        self._write = write
        self._waiting: dict[int, asyncio.Future[tuple[int, bytes]]] = {}
        self._unsent: list[bytes] = []
        self._next = 0
        self._closed: BaseException | None = None
        self._has_statvfs = False

    async def greet(self) -> None:
        """Agree on the version; raises Garbled."""
        self._send(struct.pack(">BI", Packet.INIT, VERSION))
        body = await self._packet()
        if body[0] != Packet.VERSION or len(body) < 5:
            raise Garbled("does not begin with its version")
        if struct.unpack_from(">I", body, 1)[0] != VERSION:
            raise Garbled("does not speak version 3")
        fields = _Fields(body[5:])
        while fields.left:
            name, value = fields.text(), fields.text()
            self._has_statvfs |= (name, value) == (_STATVFS, b"2")

    async def serve(self) -> None:
        """Hand each answer to who waits for it, until the line ends; then all learn that it did."""
        try:
            while True:
                body = await self._packet()
                if len(body) < 5:
                    raise Garbled("an answer without a number")
                waiting = self._waiting.pop(struct.unpack_from(">I", body, 1)[0], None)
                # Nobody waits any more for what was given up.
                if waiting is not None and not waiting.done():
                    waiting.set_result((body[0], body[5:]))
        except (Garbled, asyncio.IncompleteReadError, OSError) as error:
            self._closed = error
        except asyncio.CancelledError as error:
            self._closed = error
            raise
        finally:
            for one in self._waiting.values():
                if not one.done():
                    one.set_exception(Garbled("the conversation has ended"))
            self._waiting.clear()

    async def stat(self, path: bytes) -> Stat:
        return await self._attributes(Packet.STAT, path)

    async def lstat(self, path: bytes) -> Stat:
        return await self._attributes(Packet.LSTAT, path)

    async def readlink(self, path: bytes) -> bytes:
        """Refused by the host for what is no link, in the words of a failure."""
        fields = await self._ask(Packet.READLINK, _text(path), path, Packet.NAME)
        if fields.number() != 1:
            raise Garbled("one link with several targets")
        return fields.text()

    async def read(self, path: bytes, size: int, bytes_max: int) -> bytes:
        """A regular file that was looked at before: `size` bytes of it, or to its end where that
        says nothing (files of the kernel have size 0); TooLarge beyond `bytes_max`."""
        handle = await self._open(Packet.OPEN, path, struct.pack(">II", 1, 0))
        pieces: list[bytes] = []
        have = 0
        try:
            while have < size or size == 0:
                count = min(READS_AT_ONCE, max(1, -(-(size - have) // READ_BYTES)))
                offsets = [have + READ_BYTES * number for number in range(count)]
                page = await asyncio.gather(*(self._read(handle, path, one) for one in offsets))
                for piece in page:
                    pieces.append(piece)
                    have += len(piece)
                    if len(piece) < READ_BYTES:
                        # What was asked for behind a short piece has a gap before it.
                        break
                if have > bytes_max:
                    raise TooLarge(_shown(path), bytes_max)
                if not piece:
                    break
        finally:
            self._close(handle)
        return b"".join(pieces)

    async def listdir(self, path: bytes) -> list[Entry]:
        """Every entry but `.` and `..`; TooLarge beyond ENTRIES_MAX."""
        handle = await self._open(Packet.OPENDIR, path, b"")
        found: list[Entry] = []
        try:
            while page := await self._page(handle, path):
                found += page
                if len(found) > ENTRIES_MAX:
                    raise TooLarge(_shown(path), ENTRIES_MAX, "entries")
        finally:
            self._close(handle)
        return found

    async def space(self, path: bytes) -> Space:
        if not self._has_statvfs:
            raise Failed(_shown(path), "the host's SFTP server cannot measure a file system")
        body = _text(_STATVFS) + _text(path)
        fields = await self._ask(Packet.EXTENDED, body, path, Packet.EXTENDED_REPLY)
        _, unit, blocks, _, available, files, _, free_files = (fields.long() for _ in range(8))
        return Space(blocks * unit, available * unit, files, free_files)

    # One question

    async def _attributes(self, packet: Packet, path: bytes) -> Stat:
        found = (await self._ask(packet, _text(path), path, Packet.ATTRS)).attributes()
        if found is None:
            raise Failed(_shown(path), "the host's SFTP server does not say what it is")
        return found

    async def _open(self, packet: Packet, path: bytes, flags: bytes) -> bytes:
        return (await self._ask(packet, _text(path) + flags, path, Packet.HANDLE)).text()

    async def _read(self, handle: bytes, path: bytes, offset: int) -> bytes:
        body = _text(handle) + struct.pack(">QI", offset, READ_BYTES)
        try:
            return (await self._ask(Packet.READ, body, path, Packet.DATA)).text(READ_BYTES)
        except _End:
            return b""

    async def _page(self, handle: bytes, path: bytes) -> list[Entry]:
        """The next names, none at the end of the folder."""
        for _ in range(EMPTY_PAGES_MAX):
            try:
                fields = await self._ask(Packet.READDIR, _text(handle), path, Packet.NAME)
            except _End:
                return []
            page = []
            for _ in range(fields.number()):
                name, _, found = fields.text(NAME_BYTES_MAX), fields.text(), fields.attributes()
                if not name or b"/" in name or b"\x00" in name:
                    raise Garbled("a name in a folder that is none")
                if name not in (b".", b".."):
                    page.append(Entry(name, found))
            if page:
                return page
        raise Garbled("pages of a folder without a name in them")

    def _close(self, handle: bytes) -> None:
        """Nobody waits for the answer."""
        if self._closed is None:
            self._send(struct.pack(">BI", Packet.CLOSE, self._number()) + _text(handle))

    def _ask(
        self, packet: Packet, body: bytes, path: bytes, wanted: Packet
    ) -> "Awaitable[_Fields]":
        if self._closed is not None:
            raise Garbled("the conversation has ended")
        number = self._number()
        waiting: asyncio.Future[tuple[int, bytes]] = asyncio.get_running_loop().create_future()
        self._waiting[number] = waiting
        self._send(struct.pack(">BI", packet, number) + body)
        return self._answer(number, waiting, packet, path, wanted)

    async def _answer(
        self,
        number: int,
        waiting: asyncio.Future[tuple[int, bytes]],
        packet: Packet,
        path: bytes,
        wanted: Packet,
    ) -> "_Fields":
        try:
            kind, body = await waiting
        finally:
            self._waiting.pop(number, None)
        fields = _Fields(body)
        if kind == wanted:
            return fields
        if kind != Packet.STATUS:
            raise Garbled("an answer to another question")
        code = fields.number()
        if code == Code.EOF and packet in (Packet.READ, Packet.READDIR):
            raise _End
        raise _refusal(code, fields, path)

    def _number(self) -> int:
        self._next = (self._next + 1) & 0xFFFFFFFF
        return self._next

    def _send(self, body: bytes) -> None:
        """What is asked in one turn of the loop travels together: one packet instead of many."""
        if not self._unsent:
            asyncio.get_running_loop().call_soon(self._flush)
        self._unsent.append(struct.pack(">I", len(body)) + body)

    def _flush(self) -> None:
        together = b"".join(self._unsent)
        self._unsent.clear()
        # A line that has broken meanwhile is noticed by who reads from it.
        with suppress(OSError):
            self._write(together)

    async def _packet(self) -> bytes:
        size = struct.unpack(">I", await self._reader.readexactly(4))[0]
        if not 1 <= size <= PACKET_BYTES_MAX:
            raise Garbled(f"a packet of {size} bytes")
        return await self._reader.readexactly(size)


class _End(Exception):
    """Nothing follows in this file or folder."""


class _Fields:
    """What is left of a packet; every length is checked against it."""

    def __init__(self, body: bytes) -> None:
        self._body = body
        self._at = 0

    @property
    def left(self) -> int:
        return len(self._body) - self._at

    def number(self) -> int:
        return int.from_bytes(self._take(4), "big")

    def long(self) -> int:
        return int.from_bytes(self._take(8), "big")

    def text(self, bytes_max: int = PACKET_BYTES_MAX) -> bytes:
        size = self.number()
        if size > bytes_max:
            raise Garbled(f"a field of {size} bytes")
        return self._take(size)

    def attributes(self) -> Stat | None:
        """None where the host does not say of what kind it is."""
        flags = self.number()
        size = self.long() if flags & 0x1 else 0
        uid, gid = (self.number(), self.number()) if flags & 0x2 else (None, None)
        mode = self.number() if flags & 0x4 else None
        modified_s = (self.number(), self.number())[1] if flags & 0x8 else 0
        if flags & 0x80000000:
            pairs = self.number()
            if pairs > EXTENDED_PAIRS_MAX:
                raise Garbled(f"{pairs} further attributes")
            for _ in range(2 * pairs):
                self.text()
        if mode is None:
            return None
        return Stat(_kind(mode), stat.S_IMODE(mode), uid, gid, size, modified_s)

    def _take(self, size: int) -> bytes:
        taken = self._body[self._at : self._at + size]
        if len(taken) != size:
            raise Garbled("a packet that is shorter than it says")
        self._at += size
        return taken


def _kind(mode: int) -> FileKind:
    known = {
        stat.S_IFREG: FileKind.FILE,
        stat.S_IFDIR: FileKind.DIRECTORY,
        stat.S_IFLNK: FileKind.LINK,
        stat.S_IFIFO: FileKind.FIFO,
        stat.S_IFSOCK: FileKind.SOCKET,
    }
    return known.get(stat.S_IFMT(mode), FileKind.DEVICE)


def _refusal(code: int, fields: _Fields, path: bytes) -> HostError:
    if code == Code.NO_SUCH_FILE:
        return Missing(_shown(path))
    if code == Code.PERMISSION_DENIED:
        return NotPermitted(_shown(path))
    if code in (Code.OK, Code.EOF):
        raise Garbled("done, where an answer was asked for")
    # OpenSSH has one word for every further error of the system.
    said = fields.text().decode("ascii", "backslashreplace") if fields.left else "failed"
    return Failed(_shown(path), f"refused by the host ({said[:80].lower()})")


def _shown(path: bytes) -> str:
    return path.decode("utf-8", "surrogateescape")


def _text(data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + data
