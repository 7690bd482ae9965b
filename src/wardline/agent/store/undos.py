"""Runs that can be undone, and every time that a person wanted one undone: the rows of both."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

import orjson

from wardline.agent.store.database import Row, Transaction
from wardline.core import clock
from wardline.core.evidence import bundle
from wardline.core.evidence.bundle import Action

KEPT = timedelta(days=30)
# What nobody took up in time was given up by whoever waited for it.
WANTED = timedelta(minutes=10)
REASON_CHARS_MAX = 1000
DETAIL_CHARS_MAX = 1000
LISTED_MAX = 500
EXPIRED_PER_TURN_MAX = 100


class State(StrEnum):
    """`undone`: everything is as it was, and was found so. `left`: something is left by hand.
    `refused`: nothing was changed. `interrupted`: the agent was stopped in the middle."""

    WANTED = "wanted"
    RUNNING = "running"
    UNDONE = "undone"
    LEFT = "left"
    REFUSED = "refused"
    INTERRUPTED = "interrupted"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class Kept:
    """A run with its before-state; `gone` is why that is no longer there, or never was."""

    run_id: str
    incident_id: str
    host_id: str
    check: str
    runbook_id: str
    ran_at: datetime
    kept_until: datetime
    bytes: int
    gone: str | None
    undone_at: datetime | None


@dataclass(frozen=True, slots=True)
class Wish:
    """Who wants which run undone, and why; `order_id` is None for a person at the appliance."""

    id: str
    run_id: str
    by: str
    name: str
    reason: str
    order_id: str | None
    at: datetime


@dataclass(frozen=True, slots=True)
class Undo:
    """A wish with what became of it."""

    wish: Wish
    state: State
    ended_at: datetime | None
    detail: str | None
    actions: tuple[Action, ...]


def keep(tx: Transaction, kept: Kept) -> None:
    """In the transaction after its file was written, or could not be."""
    tx.execute(
        "INSERT INTO before_states (run_id, incident_id, host_id, incident_type, runbook_id,"
        " ran_at, kept_until, bytes, gone) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            *(kept.run_id, kept.incident_id, kept.host_id, kept.check, kept.runbook_id),
            *(clock.wire(kept.ran_at), clock.wire(kept.kept_until), kept.bytes, kept.gone),
        ),
    )


def get(tx: Transaction, run_id: str) -> Kept | None:
    row = tx.row("SELECT * FROM before_states WHERE run_id = ?", (run_id,))
    return None if row is None else _kept(row)


def newest(tx: Transaction) -> list[Kept]:
    """The last that ran first, at most LISTED_MAX."""
    rows = tx.rows(
        "SELECT * FROM before_states ORDER BY ran_at DESC, run_id DESC LIMIT ?", (LISTED_MAX,)
    )
    return [_kept(row) for row in rows]


def all_there(tx: Transaction) -> list[Kept]:
    """Those whose file is there, the oldest first."""
    rows = tx.rows("SELECT * FROM before_states WHERE gone IS NULL ORDER BY ran_at, run_id")
    return [_kept(row) for row in rows]


def over(tx: Transaction, now: datetime) -> list[Kept]:
    """Those that were kept for long enough."""
    rows = tx.rows(
        "SELECT * FROM before_states WHERE gone IS NULL AND kept_until < ? LIMIT ?",
        (clock.wire(now), EXPIRED_PER_TURN_MAX),
    )
    return [_kept(row) for row in rows]


def lose(tx: Transaction, run_id: str, why: str) -> None:
    tx.execute(
        "UPDATE before_states SET gone = ?, bytes = 0 WHERE run_id = ? AND gone IS NULL",
        (tx.scrubber.short(why, DETAIL_CHARS_MAX), run_id),
    )


def set_undone(tx: Transaction, run_id: str, at: datetime) -> None:
    tx.execute(
        "UPDATE before_states SET undone_at = ? WHERE run_id = ? AND undone_at IS NULL",
        (clock.wire(at), run_id),
    )


def forget(tx: Transaction, now: datetime) -> None:
    """What is no longer kept, was wanted by nobody for as long, and is over."""
    oldest = clock.wire(now - 2 * KEPT)
    tx.execute(
        "DELETE FROM undos WHERE ended_at < ? AND run_id IN (SELECT run_id FROM before_states"
        " WHERE gone IS NOT NULL AND kept_until < ?)",
        (oldest, oldest),
    )
    tx.execute(
        "DELETE FROM before_states WHERE gone IS NOT NULL AND kept_until < ?"
        " AND run_id NOT IN (SELECT run_id FROM undos)",
        (oldest,),
    )


def want(tx: Transaction, wish: Wish) -> None:
    tx.execute(
        "INSERT INTO undos (id, run_id, wanted_by, wanted_by_name, reason, order_id, wanted_at,"
        " state) VALUES (?, ?, ?, ?, ?, ?, ?, 'wanted')",
        (
            *(wish.id, wish.run_id, wish.by, wish.name),
            *(tx.scrubber.short(wish.reason, REASON_CHARS_MAX), wish.order_id),
            clock.wire(wish.at),
        ),
    )


def start(tx: Transaction, wish_id: str) -> bool:
    """False where somebody else has begun with it, or it is over."""
    touched = tx.execute(
        "UPDATE undos SET state = 'running' WHERE id = ? AND state = 'wanted'", (wish_id,)
    )
    return touched == 1


def take_back(tx: Transaction, wish_id: str, at: datetime) -> bool:
    """Whoever wanted it wants it no longer; False where it has begun."""
    touched = tx.execute(
        "UPDATE undos SET state = 'expired', ended_at = ? WHERE id = ? AND state = 'wanted'",
        (clock.wire(at), wish_id),
    )
    return touched == 1


def end(
    tx: Transaction,
    wish_id: str,
    state: State,
    detail: str | None,
    actions: Sequence[Action],
    at: datetime,
) -> None:
    """Once; a later end changes nothing."""
    tx.execute(
        "UPDATE undos SET state = ?, detail = ?, actions = ?, ended_at = ?"
        " WHERE id = ? AND ended_at IS NULL",
        (
            state.value,
            None if detail is None else tx.scrubber.short(detail, DETAIL_CHARS_MAX),
            tx.json([bundle.action_to_wire(tx.scrubber.action(one)) for one in actions]),
            *(clock.wire(at), wish_id),
        ),
    )


def live(tx: Transaction, state: State) -> list[Undo]:
    """Those that wait, or that are under way, the oldest first."""
    rows = tx.rows(
        "SELECT * FROM undos WHERE ended_at IS NULL AND state = ? ORDER BY wanted_at, id",
        (state.value,),
    )
    return [_undo(row) for row in rows]


def of_run(tx: Transaction, run_id: str) -> list[Undo]:
    """Every wish for one run, the last first."""
    rows = tx.rows(
        "SELECT * FROM undos WHERE run_id = ? ORDER BY wanted_at DESC, id DESC LIMIT ?",
        (run_id, LISTED_MAX),
    )
    return [_undo(row) for row in rows]


def wished(tx: Transaction, wish_id: str) -> Undo | None:
    row = tx.row("SELECT * FROM undos WHERE id = ?", (wish_id,))
    return None if row is None else _undo(row)


def _kept(row: Row) -> Kept:
    undone_at = row["undone_at"]
    return Kept(
        run_id=row["run_id"],
        incident_id=row["incident_id"],
        host_id=row["host_id"],
        check=row["incident_type"],
        runbook_id=row["runbook_id"],
        ran_at=clock.parse(row["ran_at"]),
        kept_until=clock.parse(row["kept_until"]),
        bytes=row["bytes"],
        gone=row["gone"],
        undone_at=clock.parse(undone_at) if undone_at else None,
    )


def _undo(row: Row) -> Undo:
    ended_at = row["ended_at"]
    actions: list[Any] = orjson.loads(row["actions"])
    return Undo(
        wish=Wish(
            id=row["id"],
            run_id=row["run_id"],
            by=row["wanted_by"],
            name=row["wanted_by_name"],
            reason=row["reason"],
            order_id=row["order_id"],
            at=clock.parse(row["wanted_at"]),
        ),
        state=State(row["state"]),
        ended_at=clock.parse(ended_at) if ended_at else None,
        detail=row["detail"],
        actions=tuple(bundle.action_from_wire(one) for one in actions),
    )
