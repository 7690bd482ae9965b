"""`wardline holds`: what is left alone after a flap, as Central knows it, and clearing one."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from wardline.cli import client, places
from wardline.cli.client import Client
from wardline.core.errors import NotFound, Refused

PASSWORD = "WARDLINE_PASSWORD"  # noqa: S105 - the name of a variable, not a password
PAGE_ITEMS = 200
PAGES_MAX = 50

app = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    no_args_is_help=True,
    help="What is left alone after a flap; clear one.",
)

Data = Annotated[
    Path | None, typer.Option(help="Central's data directory; default: the one that runs here")
]


class ReasonMissing(Refused):
    """A hold is cleared with a reason, which stays with it."""

    code = "reason_needed"


@app.command("list")
def list_holds(
    data: Data = None,
    ended_too: Annotated[bool, typer.Option("--all", help="also those that were cleared")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="print the holds as JSON")] = False,
) -> None:
    """The drifts that came back too often and are left to a person, newest first."""
    address = client.local_address(places.running(data))
    with _closing(Client(address.url, token=address.token, ca_file=address.ca_file)) as central:
        found = list(_holds(central, "all" if ended_too else "active"))
    if as_json:
        print(json.dumps(found, indent=2))
    else:
        _render(found)


@app.command("clear")
def clear_hold(
    hold: Annotated[str, typer.Argument(help="the hold, as `wardline holds list` names it")],
    reason: Annotated[str, typer.Option(help="why repairs may run again; it is kept")],
    email: Annotated[str, typer.Option("--as", help="who clears it: your e-mail address")],
    data: Data = None,
    as_json: Annotated[bool, typer.Option("--json", help="print the hold as JSON")] = False,
) -> None:
    """Order the appliance to end a hold; asks for your password, or takes WARDLINE_PASSWORD.

    The hold stands until its appliance says that it ended.
    """
    if not reason.strip():
        raise ReasonMissing("--reason: say why repairs may run again")
    address = client.local_address(places.running(data))
    password = os.environ.get(PASSWORD) or typer.prompt(f"Password of {email}", hide_input=True)
    with _closing(Client(address.url, ca_file=address.ca_file)) as central:
        central.sign_in(email, password)
        try:
            cleared = _clear(central, hold, reason)
        finally:
            central.sign_out()
    if as_json:
        print(json.dumps(cleared, indent=2))
    else:
        print(f"{cleared['id']}: {cleared['state']} (order {cleared['order_id']})")


def _clear(central: Client, hold_id: str, reason: str) -> Any:
    for found in _holds(central, "all"):
        if found["id"] == hold_id:
            path = f"/sites/{found['site_id']}/holds/{hold_id}/clear"
            return central.post(path, {"reason": reason})
    raise NotFound(f"there is no hold {hold_id}; `wardline holds list` shows those that there are")


def _holds(central: Client, state: str) -> Iterator[Any]:
    """Page by page, as far as anybody would read."""
    asked: dict[str, str | int] = {"state": state, "limit": PAGE_ITEMS}
    for _ in range(PAGES_MAX):
        page = central.get("/holds", **asked)
        yield from page["items"]
        if page["next_cursor"] is None:
            return
        asked["cursor"] = page["next_cursor"]


@contextmanager
def _closing(central: Client) -> Iterator[Client]:
    try:
        yield central
    finally:
        central.close()


def _render(found: list[Any]) -> None:
    """A few lines each, so that no identifier is cut short on a narrow terminal."""
    if not found:
        print("No holds.")
    for one in found:
        host = one["host_name"] or one["host_id"]
        print(f"{one['id']}  {one['state']} since {one['suppressed_at']}")
        print(f"  {one['site_name']}, {host}: {one['check']} by {one['runbook_id']}")
        print(f"  {one['reason']}")
        if one["cleared_at"] is not None:
            by = one["cleared_by_name"] or one["cleared_by"]
            print(f"  cleared at {one['cleared_at']} by {by}: {one['clear_reason']}")
