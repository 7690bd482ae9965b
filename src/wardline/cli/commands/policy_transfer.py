"""`wardline policy export` and `import`: rules out of a store into a file, and back."""

import json
import os
import sys
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer

from wardline.cli import policy_sources as sources
from wardline.cli.commands import policy_checks as checks
from wardline.core.canonical import Json


def export(
    db: sources.Db = None,
    url: sources.Url = None,
    email: sources.Who = None,
    data: sources.Data = None,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="a file to write; default: print it")
    ] = None,
) -> None:
    """All rules as JSON, the same bytes for the same rules; `import` takes them back."""
    with sources.target(db, url, email, data) as there:
        text = _text(sources.bodies(sources.parsed(there.rules())))
    if out is None:
        sys.stdout.buffer.write(text)
        return
    beside = out.with_name(f".{out.name}.{os.getpid()}")
    try:
        beside.write_bytes(text)
        beside.replace(out)
    finally:
        beside.unlink(missing_ok=True)


def import_rules(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="an export, or a policy file")],
    db: sources.Db = None,
    url: sources.Url = None,
    email: sources.Who = None,
    data: sources.Data = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="show what would change, and write nothing")
    ] = False,
    reason: Annotated[str | None, typer.Option(help="why; kept with the revision")] = None,
    as_json: sources.AsJson = False,
) -> None:
    """Make the rules of a file, or replace those with their ids, all or none; others stay."""
    given = sources.in_file(file)
    with sources.target(db, url, email, data) as there:
        held = there.rules()
        changes = checks.between(held, _laid(held, given))
        touched = {each.rule_id for each in changes}
        changed = [rule for rule in given if rule["id"] in touched]
        told: dict[str, Any] = {"count": 0}
        if changed:
            told = _tried(there, changed) if dry_run else there.write(changed, reason)
    if as_json:
        wire = {"dryRun": dry_run, "changes": [each.to_wire() for each in changes]}
        print(json.dumps(wire | {key: told[key] for key in told if key != "ok"}, indent=2))
        return
    checks.say_changes(changes)
    if changed:
        checks.say_findings(told.get("findings", []), told.get("moreFindings", 0))
    if told.get("deniedToRun"):
        print(f"{told['deniedToRun']} of the last {told['pastDecisions']} decisions were denials")
        print("  that would run by these rules")
    print("Nothing was written." if dry_run or not changed else f"{len(changed)} rules written")


def _tried(there: sources.Target, rules: list[dict[str, Json]]) -> dict[str, Any]:
    """What a write of these rules would tell."""
    found, past = there.analyse(rules), there.replay({"put": list(rules)})
    turned = {"deniedToRun": past["deniedToRun"], "pastDecisions": past["judged"]}
    return {**found, **(turned if past["deniedToRun"] else {})}


def _laid(held: list[dict[str, Json]], given: list[dict[str, Json]]) -> list[dict[str, Json]]:
    by_id = {str(rule["id"]): rule for rule in held}
    by_id |= {str(rule["id"]): rule for rule in given}
    return list(by_id.values())


def _text(rules: list[dict[str, Json]]) -> bytes:
    options = orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE
    return orjson.dumps({"rules": rules}, option=options)
