"""`wardline agent names`: the site's list of patients' names, which are taken out of everything.

No command shows a name: what is typed goes into the list, and only counts come out of it.
"""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from wardline.agent import settings as settings_file
from wardline.agent.checks import check
from wardline.agent.runbooks import runbook
from wardline.agent.scrub import patient_names
from wardline.agent.settings import DIRECTORY_MODE, Layout
from wardline.agent.store import keys
from wardline.core.errors import WrongUsage

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    help="Names of patients that are taken out of paths, host names and texts; none is ever shown.",
)

Data = Annotated[Path | None, typer.Option("--data", help="The appliance's directory.")]
Names = Annotated[
    list[str] | None,
    typer.Argument(
        help="Names, each in quotes. Better none: then one a line is read from the input,"
        " and no shell remembers them.",
        show_default=False,
    ),
]


class NameRefused(WrongUsage):
    """A name that cannot stand in the list, told by its line and not by what it says."""

    code = "name_refused"


@app.command()
def add(names: Names = None, data: Data = None) -> None:
    """Add names to the list; a running agent uses them from its next cycle on."""
    layout = Layout(settings_file.data_directory(data))
    added, total = put(layout, names if names is not None else _typed())
    typer.echo(f"{added} added; the list has {total}. What was sealed before stays as it was.")


@app.command()
def remove(names: Names = None, data: Data = None) -> None:
    """Take names off the list."""
    layout = Layout(settings_file.data_directory(data))
    removed, total = take_off(layout, names if names is not None else _typed())
    typer.echo(f"{removed} removed; the list has {total}.")


@app.command()
def count(data: Data = None) -> None:
    """Say how many names the list has."""
    typer.echo(
        str(len(patient_names.read(Layout(settings_file.data_directory(data)).patient_names)))
    )


def put(layout: Layout, names: list[str]) -> tuple[int, int]:
    """How many were new, and how many there are now; raises NameRefused and NamesUnusable."""
    held = patient_names.read(layout.patient_names)
    known = {patient_names.key(name) for name in held}
    own = _own_words()
    fresh: list[str] = []
    for number, name in enumerate(names, start=1):
        why = patient_names.refusal(name)
        if why is None and len(words := patient_names.plain(name)) == 1 and words[0] in own:
            why = "it is part of the name of a check or a runbook: give the whole name"
        if why is not None:
            raise NameRefused(f"name {number} of {len(names)}: {why}; nothing was added")
        if patient_names.key(name) not in known:
            known.add(patient_names.key(name))
            fresh.append(name.strip())
    if len(held) + len(fresh) > patient_names.NAMES_MAX:
        raise NameRefused(f"a list has at most {patient_names.NAMES_MAX} names; nothing was added")
    if fresh:
        _write(layout, [*held, *fresh])
    return len(fresh), len(held) + len(fresh)


def take_off(layout: Layout, names: list[str]) -> tuple[int, int]:
    """How many were in the list, and how many are left."""
    held = patient_names.read(layout.patient_names)
    gone = {patient_names.key(name) for name in names}
    kept = [name for name in held if patient_names.key(name) not in gone]
    if len(kept) < len(held):
        _write(layout, kept)
    return len(held) - len(kept), len(kept)


def _own_words() -> frozenset[str]:
    ids = (*check.registry(), *runbook.registry())
    return frozenset(word for one in ids for word in patient_names.plain(one))


def _typed() -> list[str]:
    lines = sys.stdin.read(patient_names.FILE_BYTES_MAX).splitlines()
    return [line for line in lines if line.strip() and not line.startswith("#")]


def _write(layout: Layout, names: list[str]) -> None:
    """The whole list at once: readable by its owner alone from its first byte on."""
    layout.root.mkdir(mode=DIRECTORY_MODE, parents=True, exist_ok=True)
    path = layout.patient_names
    staged = path.with_name(f".{path.name}.{os.getpid()}")
    staged.unlink(missing_ok=True)
    try:
        keys.write_secret(staged, "".join(f"{name}\n" for name in names).encode())
        staged.replace(path)
    finally:
        staged.unlink(missing_ok=True)
    keys.sync_directory(path.parent)
