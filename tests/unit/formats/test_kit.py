"""The kit: one ZIP for one log, and no byte of it without meaning."""

import io
import itertools
import struct
import tracemalloc
import zipfile
import zlib
from collections.abc import Iterator

import pytest

from tests.unit.core.evidence import site_log
from tests.unit.core.evidence.site_log import Appliance, SiteLog
from wardline.core import canonical
from wardline.core.errors import Malformed
from wardline.core.evidence import audit
from wardline.core.evidence.signing import Envelope
from wardline.formats import frame, kit
from wardline.formats.frame import KitBroken


def small() -> bytes:
    """One appliance, one bundle, one checkpoint."""
    site, appliance = SiteLog(), Appliance(1)
    site.enrol(appliance)
    site.take(appliance.seal())
    site.checkpoint(appliance)
    return site.zip()


def read(data: bytes) -> audit.Export:
    return kit.read(io.BytesIO(data))


def drained(export: audit.Export) -> tuple[list[bytes], list[tuple[int, Envelope]], list[str]]:
    return (
        [item.data for item in export.entries],
        [(item.index, item.envelope) for item in export.bundles],
        [item.data.decode() for item in export.checkpoints],
    )


def repacked(data: bytes, changed: dict[str, bytes]) -> bytes:
    """The kit of somebody who knows the format: members replaced, every check sum right again."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = {item.filename: archive.read(item) for item in archive.infolist()}
    members.update(changed)
    manifest = canonical.loads(members.pop(frame.MANIFEST), bytes_max=10**6)
    writer = kit.Writer(manifest["site_id"], manifest["origin"], bytes(32))
    parts = b"".join(writer.pieces.member(name, value, 0) for name, value in members.items())
    manifest["members"] = [
        {"name": part.name, "bytes": part.size, "sha256": part.sha256}
        for part in writer.pieces.parts
    ]
    for section in kit.SECTIONS:
        lines = [v.count(b"\n") for name, v in members.items() if name.startswith(section)]
        manifest[section] = sum(lines)
    parts += writer.pieces.member(frame.MANIFEST, canonical.dumps(manifest), 0)
    return parts + frame.directory(writer.pieces.parts, writer.pieces.written)


def test_a_log_survives_the_kit() -> None:
    site, _ = site_log.clinic()
    export = read(site.zip())
    assert (export.site, export.origin) == (site.site, site.origin)
    assert export.log_public == site.log_key.public
    assert drained(export) == (site.leaves, sorted(site.bundles.items()), site.notes)


def test_the_same_log_gives_the_same_bytes() -> None:
    assert site_log.clinic()[0].zip() == site_log.clinic()[0].zip()


def test_an_empty_log_is_a_kit() -> None:
    assert drained(read(SiteLog().zip())) == ([], [], [])


def test_an_ordinary_zip_tool_reads_it() -> None:
    site, _ = site_log.clinic()
    with zipfile.ZipFile(io.BytesIO(site.zip())) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == [
            "entries/000000.jsonl",
            "bundles/000000.jsonl",
            "checkpoints/000000.jsonl",
            "manifest.json",
        ]
        assert archive.read("entries/000000.jsonl") == b"".join(x + b"\n" for x in site.leaves)


def test_the_bundle_file_holds_the_exact_bytes_of_every_envelope() -> None:
    site, _ = site_log.clinic()
    data = site.zip()
    assert all(envelope.to_json() in data for envelope in site.bundles.values())


def test_every_flipped_bit_is_refused_with_its_place() -> None:
    data = small()
    changed = bytearray(data)
    for bit in range(8 * len(data)):
        changed[bit // 8] ^= 1 << bit % 8
        with pytest.raises(KitBroken) as caught:
            kit.read(io.BytesIO(changed))
        assert caught.value.where
        changed[bit // 8] ^= 1 << bit % 8
    assert bytes(changed) == data


def test_every_truncation_is_refused() -> None:
    data = small()
    for size in range(len(data)):
        with pytest.raises(KitBroken):
            read(data[:size])


@pytest.mark.parametrize("tail", [b"\x00", b"PK", b"comment"])
def test_trailing_bytes_are_refused(tail: bytes) -> None:
    data = small()
    with pytest.raises(KitBroken, match=f"^byte {len(data)}: "):
        read(data + tail)
    with pytest.raises(KitBroken, match=r"^byte 0: "):
        read(tail + data)


def ordinary(members: list[tuple[str, bytes]], compression: int = zipfile.ZIP_STORED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", compression) as archive:
        for name, value in members:
            info = zipfile.ZipInfo(name)
            info.compress_type = compression
            info.create_system = info.external_attr = 0
            archive.writestr(info, value)
    return out.getvalue()


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize(
    "members",
    [
        [("/etc/passwd", b"x\n")],
        [("../entries/000000.jsonl", b"x\n")],
        [("entries\\000000.jsonl", b"x\n")],
        [("C:entries/000000.jsonl", b"x\n")],
        [("entries/000001.jsonl", b"x\n")],
        [("entries/0.jsonl", b"x\n")],
        [("entries/000000.jsonl", b"x\n"), ("entries/000000.jsonl", b"y\n")],
        [("entries/000000.jsonl", b"x\n"), ("entries/000002.jsonl", b"y\n")],
        [("bundles/000000.jsonl", b"x\n"), ("entries/000000.jsonl", b"y\n")],
        [("README.txt", b"x\n")],
        [("entries/", b"")],
        [("é", b"x\n")],
        [("x" * 65, b"x\n")],
    ],
)
def test_members_with_other_names_or_in_another_order_are_refused(
    members: list[tuple[str, bytes]],
) -> None:
    with pytest.raises(KitBroken):
        read(ordinary(members))


def test_a_bomb_is_refused_before_it_is_unpacked() -> None:
    bomb = ordinary([("entries/000000.jsonl", bytes(50_000_000))], zipfile.ZIP_DEFLATED)
    assert len(bomb) < 100_000
    with pytest.raises(KitBroken, match="a field that no kit has"):
        read(bomb)


def test_a_size_beyond_the_limit_is_refused_before_it_is_read() -> None:
    name = b"entries/000000.jsonl"
    size = frame.PART_BYTES_MAX + 1
    header = struct.pack("<4s5H3L2H", b"PK\x03\x04", 10, 0, 0, 0, 0x21, 0, size, size, len(name), 0)
    with pytest.raises(KitBroken, match="at most"):
        read(header + name)


def test_a_wrong_check_sum_names_the_member() -> None:
    data = bytearray(small())
    data[data.index(b'{"appliance"')] ^= 1
    with pytest.raises(KitBroken, match=r"^entries/000000.jsonl \(from byte 50\): its bytes"):
        read(bytes(data))


@pytest.mark.parametrize(
    ("member", "value", "place"),
    [
        ("entries/000000.jsonl", b"no line break", "entries/000000.jsonl"),
        ("bundles/000000.jsonl", b"[]\n", "bundles/000000.jsonl line 1"),
        ("bundles/000000.jsonl", b"\n", "bundles/000000.jsonl line 1"),
        ("bundles/000000.jsonl", b'{"index":1}\n', "bundles/000000.jsonl line 1, envelope"),
        ("bundles/000000.jsonl", b'{"envelope":1,"index":1}\n', "bundles/000000.jsonl line 1"),
        ("checkpoints/000000.jsonl", b'{"note":1}\n', "checkpoints/000000.jsonl line 1, note"),
        ("checkpoints/000000.jsonl", b'{"note": ""}\n', "checkpoints/000000.jsonl line 1"),
        ("checkpoints/000000.jsonl", b"x\n", "checkpoints/000000.jsonl line 1"),
    ],
)
def test_a_malformed_line_is_refused_at_its_place(member: str, value: bytes, place: str) -> None:
    with pytest.raises(KitBroken) as caught:
        drained(read(repacked(small(), {member: value})))
    assert caught.value.where.startswith(place)


def test_an_envelope_in_another_spelling_is_refused() -> None:
    site, _ = site_log.clinic()
    data = site.zip()
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        lines = archive.read("bundles/000000.jsonl")
    spaced = lines.replace(b'"index":', b'"index": ', 1)
    with pytest.raises(KitBroken, match="canonical"):
        drained(read(repacked(data, {"bundles/000000.jsonl": spaced})))


def test_a_manifest_that_tells_another_story_is_refused() -> None:
    site, _ = site_log.clinic()
    writer = kit.Writer(site.site, site.origin, site.log_key.public)
    chunks = list(kit.write(writer, site.leaves, sorted(site.bundles.items()), site.notes))
    body = b"".join(chunks[:-1]) + chunks[-1][: chunks[-1].index(b"PK\x01\x02")]
    at = body.rindex(b"PK\x03\x04")
    manifest = canonical.loads(body[at + 30 + len(frame.MANIFEST) :], bytes_max=10**6)
    for key, value in (
        ("entries", manifest["entries"] + 1),
        ("bundles", 0),
        ("schema", "evidence.kit/2"),
        ("site_id", "site"),
        ("log_key", "AAAA"),
        ("members", []),
        ("members", [*manifest["members"], manifest["members"][0]]),
        ("members", [{**manifest["members"][0], "sha256": "0" * 64}, *manifest["members"][1:]]),
        ("extra", 1),
    ):
        told = canonical.dumps({**manifest, key: value})
        with pytest.raises(KitBroken, match=r"^manifest.json, "):
            read(body[:at] + sealed(told, writer, at))


def sealed(manifest: bytes, writer: kit.Writer, at: int) -> bytes:
    header = frame.local(frame.MANIFEST, len(manifest), zlib.crc32(manifest))
    offset = at + len(header)
    part = frame.Part(frame.MANIFEST, offset, len(manifest), zlib.crc32(manifest), "", 0)
    parts = [*writer.pieces.parts[:-1], part]
    return header + manifest + frame.directory(parts, offset + len(manifest))


def test_sections_come_in_their_order() -> None:
    writer = kit.Writer(site_log.SITE, site_log.ORIGIN, bytes(32))
    writer.checkpoint("note")
    with pytest.raises(ValueError, match="entries come before checkpoints"):
        writer.entry(b"{}")


@pytest.mark.parametrize("line", [b"two\nlines", b"x" * (frame.LINE_BYTES_MAX + 1)])
def test_a_line_that_could_not_be_read_back_is_not_written(line: bytes) -> None:
    with pytest.raises(Malformed):
        kit.Writer(site_log.SITE, site_log.ORIGIN, bytes(32)).entry(line)


def test_a_large_log_is_cut_into_parts_and_streams_in_constant_memory() -> None:
    leaf, count = b'{"x":"' + b"y" * 990 + b'"}', 40_000

    def entries() -> Iterator[bytes]:
        return itertools.repeat(leaf, count)

    writer = kit.Writer(site_log.SITE, site_log.ORIGIN, site_log.key(1).public)
    tracemalloc.start()
    size = sum(map(len, kit.write(writer, entries(), [], [])))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert size > 39_000_000
    assert peak < 10_000_000


def test_parts_join_to_the_log_they_were_cut_from() -> None:
    leaves = [b"%d" % at + b"z" * 50_000 for at in range(60)]
    writer = kit.Writer(site_log.SITE, site_log.ORIGIN, site_log.key(1).public)
    data = b"".join(kit.write(writer, leaves, [], []))
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert len(archive.namelist()) == 4
    assert drained(read(data))[0] == leaves
