"""`wardline agent freeze` and `unfreeze`: the kill switch at the appliance itself."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from wardline.agent import freezing, onsite
from wardline.agent import settings as settings_file
from wardline.agent.settings import Layout
from wardline.agent.store.freezes import LocalFreeze
from wardline.core import clock

Data = Annotated[Path | None, typer.Option("--data", help="The appliance's directory.")]
AsJson = Annotated[bool, typer.Option("--json", help="As JSON.")]


def freeze(
    reason: Annotated[str, typer.Option("--reason", help="Why everything stops; it is kept.")],
    data: Data = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Stop every repair of this appliance, at once and without Central, until you unfreeze it.

    A repair that is running ends its present step and is undone. Measuring and reporting go on;
    Central hears of it at the next check-in and cannot lift it.
    """
    with onsite.opened(Layout(settings_file.data_directory(data))) as (_, ledger):
        frozen = freezing.freeze(ledger, onsite.account(), reason)
    if as_json:
        typer.echo(json.dumps(_wire(frozen), indent=2))
        return
    typer.echo(f"Frozen since {clock.wire(frozen.frozen_at)} by {frozen.frozen_by}.")
    typer.echo("Nothing is repaired here until somebody lifts it: wardline agent unfreeze")


def unfreeze(
    data: Data = None,
    reason: Annotated[str, typer.Option("--reason", help="Why repairs may go on.")] = "",
    *,
    as_json: AsJson = False,
) -> None:
    """Lift the freeze that was set here; what Central froze stays frozen."""
    with onsite.opened(Layout(settings_file.data_directory(data))) as (_, ledger):
        lifted = freezing.unfreeze(ledger, onsite.account(), reason)
    if as_json:
        typer.echo(json.dumps(_wire(lifted), indent=2))
        return
    typer.echo(f"Lifted by {lifted.lifted_by}. A running agent judges what waits within seconds,")
    typer.echo("unless Central has frozen this site: wardline agent doctor shows that.")


def _wire(one: LocalFreeze) -> dict[str, Any]:
    return {
        "frozen_at": clock.wire(one.frozen_at),
        "frozen_by": one.frozen_by,
        "reason": one.reason,
        "lifted_at": clock.wire(one.lifted_at) if one.lifted_at else None,
        "lifted_by": one.lifted_by,
        "lift_reason": one.lift_reason,
    }
