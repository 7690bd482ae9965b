"""The one rule that says whether an appliance is online."""

from datetime import datetime, timedelta

from wardline.central.jobs.upkeep import QUIET_SECONDS

# Three intervals with their splay; the standing job that marks quiet appliances uses the same.
ONLINE_SECONDS_MAX = QUIET_SECONDS


def is_online(last_checkin: datetime | None, now: datetime) -> bool:
    """Online = checked in within three intervals."""
    return last_checkin is not None and last_checkin >= online_since(now)


def online_since(now: datetime) -> datetime:
    """An appliance that checked in at this instant or later is online; for use in queries."""
    return now - timedelta(seconds=ONLINE_SECONDS_MAX)
