"""`wardline runs`: what ran on this appliance's hosts, and how a person undoes that on the spot.

A running agent carries the undo out, as only it has the hosts to itself; without one this command
does, and keeps an agent from beginning meanwhile.
"""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from wardline.agent import agent, columns, onsite, roster
from wardline.agent import settings as settings_file
from wardline.agent.agent import AlreadyRunning
from wardline.agent.bell import Bells
from wardline.agent.checks import check
from wardline.agent.runbooks import before_state, restoring
from wardline.agent.settings import Layout, Settings
from wardline.agent.store import runs, undos
from wardline.agent.store.before_states import BeforeStateLost
from wardline.agent.store.credentials import Credentials
from wardline.agent.store.keys import KeyUnusable
from wardline.agent.store.ledger import Ledger
from wardline.agent.store.runs import Ran
from wardline.agent.store.undos import Kept, State, Undo, Wish
from wardline.agent.undoing import CannotUndo, Undoing
from wardline.core import clock, ids, plain
from wardline.core.errors import Conflict, Malformed, NotFound, Refused
from wardline.core.evidence import bundle
from wardline.core.evidence.bundle import Action

WAIT_S = 600
LOOK_S = 0.2

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    help="What ran on this appliance; undo a run, without Central.",
)

Data = Annotated[Path | None, typer.Option("--data", help="The appliance's directory.")]
AsJson = Annotated[bool, typer.Option("--json", help="As JSON.")]
RunId = Annotated[str, typer.Argument(help="The run, as `wardline runs list` names it.")]


class UndoReasonNeeded(Refused):
    """A run is undone with a reason, in up to 1,000 characters."""

    code = "reason_needed"


class UndoUnanswered(Conflict):
    """The agent has not taken the undo up, or not ended it, in the time that was waited."""

    code = "undo_unanswered"


@app.command("list")
def show_all(data: Data = None, *, as_json: AsJson = False) -> None:
    """Show what ran in the last 31 days, and the last run of each repair; what can be undone."""
    found = listed(Layout(settings_file.data_directory(data)))
    if as_json:
        typer.echo(json.dumps({"runs": found}, indent=2))
        return
    rows = [
        (one["id"], one["host_name"], one["started_at"], one["result"] or "", one["runbook_id"])
        for one in found
    ]
    lines = [(*row, _undo_words(one)) for row, one in zip(rows, found, strict=True)]
    head = ("run", "host", "began", "result", "runbook", "undo")
    typer.echo(columns.table(head, lines))


@app.command("show")
def show(run: RunId, data: Data = None, *, as_json: AsJson = False) -> None:
    """Show a run: what an undo would put back, and what became of those that were wanted."""
    layout = Layout(settings_file.data_directory(data))
    found = shown(layout, run)
    if as_json:
        typer.echo(json.dumps(found, indent=2))
        return
    _say(f"{found['id']}  {found['result'] or 'nothing to do'}  began {found['started_at']}")
    _say(f"  {found['host_name']}: {found['runbook_id']} for {found['check']}")
    _say(f"  incident {found['incident_id']}; undo: {_undo_words(found)}")
    for action in found["would_put_back"]:
        _say("")
        _say(f"{action['step']}: {action['target']}")
        for line in plain.lines(action["diff"]):
            _say(line)
    for one in found["undos"]:
        _say("")
        _say(f"{one['wanted_at']}  {one['by']}: {one['reason']}")
        _say_end(one)


@app.command("undo")
def undo(
    run: RunId,
    reason: Annotated[str, typer.Option("--reason", help="Why; it is kept, and told.")],
    data: Data = None,
    *,
    wait: Annotated[
        int, typer.Option("--wait", min=1, max=3600, help="Seconds to wait for the agent.")
    ] = WAIT_S,
    as_json: AsJson = False,
) -> None:
    """Put back what a run changed, in your name; then nothing repeats it until a hold is cleared.

    Refused, with the difference, where somebody has edited since what the run had changed. The
    check is measured again. It works while repairs are frozen, and without Central.
    """
    layout = Layout(settings_file.data_directory(data))
    ended = undone(layout, run, reason, wait)
    if as_json:
        typer.echo(json.dumps(ended, indent=2))
    else:
        _say_end(ended)
    if ended["state"] != State.UNDONE.value:
        raise CannotUndo(f"{run}: {ended['state']}: {ended['detail']}")


def listed(layout: Layout) -> list[dict[str, Any]]:
    """The runs of an appliance's own store, as JSON."""
    with onsite.opened(layout) as (settings, ledger), ledger.reading() as tx:
        return [_wire(one, undos.get(tx, one.id), settings) for one in runs.newest(tx)]


def shown(layout: Layout, run_id: str) -> dict[str, Any]:
    """One run with its undos, as JSON; raises NotFound."""
    with onsite.opened(layout) as (settings, ledger):
        with ledger.reading() as tx:
            found, kept = runs.get(tx, run_id), undos.get(tx, run_id)
            wanted = undos.of_run(tx, run_id)
        if found is None:
            raise _unknown(run_id)
        told = _wire(found, kept, settings)
        told["would_put_back"] = _actions(_would_put_back(layout, settings, ledger, kept))
        told["undos"] = [_undo_wire(one) for one in wanted]
        return told


def undone(layout: Layout, run_id: str, reason: str, wait_s: float) -> dict[str, Any]:
    """Undo a run in the name of whoever calls; how that ended, as JSON.

    Raises NotFound, CannotUndo before anything is asked for, UndoReasonNeeded, UndoUnanswered.
    """
    reason = reason.strip()
    if not 0 < len(reason) <= undos.REASON_CHARS_MAX:
        raise UndoReasonNeeded(
            f"say why it is undone, in 1 to {undos.REASON_CHARS_MAX} characters (--reason)"
        )
    with onsite.opened(layout) as (settings, ledger):
        by = onsite.account()
        wish = Wish(ids.new("undo"), run_id, by, by, reason, None, ledger.now())
        with ledger.transaction() as tx:
            _check(runs.get(tx, run_id), undos.get(tx, run_id), run_id)
            undos.want(tx, wish)
        try:
            with agent.alone(layout):
                _carry_out(layout, settings, ledger)
        except AlreadyRunning:
            _wait(ledger, wish, time.monotonic() + wait_s)
        with ledger.reading() as tx:
            ended = undos.wished(tx, wish.id)
    assert ended is not None, "a wish is not forgotten while it lives"
    return _undo_wire(ended)


def _check(found: Ran | None, kept: Kept | None, run_id: str) -> None:
    if found is None and kept is None:
        raise _unknown(run_id)
    if kept is None:
        raise CannotUndo(f"{run_id}: nothing is kept of it that could be put back")
    if kept.undone_at is not None:
        raise CannotUndo(f"{run_id}: it was undone at {clock.wire(kept.undone_at)}")
    if kept.gone is not None:
        raise CannotUndo(f"{run_id}: what it changed is no longer kept: {kept.gone}")


def _carry_out(layout: Layout, settings: Settings, ledger: Ledger) -> None:
    """Without an agent, in its place: whatever is wanted now."""
    hosts = roster.open_all(settings.hosts, Credentials(layout, settings.appliance.id))
    try:
        files = agent.open_before_states(layout, settings, ledger)
        undoing = Undoing(ledger, hosts, check.registry(), files, Bells())
        undoing.settle()
        undoing.turn()
    finally:
        hosts.close()


def _wait(
    ledger: Ledger, wish: Wish, deadline: float, sleep: Callable[[float], None] = time.sleep
) -> None:
    """Until the agent that runs here has ended it; what it has not begun by then is taken back."""
    while True:
        with ledger.reading() as tx:
            found = undos.wished(tx, wish.id)
        if found is not None and found.ended_at is not None:
            return
        if time.monotonic() >= deadline:
            with ledger.transaction() as tx:
                is_taken_back = undos.take_back(tx, wish.id, ledger.now())
            if is_taken_back:
                raise UndoUnanswered("the agent did not take it up: nothing was changed")
            raise UndoUnanswered(
                "the agent has begun and not ended it yet: `wardline runs show"
                f" {wish.run_id}` shows what becomes of it"
            )
        sleep(LOOK_S)


def _would_put_back(
    layout: Layout, settings: Settings, ledger: Ledger, kept: Kept | None
) -> tuple[Action, ...]:
    if kept is None or kept.gone is not None or kept.undone_at is not None:
        return ()
    files = agent.open_before_states(layout, settings, ledger)
    try:
        before = before_state.load(files.open(kept.host_id, kept.run_id))
    except (BeforeStateLost, KeyUnusable, Malformed) as error:
        raise CannotUndo(f"{kept.run_id}: what it changed is lost: {error}") from None
    return tuple(ledger.scrubber.action(one) for one in restoring.preview(before))


def _wire(found: Ran, kept: Kept | None, settings: Settings) -> dict[str, Any]:
    names = {host.id: host.name for host in settings.hosts}
    stands = kept is not None and kept.gone is None and kept.undone_at is None
    return {
        "id": found.id,
        "incident_id": found.incident_id,
        "host_id": found.host_id,
        "host_name": names.get(found.host_id, found.host_id),
        "check": found.check,
        "runbook_id": found.runbook_id,
        "started_at": clock.wire(found.started_at),
        "ended_at": found.ended_at and clock.wire(found.ended_at),
        "result": found.result,
        "order_id": found.order_id,
        "undo_until": clock.wire(kept.kept_until) if kept and stands else None,
        "undone_at": kept and kept.undone_at and clock.wire(kept.undone_at),
        "gone": kept and kept.gone,
    }


def _undo_words(one: dict[str, Any]) -> str:
    if one["undone_at"]:
        return f"undone at {one['undone_at']}"
    if one["undo_until"]:
        return f"until {one['undo_until']}"
    return f"no longer: {one['gone']}" if one["gone"] else "nothing is kept of it"


def _undo_wire(one: Undo) -> dict[str, Any]:
    return {
        "id": one.wish.id,
        "run_id": one.wish.run_id,
        "by": one.wish.name,
        "reason": one.wish.reason,
        "order_id": one.wish.order_id,
        "wanted_at": clock.wire(one.wish.at),
        "ended_at": one.ended_at and clock.wire(one.ended_at),
        "state": one.state.value,
        "detail": one.detail,
        "actions": _actions(one.actions),
    }


def _actions(actions: tuple[Action, ...]) -> list[dict[str, Any]]:
    return [bundle.action_to_wire(one) for one in actions]


def _say_end(one: dict[str, Any]) -> None:
    _say(f"{one['state']}: {one['detail'] or ''}".rstrip(": "))
    for action in one["actions"]:
        _say(f"  {action['step']}: {action['target']}")
        for text in (action["error"], action["diff"], action["output"]):
            for line in plain.lines(text or ""):
                _say(f"    {line}")


def _say(text: str) -> None:
    """Paths, contents of files and errors are the host's words."""
    typer.echo(plain.line(text))


def _unknown(run_id: str) -> NotFound:
    return NotFound(f"there is no run {run_id}; `wardline runs list` shows those that there are")
