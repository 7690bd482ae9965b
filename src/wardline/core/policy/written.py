"""Rules as JSON: one, or many at once."""

from collections.abc import Sequence
from dataclasses import fields
from datetime import datetime
from operator import attrgetter

import orjson
from pydantic.alias_generators import to_camel

from wardline.core import canonical, clock
from wardline.core.canonical import Json
from wardline.core.policy import exact, window
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


def to_wire(rule: Rule) -> dict[str, Json]:
    """The rule as JSON in the canonical profile; `parse.rule(to_wire(r)) == r`.

    What an author left out is left out again. Decimals are tagged: `exact.plain` makes the
    public form of it.
    """
    wire: dict[str, Json] = {
        "id": rule.id,
        "when": _when_wire(rule.when),
        "action": rule.action,
    }
    if scope := _scope_wire(rule.scope):
        wire["scope"] = scope
    return wire | _rest_wire(rule) | _stamp_wire(rule.stamp)


def texts(rules: Sequence[Rule], stamp: Stamp) -> list[bytes]:
    """The canonical JSON of each rule under `stamp` in place of its own.

    What rules share is written once, and what they share is found by its identity, which those
    have in common that were parsed together. Raises Malformed.
    """
    stamped = _fragments(_stamp_wire(stamp))
    whens: dict[int, orjson.Fragment] = {}
    scopes: dict[int, dict[str, orjson.Fragment]] = {}
    rests: dict[tuple[int, ...], dict[str, orjson.Fragment]] = {}
    wires: list[dict[str, Json]] = []
    for rule in rules:
        key = tuple(map(id, _rest(rule)))
        rest = rests.get(key)
        if rest is None:
            rest = rests[key] = stamped | _fragments(_rest_wire(rule))
        when = whens.get(id(rule.when))
        if when is None:
            when = whens[id(rule.when)] = _fragment(_when_wire(rule.when))
        scope = scopes.get(id(rule.scope))
        if scope is None:
            told = _scope_wire(rule.scope)
            scope = scopes[id(rule.scope)] = {"scope": _fragment(told)} if told else {}
        wires.append({"action": rule.action, "id": rule.id, "when": when, **rest, **scope})
    return canonical.dumps_each(wires)


def _fragments(wire: dict[str, Json]) -> dict[str, orjson.Fragment]:
    return {name: _fragment(value) for name, value in wire.items()}


def _fragment(value: Json) -> orjson.Fragment:
    return orjson.Fragment(canonical.dumps(value))


def _rest_wire(rule: Rule) -> dict[str, Json]:
    """All but what names the rule and says what it is about."""
    wire: dict[str, Json] = {"autoExecute": rule.auto_execute, "autoSuggest": rule.auto_suggest}
    if rule.params is not None:
        wire["params"] = exact.tagged(rule.params)
    if limits := _limits_wire(rule.limits):
        wire["limits"] = limits
    if rule.window is not None:
        wire["window"] = _window_wire(rule.window)
    if rule.approval is not None:
        wire["approval"] = _approval_wire(rule.approval)
    if rule.expires_at is not None:
        wire["expiresAt"] = clock.wire(rule.expires_at)
    values = _simple(rule)
    if values != _LEFT_OUT:
        for (_, name, default), value in zip(_SIMPLE, values, strict=True):
            if value != default:
                wire[name] = value
    return wire


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
# Rules that have each of these in common differ in nothing but what `texts` looks at besides.
_APART = frozenset({"id", "when", "action", "scope", "stamp"})
_rest = attrgetter(*[field.name for field in fields(Rule) if field.name not in _APART])
