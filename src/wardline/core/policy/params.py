"""Parameters of a rule for one request: choices by severity and placeholders, resolved."""

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from decimal import Decimal

import orjson

from wardline.core import canonical, severity
from wardline.core.canonical import Json
from wardline.core.errors import Refused
from wardline.core.policy import exact
from wardline.core.policy.request import Alert, Request
from wardline.core.policy.rule import Rule
from wardline.core.severity import Severity

TEXT_CHARS_MAX = 4096
RESOLVED_BYTES_MAX = 32 * 1024

# Whatever opens a brace before a letter is meant as a placeholder, so that a misspelt one is
# refused and never passed on. `{}` and `{2}` are plain text.
_PLACEHOLDER = re.compile(r"\{\s*([^\W\d][^{}]*?)\s*\}")
_KNOWN = re.compile(r"delta|facts(\.[A-Za-z0-9_\-]+)+")
_CHOICE = frozenset({"warn", "crit"})
_ATOMS = frozenset({str, int, bool, type(None), float, Decimal})
_NO_PARAMS: Mapping[Severity, Mapping[str, Json]] = {word: {} for word in Severity}


class Unresolved(Refused):
    """A parameter that cannot be given a value for this request."""

    code = "unresolved_input"

    def __init__(self, path: str, why: str) -> None:
        super().__init__(f"{exact.shown(path)}: {why}")


def resolve(rule: Rule, request: Request) -> dict[str, Json]:
    """The parameters as the action gets them; raises Unresolved.

    A map with both `warn` and `crit` becomes the one that the alert's severity meets. `{delta}`
    and `{facts.x}` are replaced in texts at any depth, once; one that is the whole text keeps
    the type of its value.
    """
    resolved = _resolve(rule.params or {}, request, "")
    if not isinstance(resolved, dict):
        raise Unresolved("", "the parameters resolve to no map")
    if not _is_small(resolved) and (
        len(canonical.dumps(exact.tagged(resolved))) > RESOLVED_BYTES_MAX
    ):
        raise Unresolved("", f"more than {RESOLVED_BYTES_MAX} bytes once resolved")
    return resolved


def constants(rule: Rule) -> Mapping[Severity, Mapping[str, Json]] | None:
    """What `resolve` gives at every severity, where a request can change nothing else in it;
    None where one can, or where it gives an error."""
    if not rule.params:
        return _NO_PARAMS
    if _has_brace(rule.params):
        return None
    choices = ("warn", "crit") if _has_choice(rule.params) else ("warn",)
    try:
        resolved = [resolve(rule, _REQUESTS[choice]) for choice in choices]
    except Refused:
        return None
    by_choice = {"warn": resolved[0], "crit": resolved[-1]}
    return {word: by_choice[choice] for word, choice in _CHOICES.items()}


def copied(value: Json) -> Json:
    """`value` with maps and lists of its own."""
    if isinstance(value, Mapping):
        return {key: copied(item) for key, item in value.items()}
    return [copied(item) for item in value] if isinstance(value, list) else value


def digest(resolved: Mapping[str, Json]) -> str:
    """Hex SHA-256 of resolved parameters: what an approval is bound to."""
    return canonical.digest(exact.tagged(resolved))


def problems(given: Mapping[str, Json]) -> list[tuple[str, str]]:
    """Path and reason of what is wrong with a rule's parameters: a placeholder that nothing could
    resolve, or a choice by severity at the top that is not between maps."""
    chosen = ("warn", "crit") if is_choice(given) else ()
    found = [
        (f"params.{name}", "must be a map of parameters")
        for name in chosen
        if not isinstance(given[name], dict)
    ]
    return found + unknown_placeholders(given, "params")


def unknown_placeholders(value: Json, path: str) -> list[tuple[str, str]]:
    """Path and reason of every placeholder that no request could ever resolve."""
    if not _has_brace(value):
        return []
    if isinstance(value, str):
        names = [name for name in _PLACEHOLDER.findall(value) if not _KNOWN.fullmatch(name)]
        return [(path, "a placeholder is {delta} or {facts.name}")] if names else []
    if isinstance(value, Mapping):
        inner = [(f"{path}.{key}", item) for key, item in value.items()]
    elif isinstance(value, list):
        inner = [(f"{path}[{i}]", item) for i, item in enumerate(value)]
    else:
        inner = []
    return [problem for where, item in inner for problem in unknown_placeholders(item, where)]


def placeholders(value: Json) -> list[str]:
    """The names of the placeholders in texts at any depth, each once, sorted."""
    if isinstance(value, str):
        return sorted(set(_PLACEHOLDER.findall(value)))
    return sorted({name for item in _items(value) for name in placeholders(item)})


def is_choice(value: Json) -> bool:
    """Whether `value` is a map that resolves by severity."""
    if type(value) in _ATOMS:
        return False
    return isinstance(value, Mapping) and value.keys() >= _CHOICE


def _has_brace(value: Json) -> bool:
    """Whether a text at any depth may hold a placeholder."""
    if isinstance(value, str):
        return "{" in value
    for item in _items(value):  # noqa: SIM110 (a generator for each of many maps is dear)
        if _has_brace(item):
            return True
    return False


def _has_choice(value: Json) -> bool:
    """Whether a map at any depth resolves by severity."""
    if is_choice(value):
        return True
    for item in _items(value):  # noqa: SIM110 (as above)
        if _has_choice(item):
            return True
    return False


def _items(value: Json) -> Iterable[Json]:
    if type(value) in _ATOMS:
        return ()
    if isinstance(value, Mapping):
        return value.values()
    return value if isinstance(value, list | tuple) else ()


def _resolve(value: Json, request: Request, path: str) -> Json:
    if isinstance(value, str):
        return _fill(value, request, path)
    if type(value) in _ATOMS:
        return value
    if is_choice(value):
        return _resolve(value[_CHOICES[request.alert.severity]], request, path)
    if isinstance(value, Mapping):
        return {
            key: _resolve(item, request, f"{path}.{key}" if path else key)
            for key, item in value.items()
        }
    if isinstance(value, list | tuple):
        return [_resolve(item, request, f"{path}[{i}]") for i, item in enumerate(value)]
    return value


def _is_small(resolved: Mapping[str, Json]) -> bool:
    """Whether plain parameters are far below their limit, however their numbers are tagged."""
    try:
        data = orjson.dumps(resolved, option=orjson.OPT_STRICT_INTEGER)
    except TypeError:
        return False
    return data.isascii() and len(data) < RESOLVED_BYTES_MAX // 8


def _choice(actual: Severity) -> str:
    return "crit" if severity.rank(actual) >= severity.rank(Severity.HIGH) else "warn"


def _fill(text: str, request: Request, path: str) -> Json:
    whole = _PLACEHOLDER.fullmatch(text)
    if whole is not None:
        return _value(whole[1], request, path)
    filled = _PLACEHOLDER.sub(lambda found: _as_text(found[1], request, path), text)
    if len(filled) > TEXT_CHARS_MAX:
        raise Unresolved(path, f"longer than {TEXT_CHARS_MAX} characters once resolved")
    return filled


def _value(name: str, request: Request, path: str) -> Json:
    if not _KNOWN.fullmatch(name):
        raise Unresolved(path, "a placeholder is {delta} or {facts.name}")
    value: Json = request.alert.delta if name == "delta" else _fact(name, request)
    if value is None:
        raise Unresolved(path, f"the request has no value for {{{name[: exact.KEY_CHARS_MAX]}}}")
    return value


def _fact(name: str, request: Request) -> Json:
    value: Json = request.facts
    for part in name.split(".")[1:]:
        value = value.get(part) if isinstance(value, Mapping) else None
    return value


def _as_text(name: str, request: Request, path: str) -> str:
    value = _value(name, request, path)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float | Decimal):
        return exact.text(Decimal(repr(value)) if isinstance(value, float) else value)
    if isinstance(value, str):
        return value
    raise Unresolved(path, f"{{{name[: exact.KEY_CHARS_MAX]}}} is a list or map inside a text")


_CHOICES = {word: _choice(word) for word in Severity}
# What asks for nothing but a severity.
_REQUESTS = {
    word.value: Request(Alert("", "", "", "", word), datetime(2000, 1, 1, tzinfo=UTC), "UTC", "")
    for word in (Severity.WARN, Severity.CRIT)
}
