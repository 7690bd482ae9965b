"""`wardline policy lint`, `diff` and `simulate`: what is to be said of rules."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from wardline.cli import policy_sources as sources
from wardline.core import clock, plain
from wardline.core.canonical import Json
from wardline.core.policy import analyse, diff, evaluate, exact, parse, unlock
from wardline.core.policy.analysis.estate import Estate
from wardline.core.policy.analysis.finding import Level
from wardline.core.policy.diff import Change, RuleChange
from wardline.core.policy.request import Request, State
from wardline.core.policy.rule import Policy
from wardline.policy import simulation
from wardline.policy.simulation import Place

EXIT_FAILED = 1
ZONE = "UTC"

File = Annotated[Path | None, typer.Argument(metavar="[RULES]", help="an export, or a policy file")]


def lint(
    file: File = None,
    db: sources.Db = None,
    url: sources.Url = None,
    email: sources.Who = None,
    data: sources.Data = None,
    strict: Annotated[bool, typer.Option(help="notices end with 1, too")] = False,
    as_json: sources.AsJson = False,
) -> None:
    """What is certain of the rules: shadowed, duplicate, conflicting, dead, never open or
    unsatisfiable ones. Ends with 1 if there is a warning."""
    if file is not None:
        held = sources.parsed(sources.authored(file, db, url, email, data), file)
        found: list[Any] = [
            each.to_wire() for each in analyse.whole(held, Estate(), clock.system())
        ]
        more = 0
    else:
        with sources.target(db, url, email, data) as there:
            told = there.analyse(None)
        found, more = told["findings"], told["moreFindings"]
    if as_json:
        print(json.dumps({"findings": found, "moreFindings": more}, indent=2))
    else:
        say_findings(found, more)
    if any(strict or each["level"] == Level.WARNING for each in found):
        raise typer.Exit(EXIT_FAILED)


def diff_rules(
    before: Annotated[Path, typer.Argument(metavar="A", help="an export, or a policy file")],
    after: Annotated[
        Path | None, typer.Argument(metavar="[B]", help="another; default: the store's rules")
    ] = None,
    db: sources.Db = None,
    url: sources.Url = None,
    email: sources.Who = None,
    data: sources.Data = None,
    as_json: sources.AsJson = False,
) -> None:
    """What differs from A to B, by rule and by the path of each field. Ends with 1 if any does."""
    changes = between(sources.in_file(before), sources.authored(after, db, url, email, data))
    if as_json:
        print(json.dumps([each.to_wire() for each in changes], indent=2))
    else:
        say_changes(changes)
    if changes:
        raise typer.Exit(EXIT_FAILED)


def simulate(
    alert: Annotated[Path, typer.Argument(metavar="ALERT", help="the alert, in JSON or YAML")],
    rules: sources.RulesFile = None,
    db: sources.Db = None,
    url: sources.Url = None,
    email: sources.Who = None,
    data: sources.Data = None,
    role: Annotated[
        list[str] | None, typer.Option("--role", help="a role of who asks; more than once")
    ] = None,
    at: Annotated[str | None, typer.Option("--at", help="an instant; default: now")] = None,
    site: Annotated[str | None, typer.Option("--site", help="the site")] = None,
    host: Annotated[str | None, typer.Option("--host", help="the host")] = None,
    as_json: sources.AsJson = False,
) -> None:
    """What would be decided about an alert, why, and what would unlock it. Nothing is counted.

    With --rules and a store: these rules in place of the store's.
    """
    body: dict[str, Json] = {"alert": sources.document(alert), "roles": role or []}
    body |= {name: value for name, value in (("at", at), ("site", site), ("host", host)) if value}
    if any(each is not None for each in (db, url, email)):
        if rules is not None:
            body["rules"] = sources.in_file(rules)
        with sources.target(db, url, email, data) as there:
            told = there.simulate(body)
    else:
        told = _alone(body, sources.authored(rules, db, url, email, data))
    if as_json:
        print(json.dumps(told, indent=2))
    else:
        _say_decision(told)


def between(before: list[dict[str, Json]], after: list[dict[str, Json]]) -> tuple[RuleChange, ...]:
    """The changes between two sets, each in the one form that a parsed rule has."""
    one, other = (
        {rule.id: parse.to_wire(rule) for rule in sources.parsed(each)} for each in (before, after)
    )
    return diff.between(one, other)


def say_changes(changes: tuple[RuleChange, ...]) -> None:
    if not changes:
        print("No differences.")
    for each in changes:
        print(plain.shown(f"{each.change.value}  {each.rule_id}"))
        if each.change is Change.CHANGED:
            for field in each.fields:
                told = field.to_wire()
                old, new = (_shown(told, side) for side in ("before", "after"))
                print(plain.shown(f"  {field.path}: {old} -> {new}"))


def say_findings(found: list[Any], more: int) -> None:
    if not found:
        print("Nothing to say.")
    for each in found:
        where = f"{each['ruleId']} {each['path']}"
        print(plain.shown(f"{each['level']}  {each['code']}  {where}: {each['message']}"))
    if more:
        print(f"and {more} more")


def _alone(body: dict[str, Json], rules: list[dict[str, Json]]) -> dict[str, Json]:
    """By rules that stand in no store: of sites nothing is known, and windows are in UTC."""
    asked = parse.simulation(body)
    held = sources.parsed(rules)
    request: Request = simulation.request(
        asked,
        Place(ZONE),
        now=clock.system(),
        decision_id="simulated",
        partner=None,
        user_id=sources.AUTHOR,
    )
    state = State(confirmed_at=request.at)
    decision = evaluate.evaluate(Policy(held, 0), request, state)
    told: dict[str, Json] = {"decision": exact.plain(decision.to_wire())}
    if not decision.execute:
        ways = unlock.unlocks(held, request, state, decision)
        told["unlock"] = [each.to_wire() for each in ways]
    return told


def _say_decision(told: Any) -> None:
    decision = told["decision"]
    by = f" by rule {decision['ruleId']}" if decision["ruleId"] else ""
    print(plain.shown(f"{decision['verdict']} ({decision['code']}){by}: {decision['action']}"))
    for step in decision["trace"]:
        print(plain.shown(f"  {step['check']:<9} {step['outcome']:<7} {step['detail']}"))
    for way in told.get("unlock", []):
        print(plain.shown(f"  would run if: {json.dumps(way)}"))


def _shown(told: Any, side: str) -> str:
    return json.dumps(told[side]) if side in told else "(not there)"
