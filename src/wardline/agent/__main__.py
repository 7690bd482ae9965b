"""`wardline agent`, also `python -m wardline.agent`: enrol an appliance, run it, examine it.

Exit codes: 0 as asked; 1 refused or failed, with the reason on stderr; 64 wrong arguments;
`doctor` gives 3 when something is wrong.
"""

import json
import os
import shlex
import signal
import socket
import sys
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from pydantic import ValidationError

from wardline.agent import (
    agent,
    columns,
    doctor,
    freeze_commands,
    hold_commands,
    host_commands,
    measure,
    name_commands,
    roster,
    run_commands,
)
from wardline.agent import enrol as enrolment
from wardline.agent import settings as settings_file
from wardline.agent.bell import ENDING
from wardline.agent.checks import check
from wardline.agent.enrol import Wish
from wardline.agent.scrub.scrubber import Scrubber
from wardline.agent.settings import Flap, HostSettings, Intervals, Layout
from wardline.agent.uplink import Address, Uplink
from wardline.core import clock, ids, plain, protocol
from wardline.core.errors import WardlineError, WrongUsage
from wardline.core.evidence.bundle import Result
from wardline.core.incidents import ladder

EXIT_FAILED = 1
EXIT_UNWELL = 3
EXIT_USAGE = 64
# What the parser ends with on a line that it cannot read; nothing of ours ends with it.
PARSER_EXIT = 2

app = typer.Typer(
    no_args_is_help=True, add_completion=False, help="Enrol, run and examine an appliance's agent."
)
app.add_typer(hold_commands.app, name="holds")
app.add_typer(host_commands.app, name="hosts")
app.add_typer(name_commands.app, name="names")
app.add_typer(run_commands.app, name="runs")
app.command()(freeze_commands.freeze)
app.command()(freeze_commands.unfreeze)

Data = Annotated[
    Path | None,
    typer.Option(
        "--data",
        help="The appliance's directory; default $WARDLINE_AGENT_DATA, as root"
        " /var/lib/wardline/agent, else ~/.local/share/wardline/agent.",
    ),
]
Declared = Annotated[
    list[str] | None,
    typer.Option(
        "--declare",
        metavar="NAME=PLATFORM",
        help="A host that is only on the list, such as pacs=windows/server-2022; may be repeated.",
    ),
]
Trees = Annotated[
    list[str] | None,
    typer.Option("--tree", metavar="NAME=PATH", help="A file tree as a host; may be repeated."),
]


class TreeInvalid(WrongUsage):
    """A --tree that names no folder."""

    code = "tree_invalid"


class DeclarationInvalid(WrongUsage):
    """A --declare that names no host and platform."""

    code = "declaration_invalid"


@app.command()
def enrol(
    url: Annotated[str, typer.Argument(help="Where Central is, as its site page shows it.")],
    token: Annotated[str, typer.Argument(help="The enrolment token (wl1.…); works once.")],
    data: Data = None,
    tree: Trees = None,
    declare: Declared = None,
    *,
    no_local: Annotated[
        bool, typer.Option("--no-local", help="This machine itself is no host of the appliance.")
    ] = False,
    observe_local: Annotated[
        bool, typer.Option("--observe-local", help="This machine is measured, never changed.")
    ] = False,
    interval_scale: Annotated[
        float, typer.Option(help="Multiplies every check's interval (a demo uses 0.01).")
    ] = 1.0,
    checkin_seconds: Annotated[
        float, typer.Option(help="Check in more often than Central asks for.")
    ] = protocol.CHECKIN_INTERVAL_S,
    flap_heals: Annotated[
        int, typer.Option(help="Verified heals within two hours after which a hold is set.")
    ] = ladder.FLAP_HEALS,
) -> None:
    """Make this machine an appliance of a site."""
    layout = Layout(settings_file.data_directory(data))
    hosts = [] if no_local else [_local(observed=observe_local)]
    hosts += [_tree(text) for text in tree or []]
    hosts += [_declared(text) for text in declare or []]
    rhythm = Intervals(scale=interval_scale, checkin_s=checkin_seconds)
    wish = Wish(url, token, tuple(hosts), rhythm, Flap(heals=flap_heals))
    made = enrolment.enrol(layout, wish, roster.open_host, _connect)
    typer.echo(
        f"Enrolled as {made.appliance.id} of {made.site.name}, with {len(made.hosts)} hosts."
    )
    named = "" if data is None else f" --data {shlex.quote(str(data))}"
    typer.echo(f"Its keys and settings stand in {layout.root}. Run it: wardline agent run{named}")


@app.command()
def run(data: Data = None) -> None:
    """Measure, repair what the policy allows, report; until Ctrl-C or SIGTERM."""
    root = settings_file.data_directory(data)
    # Refused here, while this is still the command that was given.
    agent.load_settings(Layout(root))
    _become("wardline.agent.resident", str(root))


def _become(module: str, argument: str) -> NoReturn:
    """This process goes on as another one, which has taken over before a signal reaches it."""
    sys.stdout.flush()
    sys.stderr.flush()
    signal.pthread_sigmask(signal.SIG_BLOCK, ENDING)
    os.execv(sys.executable, [sys.executable, "-m", module, argument])


@app.command()
def once(
    tree: Trees = None,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Results as JSON.")] = False,
) -> None:
    """Measure this machine (or the given trees) once; needs no enrolment and writes nothing."""
    declared = [_tree(text) for text in tree] if tree else [_local(observed=True)]
    found = [(one, result) for one in declared for result in _measured(one)]
    if as_json:
        typer.echo(
            json.dumps({"results": [_wire(host, result) for host, result in found]}, indent=2)
        )
        return
    rows = [(host.name, one.check, one.outcome.value, one.summary) for host, one in found]
    typer.echo(columns.table(("host", "check", "outcome", "summary"), rows))


@app.command("doctor")
def examine(
    data: Data = None,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """Show how the appliance is: clock, keys, store, queue, witness, policy, Central."""
    layout = Layout(settings_file.data_directory(data))
    lines = doctor.examine(layout, agent.load_settings(layout), agent.open_uplink)
    if as_json:
        typer.echo(json.dumps(doctor.wire(lines), indent=2))
    else:
        _show(lines)
    if not doctor.is_well(lines):
        raise typer.Exit(EXIT_UNWELL)


@app.command()
def trust(data: Data = None) -> None:
    """Print keys.txt: the keys by which an auditor verifies this site's evidence."""
    layout = Layout(settings_file.data_directory(data))
    sys.stdout.write(doctor.trusted(layout, agent.load_settings(layout)))


def _connect(address: Address, credential: str | None) -> Uplink:
    return Uplink(address, credential)


def _local(*, observed: bool) -> HostSettings:
    name = socket.gethostname() or "this machine"
    return HostSettings(id=ids.host(), name=name[:255], kind="local", observed=observed)


def _tree(text: str) -> HostSettings:
    name, equals, path = text.partition("=")
    root = Path(path).absolute()
    if not name or not equals or not path:
        raise TreeInvalid(f"--tree {text!r}: give it as NAME=PATH")
    if not root.is_dir():
        raise TreeInvalid(f"--tree {text!r}: {root} is no directory")
    return HostSettings(id=ids.host(), name=name, kind="tree", root=root)


def _declared(text: str) -> HostSettings:
    name, _, platform = text.partition("=")
    try:
        return HostSettings(id=ids.host(), name=name, kind="declared", platform=platform)
    except ValidationError:
        raise DeclarationInvalid(
            f"--declare {text!r}: give it as NAME=PLATFORM, such as pacs=windows/server-2022"
        ) from None


def _measured(declared: HostSettings) -> list[Result]:
    host, scrubber = roster.open_host(declared), Scrubber.ephemeral()
    return [measure.measure(one, host, clock.system, scrubber) for one in check.registry().values()]


def _wire(host: HostSettings, result: Result) -> dict[str, object]:
    shown: dict[str, object] = {
        "check": result.check,
        "host": host.name,
        "outcome": result.outcome.value,
        "severity": result.severity.value,
        "summary": result.summary,
        "facts": dict(result.facts),
        "measured_at": clock.wire(result.measured_at),
        "duration_ms": result.duration_ms,
        "controls": list(result.controls),
    }
    if result.outcome.value in ("unknown", "not_applicable"):
        shown["reason"] = result.facts.get("reason") or result.summary
    return shown


def _show(lines: list[doctor.Line]) -> None:
    marks = {True: "ok", False: "LOOK", None: ""}
    rows = [(marks[line.ok], line.topic, line.name, line.value) for line in lines]
    typer.echo(columns.table(("", "", "", ""), rows))


def main() -> None:
    """Entry point of `python -m wardline.agent`."""
    try:
        app(prog_name="wardline agent")
    except WardlineError as error:
        for line in plain.lines(f"wardline agent: {error}"):
            typer.echo(line, err=True)
        raise SystemExit(EXIT_USAGE if isinstance(error, WrongUsage) else EXIT_FAILED) from None
    except SystemExit as ended:
        raise SystemExit(EXIT_USAGE if ended.code == PARSER_EXIT else ended.code) from None


if __name__ == "__main__":
    main()
