"""`wardline evidence`: a site's export, and what an auditor does with it, offline."""

from pathlib import Path
from typing import Annotated

import typer
import typer.core

from wardline.cli import person, saving, verdicts
from wardline.cli.client import Client
from wardline.core.errors import Malformed, NotFound
from wardline.core.evidence import audit, verdict
from wardline.core.evidence.checkpoint import Checkpoint
from wardline.core.evidence.trust import Trust
from wardline.core.evidence.verdict import Verdict
from wardline.formats import kit

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    help="Export a site's evidence; verify one without trusting its maker.",
)

SITES_PER_PAGE = 200


@app.command()
def export(
    site: Annotated[str, typer.Option(help="The site's id, or its name.")],
    out: Annotated[Path, typer.Option(help="The ZIP to write; must not exist yet.")],
    data: Annotated[
        Path | None, typer.Option(help="Central's data directory; default: the one that runs here")
    ] = None,
) -> None:
    """Write a site's evidence, as the Central on this machine holds it, into one file."""
    with person.reading(data) as central:
        size = saving.save(central, lambda: _path(central, site), out)
    typer.echo(f"{out}: {size} bytes; verify it with: wardline evidence verify {out}")


def _path(central: Client, site: str) -> str:
    return f"/sites/{_site_id(central, site)}/evidence/export"


def _site_id(central: Client, wanted: str) -> str:
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
    trusted, held = verdicts.brought(trust_file, checkpoint_file)
    found = _verify(file, trusted, held)
    verdicts.end(file, found, _counts(found), as_json=as_json)


def _verify(file: Path, trusted: Trust, held: Checkpoint | None) -> Verdict:
    try:
        with file.open("rb") as stream:
            try:
                export = kit.read(stream)
            except Malformed as error:
                return verdict.broken(error.where, error.why)
            return audit.verify(export, verdicts.holding(trusted, held, export.origin))
    except OSError as error:
        why = error.strerror or error
        verdicts.usage(f"cannot read {file}: {why}; name the ZIP of a site's export")


def _counts(found: Verdict) -> list[tuple[str, str]]:
    return [
        ("log", found.origin),
        ("entries", f"{found.entries} in {found.streams} streams"),
        ("bundles", str(found.bundles)),
        ("checkpoints", f"{found.checkpoints}, the last over {found.size} entries"),
        ("root", found.root.hex() or "none"),
        ("witnesses", ", ".join(found.witnesses) or "none"),
    ]
