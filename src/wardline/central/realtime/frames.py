"""What the dashboard's socket is told: what to fetch again."""

from wardline.policy.live import frames
from wardline.policy.live.frames import Channel
from wardline.policy.live.log import Change


def _live(change: Change) -> str:
    return frames.text(
        {
            "seq": change.position.id,
            "kind": change.kind,
            "site_id": change.site_id,
            "subject": change.subject,
        }
    )


LIVE_CHANNEL = Channel(None, _live)
