"""The wardline command: finds the command's module in one table and hands it the arguments."""

import importlib
import sys
from typing import NamedTuple

from wardline import __version__
from wardline.core.errors import WardlineError

EXIT_FAILED = 1
EXIT_USAGE = 64


class Command(NamedTuple):
    """Where a command lives and what it is for; the module has a typer `app`."""

    module: str
    purpose: str


# The only late import of the project: `--help` stays quick, and the lean install has no Central.
COMMANDS = {
    "up": Command("wardline.cli.commands.up", "Start Central Command (--demo: with a clinic)"),
    "status": Command("wardline.cli.commands.status", "What happened so far, as Central knows it"),
    "holds": Command("wardline.cli.commands.holds", "What is left alone after a flap; clear one"),
    "agent": Command("wardline.cli.commands.agent", "Enrol, run and examine an appliance's agent"),
    "evidence": Command("wardline.cli.commands.evidence", "Export a site's evidence, verify one"),
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
    try:
        module = importlib.import_module(command.module)
    except ModuleNotFoundError as error:
        if error.name is not None and error.name.startswith("wardline"):
            raise
        print(
            f"wardline {name}: needs the package {error.name!r}, which is not installed;"
            " install wardline[central] for the server",
            file=sys.stderr,
        )
        raise SystemExit(EXIT_FAILED) from None
    try:
        module.app(args=arguments, prog_name=f"wardline {name}")
    except WardlineError as error:
        print(f"wardline {name}: {error}", file=sys.stderr)
        raise SystemExit(EXIT_FAILED) from None


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
