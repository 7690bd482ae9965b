"""The mandate of an appliance: freezes, stops, its share and promotions, signed.

The same state gives the same bytes. Its revision counts every freeze, lift, stop, release,
enrolment, retirement, step of a promotion and change of an accepted deviation that concerns it,
none of which is ever undone, so that it only grows.
"""

from wardline.central.brakes import service as brakes
from wardline.central.database.session import Session
from wardline.central.deviations import service as deviations
from wardline.central.freezes import service as freezes
from wardline.central.identity.access import ApplianceCaller
from wardline.central.learning import service as learning
from wardline.central.uplink.repository import State
from wardline.core import mandate
from wardline.core.evidence.signing import SigningKey
from wardline.core.mandate import Mandate
from wardline.core.policy.share import Share
from wardline.core.protocol import EnvelopeWire


async def sealed(
    session: Session, appliance: ApplianceCaller, seen: State, key: SigningKey, schema: int
) -> EnvelopeWire:
    """The envelope of the state that this transaction sees, in a schema that its reader knows."""
    site_id, appliance_id = appliance.site_id, appliance.appliance_id
    changes, ordered = await freezes.ordered(session, site_id)
    promoted = seen.promotion_changes > 0 and schema > 1
    stop_changes, stops = await brakes.ordered(session, site_id, appliance_id)
    accepted = await deviations.ordered(session, site_id, appliance_id)
    changes += stop_changes + seen.fleet_changes + seen.promotion_changes + seen.deviation_changes
    made = Mandate(
        site_id=site_id,
        appliance_id=appliance_id,
        epoch=seen.policy_epoch,
        revision=changes,
        freezes=ordered,
        share=Share(seen.share_index, seen.share_of),
        stops=stops,
        promotions=await learning.in_force(session, site_id, appliance_id) if promoted else (),
        deviations=accepted,
    )
    return EnvelopeWire.model_validate(mandate.seal(made, key, schema).to_wire())
