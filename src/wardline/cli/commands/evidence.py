"""`wardline evidence`: a site's export, and what an auditor does with it, offline."""

from pathlib import Path
from typing import Annotated, NoReturn

import orjson
import typer
import typer.core
from rich.console import Console
from rich.text import Text

from wardline.cli import client, places, plain
from wardline.core.errors import Malformed, NotFound, Refused
from wardline.core.evidence import audit, checkpoint, trust, verdict
from wardline.core.evidence.checkpoint import Checkpoint
from wardline.core.evidence.trust import Trust
from wardline.core.evidence.verdict import Exit, Finding, Verdict
from wardline.formats import kit

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    help="Export a site's evidence; verify one without trusting its maker.",
)

SITES_PER_PAGE = 200
HELD_BYTES_MAX = checkpoint.NOTE_BYTES_MAX

_HEADLINES = {
    Exit.VERIFIED: ("VERIFIED", "green", "by keys and a witness that you brought along"),
    Exit.UNWITNESSED: ("CONSISTENT, UNWITNESSED", "yellow", "whole and consistent in itself"),
    Exit.INCOMPLETE: ("INCOMPLETE", "red", "something is missing"),
    Exit.DIVERGES: ("DIVERGES", "red", "this is not the log of which you hold a checkpoint"),
    Exit.INVALID: ("INVALID", "red", "altered, forged or not a kit"),
}


@app.command()
def export(
    site: Annotated[str, typer.Option(help="The site's id, or its name.")],
    out: Annotated[Path, typer.Option(help="The ZIP to write; must not exist yet.")],
    data: Annotated[
        Path | None, typer.Option(help="Central's data directory; default: the one that runs here")
    ] = None,
) -> None:
    """Write a site's evidence, as the Central on this machine holds it, into one file."""
    address = client.local_address(places.running(data))
    central = client.Client(address.url, token=address.token, ca_file=address.ca_file)
    partial = out.with_name(out.name + ".part")
    try:
        if out.exists():
            raise Refused(f"{out} exists already; name another file with --out")
        site_id = _site_id(central, site)
        with (
            central.download(f"/sites/{site_id}/evidence/export") as chunks,
            partial.open("xb") as target,
        ):
            for chunk in chunks:
                target.write(chunk)
        partial.replace(out)
    except OSError as error:
        raise Refused(f"{error.filename or out} cannot be written: {error.strerror}") from None
    finally:
        central.close()
        partial.unlink(missing_ok=True)
    size = out.stat().st_size
    typer.echo(f"{out}: {size} bytes; verify it with: wardline evidence verify {out}")


def _site_id(central: client.Client, wanted: str) -> str:
    cursor: dict[str, str] = {}
    while True:
        page = central.get("/fleet", limit=SITES_PER_PAGE, **cursor)
        for site in page["items"]:
            if wanted in (site["id"], site["name"]):
                return str(site["id"])
        if page["next_cursor"] is None:
            raise NotFound(f"no site {wanted!r} here; `wardline status` lists the sites")
        cursor = {"cursor": page["next_cursor"]}


@app.command()
def verify(
    file: Annotated[Path, typer.Argument(help="The export of a site (ZIP).")],
    trust_file: Annotated[
        Path | None,
        typer.Option("--trust", help="keys.txt from `wardline agent trust`, run at the clinic."),
    ] = None,
    checkpoint_file: Annotated[
        Path | None,
        typer.Option("--checkpoint", help="A checkpoint of this log that you kept from before."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the verdict as JSON.")] = False,
) -> None:
    """Verify an export. Ends with 0 verified, 10 verified but unwitnessed, 20 incomplete,
    30 diverges from a checkpoint you hold, 40 invalid, 64 usage."""
    trusted = Trust() if trust_file is None else _trust(trust_file)
    held = None if checkpoint_file is None else _held(checkpoint_file)
    found = _verify(file, trusted, held)
    if as_json:
        typer.echo(orjson.dumps(found.to_wire(), option=orjson.OPT_INDENT_2).decode())
    else:
        _print(file, found)
    raise typer.Exit(int(found.exit_code))


def _verify(file: Path, trusted: Trust, held: Checkpoint | None) -> Verdict:
    try:
        with file.open("rb") as stream:
            try:
                export = kit.read(stream)
            except Malformed as error:
                return verdict.broken(error.where, error.why)
            if held is not None and held.origin != export.origin:
                _usage(f"the checkpoint is of {held.origin}, the export of {export.origin}")
            return audit.verify(export, trusted.holding(held) if held else trusted)
    except OSError as error:
        _usage(f"cannot read {file}: {error.strerror or error}; name the ZIP of a site's export")


def _trust(file: Path) -> Trust:
    try:
        return trust.parse(_text(file, trust.TRUST_BYTES_MAX))
    except Malformed as error:
        _usage(f"cannot use {file}: {error}; take it from `wardline agent trust` again")


def _held(file: Path) -> Checkpoint:
    try:
        return checkpoint.parse_note(_text(file, HELD_BYTES_MAX)).checkpoint()
    except Malformed as error:
        _usage(f"cannot use {file} as a checkpoint: {error}")


def _text(file: Path, bytes_max: int) -> str:
    try:
        with file.open("rb") as stream:
            data = stream.read(bytes_max + 1)
    except OSError as error:
        _usage(f"cannot read {file}: {error.strerror or error}")
    if len(data) > bytes_max:
        _usage(f"cannot use {file}: more than {bytes_max} bytes")
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        _usage(f"cannot use {file}: not UTF-8 text at byte {error.start}")


def _usage(message: str) -> NoReturn:
    typer.echo(message, err=True)
    raise typer.Exit(int(Exit.USAGE))


def _print(file: Path, found: Verdict) -> None:
    console = Console(highlight=False, soft_wrap=True)
    title, colour, meaning = _HEADLINES[found.exit_code]
    console.print(
        Text(title, style=f"bold {colour}"), Text(f"({meaning})"), Text(plain.shown(str(file)))
    )
    if found.origin:
        console.print(Text(f"  log          {plain.shown(found.origin)}"))
        console.print(Text(f"  entries      {found.entries} in {found.streams} streams"))
        console.print(Text(f"  bundles      {found.bundles}"))
        console.print(
            Text(f"  checkpoints  {found.checkpoints}, the last over {found.size} entries")
        )
        console.print(Text(f"  root         {found.root.hex() or 'none'}"))
        console.print(Text(f"  witnesses    {plain.shown(', '.join(found.witnesses)) or 'none'}"))
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
