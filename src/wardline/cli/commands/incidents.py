"""`wardline incidents`: what is wrong, what was done, and what a person can do about it.

With --appliance it reads the appliance's own store and needs no Central.
"""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from wardline.agent import incident_commands
from wardline.agent import settings as agent_settings
from wardline.agent.settings import Layout
from wardline.cli import found, paging, person, places, story
from wardline.core import plain
from wardline.core.errors import Refused

CLOSED = frozenset({"healed", "stable", "resolved"})

app = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    no_args_is_help=True,
    help="What is wrong, what was done, and what a person can do about it.",
)

Incident = Annotated[str, typer.Argument(help="its name, as `wardline incidents list` shows it")]
Data = places.Either
OnAppliance = places.OnAppliance
AsJson = Annotated[bool, typer.Option("--json", help="print it as JSON")]
Who = Annotated[
    str | None, typer.Option("--as", help="who asks for it: your e-mail address at Central")
]


class PersonUnknown(Refused):
    """Nobody of the partner's has this e-mail address."""

    code = "person_unknown"


@app.command("list")
def list_incidents(
    data: Data = None,
    closed_too: Annotated[bool, typer.Option("--all", help="also those that are over")] = False,
    as_json: AsJson = False,
    appliance: OnAppliance = False,
) -> None:
    """Each with the state of its host in one sentence, newest first."""
    if appliance:
        rows = incident_commands.listed(_layout(data), everything=closed_too)
    else:
        with person.reading(data) as central:
            every = paging.items(central, "/incidents")
            rows = [one for one in every if closed_too or one["state"] not in CLOSED]
    if as_json:
        print(json.dumps(rows, indent=2))
        return
    if not rows:
        print("No incident." if closed_too else "Nothing is open.")
    for one in rows:
        _print(story.row(one))


@app.command("show")
def show_incident(
    incident: Incident, data: Data = None, as_json: AsJson = False, appliance: OnAppliance = False
) -> None:
    """The state now, then what was measured, decided, run, undone and measured again."""
    if appliance:
        told = incident_commands.shown(_layout(data), incident)
    else:
        with person.reading(data) as central:
            told = central.get(found.incident(central, incident))
    if as_json:
        print(json.dumps(told, indent=2))
    else:
        _print(story.lines(told))


@app.command("check-again")
def check_again(
    incident: Incident, email: Who = None, data: Data = None, as_json: AsJson = False
) -> None:
    """Have the appliance measure it now; asks for your password, or takes WARDLINE_PASSWORD."""
    _order(incident, "check-again", {}, email, data, as_json=as_json)


@app.command("try-again")
def try_again(
    incident: Incident,
    reason: Annotated[str, typer.Option(help="why it may help now; it is kept")],
    email: Who = None,
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Let every repair be tried once more, as far as the policy lets it."""
    _order(incident, "try-again", {"reason": reason}, email, data, as_json=as_json)


@app.command("choose")
def choose(
    incident: Incident,
    number: Annotated[int, typer.Argument(min=1, help="which one, as `show` numbers them")],
    reason: Annotated[str, typer.Option(help="why this one is right here; it is kept")],
    email: Who = None,
    data: Data = None,
    as_json: AsJson = False,
    appliance: OnAppliance = False,
) -> None:
    """Have one of several repairs run, where which one is right is a person's to say."""
    if appliance:
        wait_s = incident_commands.WAIT_S
        ended = incident_commands.picked(_layout(data), incident, number, reason, wait_s)
        if as_json:
            print(json.dumps(asdict(ended), indent=2))
        else:
            _print([plain.shown(f"{incident}: {ended.state} ({ended.code}): {ended.detail}")])
        return
    with person.signed_in(data, email) as central:
        path = found.incident(central, incident)
        choices = central.get(path)["choices"]
        if number > len(choices):
            raise incident_commands.NoSuchChoice(
                f"{incident} has {len(choices)} choices now: look at it again"
            )
        picked = choices[number - 1]
        done = central.post(f"{path}/start", {"reason": reason, "choice": picked["id"]})
    if as_json:
        print(json.dumps(done, indent=2))
    elif done["order_id"] is None:
        _print([plain.shown(f"{incident}: approval {done['approval_id']} has to be given first")])
    else:
        told = f"{incident}: {picked['words']}; order {done['order_id']} is on its way"
        _print([plain.shown(told)])


@app.command("hand-over")
def hand_over(
    incident: Incident,
    to: Annotated[str, typer.Option(help="to whom: their e-mail address")],
    note: Annotated[str, typer.Option(help="what they need to know; it is kept")],
    email: Who = None,
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Put the incident into somebody's hands, with a note."""
    with person.signed_in(data, email) as central:
        path = found.incident(central, incident)
        people = central.get("/people")["items"]
        meant = next((one for one in people if one["email"].lower() == to.strip().lower()), None)
        if meant is None:
            raise PersonUnknown(f"{to}: nobody here has this address, or they may not see it")
        done = central.post(f"{path}/hand-over", {"to": meant["id"], "note": note})
    if as_json:
        print(json.dumps(done, indent=2))
    else:
        _print([plain.shown(f"{incident}: with {done['to_name']} now")])


def _order(
    incident: str,
    deed: str,
    body: dict[str, str],
    email: str | None,
    data: Path | None,
    *,
    as_json: bool,
) -> None:
    with person.signed_in(data, email) as central:
        done = central.post(f"{found.incident(central, incident)}/{deed}", body)
    if as_json:
        print(json.dumps(done, indent=2))
    else:
        print(f"{incident}: order {done['order_id']} is on its way to the appliance")


def _layout(data: Path | None) -> Layout:
    return Layout(agent_settings.data_directory(data))


def _print(told: list[str]) -> None:
    for line in told:
        print(line)
