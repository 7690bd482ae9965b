"""`wardline promotions`: what L2 taught, and what of it a person lets L1 do by itself."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from wardline.cli import paging, person, reasons
from wardline.core import plain

app = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    no_args_is_help=True,
    help="Runbooks that earned to answer a pattern by themselves: look, approve, reject, demote.",
)

Named = Annotated[str, typer.Argument(help="the promotion, as `wardline promotions list` names it")]
Data = Annotated[
    Path | None, typer.Option(help="data directory of Central; default: the one that is here")
]
Email = Annotated[str | None, typer.Option("--as", help="who decides it: your e-mail address")]
AsJson = Annotated[bool, typer.Option("--json", help="print the answer as JSON")]
Why = Annotated[str, typer.Option("--reason", help="why; it is kept with your name")]


@app.command("list")
def list_promotions(
    data: Data = None,
    ended_too: Annotated[
        bool, typer.Option("--all", help="also those that were rejected, lapsed or demoted")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Candidates, canaries and what is in force, newest first."""
    with person.reading(data) as central:
        found = list(
            paging.items(central, "/promotions", ended_too="true" if ended_too else "false")
        )
    if as_json:
        print(json.dumps(found, indent=2))
        return
    if not found:
        print("No promotions.")
    for one in found:
        _say_one(one)


@app.command("patterns")
def list_patterns(data: Data = None, as_json: AsJson = False) -> None:
    """What incidents and verified runs come to per pattern, and what a promotion lacks."""
    with person.reading(data) as central:
        found = list(paging.items(central, "/patterns"))
    if as_json:
        print(json.dumps(found, indent=2))
        return
    if not found:
        print("No patterns.")
    for one in found:
        levels = ", ".join(f"{one[f'l{level}_count']} by L{level}" for level in (1, 2, 3))
        _say(f"{one['pattern_signature']}  {one['check']}: {one['total_count']} ({levels})")
        for book in one["runbooks"]:
            missing = "; ".join(book["lacking"]) or "may be promoted"
            _say(f"  {book['runbook_id']} {_merit(book)}: {missing}")


@app.command("show")
def show_promotion(promotion: Named, data: Data = None, as_json: AsJson = False) -> None:
    """One promotion with its ledger, and the last days as if it had been in force."""
    with person.reading(data) as central:
        found = central.get(f"/promotions/{promotion}")
        shadow = central.get(f"/promotions/{promotion}/shadow")
    if as_json:
        print(json.dumps({**found, "shadow": shadow}, indent=2))
        return
    _say_one(found)
    _say(f"  inputs: {json.dumps(shadow['inputs'] or found['inputs'], sort_keys=True)}")
    _say_shadow(shadow)
    for entry in found["ledger"]:
        _say(f"  {entry['number']}. {entry['at']} {entry['step']} by {entry['by_name']}")
        _say(f"     {entry['reason']}")


@app.command("approve")
def approve_promotion(
    promotion: Named,
    site: Annotated[str, typer.Option(help="the id of the site where its canary runs")],
    reason: Why,
    email: Email = None,
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Evaluate the last days once more and begin its canary; asks for your password, or takes
    WARDLINE_PASSWORD."""
    _decide(promotion, "approve", {"site_id": site}, reason, email, data, as_json=as_json)


@app.command("reject")
def reject_promotion(
    promotion: Named, reason: Why, email: Email = None, data: Data = None, as_json: AsJson = False
) -> None:
    """Turn a candidate down; from then on it has to be earned anew."""
    _decide(promotion, "reject", {}, reason, email, data, as_json=as_json)


@app.command("demote")
def demote_promotion(
    promotion: Named, reason: Why, email: Email = None, data: Data = None, as_json: AsJson = False
) -> None:
    """End what is in force; each appliance hears of it at its next check-in."""
    _decide(promotion, "demote", {}, reason, email, data, as_json=as_json)


def _decide(
    promotion: str,
    how: str,
    body: dict[str, str],
    reason: str,
    email: str | None,
    data: Path | None,
    *,
    as_json: bool,
) -> None:
    why = reasons.given(reason, "why")
    with person.signed_in(data, email) as central:
        found = central.post(f"/promotions/{promotion}/{how}", {**body, "reason": why})
    if as_json:
        print(json.dumps(found, indent=2))
    else:
        _say_one(found)


def _say_one(one: Any) -> None:
    _say(f"{one['id']}  {one['stage']} since {one['changed_at']}")
    _say(f"  {one['runbook_id']} for {one['check']}, pattern {one['pattern_signature']}")
    if one["merit"] is not None:
        _say(f"  {_merit(one['merit'])}")
    runs = one["runs"]
    if runs["decided"] or runs["watched"]:
        said = f"{runs['stable']} of {runs['decided']} stable, {runs['watched']} watched"
        _say(f"  runs since its approval: {said}")
    if one["stage"] == "canary":
        _say(f"  canary at {one['canary_site_name']} until {one['canary_until']} at least")
    _say(f"  {one['last_by_name']}: {one['last_reason']}")


def _merit(book: Any) -> str:
    pct = "not measured" if book["success_pct"] is None else f"{book['success_pct']} % verified"
    return f"{book['occurrences']} incidents, {book['by_l2']} by L2, {pct}"


def _say_shadow(shadow: Any) -> None:
    _say(
        f"  last {shadow['days']} days: {shadow['incidents']} incidents, inputs in"
        f" {shadow['resolved']}, allowed in {shadow['allowed']}, confirmed in"
        f" {shadow['confirmed']}, contradicted in {shadow['contradicted']}"
    )
    for one in shadow["against"]:
        _say(f"  against it: {one}")
    for at in shadow["sites"]:
        heals = "heals" if at["heals"] else "only observes"
        _say(f"  {at['site_id']}  {at['name']}: {at['incidents']} incidents, {heals}")


def _say(line: str) -> None:
    print(plain.shown(line))
