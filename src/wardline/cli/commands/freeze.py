"""`wardline freeze`: stop every repair of the partner or of a site, see who obeys, and lift it."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from wardline.cli import paging, person, reasons
from wardline.cli.client import Client
from wardline.core import plain
from wardline.core.errors import NotFound, WrongUsage

app = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    help="Stop every repair of the partner or of a site; see who obeys; lift it.",
)

Partner = Annotated[bool, typer.Option("--partner", help="everything of the partner")]
Site = Annotated[str | None, typer.Option("--site", help="this site alone, by its id")]
Who = Annotated[str | None, typer.Option("--as", help="who does it: your e-mail address")]
Data = Annotated[Path | None, typer.Option(help="Central's data directory; default: the one here")]
AsJson = Annotated[bool, typer.Option("--json", help="print it as JSON")]
Why = Annotated[str | None, typer.Option(help="why everything stops; it is kept")]


class PlaceUnnamed(WrongUsage):
    """Neither the partner nor a site was named, or both."""

    code = "place_unnamed"


@app.callback(invoke_without_command=True)
def freeze(
    context: typer.Context,
    partner: Partner = False,
    site: Site = None,
    reason: Why = None,
    email: Who = None,
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Stop every repair: nothing is handed out from now on, and each appliance obeys from its next
    check-in on. Asks for your password, or takes WARDLINE_PASSWORD.

    What is running ends its present step and is undone. On an appliance without a line:
    `wardline agent freeze`.
    """
    if context.invoked_subcommand is not None:
        return
    _check_place(site, partner=partner)
    why = reasons.given(reason, "why everything stops")
    with person.signed_in(data, email) as central:
        path = "/freeze" if site is None else f"/sites/{site}/freeze"
        _tell([central.post(path, {"reason": why})], as_json=as_json)


@app.command()
def lift(
    reason: Annotated[str, typer.Option(help="why repairs may go on; it is kept")],
    partner: Partner = False,
    site: Site = None,
    email: Who = None,
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Let repairs go on where the partner, or a site, is frozen.

    What was frozen at an appliance itself is lifted there: `wardline agent unfreeze`.
    """
    _check_place(site, partner=partner)
    why = reasons.given(reason, "why repairs may go on")
    with person.signed_in(data, email) as central:
        found = _of(central, site)
        _tell([central.post(f"/freezes/{found}/lift", {"reason": why})], as_json=as_json)


@app.command()
def status(
    site: Annotated[str | None, typer.Option("--site", help="what stops this site alone")] = None,
    data: Data = None,
    lifted_too: Annotated[bool, typer.Option("--all", help="also those that were lifted")] = False,
    as_json: AsJson = False,
) -> None:
    """What is frozen, how many appliances have confirmed it, and which have not."""
    with person.reading(data) as central:
        _tell(list(_freezes(central, site, lifted_too=lifted_too)), as_json=as_json)


def _check_place(site: str | None, *, partner: bool) -> None:
    if partner == (site is not None):
        raise PlaceUnnamed("name one of the two: --partner, or --site with the site's id")


def _of(central: Client, site: str | None) -> str:
    """The one in force that Central set for the site, or for the partner."""
    reach = "partner" if site is None else "site"
    for one in _freezes(central, site, lifted_too=False):
        if (one["reach"], one["site_id"]) == (reach, site):
            return str(one["id"])
    raise NotFound(f"this {reach} is not frozen; `wardline freeze status` shows what is")


def _freezes(central: Client, site: str | None, *, lifted_too: bool) -> Iterator[Any]:
    asked = {} if site is None else {"site": site}
    state = "all" if lifted_too else "in_force"
    return paging.items(central, "/freezes", state=state, **asked)


def _tell(found: list[Any], *, as_json: bool) -> None:
    if as_json:
        print(json.dumps(found, indent=2))
        return
    if not found:
        print("Nothing is frozen.")
    for one in found:
        _say(f"{one['id']}  {one['reach']} {_place(one)}".rstrip())
        _say(f"  frozen since {one['frozen_at']} by {one['frozen_by_name']}: {one['reason']}")
        if one["state"] == "lifted":
            _say(f"  lifted at {one['lifted_at']} by {one['lifted_by_name']}: {one['lift_reason']}")
            if one["holding"]:
                _say(f"  {one['holding']} appliances have not said yet that they go on")
            continue
        _say(f"  {one['confirmed']} of {one['total']} appliances have confirmed")
        for late in one["waiting"]:
            heard = late["last_checkin"] or "never"
            _say(f"  not yet: {late['hostname']} at {late['site_name']}, last heard {heard}")
        left = one["total"] - one["confirmed"] - len(one["waiting"])
        if left > 0:
            _say(f"  and {left} more")


def _place(one: Any) -> str:
    named = [one["site_name"], one["appliance_name"]]
    return ", ".join(name for name in named if name is not None)


def _say(line: str) -> None:
    print(plain.shown(line))
