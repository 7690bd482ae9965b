"""`wardline deviations`: what fails and is accepted until a date; accept, renew and revoke it."""

import json
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import typer

from wardline.cli import paging, person
from wardline.cli.client import Client
from wardline.core import plain
from wardline.core.errors import NotFound, Refused, WrongUsage

STATES = ("in_force", "changed", "ended", "all")

app = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    no_args_is_help=True,
    help="Failing states that people live with until a date: accept, renew, revoke one.",
)

Data = Annotated[
    Path | None, typer.Option(help="data directory of Central; default: the one that is here")
]
Name = Annotated[str, typer.Argument(help="the deviation, as `wardline deviations list` names it")]
Check = Annotated[str, typer.Argument(help="the check that fails, such as ssh_config")]
Site = Annotated[str, typer.Option(help="the site, by its name or identifier")]
Until = Annotated[
    str, typer.Option(help="the last day (2027-01-31), or a time with its zone (RFC 3339)")
]
By = Annotated[str | None, typer.Option("--as", help="who does it: your e-mail address")]
AsJson = Annotated[bool, typer.Option("--json", help="print it as JSON")]


class StateUnknown(WrongUsage):
    """Not one of the words that a list may be asked for."""

    code = "state_unknown"


class UntilUnreadable(WrongUsage):
    """Neither a day nor a time with its zone."""

    code = "until_unreadable"


class NothingAccepted(Refused):
    """Nobody said yes to what is there: nothing was accepted."""

    code = "nothing_accepted"


@app.command("list")
def list_deviations(
    data: Data = None,
    state: Annotated[
        str, typer.Option(help="in_force, changed (fails otherwise now), ended, or all")
    ] = STATES[0],
    as_json: AsJson = False,
) -> None:
    """The accepted deviations, newest first."""
    if state not in STATES:
        raise StateUnknown(f"--state {state}: one of {', '.join(STATES)}")
    with person.reading(data) as central:
        found = list(paging.items(central, "/deviations", state=state))
    if as_json:
        print(json.dumps(found, indent=2))
        return
    if not found:
        print("No deviation.")
    for one in found:
        _show(one)


@app.command("show")
def show_deviation(deviation: Name, data: Data = None, as_json: AsJson = False) -> None:
    """One deviation: host by host what was accepted and what is there now, and its history."""
    with person.reading(data) as central:
        found = central.get(f"/deviations/{deviation}")
    if as_json:
        print(json.dumps(found, indent=2))
    else:
        _tell(found)


@app.command("observed")
def list_observed(check: Check, site: Site, data: Data = None, as_json: AsJson = False) -> None:
    """What fails by a check at a site now, and would be accepted."""
    with person.reading(data) as central:
        found = list(_observed(central, _site(central, site), check))
    if as_json:
        print(json.dumps(found, indent=2))
        return
    if not found:
        print(f"{check} fails on no host of {site}.")
    for one in found:
        _show_observed(one)


@app.command("accept")
def accept_deviation(
    check: Check,
    site: Site,
    host: Annotated[list[str], typer.Option(help="a host, by name or identifier; repeat it")],
    until: Until,
    owner: Annotated[str, typer.Option(help="who answers for it")],
    reason: Annotated[str, typer.Option(help="why it is lived with; it is kept")],
    control: Annotated[str, typer.Option(help="what protects meanwhile: the compensating control")],
    email: By = None,
    data: Data = None,
    yes: Annotated[
        bool, typer.Option("--yes", help="do not ask whether what is shown is what is meant")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Accept what fails on these hosts, exactly as it is now; asks for your password, or takes
    WARDLINE_PASSWORD.

    Shows it first. Nothing repairs it until then; whatever else fails there alarms.
    """
    at = _until(until)
    with person.signed_in(data, email) as central:
        place = _site(central, site)
        chosen = _chosen(list(_observed(central, place, check)), check, host)
        for one in chosen:
            _show_observed(one, err=True)
        if not yes and not typer.confirm("Accept exactly this?", err=True):
            raise NothingAccepted("nothing was accepted")
        made = central.post(
            f"/sites/{place}/deviations",
            {
                "check": check,
                "hosts": {one["host_id"]: one["facts_digest"] for one in chosen},
                "until": at,
                "owner": owner,
                "reason": reason,
                "control": control,
            },
        )
    _done(made, as_json=as_json)


@app.command("renew")
def renew_deviation(
    deviation: Name,
    until: Until,
    reason: Annotated[str, typer.Option(help="why it is lived with for longer; it is kept")],
    owner: Annotated[str | None, typer.Option(help="who answers for it from now on")] = None,
    control: Annotated[str | None, typer.Option(help="what protects from now on")] = None,
    email: By = None,
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Accept the same state until a later date."""
    said = {"owner": owner, "control": control}
    body = {
        "until": _until(until),
        "reason": reason,
        **{name: text for name, text in said.items() if text is not None},
    }
    with person.signed_in(data, email) as central:
        made = central.post(f"/deviations/{deviation}/renew", body)
    _done(made, as_json=as_json)


@app.command("revoke")
def revoke_deviation(
    deviation: Name,
    reason: Annotated[str, typer.Option(help="why it is accepted no more; it is kept")],
    email: By = None,
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Accept it no more: what fails there is a drift like any other."""
    with person.signed_in(data, email) as central:
        made = central.post(f"/deviations/{deviation}/revoke", {"reason": reason})
    _done(made, as_json=as_json)


def _until(text: str) -> str:
    """A day counts to its end, by this machine's zone."""
    try:
        if len(text) == len("2027-01-31"):
            day = date.fromisoformat(text) + timedelta(days=1)
            return datetime(day.year, day.month, day.day).astimezone().isoformat()
        at = datetime.fromisoformat(text)
    except (ValueError, OverflowError):
        at = None
    if at is None or at.tzinfo is None:
        raise UntilUnreadable(f"--until {text}: a day (2027-01-31), or a time with its zone")
    return at.isoformat()


def _site(central: Client, named: str) -> str:
    """The identifier of the site with this name or identifier; raises NotFound."""
    for one in paging.items(central, "/fleet"):
        if named in (one["id"], one["name"]):
            return str(one["id"])
    raise NotFound(f"there is no site {named}; `wardline status` shows those that there are")


def _chosen(failing: list[Any], check: str, hosts: list[str]) -> list[Any]:
    """Those of the failing hosts that were named; raises NotFound for one that is not there."""
    chosen = []
    for named in hosts:
        found = [one for one in failing if named in (one["host_id"], one["host_name"])]
        if len(found) != 1:
            why = "no such host fails it" if not found else "several hosts have this name"
            raise NotFound(f"{named}: {why} ({check}); `wardline deviations observed` shows them")
        chosen += found
    return chosen


def _observed(central: Client, site_id: str, check: str) -> Iterator[Any]:
    return paging.items(central, f"/sites/{site_id}/observed/{check}")


def _done(made: Any, *, as_json: bool) -> None:
    if as_json:
        print(json.dumps(made, indent=2))
    else:
        _say(f"{made['id']}: {made['state']} until {made['until']}, {made['hosts']} hosts")


def _show(one: Any) -> None:
    """A few lines each, so that no identifier is cut short on a narrow terminal."""
    counted = [f"{one['accepted']} of {one['hosts']} hosts as accepted"]
    counted += [f"{one['changed']} FAIL OTHERWISE"] if one["changed"] else []
    counted += [f"{one['passing']} pass"] if one["passing"] else []
    ending = ", ends soon" if one["ending"] else ""
    _say(f"{one['id']}  {one['state']} until {one['until']}{ending}")
    _say(f"  {one['site_name']}: {one['check']}; {', '.join(counted)}")
    _say(f"  {one['reason']} (owner {one['owner']}, accepted by {one['accepted_by_name']})")
    _say(f"  compensating control: {one['control']}")


def _tell(story: Any) -> None:
    _show(story)
    for one in story["states"]:
        host = one["host_name"] or one["host_id"]
        _say(f"  {host}: accepted {one['summary']} (log entry {one['log_index']})")
        if one["standing"] not in (None, "accepted"):
            _say(f"    now {one['outcome_now'] or 'not measured'}: {one['summary_now'] or ''}")
    for event in story["events"]:
        by = f" by {event['by_name']}" if event["by_name"] else ""
        where = f" on {event['host_name'] or event['host_id']}" if event["host_id"] else ""
        why = f": {event['reason']}" if event["reason"] else ""
        _say(f"  {event['at']}  {event['kind']}{where}{by}{why}")


def _show_observed(one: Any, *, err: bool = False) -> None:
    host = one["host_name"] or one["host_id"]
    _say(f"{host}: {one['summary']} ({one['severity']}, log entry {one['log_index']})", err=err)
    _say(f"  facts {one['facts_digest']}: {json.dumps(one['facts'], sort_keys=True)}", err=err)
    if one["deviation_id"]:
        _say(f"  {one['deviation_id']} is accepted there: {one['standing']}", err=err)


def _say(line: str, *, err: bool = False) -> None:
    typer.echo(plain.shown(line), err=err)
