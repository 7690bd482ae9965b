"""What the analysis tells of a rule: a code, the other rules, words for a person, the field."""

from dataclasses import dataclass
from enum import StrEnum

from wardline.core.canonical import Json


class Flaw(StrEnum):
    """What is the matter, in one word that programs may rely on."""

    SHADOWED = "shadowed"
    DUPLICATE = "duplicate"
    CONFLICTING = "conflicting"
    DEAD = "dead"
    NEVER_OPEN = "never_open"
    UNSATISFIABLE = "unsatisfiable"
    NOT_ANALYSED = "not_analysed"


class Level(StrEnum):
    """`warning`: the rule cannot do what it says. `notice`: it can, but not everywhere."""

    WARNING = "warning"
    NOTICE = "notice"


@dataclass(frozen=True, slots=True)
class Finding:
    """`others` are the rules that cause it, by rank, at most OTHERS_MAX; `path` is the field of
    the rule to look at, as the wire names it."""

    flaw: Flaw
    level: Level
    rule_id: str
    path: str
    words: str
    others: tuple[str, ...] = ()

    def to_wire(self) -> dict[str, Json]:
        return {
            "code": self.flaw.value,
            "level": self.level.value,
            "ruleId": self.rule_id,
            "otherRuleIds": list(self.others),
            "path": self.path,
            "message": self.words,
        }


OTHERS_MAX = 20


def named(rule_ids: tuple[str, ...]) -> str:
    """Rules in words: `rule a`, `rules a, b`, `rules a, b and more`."""
    if len(rule_ids) == 1:
        return f"rule {rule_ids[0]}"
    more = " and more" if len(rule_ids) >= OTHERS_MAX else ""
    return f"rules {', '.join(rule_ids)}{more}"
