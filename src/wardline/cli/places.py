"""Where the data of a Central of this machine stands, and the options that say where."""

import os
from pathlib import Path
from typing import Annotated

import typer

from wardline.core.errors import WardlineError

ENVIRONMENT = "WARDLINE_DATA"
REAL = Path("wardline-data") / "central"
DEMO = Path("wardline-data") / "demo"

Either = Annotated[
    Path | None,
    typer.Option(help="data directory of Central, or of the agent; default: the one that is here"),
]
OnAppliance = Annotated[
    bool, typer.Option("--appliance", help="what this appliance itself holds, without Central")
]


class NotRunning(WardlineError):
    """No Central runs on any of the usual directories."""


def central(given: Path | None, *, demo: bool) -> Path:
    """The data directory to start on: as given, by WARDLINE_DATA, or under the current folder."""
    if given is not None:
        return given.absolute()
    named = os.environ.get(ENVIRONMENT)
    return (Path(named) if named else DEMO if demo else REAL).absolute()


def running(given: Path | None) -> Path:
    """The data directory of a running Central: as given, else the first usual one that runs."""
    if given is not None:
        return given.absolute()
    named = os.environ.get(ENVIRONMENT)
    candidates = [Path(named)] if named else [REAL, DEMO]
    for candidate in candidates:
        if (candidate / "run" / "central.json").exists():
            return candidate.absolute()
    where = " or ".join(str(candidate) for candidate in candidates)
    raise NotRunning(
        f"no Central runs on {where} under {Path.cwd()};"
        " start one with `wardline up`, or name its directory with --data"
    )
