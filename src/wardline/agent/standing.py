"""What this appliance may do at all at this moment: nothing while frozen, else its share.

Frozen by Central, by a person right here, or because the mandate in the store is not one that
Central signed: what cannot be believed stops everything.
"""

from dataclasses import dataclass

from wardline.agent.store import deviations, freezes, mandates, stops
from wardline.agent.store.database import Transaction
from wardline.agent.store.freezes import LocalFreeze
from wardline.agent.store.mandates import MandateRefused, Recipient
from wardline.core.deviation import Deviation
from wardline.core.mandate import Freeze, Mandate, Reach
from wardline.core.policy.share import WHOLE, Share
from wardline.core.stops import Stop


@dataclass(frozen=True, slots=True)
class Standing:
    """`frozen_by` says who stopped everything and why, None where nobody did; `digest` names what
    was looked at; `problem` is what is wrong with the stored mandate; `stops` are the versions that
    Central says nothing may run by; `deviations` are the accepted ones of the mandate that did not
    expire here before."""

    frozen_by: str | None = None
    share: Share = WHOLE
    digest: str = ""
    problem: str | None = None
    stops: tuple[Stop, ...] = ()
    deviations: tuple[Deviation, ...] = ()


NOT_FROZEN = Standing()


class Standings:
    """Reads the store each time and checks a mandate once."""

    def __init__(self, recipient: Recipient) -> None:
        self._recipient = recipient
        self._digest: str | None = None
        self._mandate: Mandate | None = None
        self._problem: str | None = None
        self._stops: tuple[Stop, ...] = ()

    def now(self, tx: Transaction) -> Standing:
        """As the store is in this transaction."""
        digest = mandates.digest(tx)
        if digest != self._digest:
            self._read(tx)
            self._digest = digest
        local = freezes.in_force(tx)
        ordered = self._mandate.freezes if self._mandate else ()
        why = [one.words for one in ordered]
        if local is not None:
            why.append(words(local))
        if self._problem is not None:
            why.append(f"{self._problem}; everything waits for one that Central signed")
        return Standing(
            frozen_by="; ".join(why) if why else None,
            share=self._mandate.share if self._mandate else WHOLE,
            digest=f"{digest or ''}/{local.id if local else ''}/{stops.digest(tx)}",
            problem=self._problem,
            stops=self._stops,
            deviations=self._accepted(tx),
        )

    def _accepted(self, tx: Transaction) -> tuple[Deviation, ...]:
        if self._mandate is None or not self._mandate.deviations:
            return ()
        over = deviations.over(tx)
        return tuple(one for one in self._mandate.deviations if one.id not in over)

    def _read(self, tx: Transaction) -> None:
        self._mandate, self._problem, self._stops = None, None, ()
        try:
            self._mandate = mandates.load(tx, self._recipient)
            ordered = () if self._mandate is None else self._mandate.stops
            self._stops = tuple(one for one in ordered if one.released is None)
        except MandateRefused as error:
            self._problem = str(error)


def words(local: LocalFreeze) -> str:
    """Who froze this appliance on the spot, when and why."""
    return Freeze("", Reach.APPLIANCE, local.frozen_at, local.frozen_by, local.reason).words
