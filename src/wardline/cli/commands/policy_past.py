"""`wardline policy replay`: what other rules would have made of past decisions."""

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from wardline.cli import policy_sources as sources
from wardline.core import plain
from wardline.core.canonical import Json


def replay(
    rules: Annotated[Path, typer.Argument(metavar="RULES", help="all rules to replay by")],
    decisions: Annotated[
        Path | None, typer.Option("--decisions", "--db", help="a policy file that has decided")
    ] = None,
    url: sources.Url = None,
    email: sources.Who = None,
    data: sources.Data = None,
    since: Annotated[
        str | None, typer.Option(help="from this instant on; default: 30 days")
    ] = None,
    until: Annotated[str | None, typer.Option(help="before this instant; default: now")] = None,
    site: Annotated[str | None, typer.Option("--site", help="of this site alone")] = None,
    as_json: sources.AsJson = False,
) -> None:
    """How past decisions would have turned: from which verdict to which, where, by which rule and
    window, and needing whom. Decisions on what the rules do not change are not looked at."""
    body: dict[str, Json] = {"rules": sources.in_file(rules)}
    body |= {
        name: value
        for name, value in (("since", since), ("until", until), ("site", site))
        if value is not None
    }
    with sources.target(decisions, url, email, data) as there:
        if sys.stderr.isatty():
            print("replaying …", file=sys.stderr)
        told = there.replay(body)
    if as_json:
        print(json.dumps(told, indent=2))
    else:
        _render(told)


def _render(told: Any) -> None:
    print(f"{told['judged']} decisions from {told['since']} on, before {told['until']}")
    if not told["complete"]:
        print("  there are older ones, which were not looked at")
    if told["leftOut"]:
        print(f"  {told['leftOut']} left out: what had been used decided them")
    if told["uncountedRuleIds"]:
        named = ", ".join(told["uncountedRuleIds"])
        print(plain.shown(f"  not replayed: the limits or cooldown of {named}"))
    for side in ("before", "after"):
        counts = ", ".join(f"{count} {verdict}" for verdict, count in told[side].items())
        print(f"  {side:<6}  {counts}")
    if not told["turns"]:
        print("Nothing turns.")
    for turn in told["turns"]:
        print(f"{turn['from']} -> {turn['to']}: {turn['count']} at {turn['sites']} sites")
        for name, shares in (
            ("site", turn["bySite"]),
            ("rule", turn["byRule"]),
            ("window", turn["byWindow"]),
            ("needing", turn["needing"]),
        ):
            for share in shares:
                print(plain.shown(f"  {name:<8} {share['name'] or '-'}: {share['count']}"))
