"""`wardline policy test`: the cases that a set of rules must pass, and which rules they reach."""

import json
from pathlib import Path
from typing import Annotated

import typer

from wardline.cli import policy_sources as sources
from wardline.core import plain
from wardline.core.errors import Malformed
from wardline.core.policy import cases, compiled
from wardline.core.policy.cases import Case, Coverage, Result
from wardline.core.policy.parse import RuleInvalid
from wardline.core.policy.rule import Policy

EXIT_FAILED = 1


def run_cases(
    files: Annotated[list[Path], typer.Argument(metavar="CASES…", help="files of cases")],
    rules: sources.RulesFile = None,
    db: sources.Db = None,
    url: sources.Url = None,
    email: sources.Who = None,
    data: sources.Data = None,
    covered: Annotated[
        bool, typer.Option("--all-rules", help="fail where a rule decides no case, too")
    ] = False,
    as_json: sources.AsJson = False,
) -> None:
    """Decide every case by the rules, and say what came out otherwise; ends with 1 if any did."""
    asked = [case for path in files for case in _read(path)]
    held = sources.parsed(sources.authored(rules, db, url, email, data))
    results, coverage = cases.run(compiled.build(Policy(held, 0)), asked)
    failed = [each for each in results if each.wrong]
    if as_json:
        told = {
            "cases": [each.to_wire() for each in results],
            "failed": len(failed),
            "coverage": coverage.to_wire(),
        }
        print(json.dumps(told, indent=2))
    else:
        _render(results, coverage)
    if failed or (covered and coverage.never):
        raise typer.Exit(EXIT_FAILED)


def _read(path: Path) -> list[Case]:
    try:
        return cases.read(sources.document(path))
    except RuleInvalid as invalid:
        raise Malformed(str(path), str(invalid)) from None


def _render(results: list[Result], coverage: Coverage) -> None:
    for each in results:
        if each.wrong:
            print(plain.shown(f"FAILED  {each.case.name}: {'; '.join(each.wrong)}"))
    failed = sum(bool(each.wrong) for each in results)
    print(f"{len(results) - failed} of {len(results)} cases passed")
    for rule_id, count in sorted(coverage.decided.items()):
        print(plain.shown(f"  {rule_id}  decided {count}"))
    for rule_id in coverage.never:
        print(plain.shown(f"  {rule_id}  decided none"))
