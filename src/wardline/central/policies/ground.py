"""What a simulation is asked on: the policy's head, the site and whether it is frozen, in one look.

Each look is dearer than the decision itself.
"""

from dataclasses import dataclass

from wardline.central.database.session import Session
from wardline.central.policies.repository import Repository
from wardline.central.tenancy.service import Healing
from wardline.core.policy import opening
from wardline.core.protocol import OpeningHours
from wardline.policy.simulation import Place
from wardline.policy.store import RuleInvalid

ZONE_WITHOUT_SITE = "UTC"


@dataclass(frozen=True, slots=True)
class Ground:
    """Revision and epoch of the rules in force; zone and hours of the site, and what holds it."""

    revision: int
    epoch: int
    site_id: str | None
    place: Place
    is_observing: bool
    is_frozen: bool


async def look(session: Session, site_id: str | None, path: str) -> Ground:
    """Raises RuleInvalid, which names `path`, for a site that the session may not see."""
    row = await Repository(session).ground(site_id)
    if site_id is not None and row["site_id"] is None:
        raise RuleInvalid([(path, "you have no site with this id")])
    place = Place(ZONE_WITHOUT_SITE)
    if site_id is not None:
        hours = [OpeningHours.model_validate(each) for each in row["opening_hours"]]
        place = Place(row["zone"], opening.hours(hours))
    return Ground(
        revision=row["revision"] or 0,
        epoch=row["epoch"] or 1,
        site_id=site_id,
        place=place,
        is_observing=site_id is not None and row["healing"] == Healing.OBSERVE,
        is_frozen=row["is_frozen"],
    )
