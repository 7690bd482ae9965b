"""What the verifying commands share: what a reader brings along, and how a verdict is shown."""

from pathlib import Path
from typing import NoReturn

import orjson
import typer
from rich.console import Console
from rich.text import Text

from wardline.core import plain
from wardline.core.errors import Malformed
from wardline.core.evidence import checkpoint, trust
from wardline.core.evidence.checkpoint import Checkpoint
from wardline.core.evidence.trust import Trust
from wardline.core.evidence.verdict import Exit, Finding, Verdict

HELD_BYTES_MAX = checkpoint.NOTE_BYTES_MAX

_HEADLINES = {
    Exit.VERIFIED: ("VERIFIED", "green", "by what you brought along"),
    Exit.UNWITNESSED: ("CONSISTENT, UNWITNESSED", "yellow", "whole and consistent in itself"),
    Exit.INCOMPLETE: ("INCOMPLETE", "red", "something is missing"),
    Exit.DIVERGES: ("DIVERGES", "red", "this is not the log of which you hold a checkpoint"),
    Exit.INVALID: ("INVALID", "red", "altered, forged or not a kit"),
}


def brought(
    trust_file: Path | None, checkpoint_file: Path | None
) -> tuple[Trust, Checkpoint | None]:
    """The keys and the checkpoint in the reader's files; ends with USAGE where one cannot be
    used."""
    trusted = Trust() if trust_file is None else _trust(trust_file)
    return trusted, None if checkpoint_file is None else _held(checkpoint_file)


def holding(trusted: Trust, held: Checkpoint | None, origin: str) -> Trust:
    """The keys with the checkpoint, which has to be of the log that is verified."""
    if held is None:
        return trusted
    if held.origin != origin:
        usage(f"the checkpoint is of {held.origin}, the export of {origin}")
    return trusted.holding(held)


def end(file: Path, found: Verdict, counts: list[tuple[str, str]], *, as_json: bool) -> NoReturn:
    """Shows the verdict, with `counts` of what was read, and ends with its code."""
    if as_json:
        typer.echo(orjson.dumps(found.to_wire(), option=orjson.OPT_INDENT_2).decode())
    else:
        _print(file, found, counts)
    raise typer.Exit(int(found.exit_code))


def _trust(file: Path) -> Trust:
    try:
        return trust.parse(_text(file, trust.TRUST_BYTES_MAX))
    except Malformed as error:
        usage(f"cannot use {file}: {error}; take it from `wardline agent trust` again")


def _held(file: Path) -> Checkpoint:
    try:
        return checkpoint.parse_note(_text(file, HELD_BYTES_MAX)).checkpoint()
    except Malformed as error:
        usage(f"cannot use {file} as a checkpoint: {error}")


def _text(file: Path, bytes_max: int) -> str:
    try:
        with file.open("rb") as stream:
            data = stream.read(bytes_max + 1)
    except OSError as error:
        usage(f"cannot read {file}: {error.strerror or error}")
    if len(data) > bytes_max:
        usage(f"cannot use {file}: more than {bytes_max} bytes")
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        usage(f"cannot use {file}: not UTF-8 text at byte {error.start}")


def usage(message: str) -> NoReturn:
    """Ends with what the reader has to do otherwise."""
    typer.echo(message, err=True)
    raise typer.Exit(int(Exit.USAGE))


def _print(file: Path, found: Verdict, counts: list[tuple[str, str]]) -> None:
    console = Console(highlight=False, soft_wrap=True)
    title, colour, meaning = _HEADLINES[found.exit_code]
    console.print(
        Text(title, style=f"bold {colour}"), Text(f"({meaning})"), Text(plain.shown(str(file)))
    )
    for name, value in counts if found.origin else []:
        console.print(Text(f"  {name:<12} {plain.shown(value)}"))
    first = found.first_break
    if first is not None:
        console.print(Text("  first break  ", style="bold").append(_line(first)))
    for finding in found.findings:
        if finding is not first:
            console.print(Text(f"  {_WORDS[finding.exit_code]:<12} {_line(finding)}"))


def _line(finding: Finding) -> str:
    return plain.shown(f"{finding.where}: {finding.what}")


_WORDS = {
    Exit.VERIFIED: "remark",
    Exit.UNWITNESSED: "unwitnessed",
    Exit.INCOMPLETE: "missing",
    Exit.DIVERGES: "diverges",
    Exit.INVALID: "broken",
}
