"""The epoch of a partner's policy: raised when Central was restored, so that appliances follow it.

An appliance takes no revision below the one that it holds, within one epoch. What Central forgot
when it was set back to a backup was in force out there; only a new epoch says that this is meant.
"""

from dataclasses import dataclass

from wardline.central.database.session import Session
from wardline.central.policies.repository import Repository

RAISE = "policy.epoch"


@dataclass(frozen=True, slots=True)
class Standing:
    """Which state of the policy is in force."""

    epoch: int
    revision: int


async def standing(session: Session) -> Standing:
    head = await Repository(session).head()
    return Standing(1, 0) if head is None else Standing(head["epoch"], head["revision"])


async def raise_(session: Session, reason: str) -> Standing:
    """Declares that the policy goes on from here. The new epoch is the second in which it is
    raised, since 1970: two restores of one backup never give the same one."""
    repository = Repository(session)
    before = await repository.lock_head()
    after = await repository.raise_epoch(int(session.now.timestamp()))
    made = Standing(after["epoch"], after["revision"])
    told = {"epoch": made.epoch, "revision": made.revision}
    await session.record(
        RAISE, "policies", before={"epoch": before["epoch"]}, after=told, reason=reason
    )
    await session.announce(RAISE, "policies", told)
    return made
