"""`wardline checks`: what is measured and why, a measurement by hand, the start of a new check."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from wardline.agent import columns, measure, roster
from wardline.agent import settings as agent_settings
from wardline.agent.checks import check
from wardline.agent.checks.protocol import Check
from wardline.agent.hosts.host import Host
from wardline.agent.hosts.local import LocalHost
from wardline.agent.hosts.tree import TreeHost
from wardline.agent.runbooks import runbook
from wardline.agent.scrub.scrubber import Scrubber
from wardline.agent.settings import Layout
from wardline.cli import check_author
from wardline.core import clock, plain
from wardline.core.errors import NotFound, WrongUsage
from wardline.core.evidence.bundle import Outcome, Result

EXIT_FOUND = 3

app = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    no_args_is_help=True,
    help="What is measured and why; measure once by hand; begin a new check.",
)

AsJson = Annotated[bool, typer.Option("--json", help="print it as JSON")]
Named = Annotated[str | None, typer.Argument(metavar="ID", help="one check; else all of them")]


@app.command("list")
def list_checks(as_json: AsJson = False) -> None:
    """Every built-in check, its severity and how often it is measured."""
    manifests = [one.manifest for _, one in sorted(check.registry().items())]
    if as_json:
        print(json.dumps([asdict(one) for one in manifests], indent=2))
        return
    rows = [(one.id, one.severity.value, f"{one.interval_s} s", one.title) for one in manifests]
    print(columns.table(("check", "severity", "every", "what it is about"), rows))


@app.command()
def explain(
    name: Annotated[str, typer.Argument(metavar="ID", help="the check")], as_json: AsJson = False
) -> None:
    """What a check looks at, what it keeps as evidence, and what to do where it fails."""
    manifest = _named(name).manifest
    if as_json:
        print(json.dumps(asdict(manifest), indent=2))
        return
    budget = f"{manifest.cpu_ms_max} ms of processor time, {manifest.timeout_s:g} s in all"
    rows = [
        ("check", manifest.id),
        ("severity", manifest.severity.value),
        ("platforms", ", ".join(manifest.platforms)),
        ("measured", f"every {manifest.interval_s} s; {budget}"),
        ("evidence", manifest.evidence),
        ("controls", ", ".join(manifest.controls)),
        ("what to do", manifest.remediation),
        ("repaired by", ", ".join(_answers(manifest.id)) or "a person"),
    ]
    print(manifest.title)
    print(columns.table(("", ""), rows))


def _answers(check_id: str) -> list[str]:
    return [one.id for one in runbook.registry().values() if one.check == check_id]


@app.command()
def run(
    name: Named = None,
    tree: Annotated[Path | None, typer.Option(help="the root of a file tree to measure")] = None,
    host: Annotated[
        str | None, typer.Option(help="a host of this appliance, by its name or its id")
    ] = None,
    data: Annotated[Path | None, typer.Option(help="the agent's data directory")] = None,
    as_json: AsJson = False,
) -> None:
    """Measure now: this machine, a tree or a host of this appliance. Nothing is written or sent.

    Ends with 3 where a check fails or is unknown.
    """
    measured = _host(tree, host, data)
    chosen = [_named(name)] if name else [one for _, one in sorted(check.registry().items())]
    scrubber = Scrubber.ephemeral()
    results = [measure.measure(one, measured, clock.system, scrubber) for one in chosen]
    if as_json:
        print(json.dumps([_wire(one) for one in results], indent=2))
    else:
        rows = [(one.check, one.outcome.value, plain.shown(one.summary)) for one in results]
        print(columns.table(("check", "outcome", "summary"), rows))
    if any(one.outcome in (Outcome.FAIL, Outcome.UNKNOWN) for one in results):
        raise typer.Exit(EXIT_FOUND)


@app.command("new")
def write_new(
    name: Annotated[str, typer.Argument(help="the name of the new check, such as disk_space")],
    root: Annotated[Path, typer.Option(help="a checkout of Wardline's source")] = Path(),
) -> None:
    """Write a check, its cases and its page into a checkout, for its author to fill in.

    What is to be written says so, and `make check` and the check's own cases fail until it is.
    """
    for path in check_author.write(root, name):
        print(path)


def _named(name: str) -> Check:
    found = check.registry().get(name)
    if found is None:
        raise NotFound(
            f"there is no check {name}; `wardline checks list` shows those that there are"
        )
    return found


def _host(tree: Path | None, name: str | None, data: Path | None) -> Host:
    if tree is not None and name is not None:
        raise WrongUsage("--tree and --host name two hosts: give one of them")
    if tree is not None:
        if not tree.is_dir():
            raise WrongUsage(f"--tree: {tree} is no directory")
        return TreeHost("tree", tree.name, str(tree.absolute()), writable=False)
    if name is None:
        return LocalHost("local", "this machine")
    declared = agent_settings.load(Layout(agent_settings.data_directory(data))).hosts
    for one in declared:
        if name in (one.id, one.name):
            return roster.open_host(one.model_copy(update={"observed": True}))
    known = ", ".join(one.name for one in declared) or "none"
    raise NotFound(f"--host: this appliance has no host {name}; it has {known}")


def _wire(result: Result) -> dict[str, Any]:
    return {
        "check": result.check,
        "outcome": result.outcome.value,
        "severity": result.severity.value,
        "summary": result.summary,
        "facts": dict(result.facts),
        "measured_at": clock.wire(result.measured_at),
        "duration_ms": result.duration_ms,
        "controls": list(result.controls),
    }
