"""The reader of SFTP against servers that lie: bounded, never hung, and never crashed."""

import asyncio
import struct
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wardline.agent.hosts.host import FileKind, HostError, Missing, NotPermitted, TooLarge
from wardline.agent.hosts.ssh import sftp
from wardline.agent.hosts.ssh.sftp import Garbled, Packet, Sftp

VERSION = struct.pack(">BI", Packet.VERSION, 3)
Answer = Callable[[int, bytes, int], bytes]


def _frame(body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + body


def _text(data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + data


def _status(number: int, code: int, words: bytes = b"") -> bytes:
    return struct.pack(">BII", Packet.STATUS, number, code) + _text(words) + _text(b"")


def _attributes(mode: int = 0o100644, size: int = 3) -> bytes:
    return struct.pack(">IQIIIII", 0xF, size, 1, 2, mode, 4, 5)


def _talk(ask: Callable[[Sftp], Awaitable[Any]], answer: Answer, version: bytes = VERSION) -> Any:
    """One question to a server that answers as `answer(number, body, kind)` does."""

    async def run() -> Any:
        reader = asyncio.StreamReader()

        def write(data: bytes) -> None:
            body = data[4:]
            if body[0] == Packet.INIT:
                reader.feed_data(_frame(version))
            elif body[0] != Packet.CLOSE:
                number = struct.unpack_from(">I", body, 1)[0]
                reader.feed_data(answer(number, body[5:], body[0]))

        talk = Sftp(reader, write)
        await talk.greet()
        serving = asyncio.create_task(talk.serve())
        try:
            async with asyncio.timeout(5):
                return await ask(talk)
        finally:
            serving.cancel()
            await asyncio.gather(serving, return_exceptions=True)

    return asyncio.run(run())


def _stat(talk: Sftp) -> Awaitable[Any]:
    return talk.stat(b"/etc")


def test_attributes_are_read() -> None:
    found = _talk(
        _stat, lambda n, _b, _k: _frame(struct.pack(">BI", Packet.ATTRS, n) + _attributes())
    )
    assert (found.kind, found.mode, found.uid, found.gid, found.size, found.modified_s) == (
        FileKind.FILE, 0o644, 1, 2, 3, 5,
    )  # fmt: skip


@pytest.mark.parametrize(("code", "error"), [(2, Missing), (3, NotPermitted), (4, HostError)])
def test_refusals_are_told_apart(code: int, error: type[Exception]) -> None:
    with pytest.raises(error):
        _talk(_stat, lambda n, _b, _k: _frame(_status(n, code, b"Failure")))


LIES: dict[str, Answer] = {
    "a packet of 4 GB": lambda n, b, k: b"\xff\xff\xff\xff" + b"x" * 100,
    "an empty packet": lambda n, b, k: b"\x00\x00\x00\x00",
    "a packet too short for a number": lambda n, b, k: _frame(b"\x65\x00"),
    "an answer to another question": lambda n, b, k: _frame(
        struct.pack(">BI", Packet.HANDLE, n) + _text(b"h")
    ),
    "done": lambda n, b, k: _frame(_status(n, 0)),
    "the end": lambda n, b, k: _frame(_status(n, 1)),
    "a field longer than its packet": lambda n, b, k: _frame(
        struct.pack(">BI", Packet.ATTRS, n) + b"\x00\x00\x00\x01\x00"
    ),
    "endless attributes": lambda n, b, k: _frame(
        struct.pack(">BIII", Packet.ATTRS, n, 0x80000000, 0xFFFFFFFF)
    ),
}


@pytest.mark.parametrize("lie", LIES)
def test_a_lie_ends_the_conversation(lie: str) -> None:
    with pytest.raises(Garbled):
        _talk(_stat, LIES[lie])


@pytest.mark.parametrize("version", [struct.pack(">BI", 2, 6), b"\x02", _status(1, 0)])
def test_another_version_is_not_spoken(version: bytes) -> None:
    with pytest.raises(Garbled):
        _talk(_stat, LIES["done"], version)


def test_a_file_without_an_end_is_too_large() -> None:
    def answer(number: int, body: bytes, kind: int) -> bytes:
        if kind == Packet.OPEN:
            return _frame(struct.pack(">BI", Packet.HANDLE, number) + _text(b"h"))
        return _frame(struct.pack(">BI", Packet.DATA, number) + _text(b"x" * sftp.READ_BYTES))

    with pytest.raises(TooLarge):
        _talk(lambda talk: talk.read(b"/proc/x", 0, 1_000_000), answer)


def test_a_folder_without_an_end_is_too_large() -> None:
    def answer(number: int, body: bytes, kind: int) -> bytes:
        if kind == Packet.OPENDIR:
            return _frame(struct.pack(">BI", Packet.HANDLE, number) + _text(b"h"))
        page = b"".join(_text(b"name") + _text(b"") + _attributes() for _ in range(1000))
        return _frame(struct.pack(">BII", Packet.NAME, number, 1000) + page)

    with pytest.raises(TooLarge):
        _talk(lambda talk: talk.listdir(b"/etc"), answer)


@pytest.mark.parametrize("name", [b"", b"a/b", b"../x", b"a\x00b", b"n" * 5000])
def test_a_name_that_is_none_ends_the_conversation(name: bytes) -> None:
    def answer(number: int, body: bytes, kind: int) -> bytes:
        if kind == Packet.OPENDIR:
            return _frame(struct.pack(">BI", Packet.HANDLE, number) + _text(b"h"))
        entry = _text(name) + _text(b"") + _attributes()
        return _frame(struct.pack(">BII", Packet.NAME, number, 1) + entry)

    with pytest.raises(Garbled):
        _talk(lambda talk: talk.listdir(b"/etc"), answer)


def test_pages_that_never_say_anything_do_not_go_on_for_ever() -> None:
    pages = 0

    def answer(number: int, body: bytes, kind: int) -> bytes:
        nonlocal pages
        if kind == Packet.OPENDIR:
            return _frame(struct.pack(">BI", Packet.HANDLE, number) + _text(b"h"))
        pages += 1
        entry = _text(b".") + _text(b"") + _attributes()
        return _frame(struct.pack(">BII", Packet.NAME, number, 1) + entry)

    with pytest.raises(Garbled):
        _talk(lambda talk: talk.listdir(b"/etc"), answer)
    assert pages < 100


@settings(deadline=None, max_examples=300)
@given(junk=st.binary(max_size=200), kind=st.sampled_from([101, 102, 103, 104, 105, 201, 0, 255]))
def test_no_answer_crashes_the_reader(junk: bytes, kind: int) -> None:
    def answer(number: int, body: bytes, packet: int) -> bytes:
        return _frame(struct.pack(">BI", kind, number) + junk)

    for ask in (
        _stat,
        lambda talk: talk.read(b"/x", 10, 100),
        lambda talk: talk.listdir(b"/x"),
        lambda talk: talk.readlink(b"/x"),
    ):
        told = _outcome(ask, answer)
        assert told is None or issubclass(told, Garbled | HostError | TimeoutError), told


def _outcome(ask: Callable[[Sftp], Awaitable[Any]], answer: Answer) -> type[Exception] | None:
    try:
        _talk(ask, answer)
    except Exception as error:  # noqa: BLE001 (its type is what is judged)
        return type(error)
    return None
