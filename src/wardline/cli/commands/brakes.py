"""`wardline brakes`: versions that went wrong too often, at Central or on the spot; release one."""

import json
from typing import Annotated, Any

import typer

from wardline.agent import settings as agent_settings
from wardline.agent import stop_commands
from wardline.agent.settings import Layout
from wardline.cli import paging, person, places, reasons
from wardline.core import ids, plain

VERSION_CHARS_SHOWN = 12

app = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    no_args_is_help=True,
    help="Versions that were stopped after failures; release one.",
)

Data = places.Either
OnAppliance = places.OnAppliance


@app.command("list")
def list_stops(
    data: Data = None,
    released_too: Annotated[
        bool, typer.Option("--all", help="also those that were released")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="print them as JSON")] = False,
    appliance: OnAppliance = False,
) -> None:
    """The rules and runbooks of which a version is stopped, newest first."""
    if appliance:
        layout = Layout(agent_settings.data_directory(data))
        found = stop_commands.listed(layout, everything=released_too)
    else:
        with person.reading(data) as central:
            found = list(
                paging.items(central, "/brakes", state="all" if released_too else "in_force")
            )
    if as_json:
        print(json.dumps(found, indent=2))
    else:
        _render(found)


@app.command("release")
def release_stop(
    stop: Annotated[str, typer.Argument(help="the stop, as `wardline brakes list` names it")],
    reason: Annotated[str, typer.Option(help="why it may run again; it is kept")],
    email: Annotated[
        str | None, typer.Option("--as", help="who releases it at Central: your e-mail address")
    ] = None,
    data: Data = None,
    as_json: Annotated[bool, typer.Option("--json", help="print the stop as JSON")] = False,
    appliance: OnAppliance = False,
) -> None:
    """Let a version run again; asks for your password, or takes WARDLINE_PASSWORD.

    Appliances do so from their next check-in on. With --appliance it is what this appliance stopped
    itself, at once, in the name of your account on this machine.
    """
    why = reasons.given(reason, "why it may run again")
    ids.entity(stop, "stop", "stop")
    if appliance:
        layout = Layout(agent_settings.data_directory(data))
        released = stop_commands.release(layout, stop, why)
    else:
        with person.signed_in(data, email) as central:
            released = central.post(f"/brakes/{stop}/release", {"reason": why})
    if as_json:
        print(json.dumps(released, indent=2))
    else:
        by = released.get("released_by_name") or released["released_by"]
        print(plain.shown(f"{stop}: released by {by}"))


def _render(found: list[Any]) -> None:
    """A few lines each, so that no identifier is cut short on a narrow terminal."""
    if not found:
        print("Nothing is stopped.")
    for one in found:
        version = one["version"][:VERSION_CHARS_SHOWN]
        where = one.get("appliance_name") or ("this appliance" if _is_local(one) else "all sites")
        _say(f"{one['id']}  {one['state']} since {one['stopped_at']}, {where}")
        _say(f"  {one['kind']} {one['name']}, version {version}")
        _say(f"  {one['failed']} of {one['runs']} runs went wrong, last {one['incident_id']}")
        if one["released_at"] is not None:
            by = one.get("released_by_name") or one["released_by"]
            _say(f"  released at {one['released_at']} by {by}: {one['release_reason']}")


def _is_local(one: Any) -> bool:
    return "appliance_id" not in one


def _say(line: str) -> None:
    print(plain.shown(line))
