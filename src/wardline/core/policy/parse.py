"""From JSON to rules and requests, and back: every bad field is named, with its path and reason."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from operator import attrgetter
from typing import TypeVar

import orjson
from pydantic import BaseModel, ValidationError
from pydantic.alias_generators import to_camel

from wardline.core import canonical, clock
from wardline.core.canonical import Json
from wardline.core.errors import Refused
from wardline.core.policy import exact, from_wire, params, sizes, window
from wardline.core.policy.rule import (
    Approval,
    Effect,
    Limits,
    Mode,
    Rule,
    Scope,
    Stamp,
    When,
    Window,
)
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

RULE_BYTES_MAX = 32 * 1024
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
    if not _is_small(obj):
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
    made = _at_once(obj)
    if made is None:
        made = _one_by_one(obj, path)
    _unique([one.id for one in made], path)
    return tuple(made)


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


def to_wire(rule: Rule) -> dict[str, Json]:
    """The rule as JSON in the canonical profile; `rule(to_wire(r)) == r`.

    What an author left out is left out again. Decimals are tagged: `exact.plain` makes the
    public form of it.
    """
    wire: dict[str, Json] = {
        "id": rule.id,
        "when": _when_wire(rule.when),
        "action": rule.action,
        "autoExecute": rule.auto_execute,
        "autoSuggest": rule.auto_suggest,
    }
    if rule.params is not None:
        wire["params"] = exact.tagged(rule.params)
    if limits := _limits_wire(rule.limits):
        wire["limits"] = limits
    if rule.window is not None:
        wire["window"] = _window_wire(rule.window)
    if rule.approval is not None:
        wire["approval"] = _approval_wire(rule.approval)
    if scope := _scope_wire(rule.scope):
        wire["scope"] = scope
    if rule.expires_at is not None:
        wire["expiresAt"] = clock.wire(rule.expires_at)
    values = _simple(rule)
    if values != _LEFT_OUT:
        for (_, name, default), value in zip(_SIMPLE, values, strict=True):
            if value != default:
                wire[name] = value
    return wire | _stamp_wire(rule.stamp)


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


def _at_once(items: list[Json]) -> list[Rule] | None:
    """The rules of a list that has nothing in it to be made exact or complained of; None where
    each is to be looked at by itself."""
    if not exact.are_exact(items) or not all(map(_is_small, items)):
        return None
    try:
        wires = [RuleWire.model_validate(item) for item in items]
    except ValidationError:
        return None
    return None if any(map(_params, items)) else [from_wire.rule(wire) for wire in wires]


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


def _is_small(obj: Json) -> bool:
    """Whether a rule that was written so is far below its limit, however its numbers are tagged:
    `1e-20,` becomes `{"$decimal":"0.00000000000000000001"},`, seven times as long, and no number
    does worse."""
    try:
        return len(orjson.dumps(obj)) < RULE_BYTES_MAX // 8
    except TypeError:
        return False


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
    """What is wrong with a rule's parameters: a placeholder that nothing could resolve, or a
    choice by severity at the top that is not between maps."""
    given = value.get("params") if isinstance(value, dict) else None
    if not isinstance(given, dict):
        return []
    chosen = ("warn", "crit") if params.is_choice(given) else ()
    problems = [
        (f"params.{name}", "must be a map of parameters")
        for name in chosen
        if not isinstance(given[name], dict)
    ]
    return problems + params.unknown_placeholders(given, "params")


def _unique(rule_ids: list[str], path: str) -> None:
    seen: set[str] = set()
    problems = []
    for position, rule_id in enumerate(rule_ids):
        if rule_id in seen:
            problems.append((f"{path}[{position}].id", "stands in this list twice"))
        seen.add(rule_id)
    if problems:
        raise RuleInvalid(problems)


def _when_wire(when: When) -> dict[str, Json]:
    wire: dict[str, Json] = {"kpiId": when.kpi_id, "severity": list(when.severity)}
    if when.condition is not None:
        wire["condition"] = when.condition
    return wire


def _limits_wire(limits: Limits) -> dict[str, Json]:
    values = zip(_LIMITS, _amounts(limits), strict=True)
    return {name: exact.tagged(value) for name, value in values if value is not None}


def _window_wire(given: Window) -> dict[str, Json]:
    start, end = window.clock_text(given.start), window.clock_text(given.end)
    wire: dict[str, Json] = {"days": list(given.days), "start": start, "end": end}
    if given.timezone is not None:
        wire["timezone"] = given.timezone
    return wire


def _approval_wire(approval: Approval) -> dict[str, Json]:
    wire: dict[str, Json] = {"required": approval.required}
    if approval.roles is not None:
        wire["roles"] = list(approval.roles)
    if approval.bypass_if_severity is not None:
        wire["bypassIfSeverity"] = approval.bypass_if_severity
    if approval.self_approve:
        wire["selfApprove"] = True
    if approval.expires_minutes is not None:
        wire["expiresMinutes"] = approval.expires_minutes
    if approval.quorum != 1:
        wire["quorum"] = approval.quorum
    return wire


def _scope_wire(scope: Scope) -> dict[str, Json]:
    wire: dict[str, Json] = {
        name: value for name in _PLACES if (value := getattr(scope, name)) is not None
    }
    return wire | {"tags": list(scope.tags)} if scope.tags else wire


def _stamp_wire(stamp: Stamp) -> dict[str, Json]:
    named = {
        "revision": stamp.revision,
        "createdBy": stamp.created_by,
        "createdAt": stamp.created_at,
        "updatedBy": stamp.updated_by,
        "updatedAt": stamp.updated_at,
    }
    return {
        name: clock.wire(value) if isinstance(value, datetime) else value
        for name, value in named.items()
        if value is not None
    }


_LIMITS = [to_camel(field.name) for field in fields(Limits)]
_amounts = attrgetter(*[field.name for field in fields(Limits)])
_PLACES = ("partner", "site", "host", "platform")
# Fields of which a value that is as it was left out is left out again, with that value.
_SIMPLE: list[tuple[str, str, Json]] = [
    ("opening_hours", "openingHours", None),
    ("name", "name", None),
    ("description", "description", None),
    ("enabled", "enabled", True),
    ("priority", "priority", 0),
    ("effect", "effect", Effect.ALLOW),
    ("floor", "floor", False),
    ("cooldown_minutes", "cooldownMinutes", None),
    ("max_stale_minutes", "maxStaleMinutes", None),
    ("mode", "mode", Mode.ENFORCE),
]
_simple = attrgetter(*[name for name, _, _ in _SIMPLE])
_LEFT_OUT = tuple(default for _, _, default in _SIMPLE)
