"""`wardline status`: what happened so far, as the running Central knows it."""

import json
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from wardline.cli import client, places
from wardline.core import plain

# As the fleet page counts them: what a person is left with is as open as what waits.
OPEN_STATES = ("open", "observing", "waiting", "failed", "escalated")
ENDED_WELL = ("pending", "leased", "running", "succeeded")

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def status(
    data: Annotated[
        Path | None, typer.Option(help="Central's data directory; default: the one that runs here")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="print the whole answer as JSON")] = False,
) -> None:
    """Sites, hosts, incidents and the evidence log of the Central that runs on this machine."""
    address = client.local_address(places.running(data))
    central = client.Client(address.url, token=address.token, ca_file=address.ca_file)
    try:
        answer = central.get("/status")
    finally:
        central.close()
    if as_json:
        print(json.dumps(answer, indent=2))
    else:
        _render(answer)


def _render(answer: Any) -> None:
    console = Console(highlight=False)
    console.print(f"Central {answer['central']['version']} at {answer['central']['url']}")
    console.print(_sites(answer["sites"]))
    console.print(_heals(answer["totals"]["heals"]))
    if answer["healed"]:
        console.print("Healed, and proved by a second measurement (newest first):")
    for incident in answer["healed"]:
        console.print(f"  {plain.shown(_healed(incident))}", markup=False, soft_wrap=True)
    for line in _attention(answer):
        console.print(plain.shown(line), markup=False, soft_wrap=True)
    for process in answer["processes"]:
        if not process["ok"]:
            console.print(f"[red]{process['name']} is not well[/]: {process['error']}")


def _sites(sites: list[Any]) -> Table:
    table = Table("site", "hosts", "pass", "fail", "unknown", "open", "healed", "log", "signed")
    for site in sites:
        results, incidents, evidence = site["results"], site["incidents"], site["evidence"]
        still_open = sum(incidents[state] for state in OPEN_STATES)
        table.add_row(
            f"{plain.shown(site['name'])} ({'heals' if site['healing'] == 'heal' else 'observes'})",
            str(site["hosts"]),
            *(str(results[outcome]) for outcome in ("pass", "fail", "unknown")),
            str(still_open),
            str(incidents["healed"] + incidents["stable"]),
            str(evidence["log_size"]),
            str(evidence["checkpoint_size"] or 0),
        )
    return table


def _heals(heals: Any) -> str:
    """How well repairs last, always as so many of so many."""
    false_heals, repair = heals["false_heals"], heals["time_to_repair"]
    if not heals["total"]:
        return f"Nothing was healed in the last {heals['days']} days."
    parts = [f"{heals['stable']} stable, {heals['watched']} watched"]
    if false_heals is not None:
        parts.append(f"false heals: {false_heals['recurred']} of {false_heals['of']}")
    if repair is not None:
        parts.append(f"time to repair: {repair['mean_s']:g} s over {repair['of']} stable ones")
    return f"Heals of the last {heals['days']} days: {'; '.join(parts)}"


def _healed(incident: Any) -> str:
    at = datetime.fromisoformat(incident["healed_at"]).astimezone()
    entries = ", ".join(str(index) for index in incident["log_indexes"])
    return (
        f"{at:%H:%M:%S}  {incident['host_name']}: {incident['check']}"
        f" {incident['before']['outcome']} → {incident['after']['outcome']}"
        f" by {incident['runbook']}, {_LASTED[incident['state']]} (log entries {entries})"
    )


def _attention(answer: Any) -> list[str]:
    """What waits for people, a line each, with the newest of it."""
    asks, blocked, left, holds = (answer[key] for key in ("ask", "blocked", "left", "holds"))
    lines = _frozen(answer["freezes"]) + _stopped(answer["brakes"])
    if left["count"]:
        counted = {_WHY[why]: count for why, count in left["by_why"].items()}
        lines.append(f"Left to a person: {_counted(counted)}")
        lines += [
            f"  {_about(one)}: {one['summary']}; {_NEXT[one['why']]}" for one in left["newest"]
        ]
    if asks["count"]:
        lines.append(f"Waiting for an approval: {asks['count']}")
        lines += [f"  {_about(one)} with {one['runbook']}" for one in asks["newest"]]
    if blocked["count"]:
        lines.append(f"Blocked by the policy: {_counted(blocked['by_code'])}")
        lines += [f"  {_about(one)}: {one['code']}" for one in blocked["newest"]]
    if holds["active"]:
        lines.append(f"On hold after a flap: {holds['active']} (`wardline holds list`)")
        lines += [f"  {_about(one)}: {one['reason']}" for one in holds["newest"]]
    lines += _accepted(answer["deviations"])
    if answer["orders"]["by_status"]:
        lines.append(f"Orders: {_counted(answer['orders']['by_status'])}")
    lines += [
        f"  {_about(one)}: {one['status']}, {one['code']}: {one['detail']}"
        for one in answer["orders"]["newest"]
        if one["status"] not in ENDED_WELL
    ]
    return lines


def _frozen(freezes: Any) -> list[str]:
    """What stops everything comes first: little of the rest happens before it is lifted."""
    if not freezes["active"]:
        return []
    lines = [f"Frozen, so that nothing is repaired: {freezes['active']} (`wardline freeze status`)"]
    for one in freezes["newest"]:
        named = [name for name in (one["site_name"], one["appliance_name"]) if name is not None]
        since = datetime.fromisoformat(one["frozen_at"]).astimezone()
        lines.append(
            f"  {' '.join([one['reach'], ', '.join(named)]).rstrip()}: {one['reason']}"
            f" ({one['frozen_by_name']}, since {since:%Y-%m-%d %H:%M};"
            f" {one['confirmed']} of {one['total']} appliances have confirmed)"
        )
    return lines


def _stopped(brakes: Any) -> list[str]:
    """The versions that nothing runs by until a person releases them."""
    if not brakes["active"]:
        return []
    lines = [f"Stopped after failures: {brakes['active']} (`wardline brakes list`)"]
    return lines + [
        f"  {one['kind']} {one['name']}: {one['failed']} of {one['runs']} runs went wrong"
        f" ({one['appliance_name'] or 'all sites'})"
        for one in brakes["newest"]
    ]


def _accepted(deviations: Any) -> list[str]:
    """What people live with, and where it is not that any more."""
    if not deviations["in_force"]:
        return []
    counted = [f"{deviations['in_force']} in force"]
    counted += [f"{deviations['ending']} ending within two weeks"] if deviations["ending"] else []
    counted += [f"{deviations['changed']} changed"] if deviations["changed"] else []
    return [
        f"Accepted deviations: {', '.join(counted)} (`wardline deviations list`)",
        *(
            f"  {one['site_name']}: {one['check']} fails otherwise than was accepted on"
            f" {one['changed']} of {one['hosts']} hosts (owner {one['owner']})"
            for one in deviations["newest"]
        ),
    ]


_LASTED = {"healed": "watched", "stable": "stable"}
_WHY = {"escalated": "no repair helps", "offered": "to be started", "not_asked": "nobody is asked"}
_NEXT = {
    "escalated": "repair it by hand",
    "offered": "start the repair on its page",
    "not_asked": "ask for an approval again on its page",
}


def _about(one: Any) -> str:
    return f"{one['host_name'] or one['host_id']}: {one['check']}"


def _counted(counts: dict[str, int]) -> str:
    return ", ".join(f"{count} {word}" for word, count in counts.items())
