"""The choices of a ticket, read strictly: what a person may have run, each with its own decision.

A choice names a run exactly as an offer does, and becomes an order or an approval the same way.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from wardline.central.orders import wanted
from wardline.central.orders.wanted import Standing
from wardline.core.errors import Malformed
from wardline.core.evidence import bundle, fields
from wardline.core.evidence.bundle import IncidentState
from wardline.core.incidents import choice
from wardline.core.incidents.remedy import CHOICE_CHARS_MAX
from wardline.core.policy.decision import Verdict

MARK_BYTES_MAX = 255
# A character is four bytes at most.
_WORDS_BYTES_MAX = 4 * CHOICE_CHARS_MAX
_VERDICTS = (Verdict.OFFER, Verdict.ASK)


@dataclass(frozen=True, slots=True)
class Choice:
    """What a person may pick: its mark, what it does in words, the runbook with its inputs, and
    whether picking it starts it or asks for an approval first."""

    id: str
    words: str
    runbook_id: str
    inputs: Mapping[str, Any]
    verdict: Verdict
    standing: Standing


def of(incident: Standing) -> list[Choice]:
    """Those of a ticket, as its appliance told them last; none of what is no ticket. What cannot be
    read is left out: its inside was never checked."""
    if incident.state != IncidentState.ESCALATED:
        return []
    found: dict[str, Choice] = {}
    for told in choice.told(incident.decision):
        try:
            one = _read(incident, told)
        except Malformed:
            continue
        found.setdefault(one.id, one)
    return list(found.values())


def _read(incident: Standing, told: Mapping[str, Any]) -> Choice:
    """Raises Malformed at the first field that is wrong."""
    obj: fields.Object = {key: told.get(key) for key in ("id", "runbook", "verdict", "choice")}
    book = fields.part(obj, "runbook", bundle.runbook_from_wire)
    standing = replace(incident, decision=told, runbook=bundle.runbook_to_wire(book))
    verdict = Verdict(fields.choice(obj, "verdict", {one.value: one.value for one in _VERDICTS}))
    seen = wanted.read(standing, verdict)
    words = {"words": fields.mapping(obj, "choice").get("words")}
    return Choice(
        id=fields.text(obj, "id", MARK_BYTES_MAX, 1),
        words=fields.text(words, "words", _WORDS_BYTES_MAX, 1),
        runbook_id=book.id,
        inputs=seen.inputs,
        verdict=verdict,
        standing=standing,
    )
