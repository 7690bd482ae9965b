"""The brake: a version of a rule or runbook that goes wrong too often, and that nothing runs by.

The same rule for one appliance, over its own runs, and for Central, over those of all of a
partner's sites. What ran before a person released a version is not counted again.
"""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

FAILED_MAX = 3
FAILED_WITHIN = timedelta(hours=24)
# Of at least so many runs, more than so many per cent, within the time that runs are kept for.
RUNS_LEAST = 5
SHARE_PERCENT_MAX = 20
SHARE_WITHIN = timedelta(days=30)


class Result(StrEnum):
    """What became of a run; `healed` is watched still, and the three after it are how that ended.

    `stopped` was ended by a freeze, `nothing` found nothing to change: both say nothing of the
    version that ran.
    """

    HEALED = "healed"
    STABLE = "stable"
    RECURRED = "recurred"
    UNPROVED = "unproved"
    FAILED = "failed"
    UNDONE = "undone"
    INTERRUPTED = "interrupted"
    STOPPED = "stopped"
    NOTHING = "nothing"


# A run that took its agent with it is one that went wrong.
WRONG = frozenset({Result.FAILED, Result.UNDONE, Result.INTERRUPTED})
COUNTED = WRONG | {Result.HEALED, Result.STABLE, Result.RECURRED, Result.UNPROVED}


@dataclass(frozen=True, slots=True)
class Ran:
    """One run of a version, and whether it went wrong."""

    at: datetime
    wrong: bool


@dataclass(frozen=True, slots=True)
class Count:
    """`failed` of `runs` went wrong, `failed_at_once` of them within FAILED_WITHIN at the worst."""

    failed_at_once: int
    failed: int
    runs: int


def count(ran: Iterable[Ran]) -> Count:
    """Of the runs of one version since it was last released, in any order."""
    times: deque[datetime] = deque()
    worst = failed = runs = 0
    for one in sorted(ran, key=lambda one: one.at):
        runs += 1
        if not one.wrong:
            continue
        failed += 1
        times.append(one.at)
        while times[0] < one.at - FAILED_WITHIN:
            times.popleft()
        worst = max(worst, len(times))
    return Count(worst, failed, runs)


def stops(counted: Count) -> bool:
    """Whether the version is to be stopped."""
    too_often = counted.failed_at_once >= FAILED_MAX
    enough = counted.runs >= RUNS_LEAST
    return too_often or (enough and counted.failed * 100 > SHARE_PERCENT_MAX * counted.runs)
