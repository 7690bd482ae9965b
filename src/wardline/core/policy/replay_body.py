"""What a caller asks to replay: by which rules, and which of the decisions that are kept."""

from dataclasses import dataclass
from datetime import datetime

from wardline.core.canonical import Json
from wardline.core.policy import exact, parse
from wardline.core.policy.parse import RuleInvalid
from wardline.core.policy.rule import Rule
from wardline.core.policy.wire import ReplayWire


@dataclass(frozen=True, slots=True)
class ReplayAsked:
    """Rules to replay by: a whole set, or None for the rules in force with some `put` and some
    `removed`; of decisions from `since` on and before `until`, None = as far as is kept."""

    rules: tuple[Rule, ...] | None
    put: tuple[Rule, ...] = ()
    removed: tuple[str, ...] = ()
    since: datetime | None = None
    until: datetime | None = None
    site: str | None = None


def read(obj: Json) -> ReplayAsked:
    """The body of POST /replay; raises RuleInvalid."""
    asked = parse.edge(ReplayWire, obj)
    if (asked.rules is None) == (not asked.put and not asked.remove):
        raise RuleInvalid([("$", "give either all rules, or some to put or to remove")])
    if asked.since is not None and asked.until is not None and asked.since >= asked.until:
        raise RuleInvalid([("until", "must be later than since")])
    put = parse.rules(asked.put, "put")
    if twice := sorted({each.id for each in put} & set(asked.remove)):
        raise RuleInvalid([("remove", f"{exact.shown(twice[0])} is put as well")])
    return ReplayAsked(
        None if asked.rules is None else parse.rules(asked.rules),
        put,
        tuple(asked.remove),
        asked.since,
        asked.until,
        asked.site,
    )
