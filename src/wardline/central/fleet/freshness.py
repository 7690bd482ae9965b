"""The one rule that says whether an appliance is online."""

from datetime import datetime, timedelta

from wardline.core import protocol

ONLINE_INTERVALS_MAX = 3
ONLINE_SECONDS_MAX = ONLINE_INTERVALS_MAX * protocol.CHECKIN_INTERVAL_S


def is_online(last_checkin: datetime | None, now: datetime) -> bool:
    """Online = checked in within three intervals."""
    return last_checkin is not None and last_checkin >= online_since(now)


def online_since(now: datetime) -> datetime:
    """An appliance that checked in at this instant or later is online; for use in queries."""
    return now - timedelta(seconds=ONLINE_SECONDS_MAX)
