"""`wardline policy epoch`: says that Central was restored, so that appliances follow it again."""

import json
from pathlib import Path
from typing import Annotated

import typer

from wardline.cli import person
from wardline.core.errors import WrongUsage

PATH = "/policies/epoch"

Data = Annotated[Path | None, typer.Option(help="Central's data directory; default: the one here")]


class RaiseUnexplained(WrongUsage):
    """An epoch is raised with a reason, which is kept."""

    code = "reason_needed"


def epoch(
    raise_: Annotated[
        bool, typer.Option("--raise", help="declare that Central was restored from a backup")
    ] = False,
    reason: Annotated[str | None, typer.Option(help="which backup, and why; it is kept")] = None,
    email: Annotated[
        str | None, typer.Option("--as", help="who does it: your e-mail address")
    ] = None,
    data: Data = None,
    as_json: Annotated[bool, typer.Option("--json", help="print it as JSON")] = False,
) -> None:
    """Show the epoch of Central's policy, or raise it after a restore of Central.

    Appliances refuse a revision below the one that they hold; with a higher epoch they take it.
    Raising it asks for your password, or takes WARDLINE_PASSWORD.
    """
    if not raise_:
        with person.reading(data) as central:
            found = central.get(PATH)
    else:
        if reason is None or not reason.strip():
            raise RaiseUnexplained("--reason: say from which backup Central was restored, and why")
        with person.signed_in(data, email) as central:
            found = central.post(PATH, {"reason": reason.strip()})
    if as_json:
        print(json.dumps(found))
    else:
        print(f"epoch {found['epoch']}, revision {found['revision']}")
