"""A promotion in force, as a mandate tells an appliance of it."""

from datetime import datetime

from wardline.agent.runbooks import runbook
from wardline.core.incidents import signature
from wardline.core.incidents.promotion import Entry, Ledger, Step, Subject

PROMOTION = "prom_01k9xq7v0000000000000000a1"
STEPS = (Step.PROPOSED, Step.EVALUATED, Step.APPROVED, Step.PROMOTED)


def of_choice(runbook_id: str, words: str, failing: str, site: str, at: datetime) -> Ledger:
    """The ledger by which a choice answers the drift that fails so."""
    book = runbook.registry()[runbook_id]
    (one,) = [each for each in runbook.remedies_of(book) if each.choice == words]
    pattern = signature.signature(book.check, [failing])
    subject = Subject(book.check, pattern, book.id, book.digest, one.inputs)
    entries = tuple(
        Entry(number, step, at, "Mia", site if step is Step.APPROVED else None)
        for number, step in enumerate(STEPS, 1)
    )
    return Ledger(PROMOTION, subject, entries)
