"""`wardline agent holds`: what rests here, and how a person sets and ends that on the spot."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from wardline.agent import clearing, columns, onsite
from wardline.agent import settings as settings_file
from wardline.agent.settings import Layout, Settings
from wardline.agent.store import holds
from wardline.agent.store.holds import Hold
from wardline.core import clock

app = typer.Typer(
    no_args_is_help=True, add_completion=False, help="Repairs that rest until a person says so."
)

Data = Annotated[Path | None, typer.Option("--data", help="The appliance's directory.")]


@app.command("list")
def show(
    data: Data = None,
    *,
    everything: Annotated[bool, typer.Option("--all", help="Cleared ones too.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """Show the holds of this appliance."""
    found = listed(Layout(settings_file.data_directory(data)), everything=everything)
    if as_json:
        typer.echo(json.dumps({"holds": found}, indent=2))
        return
    keys = ("host_name", "check", "runbook_id", "suppressed_at", "cleared_at", "reason")
    rows = [(str(one["id"]), *(str(one[key] or "") for key in keys)) for one in found]
    typer.echo(columns.table(("hold", "host", "check", "runbook", "since", "cleared", "why"), rows))


@app.command("set")
def begin(
    incident: Annotated[str, typer.Argument(help="The incident whose repair is to stay off.")],
    reason: Annotated[str, typer.Option("--reason", help="Why the repair is to stay off.")],
    runbook: Annotated[
        str | None, typer.Option("--runbook", help="The repair; default: the incident's own.")
    ] = None,
    data: Data = None,
) -> None:
    """Keep a repair off a drift, in your name and with your reason; both go into the evidence."""
    held = put(Layout(settings_file.data_directory(data)), incident, runbook, reason)
    typer.echo(f"Hold {held['id']}: {held['runbook_id']} stays off {held['host_name']} until")
    typer.echo("somebody clears it.")


@app.command("clear")
def end(
    hold: Annotated[int, typer.Argument(help="Its number, as `holds list` shows it.")],
    reason: Annotated[str, typer.Option("--reason", help="Why the repair may run again.")],
    data: Data = None,
) -> None:
    """End a hold, in your name and with your reason; both go into the evidence."""
    cleared = clear(Layout(settings_file.data_directory(data)), hold, reason)
    typer.echo(f"Hold {hold} is over, cleared by {cleared['cleared_by']}. What it had stopped is")
    typer.echo("judged anew: a running agent does so within seconds.")


def listed(layout: Layout, *, everything: bool = False) -> list[dict[str, Any]]:
    """The holds of an appliance's own store, as JSON."""
    with onsite.opened(layout) as (settings, ledger):
        with ledger.reading() as tx:
            found = holds.newest(tx) if everything else holds.active(tx)
        return [_wire(one, settings) for one in found]


def clear(layout: Layout, hold_id: int, reason: str) -> dict[str, Any]:
    """End a hold in the name of whoever calls; raises NotFound, Conflict and ReasonNeeded."""
    with onsite.opened(layout) as (settings, ledger):
        return _wire(clearing.clear(ledger, hold_id, onsite.account(), reason), settings)


def put(layout: Layout, incident_id: str, runbook_id: str | None, reason: str) -> dict[str, Any]:
    """Set a hold in the name of whoever calls; raises what `clearing.set_on` raises."""
    with onsite.opened(layout) as (settings, ledger):
        by = onsite.account()
        return _wire(clearing.set_on(ledger, incident_id, runbook_id, by, reason), settings)


def _wire(hold: Hold, settings: Settings) -> dict[str, Any]:
    names = {host.id: host.name for host in settings.hosts}
    return {
        "id": hold.id,
        "host_id": hold.host_id,
        "host_name": names.get(hold.host_id, hold.host_id),
        "check": hold.check,
        "runbook_id": hold.runbook_id,
        "suppressed_at": clock.wire(hold.suppressed_at),
        "reason": hold.reason,
        "set_by": hold.set_by,
        "incident_id": hold.incident_id,
        "cleared_at": hold.cleared_at and clock.wire(hold.cleared_at),
        "cleared_by": hold.cleared_by,
        "clear_reason": hold.clear_reason,
    }
