"""The mandate of an appliance: what is frozen for it and its share, signed with the policy key.

The same state gives the same bytes. Its revision counts every freeze, lift, enrolment and
retirement that concerns it, none of which is ever undone, so that it only grows.
"""

from wardline.central.database.session import Session
from wardline.central.freezes import service as freezes
from wardline.central.identity.access import ApplianceCaller
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
    changes, ordered = await freezes.ordered(session, appliance.site_id)
    made = Mandate(
        site_id=appliance.site_id,
        appliance_id=appliance.appliance_id,
        epoch=seen.policy_epoch,
        revision=changes + seen.fleet_changes,
        freezes=ordered,
        share=Share(seen.share_index, seen.share_of),
    )
    return EnvelopeWire.model_validate(mandate.seal(made, key, schema).to_wire())
