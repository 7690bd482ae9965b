"""`wardline evidence verify` on files as auditors meet them: its exit codes and what it says."""

import os
from pathlib import Path

import orjson
import pytest
from typer.testing import CliRunner, Result

from tests.unit.core.evidence import site_log
from wardline.cli.commands import evidence
from wardline.core.evidence import trust

RUNNER = CliRunner()


@pytest.fixture
def export(tmp_path: Path) -> Path:
    site, appliances = site_log.clinic()
    (tmp_path / "keys.txt").write_text(site_log.keys_txt(site, *appliances))
    file = tmp_path / "kit.zip"
    file.write_bytes(site.zip())
    return file


def verify(*arguments: object) -> Result:
    return RUNNER.invoke(evidence.app, ["verify", *map(str, arguments)], env={"COLUMNS": "80"})


def test_an_export_with_keys_from_the_clinic_is_verified(export: Path) -> None:
    result = verify(export, "--trust", export.with_name("keys.txt"))
    assert result.exit_code == 0, result.output
    assert result.output.startswith("VERIFIED")
    assert site_log.ORIGIN in result.output


def test_without_keys_it_says_what_that_means(export: Path) -> None:
    result = verify(export)
    assert result.exit_code == 10
    assert "nothing outside it vouches for them" in result.output


def test_json_is_the_verdict_and_nothing_else(export: Path) -> None:
    result = verify(export, "--json")
    value = orjson.loads(result.stdout)
    assert (result.exit_code, value["exit_code"], value["verdict"]) == (10, 10, "unwitnessed")
    assert (value["entries"], value["bundles"], value["streams"]) == (14, 12, 2)


def test_one_flipped_bit_is_invalid_and_its_place_is_named(export: Path) -> None:
    data = bytearray(export.read_bytes())
    data[len(data) // 2] ^= 4
    export.write_bytes(data)
    result = verify(export, "--trust", export.with_name("keys.txt"))
    assert result.exit_code == 40
    assert "first break  bundles/000000.jsonl (from byte" in result.output
    assert orjson.loads(verify(export, "--json").stdout)["findings"][0]["where"]


@pytest.mark.parametrize("content", [b"", b"not a zip", b"PK\x05\x06" + bytes(18), bytes(100_000)])
def test_what_is_no_kit_is_invalid(export: Path, content: bytes) -> None:
    export.write_bytes(content)
    result = verify(export)
    assert result.exit_code == 40
    assert "first break  byte 0: " in result.output


def test_a_held_checkpoint_is_compared(export: Path) -> None:
    site, _ = site_log.clinic()
    held = export.with_name("held.txt")
    held.write_text(site.notes[0])
    assert verify(export, "--checkpoint", held).exit_code == 10
    body = site.head(6)
    forged = type(body)(body.origin, body.size, bytes(32)).body().decode()
    held.write_text(forged + "\n" + site.notes[0].split("\n\n")[1])
    result = verify(export, "--checkpoint", held)
    assert result.exit_code == 30
    assert "first break  index 0 to 5: the checkpoint of 6 entries" in result.output


def test_a_checkpoint_of_another_log_is_a_mistake_of_the_caller(export: Path) -> None:
    held = export.with_name("held.txt")
    other = site_log.SiteLog(origin="elsewhere")
    other.checkpoint()
    held.write_text(other.notes[0])
    result = verify(export, "--checkpoint", held)
    assert result.exit_code == 64
    assert "the checkpoint is of elsewhere" in result.stderr


def test_an_incomplete_export_names_what_is_missing(export: Path) -> None:
    site, _ = site_log.clinic()
    del site.bundles[5]
    export.write_bytes(site.zip())
    result = verify(export)
    assert result.exit_code == 20
    assert "first break  entries/000000.jsonl line 6 (index 5): its bundle" in result.output


def test_files_that_cannot_be_read_are_mistakes_of_the_caller(export: Path) -> None:
    keys, missing = export.with_name("keys.txt"), export.with_name("missing")
    for arguments in (
        [missing],
        [export.parent],
        [export, "--trust", missing],
        [export, "--trust", export.parent],
        [export, "--checkpoint", missing],
        [export, "--checkpoint", keys],
        [export, "--trust", export],
    ):
        result = verify(*arguments)
        assert result.exit_code == 64, arguments
        assert result.stderr.startswith("cannot ")
        assert result.stdout == ""


def test_a_pipe_is_a_mistake_of_the_caller(export: Path) -> None:
    pipe = export.with_name("pipe")
    os.mkfifo(pipe)
    writer = os.open(pipe, os.O_RDWR)
    try:
        result = verify(pipe)
    finally:
        os.close(writer)
    assert result.exit_code == 64
    assert "cannot read" in result.stderr


def test_a_wrong_line_of_keys_is_named(export: Path) -> None:
    keys = export.with_name("keys.txt")
    keys.write_text(keys.read_text() + "appliance nonsense\n")
    result = verify(export, "--trust", keys)
    assert result.exit_code == 64
    assert "keys.txt line 6: " in result.stderr


def test_nothing_that_a_terminal_obeys_is_printed(export: Path) -> None:
    evil = site_log.SiteLog(origin="a\x9b31m\u202eb")
    appliance = site_log.Appliance(1)
    evil.enrol(appliance)
    evil.take(appliance.seal())
    evil.checkpoint(appliance)
    export.write_bytes(evil.zip())
    keys = export.with_name("keys.txt")
    keys.write_text(trust.line("witness", appliance.id, appliance.witness.public))
    result = verify(export, "--trust", keys)
    assert result.exit_code == 0
    assert "\x9b" not in result.output
    assert "\u202e" not in result.output
    assert "a\ufffd31m\ufffdb" in result.output
