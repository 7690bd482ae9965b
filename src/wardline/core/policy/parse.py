"""From JSON to rules and requests, and back: every bad field is named, with its path and reason."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

import orjson
from pydantic import BaseModel, ValidationError

from wardline.core import canonical, clock
from wardline.core.canonical import Json
from wardline.core.errors import Refused
from wardline.core.policy import exact, params, sizes, window
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
    ApprovalWire,
    AskedWire,
    AskingWire,
    CasesWire,
    LimitsWire,
    PreviewWire,
    RemovalWire,
    RuleWire,
    ScopeWire,
    SimulationWire,
    StandingWire,
    WhenWire,
    WindowWire,
)

RULE_BYTES_MAX = 32 * 1024
PROBLEMS_MAX = 100
# Faults of more rules than it takes to find so many are not looked for.
PROBLEMS_SOUGHT_MAX = 1_000

Parsed = TypeVar("Parsed", bound=BaseModel)
Outgoing = tuple[str, Json, Json]


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
    made = _rule(edge(RuleWire, obj))
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
    made: list[Rule] = []
    problems: list[tuple[str, str]] = []
    for position, item in enumerate(obj):
        try:
            made.append(rule(item))
        except RuleInvalid as invalid:
            problems += nested(f"{path}[{position}]", invalid.problems)
            if len(problems) >= PROBLEMS_SOUGHT_MAX:
                break
    if problems:
        raise RuleInvalid(problems)
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
    return tuple(_window(each) for each in told)


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
    stamp = rule.stamp
    optional: list[Outgoing] = [
        ("params", exact.tagged(rule.params), None),
        ("limits", _limits_wire(rule.limits), {}),
        ("window", _window_wire(rule.window), None),
        ("openingHours", rule.opening_hours, None),
        ("approval", _approval_wire(rule.approval), None),
        ("name", rule.name, None),
        ("description", rule.description, None),
        ("enabled", rule.enabled, True),
        ("priority", rule.priority, 0),
        ("effect", rule.effect, Effect.ALLOW),
        ("scope", _scope_wire(rule.scope), {}),
        ("floor", rule.floor, False),
        ("cooldownMinutes", rule.cooldown_minutes, None),
        ("maxStaleMinutes", rule.max_stale_minutes, None),
        ("mode", rule.mode, Mode.ENFORCE),
        ("expiresAt", _instant_wire(rule.expires_at), None),
        ("revision", stamp.revision, None),
        ("createdBy", stamp.created_by, None),
        ("createdAt", _instant_wire(stamp.created_at), None),
        ("updatedBy", stamp.updated_by, None),
        ("updatedAt", _instant_wire(stamp.updated_at), None),
    ]
    return {
        "id": rule.id,
        "when": _when_wire(rule.when),
        "action": rule.action,
        "autoExecute": rule.auto_execute,
        "autoSuggest": rule.auto_suggest,
        **_set(optional),
    }


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


def _rule(wire: RuleWire) -> Rule:
    return Rule(
        id=wire.id,
        when=_when(wire.when),
        action=wire.action,
        params=wire.params,
        limits=Limits() if wire.limits is None else _limits(wire.limits),
        window=None if wire.window is None else _window(wire.window),
        opening_hours=wire.opening_hours,
        approval=None if wire.approval is None else _approval(wire.approval),
        auto_execute=wire.auto_execute,
        auto_suggest=wire.auto_suggest,
        name=wire.name,
        description=wire.description,
        enabled=wire.enabled,
        priority=wire.priority,
        effect=wire.effect,
        scope=Scope() if wire.scope is None else _scope(wire.scope),
        floor=wire.floor,
        cooldown_minutes=wire.cooldown_minutes,
        max_stale_minutes=wire.max_stale_minutes,
        mode=wire.mode,
        expires_at=wire.expires_at,
        stamp=Stamp(
            wire.revision, wire.created_by, wire.created_at, wire.updated_by, wire.updated_at
        ),
    )


def _when(wire: WhenWire) -> When:
    return When(wire.kpi_id, tuple(dict.fromkeys(wire.severity)), wire.condition)


def _limits(wire: LimitsWire) -> Limits:
    return Limits(**{name: getattr(wire, name) for name in LimitsWire.model_fields})


def _window(wire: WindowWire) -> Window:
    start, end = window.clock_minute(wire.start), window.clock_minute(wire.end)
    return Window(tuple(sorted(set(wire.days))), start, end, wire.timezone)


def _approval(wire: ApprovalWire) -> Approval:
    return Approval(
        required=wire.required,
        roles=None if wire.roles is None else tuple(dict.fromkeys(wire.roles)),
        bypass_if_severity=wire.bypass_if_severity,
        self_approve=wire.self_approve,
        expires_minutes=wire.expires_minutes,
        quorum=wire.quorum,
    )


def _scope(wire: ScopeWire) -> Scope:
    tags = tuple(sorted(set(wire.tags)))
    return Scope(wire.partner, wire.site, wire.host, wire.platform, tags)


def _set(fields: Iterable[Outgoing]) -> dict[str, Json]:
    return {name: value for name, value, default in fields if value != default}


def _when_wire(when: When) -> dict[str, Json]:
    wire = {"kpiId": when.kpi_id, "severity": list(when.severity)}
    return wire | _set([("condition", when.condition, None)])


def _limits_wire(limits: Limits) -> dict[str, Json]:
    named: list[tuple[str, Json]] = [
        ("maxDailyPct", limits.max_daily_pct),
        ("maxWeeklyPct", limits.max_weekly_pct),
        ("maxDailyQty", limits.max_daily_qty),
        ("maxRunsPerHostPerDay", limits.max_runs_per_host_per_day),
        ("maxRunsPerSitePerHour", limits.max_runs_per_site_per_hour),
        ("maxConcurrentPerSite", limits.max_concurrent_per_site),
    ]
    return {name: exact.tagged(value) for name, value in named if value is not None}


def _window_wire(given: Window | None) -> dict[str, Json] | None:
    if given is None:
        return None
    start, end = window.clock_text(given.start), window.clock_text(given.end)
    wire: dict[str, Json] = {"days": list(given.days), "start": start, "end": end}
    return wire | _set([("timezone", given.timezone, None)])


def _approval_wire(approval: Approval | None) -> dict[str, Json] | None:
    if approval is None:
        return None
    roles = None if approval.roles is None else list(approval.roles)
    return {"required": approval.required} | _set(
        [
            ("roles", roles, None),
            ("bypassIfSeverity", approval.bypass_if_severity, None),
            ("selfApprove", approval.self_approve, False),
            ("expiresMinutes", approval.expires_minutes, None),
            ("quorum", approval.quorum, 1),
        ]
    )


def _scope_wire(scope: Scope) -> dict[str, Json]:
    return _set(
        [
            ("partner", scope.partner, None),
            ("site", scope.site, None),
            ("host", scope.host, None),
            ("platform", scope.platform, None),
            ("tags", list(scope.tags), []),
        ]
    )


def _instant_wire(instant: datetime | None) -> str | None:
    return None if instant is None else clock.wire(instant)
