"""Choices as decisions tell of them: which one a run went by, and which ones wait for a person.

`choice` of a run is {mark, words}. `choices` of a ticket are the decisions on those that a person
may pick now, each with its mark as `id`, its words and its runbook; empty where choices fit and
nothing lets one of them run at the moment.
"""

from collections.abc import Mapping
from typing import Any

from wardline.core import canonical
from wardline.core.incidents.remedy import Remedy

# What the decision of a ticket with choices says where a decision of the policy has its code.
NEEDED = "choice_needed"
CHOICES_MAX = 8

_CHOICE, _CHOICES = "choice", "choices"


def tell(decision: dict[str, Any], remedy: Remedy) -> None:
    """Put into the decision on a choice which one it is."""
    if remedy.choice is not None:
        decision[_CHOICE] = {"mark": remedy.mark, "words": remedy.choice}


def mark(decision: Mapping[str, Any] | None) -> str | None:
    """Which choice a run went by; None for none, and for anything else that stands there."""
    told = (decision or {}).get(_CHOICE)
    found = told.get("mark") if isinstance(told, Mapping) else None
    return found if isinstance(found, str) else None


def are_told(decision: Mapping[str, Any] | None) -> bool:
    """Whether this is the decision of a ticket with choices, be there none now."""
    return isinstance((decision or {}).get(_CHOICES), list)


def told(decision: Mapping[str, Any] | None) -> list[Mapping[str, Any]]:
    """The choices of a ticket, as many as one may have; nothing of what is no choice."""
    listed = (decision or {}).get(_CHOICES)
    if not isinstance(listed, list):
        return []
    return [one for one in listed[:CHOICES_MAX] if isinstance(one, Mapping)]


def needed(choices: list[dict[str, Any]]) -> dict[str, Any]:
    """The decision of a ticket: a person starts one of these."""
    words = [one[_CHOICE]["words"] for one in choices]
    return {
        "type": "allow",
        "verdict": "offer",
        "code": NEEDED,
        "reason": f"which repair is right is a person's to say: {'; or '.join(words)}",
        _CHOICES: choices,
    }


def none_now(decision: dict[str, Any]) -> dict[str, Any]:
    """The decision on what keeps every choice off at the moment."""
    return {**decision, _CHOICES: []}


def news(decision: Mapping[str, Any] | None) -> str:
    """The digest of what a reader of a ticket would call news: not ids and ages of decisions."""
    seen = [
        {"choice": one.get(_CHOICE), "verdict": one.get("verdict"), "pins": one.get("pins")}
        for one in told(decision)
    ]
    held = decision or {}
    return canonical.digest({"code": held.get("code"), "choices": seen})
