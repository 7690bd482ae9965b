"""How long the queue rests after failures; neither a restart nor a clock jump changes it."""

import random
from dataclasses import dataclass
from datetime import datetime, timedelta

from wardline.agent.store.database import Transaction
from wardline.core import clock

CEILING_MINUTES = 60
MINUTE_MS = 60_000


@dataclass(frozen=True, slots=True)
class Moment:
    """Now, three ways: wall clock, and milliseconds since the boot that `boot_id` names."""

    at: datetime
    monotonic_ms: int
    boot_id: str


def delay_ms(
    retry_count: int,
    retry_after_s: float | None,
    draw: random.Random,
    minute_ms: int = MINUTE_MS,
) -> int:
    """Milliseconds to rest: equal jitter under min(2^retry, 60) minutes.

    The first failure has retry_count 0. Retry-After only ever lengthens it.
    """
    ceiling: int = min(2 ** min(retry_count, 10), CEILING_MINUTES) * minute_ms
    drawn = ceiling // 2 + draw.randrange(ceiling // 2 + 1)
    wished = 0 if retry_after_s is None else min(retry_after_s, CEILING_MINUTES * 60) * 1000
    return max(drawn, int(wished))


def rest(tx: Transaction, moment: Moment, delay: int, reason: str) -> datetime:
    """Nothing is sent for `delay` ms from this moment; returns when that is by the wall clock."""
    until = moment.at + timedelta(milliseconds=delay)
    tx.execute(
        "INSERT INTO backoff (only, delay_ms, due_monotonic_ms, boot_id, due_at, reason)"
        " VALUES (1, ?, ?, ?, ?, ?) ON CONFLICT(only) DO UPDATE SET delay_ms = excluded.delay_ms,"
        " due_monotonic_ms = excluded.due_monotonic_ms, boot_id = excluded.boot_id,"
        " due_at = excluded.due_at, reason = excluded.reason",
        (delay, moment.monotonic_ms + delay, moment.boot_id, clock.wire(until), reason),
    )
    return until


def remaining_ms(tx: Transaction, moment: Moment) -> int:
    """Milliseconds still to rest; 0 when sending may begin.

    In the same boot the monotonic clock decides. After a reboot the wall clock does, but never
    for longer than the delay that was drawn.
    """
    row = tx.row("SELECT * FROM backoff WHERE only = 1")
    if row is None:
        return 0
    if row["boot_id"] == moment.boot_id:
        left: int = row["due_monotonic_ms"] - moment.monotonic_ms
    else:
        left = clock.milliseconds(clock.parse(row["due_at"])) - clock.milliseconds(moment.at)
    return max(0, min(left, int(row["delay_ms"])))


def end(tx: Transaction) -> None:
    """Central answered."""
    tx.execute("DELETE FROM backoff")


def reason(tx: Transaction) -> str | None:
    row = tx.row("SELECT reason FROM backoff WHERE only = 1")
    return None if row is None else str(row["reason"])
