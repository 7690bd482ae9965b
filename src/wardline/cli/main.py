"""The wardline command: finds the command's module in one table and hands it the arguments."""

import importlib
import os
import signal
import sys
from types import FrameType
from typing import NamedTuple, NoReturn

from wardline import __version__
from wardline.core import plain
from wardline.core.errors import WardlineError, WrongUsage

EXIT_FAILED = 1
EXIT_USAGE = 64
EXIT_INTERRUPTED = 130
# What the parser ends with on a line that it cannot read; nothing of ours ends with it.
PARSER_EXIT = 2
STOPPED = "Stopped"


class Command(NamedTuple):
    """Where a command lives and what it is for; the module has a typer `app`.

    One with `handles_interrupts` takes Ctrl-C over from us, without a moment in between; `extra`
    is what `pip install wardline[…]` needs for it.
    """

    module: str
    purpose: str
    handles_interrupts: bool = False
    extra: str = "central"


# The only late import of the project: `--help` stays quick, and the lean install has no Central.
COMMANDS = {
    "up": Command(
        "wardline.cli.commands.up",
        "Start Central Command (--demo: with three clinics)",
        handles_interrupts=True,
    ),
    "status": Command("wardline.cli.commands.status", "What happened so far, as Central knows it"),
    "incidents": Command(
        "wardline.cli.commands.incidents", "What is wrong, what was done, what a person can do"
    ),
    "holds": Command("wardline.cli.commands.holds", "What is left alone; set or clear a hold"),
    "promotions": Command(
        "wardline.cli.commands.promotions",
        "What L2 taught; let L1 do it by itself, or no more",
    ),
    "brakes": Command(
        "wardline.cli.commands.brakes", "Versions that were stopped after failures; release one"
    ),
    "deviations": Command(
        "wardline.cli.commands.deviations",
        "Failing states that are accepted until a date; accept, renew, revoke",
    ),
    "runs": Command(
        "wardline.cli.commands.runs", "What ran on this appliance; undo a run, without Central"
    ),
    "freeze": Command(
        "wardline.cli.commands.freeze", "Stop every repair of the partner or a site; lift that"
    ),
    "policy": Command(
        "wardline.cli.commands.policy",
        "Test, replay and move rules; serve a policy file; raise the epoch",
        handles_interrupts=True,
        extra="policy",
    ),
    "checks": Command(
        "wardline.cli.commands.checks",
        "What is measured and why; measure once; begin a new check",
    ),
    "agent": Command("wardline.cli.commands.agent", "Enrol, run and examine an appliance's agent"),
    "evidence": Command("wardline.cli.commands.evidence", "Export a site's evidence, verify one"),
    "audit": Command(
        "wardline.cli.commands.audit", "Who did what: search it, export it, verify an export"
    ),
}


def main() -> None:
    """Entry point of the console script; ends the process with the command's exit code."""
    arguments = sys.argv[1:]
    if not arguments or arguments[0] in {"-h", "--help", "help"}:
        print(_help())
        raise SystemExit(0 if arguments else EXIT_USAGE)
    if arguments[0] in {"-V", "--version"}:
        print(f"wardline {__version__}")
        raise SystemExit(0)
    command = COMMANDS.get(arguments[0])
    if command is None:
        said = f"wardline: no command {arguments[0]!r}; `wardline --help` lists them"
        print(said, file=sys.stderr)
        raise SystemExit(EXIT_USAGE)
    _run(arguments[0], command, arguments[1:])


def _run(name: str, command: Command, arguments: list[str]) -> None:
    # Loading takes a second in which nothing is held yet that would have to be tidied up.
    signal.signal(signal.SIGINT, _end_at_once)
    try:
        module = importlib.import_module(command.module)
    except ModuleNotFoundError as error:
        if error.name is not None and error.name.startswith("wardline"):
            raise
        print(
            f"wardline {name}: needs the package {error.name!r}, which is not installed;"
            f" install wardline[{command.extra}] for it",
            file=sys.stderr,
        )
        raise SystemExit(EXIT_FAILED) from None
    if not command.handles_interrupts:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        module.app(args=arguments, prog_name=f"wardline {name}")
    except WardlineError as error:
        print("\n".join(plain.lines(f"wardline {name}: {error}")), file=sys.stderr)
        raise SystemExit(EXIT_USAGE if isinstance(error, WrongUsage) else EXIT_FAILED) from None
    except SystemExit as ended:
        if ended.code == EXIT_INTERRUPTED:
            print(STOPPED, file=sys.stderr)
        raise SystemExit(EXIT_USAGE if ended.code == PARSER_EXIT else ended.code) from None


def _end_at_once(number: int, frame: FrameType | None) -> NoReturn:
    """No exception: half of the modules that it would cross turn it into something else."""
    os.write(sys.stderr.fileno(), f"{STOPPED}\n".encode())
    os._exit(EXIT_INTERRUPTED)


def _help() -> str:
    width = max(map(len, COMMANDS))
    lines = [f"  {name:<{width}}  {command.purpose}" for name, command in COMMANDS.items()]
    return "\n".join(
        [
            "wardline: keeps the computers of small clinics in compliance, and proves it",
            "",
            "Usage: wardline COMMAND [options]; `wardline COMMAND --help` explains one",
            "",
            *lines,
            "",
            "  --version",
        ]
    )
