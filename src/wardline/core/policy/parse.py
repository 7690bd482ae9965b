"""From JSON to rules and requests, and back: every bad field is named, with its path and reason."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from wardline.core import canonical
from wardline.core.canonical import Json
from wardline.core.errors import Refused
from wardline.core.policy import columns, exact, from_wire, params, sizes
from wardline.core.policy.rule import Rule, Window
from wardline.core.policy.wire import (
    RULES_PER_CALL_MAX,
    AnalysisWire,
    AskedWire,
    AskingWire,
    CasesWire,
    PreviewWire,
    RemovalWire,
    RuleWire,
    SimulationWire,
    StandingWire,
    WindowWire,
)
from wardline.core.policy.written import to_wire as to_wire

RULE_BYTES_MAX = sizes.RULE_BYTES_MAX
PROBLEMS_MAX = 100
# Faults of more rules than it takes to find so many are not looked for.
PROBLEMS_SOUGHT_MAX = 1_000

Parsed = TypeVar("Parsed", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Preview:
    """A draft rule or the id of one; from when, None = now; at which site and for how long."""

    rule: Rule | None
    rule_id: str | None
    site: str | None
    begin: datetime | None
    days: int


class RuleInvalid(Refused):
    """A rule or request that is not acceptable; `problems` are (path, reason) pairs."""

    code = "rule_invalid"

    def __init__(self, problems: Sequence[tuple[str, str]]) -> None:
        self.problems = tuple(problems[:PROBLEMS_MAX])
        more = len(problems) - len(self.problems)
        told = "; ".join(f"{path}: {reason}" for path, reason in self.problems)
        super().__init__(f"{told}; and {more} more" if more else told)

    @property
    def extra(self) -> dict[str, Json]:
        """What an answer carries beside the message: every path with its reason."""
        return {"errors": [{"path": path, "reason": reason} for path, reason in self.problems]}


def rule(obj: Json) -> Rule:
    """The rule that `obj` describes; raises RuleInvalid with every bad field."""
    made = from_wire.rule(edge(RuleWire, obj))
    if not sizes.is_small(obj):
        size = len(canonical.dumps(to_wire(made)))
        if size > RULE_BYTES_MAX:
            raise RuleInvalid([("$", f"{size} bytes, at most {RULE_BYTES_MAX} are accepted")])
    return made


def rules(obj: Json, path: str = "rules") -> tuple[Rule, ...]:
    """The rules of a list; raises RuleInvalid with the bad fields of all of them, and for an id
    that stands in it twice."""
    if not isinstance(obj, list):
        raise RuleInvalid([(path, "must be a list of rules")])
    if len(obj) > RULES_PER_CALL_MAX:
        raise RuleInvalid([(path, f"{len(obj)} rules, at most {RULES_PER_CALL_MAX} at once")])
    made = columns.rules(obj)
    if made is None:
        made = _one_by_one(obj, path)
    _unique([one.id for one in made], path)
    return tuple(made)


def kept(items: list[Json]) -> list[Rule]:
    """The rules that a store has kept, however many; raises RuleInvalid for the first that is
    none."""
    made = columns.rules(items)
    return [rule(item) for item in items] if made is None else made


def simulation(obj: Json) -> SimulationWire:
    """The body of POST /test at the edge; its draft rules are still to be parsed by `rules`."""
    return edge(SimulationWire, obj)


def asked(obj: Json) -> list[AskedWire]:
    """The requests of POST /decide: one, or those of `requests`; raises RuleInvalid."""
    if isinstance(obj, dict) and "requests" in obj:
        if not exact.is_few(obj, sizes.ASKED_PARTS_MAX):
            raise RuleInvalid([("$", f"more than {sizes.ASKED_PARTS_MAX} values, keys and lists")])
        return edge(AskingWire, obj, sized=False).requests
    return [edge(AskedWire, obj)]


def drafts(obj: Json) -> tuple[Rule, ...] | None:
    """The draft rules of POST /analyse, None where it names none; raises RuleInvalid."""
    asked = edge(AnalysisWire, obj)
    return None if asked.rules is None else rules(asked.rules)


def preview(obj: Json) -> Preview:
    """The body of POST /preview; raises RuleInvalid."""
    asked = edge(PreviewWire, obj)
    if (asked.id is None) == (asked.rule is None):
        raise RuleInvalid([("$", "name either the id of a rule or a rule")])
    try:
        draft = None if asked.rule is None else rule(asked.rule)
    except RuleInvalid as invalid:
        raise RuleInvalid(nested("rule", invalid.problems)) from None
    return Preview(draft, asked.id, asked.site, asked.begin, asked.days)


def standing(obj: Json) -> tuple[str, ...]:
    """The ids that the body of POST /standing names, each once; raises RuleInvalid."""
    return tuple(dict.fromkeys(edge(StandingWire, obj).ids))


def cases(obj: Json) -> CasesWire:
    """A file of cases at the edge; raises RuleInvalid."""
    return edge(CasesWire, obj, sized=False)


def hours(told: Iterable[WindowWire]) -> tuple[Window, ...]:
    """Opening hours as windows."""
    return tuple(from_wire.times(each) for each in told)


def removal(obj: Json) -> str:
    """The id that the body of POST /delete names; raises RuleInvalid."""
    return edge(RemovalWire, obj).id


def nested(path: str, problems: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """Problems of a part, told from where the part stands."""
    return [(path if inner == "$" else f"{path}.{inner}", why) for inner, why in problems]


def edge(model: type[Parsed], obj: Json, *, sized: bool = True) -> Parsed:
    """`obj` as a model of the edge; raises RuleInvalid. `sized`: no larger than one rule may be."""
    problems: exact.Problems = []
    rest, drafts = sizes.apart(obj, model.model_fields)
    if sized and (why := sizes.too_large(rest)) is not None:
        raise RuleInvalid([("$", why)])
    value = exact.read(rest, problems) if not drafts else exact.read(rest, problems) | drafts
    try:
        made = model.model_validate(value)
    except ValidationError as error:
        found = error.errors(include_url=False, include_context=False, include_input=False)
        problems += [(_path(each["loc"]), _why(each["msg"])) for each in found]
        raise RuleInvalid(_once(problems + _params(value))) from None
    if problems := problems + _params(value):
        raise RuleInvalid(problems)
    return made


def _one_by_one(items: list[Json], path: str) -> list[Rule]:
    made: list[Rule] = []
    problems: list[tuple[str, str]] = []
    for position, item in enumerate(items):
        try:
            made.append(rule(item))
        except RuleInvalid as invalid:
            problems += nested(f"{path}[{position}]", invalid.problems)
            if len(problems) >= PROBLEMS_SOUGHT_MAX:
                break
    if problems:
        raise RuleInvalid(problems)
    return made


def _path(loc: tuple[int | str, ...]) -> str:
    path = ""
    for part in loc:
        if isinstance(part, int):
            path += f"[{part}]"
        else:
            path += f".{part}" if path else part
    return exact.shown(path)


def _why(message: str) -> str:
    return message.removeprefix("Value error, ").replace("Extra inputs are", "unknown key:")


def _once(problems: exact.Problems) -> exact.Problems:
    """The first reason of every path: what `exact` replaced is not complained of twice."""
    return list({path: (path, reason) for path, reason in reversed(problems)}.values())[::-1]


def _params(value: Json) -> exact.Problems:
    """What is wrong with a rule's parameters, where it has any."""
    given = value.get("params") if isinstance(value, dict) else None
    return params.problems(given) if isinstance(given, dict) else []


def _unique(rule_ids: list[str], path: str) -> None:
    seen: set[str] = set()
    problems = []
    for position, rule_id in enumerate(rule_ids):
        if rule_id in seen:
            problems.append((f"{path}[{position}].id", "stands in this list twice"))
        seen.add(rule_id)
    if problems:
        raise RuleInvalid(problems)
