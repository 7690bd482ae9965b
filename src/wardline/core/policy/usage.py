"""What has run, as limits, cooldowns and locks count it: the one sum of agent, Central and file.

The spans are rolling and have no zone. A run that is in flight counts whatever its age. Whoever
asks gives tallies, of single runs or of many that began within the same spans: `span` says which.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from wardline.core.canonical import Json
from wardline.core.policy.request import HostUsage, RuleUsage

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
WEEK = timedelta(days=7)

# How long a decision's reservation waits for its start, and for how long at most a run that said
# that it began, and no more, counts as one in flight.
RESERVED = timedelta(minutes=5)
IN_FLIGHT = timedelta(hours=12)
# Clocks of several machines differ: for so long after its end a reservation still counts.
GRACE = timedelta(seconds=5)
# Further back no sum reaches; a cooldown does, as far as a rule can say.
COUNTED = WEEK + RESERVED + GRACE
COOLDOWN = timedelta(days=367)

# The parameters that limits add up.
PCT, QTY = "deltaPct", "qty"


@dataclass(frozen=True, slots=True)
class Tally:
    """Runs that are alike: `at` is when the newest of them began, `pct` and `qty` are what they
    used of the limits on these, together."""

    at: datetime
    in_flight: bool = False
    runs: int = 1
    pct: int | Decimal = 0
    qty: int | Decimal = 0


def of_rule(usage: RuleUsage, tally: Tally, now: datetime) -> RuleUsage:
    """What a rule has used, these runs included."""
    age = now - tally.at
    in_day, in_week = tally.in_flight or age < DAY, tally.in_flight or age < WEEK
    return RuleUsage(
        pct_24h=usage.pct_24h + (tally.pct if in_day else 0),
        pct_7d=usage.pct_7d + (tally.pct if in_week else 0),
        qty_24h=usage.qty_24h + (tally.qty if in_day else 0),
        runs_1h=usage.runs_1h + (tally.runs if age < HOUR else 0),
        running=usage.running + (tally.runs if tally.in_flight else 0),
    )


def on_host(usage: HostUsage, tally: Tally, now: datetime) -> HostUsage:
    """What has run of an action on a host, these runs included."""
    last = usage.last_run_at
    return HostUsage(
        runs_24h=usage.runs_24h + (tally.runs if now - tally.at < DAY else 0),
        last_run_at=tally.at if last is None else max(last, tally.at),
    )


def amount(params: Mapping[str, Json], name: str) -> int | Decimal:
    """How much a run with these parameters uses of a sum, whichever its direction; what is no
    number, or is not there, uses nothing."""
    value: Json = params.get(name, 0)
    if isinstance(value, float):
        value = Decimal(repr(value))
    if isinstance(value, int | Decimal) and not isinstance(value, bool):
        return value if value >= 0 else -value
    return 0
