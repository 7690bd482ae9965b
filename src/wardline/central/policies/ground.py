"""What a simulation is asked on: the policy's head, the site and whether somebody froze it, in one
look, because each look is dearer than the decision."""

from dataclasses import dataclass

from wardline.central.database.session import Session
from wardline.central.tenancy.service import Healing
from wardline.core.policy import opening
from wardline.core.protocol import OpeningHours
from wardline.policy.simulation import Place
from wardline.policy.store import RuleInvalid

ZONE_WITHOUT_SITE = "UTC"

# Row security keeps the heads, sites and freezes of other partners out of sight.
_LOOK = """
SELECT h.epoch, h.revision, s.id AS site_id, s.zone, s.opening_hours, s.healing,
  EXISTS (SELECT 1 FROM freezes f WHERE f.partner_id = $1 AND f.lifted_at IS NULL
    AND f.appliance_id IS NULL AND (f.site_id IS NULL OR f.site_id = s.id)) AS is_frozen
FROM (SELECT 1) AS one
LEFT JOIN policy_heads h ON h.partner_id = $1
LEFT JOIN sites s ON s.id = $2::text
"""


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
    row = await session.raw.fetchrow(_LOOK, session.scope.owner, site_id)
    assert row is not None, "one row stands on the left"
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
