"""`wardline audit`: who did what, searched at Central; its export verified offline."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer
import typer.core

from wardline.cli import person, saving, verdicts
from wardline.cli.client import Client
from wardline.core import plain
from wardline.core.audit import verify as verifying
from wardline.core.errors import Malformed
from wardline.core.evidence import verdict
from wardline.core.evidence.checkpoint import Checkpoint
from wardline.core.evidence.trust import Trust
from wardline.core.evidence.verdict import Verdict
from wardline.formats import audit_kit

PAGE_ITEMS = 200
RECORDS_MAX = 10_000
RECORDS_DEFAULT = 50

app = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    no_args_is_help=True,
    help="Who did what, when, from where and why; verify an export without trusting its maker.",
)

Data = Annotated[
    Path | None, typer.Option(help="data directory of Central; default: the one that runs here")
]
AsJson = Annotated[bool, typer.Option("--json", help="print the answer as JSON")]


@app.command("list")
def list_records(
    actor: Annotated[str | None, typer.Option(help="id or e-mail address of who did it")] = None,
    action: Annotated[str | None, typer.Option(help="such as site.healing")] = None,
    subject: Annotated[str | None, typer.Option(help="id of what it was done to")] = None,
    site: Annotated[str | None, typer.Option(help="id of the site")] = None,
    since: Annotated[
        str | None, typer.Option("--from", help="from this time on, as 2026-11-21T09:00:00Z")
    ] = None,
    until: Annotated[str | None, typer.Option(help="before this time")] = None,
    text: Annotated[str | None, typer.Option(help="words that the record holds")] = None,
    limit: Annotated[
        int, typer.Option(min=1, max=RECORDS_MAX, help="how many at most")
    ] = RECORDS_DEFAULT,
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """What was done, newest first."""
    asked = {"actor": actor, "action": action, "subject": subject, "site": site}
    asked |= {"from": since, "until": until, "text": text}
    with person.reading(data) as central:
        found = _records(central, {key: value for key, value in asked.items() if value}, limit)
    if as_json:
        print(json.dumps(found, indent=2))
        return
    if not found:
        print("No records.")
    for each in found:
        _say(_line(each))


@app.command("show")
def show_record(
    record: Annotated[int, typer.Argument(min=1, help="its number, as `wardline audit list` says")],
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """One record with what was before and after, and how far it is proved."""
    with person.reading(data) as central:
        found = central.get(f"/audit/{record}")
    if as_json:
        print(json.dumps(found, indent=2))
        return
    _say(_line(found))
    for name in ("before", "after"):
        if found[name] is not None:
            _say(f"  {name}: {json.dumps(found[name], sort_keys=True, ensure_ascii=False)}")
    _say(f"  leaf: {found['leaf_hash']}")
    if not found["row_stands"]:
        _say("  ALTERED: the row that it was made of says something else now")
    if found["proof"] is None:
        _say("  no checkpoint covers it yet")
    else:
        _say(f"  proved under the checkpoint of {found['proof']['size']} records")


@app.command("checkpoint")
def print_checkpoint(data: Data = None) -> None:
    """Print the newest checkpoint: keep it elsewhere, and a later rewrite is found by it."""
    with person.reading(data) as central:
        found = central.get("/audit/1")
    if found["checkpoint"] is None:
        _say("nothing of the audit log is signed yet; try again in a few seconds")
        raise typer.Exit(1)
    print(found["checkpoint"], end="")


@app.command("export")
def export_log(
    out: Annotated[Path, typer.Option(help="the ZIP to write; must not exist yet")],
    data: Data = None,
) -> None:
    """Write the partner's whole audit log into one file; the export is recorded in it."""
    with person.reading(data) as central:
        size = saving.save(central, lambda: "/audit/export", out)
    print(f"{out}: {size} bytes; verify it with: wardline audit verify {out}")


@app.command("verify")
def verify_export(
    file: Annotated[Path, typer.Argument(help="the export of an audit log (ZIP)")],
    trust_file: Annotated[
        Path | None,
        typer.Option("--trust", help="keys.txt from `wardline agent trust`, run at a clinic"),
    ] = None,
    checkpoint_file: Annotated[
        Path | None,
        typer.Option("--checkpoint", help="a checkpoint of this log that you kept from before"),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="print the verdict as JSON")] = False,
) -> None:
    """Verify an export. Ends with 0 verified, 10 consistent but nothing from outside vouches for
    it, 20 incomplete, 30 diverges from a checkpoint you hold, 40 invalid, 64 usage."""
    trusted, held = verdicts.brought(trust_file, checkpoint_file)
    found = _verify(file, trusted, held)
    counts = [
        ("log", found.origin),
        ("records", str(found.entries)),
        ("checkpoints", f"{found.checkpoints}, the last over {found.size} records"),
        ("root", found.root.hex() or "none"),
    ]
    verdicts.end(file, found, counts, as_json=as_json)


def _verify(file: Path, trusted: Trust, held: Checkpoint | None) -> Verdict:
    try:
        with file.open("rb") as stream:
            try:
                export = audit_kit.read(stream)
            except Malformed as error:
                return verdict.broken(error.where, error.why)
            return verifying.verify(export, verdicts.holding(trusted, held, export.origin))
    except OSError as error:
        why = error.strerror or error
        verdicts.usage(f"cannot read {file}: {why}; name the ZIP of an audit log's export")


def _records(central: Client, asked: dict[str, str], limit: int) -> list[Any]:
    found: list[Any] = []
    cursor: dict[str, str] = {}
    while len(found) < limit:
        count = min(PAGE_ITEMS, limit - len(found))
        page = central.get("/audit", limit=count, **asked, **cursor)
        found += page["items"]
        if page["next_cursor"] is None:
            break
        cursor = {"cursor": page["next_cursor"]}
    return found


def _line(found: dict[str, Any]) -> str:
    who = found["actor_name"] or found["actor"]
    where = f" at {found['site_name'] or found['site_id']}" if found["site_id"] else ""
    why = f": {found['reason']}" if found["reason"] else ""
    since = f" from {found['address']}" if found["address"] else ""
    deed = f"{found['action']} {found['subject']}{where} by {who}{since}{why}"
    return f"{found['seq']}  {found['at']}  {deed}"


def _say(text: str) -> None:
    print(plain.shown(text))
