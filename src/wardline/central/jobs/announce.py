"""Tells the web processes whose rows the change log has got: once per partner and round.

Nothing that comes from appliances notifies by itself: a NOTIFY in every transaction makes commits
wait for each other. One that is lost costs a listener its next look, not a row.
"""

from sqlalchemy.ext.asyncio import AsyncEngine

from wardline.central.database import change_log
from wardline.central.database.scope import Scope
from wardline.central.database.session import Session, open_session
from wardline.central.jobs.loops import ACTOR
from wardline.core.clock import Now
from wardline.policy.live.log import Head

PARTNERS_PER_ROUND_MAX = 1_000


class Announcer:
    """Remembers how far it has told; one per installation."""

    def __init__(self, engine: AsyncEngine, now: Now) -> None:
        self._engine = engine
        self._now = now
        self._told: Head | None = None

    async def announce(self) -> int:
        """Tells of what is new since the last round: how many partners. The first round, and one
        on another log, tells everybody."""
        async with open_session(self._engine, Scope.system(), ACTOR, now=self._now) as session:
            head = await change_log.head(session)
            new = await self._new(session, head)
            if new:
                await change_log.notify(session, new)
        self._told = head
        return len(new)

    async def _new(self, session: Session, head: Head) -> list[str]:
        told = self._told
        if told is None or told.epoch != head.epoch or head.newest < told.newest:
            return [change_log.EVERYBODY]
        if head.newest == told.newest:
            return []
        limit = PARTNERS_PER_ROUND_MAX + 1
        found = await change_log.partners(session, told.newest, head.newest, limit)
        return found if len(found) < limit else [change_log.EVERYBODY]
