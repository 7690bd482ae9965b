"""`wardline audit verify` on files as auditors meet them: its exit codes and what it says."""

from pathlib import Path

import orjson
import pytest
from typer.testing import CliRunner, Result

from tests.unit.core.audit import deeds
from wardline.cli.commands import audit
from wardline.core.evidence import checkpoint, trust

RUNNER = CliRunner()


@pytest.fixture
def export(tmp_path: Path) -> Path:
    made = deeds.honest()
    clinic = checkpoint.log_origin("inst_1", "site_1")
    (tmp_path / "keys.txt").write_text(trust.line("log", clinic, made.log_key.public))
    (tmp_path / "held.txt").write_text(made.notes[1])
    file = tmp_path / "audit.zip"
    file.write_bytes(made.zip())
    return file


def verify(file: Path, *options: str) -> Result:
    named = [str(file.with_name(each)) if each.endswith(".txt") else each for each in options]
    return RUNNER.invoke(audit.app, ["verify", str(file), *named], env={"COLUMNS": "80"})


def test_keys_from_a_clinic_and_a_checkpoint_from_before_verify_it(export: Path) -> None:
    result = verify(export, "--trust", "keys.txt", "--checkpoint", "held.txt")
    assert result.exit_code == 0, result.output
    assert result.output.startswith("VERIFIED")
    assert "the checkpoint that you hold covers the first 5 records" in result.output
    assert deeds.ORIGIN in result.output


@pytest.mark.parametrize(
    ("brought", "why"),
    [
        ((), "nothing outside it vouches for it"),
        (("--trust", "keys.txt"), "you hold no checkpoint of this log from before"),
        (("--checkpoint", "held.txt"), "nothing outside it vouches for it"),
    ],
)
def test_with_less_it_says_what_is_missing(
    export: Path, brought: tuple[str, ...], why: str
) -> None:
    result = verify(export, *brought)
    assert result.exit_code == 10
    assert why in result.output


def test_a_tail_that_was_cut_off_is_incomplete(export: Path) -> None:
    made = deeds.honest()
    made.leaves.pop()
    export.write_bytes(made.zip())
    assert verify(export).exit_code == 20


def test_another_history_than_the_one_you_hold_diverges(export: Path) -> None:
    made = deeds.honest()
    made.leaves[0] = made.leaves[0].replace(b"reviewed, 1", b"reviewed, 9")
    made.notes = []
    made.checkpoint()
    export.write_bytes(made.zip())
    assert verify(export).exit_code == 10
    assert verify(export, "--checkpoint", "held.txt").exit_code == 30


def test_a_flipped_bit_and_a_foreign_key_are_invalid(export: Path) -> None:
    data = bytearray(export.read_bytes())
    data[len(data) // 2] ^= 4
    export.write_bytes(data)
    result = verify(export, "--json")
    assert result.exit_code == 40
    assert orjson.loads(result.stdout)["findings"][0]["where"]
    made = deeds.honest()
    export.write_bytes(made.zip())
    clinic = checkpoint.log_origin("inst_1", "site_1")
    export.with_name("keys.txt").write_text(trust.line("log", clinic, bytes(31) + b"\x02"))
    result = verify(export, "--trust", "keys.txt")
    assert (result.exit_code, "you do not trust key" in result.output) == (40, True)


def test_what_cannot_be_used_is_usage(export: Path) -> None:
    assert verify(export.with_name("none.zip")).exit_code == 64
    export.with_name("held.txt").write_text("x")
    assert verify(export, "--checkpoint", "held.txt").exit_code == 64
    other = checkpoint.log_origin("inst_1", "site_1")
    head = checkpoint.Checkpoint(other, 1, bytes(32))
    note = checkpoint.sign_note(head.body(), other, deeds.KEY)
    export.with_name("held.txt").write_text(note)
    result = verify(export, "--checkpoint", "held.txt")
    assert (result.exit_code, "the checkpoint is of" in result.output) == (64, True)


def test_a_hostile_name_reaches_no_terminal(export: Path) -> None:
    data = export.read_bytes()
    export.write_bytes(data[:40] + b"\x1b]0;owned\x07" + data[40:])
    assert "\x1b" not in verify(export).output
