"""What this appliance may do at all at this moment, and by which promoted remedies.

Nothing while it is frozen, by Central, by a person right here, or because the mandate in the store
is not one that Central signed: what cannot be believed stops everything. Else its share.
"""

from dataclasses import dataclass, replace
from datetime import datetime

from wardline.agent.runbooks import runbook
from wardline.agent.store import deviations, freezes, mandates, promotions, stops
from wardline.agent.store.database import Transaction
from wardline.agent.store.freezes import LocalFreeze
from wardline.agent.store.mandates import MandateRefused, Recipient
from wardline.core import canonical, deviation
from wardline.core.deviation import Deviation
from wardline.core.evidence.bundle import Result
from wardline.core.incidents import promotion
from wardline.core.incidents.promotion import Ledger, Promotion, Subject
from wardline.core.incidents.remedy import Remedy
from wardline.core.mandate import Freeze, Mandate, Reach
from wardline.core.policy.share import WHOLE, Share
from wardline.core.stops import Stop


@dataclass(frozen=True, slots=True)
class Standing:
    """`frozen_by` says who stopped everything and why, None where nobody did; `digest` names what
    was looked at; `problem` is what is wrong with the stored mandate; `stops` are the versions that
    Central says nothing may run by; `promoted` are the remedies that L1 has beside those of the
    runbooks; `deviations` are the accepted ones of the mandate that did not expire here before."""

    frozen_by: str | None = None
    share: Share = WHOLE
    digest: str = ""
    problem: str | None = None
    stops: tuple[Stop, ...] = ()
    deviations: tuple[Deviation, ...] = ()
    promoted: tuple[Remedy, ...] = ()

    def accepts(self, host_id: str, measured: Result, at: datetime) -> str | None:
        """On whose word this state is left as it is; None where nobody has accepted it."""
        found = deviation.accepting(self.deviations, host_id, measured, at)
        return None if found is None else f"{found.words}; revoke {found.id} to have it repaired"


NOT_FROZEN = Standing()


class Standings:
    """Reads the store each time and checks a mandate once."""

    def __init__(self, recipient: Recipient) -> None:
        self._recipient = recipient
        self._digest: str | None = None
        self._mandate: Mandate | None = None
        self._promotions: tuple[tuple[Ledger, Promotion, Remedy], ...] = ()
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
            digest=self._named(tx, digest, local),
            problem=self._problem,
            stops=self._stops,
            promoted=self._promoted(tx),
            deviations=self._accepted(tx),
        )

    def _named(self, tx: Transaction, mandate: str | None, local: LocalFreeze | None) -> str:
        """What was looked at: the mandate, a freeze right here, and what is stopped here."""
        frozen = local.id if local else ""
        return f"{mandate or ''}/{frozen}/{stops.digest(tx)}/{promotions.stops(tx)}"

    def _promoted(self, tx: Transaction) -> tuple[Remedy, ...]:
        """The remedies of the promotions that are in force here, this appliance's own entries
        among the others."""
        found: list[Remedy] = []
        for ledger, told, known in self._promotions:
            own = promotions.stop(tx, ledger.id, self._recipient.appliance_id)
            now = promotion.stopped_here(told, own, ledger)
            if now.holds(self._recipient.site_id, self._recipient.appliance_id):
                found.append(_bounded(now.remedy, known))
        return tuple(found)

    def _accepted(self, tx: Transaction) -> tuple[Deviation, ...]:
        if self._mandate is None or not self._mandate.deviations:
            return ()
        over = deviations.over(tx)
        return tuple(one for one in self._mandate.deviations if one.id not in over)

    def _read(self, tx: Transaction) -> None:
        self._mandate, self._problem, self._stops, self._promotions = None, None, (), ()
        try:
            self._mandate = mandates.load(tx, self._recipient)
            ordered = () if self._mandate is None else self._mandate.stops
            self._stops = tuple(one for one in ordered if one.released is None)
        except MandateRefused as error:
            self._problem = str(error)
        if self._mandate is not None:
            self._promotions = tuple(
                (ledger, promotion.folded(ledger), known)
                for ledger in self._mandate.promotions
                for known in _known(ledger.subject)
            )


def _known(subject: Subject) -> tuple[Remedy, ...]:
    """The remedies with those inputs that this appliance has of the runbook at that digest, if any:
    nothing that runs here comes from Central. A choice may take the inputs that facts alone choose
    elsewhere."""
    book = runbook.registry().get(subject.runbook)
    if book is None or book.digest != subject.digest:
        return ()
    wanted = canonical.dumps(subject.inputs)
    own = runbook.remedies_of(book)
    return tuple(one for one in own if canonical.dumps(one.inputs) == wanted)


def _bounded(promoted: Remedy, known: Remedy) -> Remedy:
    """The promoted remedy where the runbook may run, and, where it has others or is a choice, where
    the conditions choose these inputs."""
    has_others = len(runbook.registry()[known.runbook].remedies) > 1
    conditions = known.conditions if has_others or known.choice is not None else ()
    return replace(
        promoted,
        conditions=conditions,
        preconditions=known.preconditions,
        choice=known.choice,
    )


def words(local: LocalFreeze) -> str:
    """Who froze this appliance on the spot, when and why."""
    return Freeze("", Reach.APPLIANCE, local.frozen_at, local.frozen_by, local.reason).words
