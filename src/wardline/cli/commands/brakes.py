"""`wardline brakes`: versions that went wrong too often, at Central or on the spot; release one."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from wardline.agent import settings as agent_settings
from wardline.agent import stop_commands
from wardline.agent.settings import Layout
from wardline.cli import person, plain
from wardline.cli.client import Client
from wardline.core import ids
from wardline.core.errors import Refused

PAGE_ITEMS = 200
PAGES_MAX = 50
VERSION_CHARS_SHOWN = 12

app = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    no_args_is_help=True,
    help="Versions that were stopped after failures; release one.",
)

Data = Annotated[
    Path | None,
    typer.Option(help="data directory of Central, or of the agent; default: the one that is here"),
]
OnAppliance = Annotated[
    bool, typer.Option("--appliance", help="what this appliance stopped itself, without Central")
]


class ReasonMissing(Refused):
    """A version is released with a reason, which stays with it."""

    code = "reason_needed"


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
            found = list(_stops(central, "all" if released_too else "in_force"))
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
    if not reason.strip():
        raise ReasonMissing("--reason: say why it may run again")
    ids.entity(stop, "stop", "stop")
    if appliance:
        layout = Layout(agent_settings.data_directory(data))
        released = stop_commands.release(layout, stop, reason)
    else:
        with person.signed_in(data, email) as central:
            released = central.post(f"/brakes/{stop}/release", {"reason": reason})
    if as_json:
        print(json.dumps(released, indent=2))
    else:
        by = released.get("released_by_name") or released["released_by"]
        print(plain.shown(f"{stop}: released by {by}"))


def _stops(central: Client, state: str) -> Iterator[Any]:
    """Page by page, as far as anybody would read."""
    asked: dict[str, str | int] = {"state": state, "limit": PAGE_ITEMS}
    for _ in range(PAGES_MAX):
        page = central.get("/brakes", **asked)
        yield from page["items"]
        if page["next_cursor"] is None:
            return
        asked["cursor"] = page["next_cursor"]


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
