"""`wardline holds`: what is left alone, at Central or on the spot; setting and clearing a hold."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from wardline.agent import hold_commands
from wardline.agent import settings as agent_settings
from wardline.agent.settings import Layout
from wardline.cli import found, paging, person, places, reasons
from wardline.cli.client import Client
from wardline.core import plain
from wardline.core.errors import NotFound, Refused

NUMBER_DIGITS_MAX = 18

app = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    no_args_is_help=True,
    help="What is left alone until a person says so; set or clear one.",
)

Data = places.Either
OnAppliance = places.OnAppliance


class HoldUnnamed(Refused):
    """Not a hold's name where it is looked for: the two lists have names of their own."""

    code = "hold_unnamed"


@app.command("list")
def list_holds(
    data: Data = None,
    ended_too: Annotated[bool, typer.Option("--all", help="also those that were cleared")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="print the holds as JSON")] = False,
    appliance: OnAppliance = False,
) -> None:
    """The drifts that came back too often and are left to a person, newest first."""
    if appliance:
        _list_here(data, ended_too=ended_too, as_json=as_json)
        return
    with person.reading(data) as central:
        rows = list(paging.items(central, "/holds", state="all" if ended_too else "active"))
    if as_json:
        print(json.dumps(rows, indent=2))
    else:
        _render(rows)


@app.command("set")
def set_hold(
    incident: Annotated[str, typer.Argument(help="the incident whose repair is to stay off")],
    reason: Annotated[str, typer.Option(help="why the repair is to stay off; it is kept")],
    runbook: Annotated[
        str | None, typer.Option(help="which repair; default: the incident's own")
    ] = None,
    email: Annotated[
        str | None, typer.Option("--as", help="who sets it at Central: your e-mail address")
    ] = None,
    data: Data = None,
    as_json: Annotated[bool, typer.Option("--json", help="print the answer as JSON")] = False,
    appliance: OnAppliance = False,
) -> None:
    """Keep a repair off a drift until somebody clears the hold; asks for your password, or takes
    WARDLINE_PASSWORD.

    At Central it is an order, and stands once the appliance has it. With --appliance it stands at
    once, in the name of your account on this machine.
    """
    why = reasons.given(reason, "why the repair is to stay off")
    if appliance:
        layout = Layout(agent_settings.data_directory(data))
        done = hold_commands.put(layout, incident, runbook, why)
    else:
        with person.signed_in(data, email) as central:
            body = {"reason": why, "runbook_id": runbook}
            done = central.post(f"{found.incident(central, incident)}/hold", body)
    if as_json:
        print(json.dumps(done, indent=2))
    elif appliance:
        _say(f"hold {done['id']}: {done['runbook_id']} stays off {done['host_name']}")
    else:
        print(f"{incident}: order {done['order_id']} is on its way to the appliance")


@app.command("clear")
def clear_hold(
    hold: Annotated[str, typer.Argument(help="the hold, as `wardline holds list` names it")],
    reason: Annotated[str, typer.Option(help="why repairs may run again; it is kept")],
    email: Annotated[
        str | None, typer.Option("--as", help="who clears it at Central: your e-mail address")
    ] = None,
    data: Data = None,
    as_json: Annotated[bool, typer.Option("--json", help="print the hold as JSON")] = False,
    appliance: OnAppliance = False,
) -> None:
    """Order the appliance to end a hold; asks for your password, or takes WARDLINE_PASSWORD.

    The hold stands until its appliance says that it ended. With --appliance it ends at once, in
    the name of your account on this machine.
    """
    why = reasons.given(reason, "why repairs may run again")
    if appliance:
        cleared = _clear_here(data, hold, why)
    else:
        with person.signed_in(data, email) as central:
            cleared = _clear(central, hold, why)
    if as_json:
        print(json.dumps(cleared, indent=2))
    elif appliance:
        print(f"{hold}: cleared by {cleared['cleared_by']}")
    else:
        print(f"{hold}: {cleared['state']} (order {cleared['order_id']})")


def _list_here(data: Path | None, *, ended_too: bool, as_json: bool) -> None:
    if not as_json:
        hold_commands.show(data, everything=ended_too)
        return
    layout = Layout(agent_settings.data_directory(data))
    print(json.dumps(hold_commands.listed(layout, everything=ended_too), indent=2))


def _clear_here(data: Path | None, hold: str, reason: str) -> Any:
    if not (hold.isascii() and hold.isdecimal() and len(hold) <= NUMBER_DIGITS_MAX):
        raise HoldUnnamed(
            f"{hold}: an appliance numbers its holds; `wardline holds list --appliance` shows them"
        )
    layout = Layout(agent_settings.data_directory(data))
    return hold_commands.clear(layout, int(hold), reason)


def _clear(central: Client, hold_id: str, reason: str) -> Any:
    for one in paging.items(central, "/holds", state="all"):
        if one["id"] == hold_id:
            path = f"/sites/{one['site_id']}/holds/{hold_id}/clear"
            return central.post(path, {"reason": reason})
    raise NotFound(f"there is no hold {hold_id}; `wardline holds list` shows those that there are")


def _render(rows: list[Any]) -> None:
    """A few lines each, so that no identifier is cut short on a narrow terminal."""
    if not rows:
        print("No holds.")
    for one in rows:
        host = one["host_name"] or one["host_id"]
        _say(f"{one['id']}  {one['state']} since {one['suppressed_at']}")
        _say(f"  {one['site_name']}, {host}: {one['check']} by {one['runbook_id']}")
        by = "" if one["set_by"] is None else f"set by {one['set_by_name'] or one['set_by']}: "
        _say(f"  {by}{one['reason']}")
        if one["cleared_at"] is not None:
            by = one["cleared_by_name"] or one["cleared_by"]
            _say(f"  cleared at {one['cleared_at']} by {by}: {one['clear_reason']}")


def _say(line: str) -> None:
    print(plain.shown(line))
