"""Which runbook answers which failed check: conditions over the facts, inputs taken from them."""

import functools
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from wardline.core import canonical
from wardline.core.canonical import Json
from wardline.core.errors import Malformed, WardlineError
from wardline.core.incidents import signature
from wardline.core.policy.cel import pattern
from wardline.core.policy.cel.fault import Unreadable
from wardline.core.policy.cel.pattern import Pattern

PATTERN_CHARS_MAX = 512
PATTERNS_KEPT_MAX = 256

MARK_DIGITS = 16
CHOICE_CHARS_MAX = 120

_PLACEHOLDER = re.compile(r"\{facts\.([a-z][a-z0-9_]*(?:\.[a-z][a-z0-9_]*)*)\}")
_ABSENT = object()


class UnresolvedInput(WardlineError):
    """A remedy takes an input from a fact that the result does not have."""

    status = 422
    code = "unresolved_input"


class Operator(StrEnum):
    """What a condition may ask of a fact."""

    EQ = "eq"
    NE = "ne"
    CONTAINS = "contains"
    REGEX = "regex"
    GT = "gt"
    LT = "lt"
    IN = "in"
    NOT_IN = "not_in"
    EXISTS = "exists"


@dataclass(frozen=True, slots=True)
class Condition:
    """One question about one fact; `fact` is a path such as `settings.minlen`.

    `regex` asks whether some part of a text matches, in the language of `policy.cel.pattern`, in
    time linear in the text.
    """

    fact: str
    operator: Operator
    value: Json = None


@dataclass(frozen=True, slots=True)
class Earned:
    """The promotion that a remedy comes from, and whether that is in its canary still."""

    id: str
    canary: bool


@dataclass(frozen=True, slots=True)
class Remedy:
    """The runbook that may answer a check; the lowest `order` that matches is tried first.

    One that a promotion `earned` answers the drifts of one `pattern` alone. `preconditions` are the
    runbook's own: without them it runs nowhere, whoever wants it.

    `choice` says in words what it does where several are sound and which one is right differs from
    clinic to clinic: L1 picks none by itself, unless a promotion has earned it.
    """

    check: str
    conditions: tuple[Condition, ...]
    runbook: str
    inputs: Mapping[str, Json]
    order: int
    pattern: str | None = None
    earned: Earned | None = None
    preconditions: tuple[Condition, ...] = ()
    choice: str | None = None

    @property
    def is_open(self) -> bool:
        """Whether it is a choice that no promotion has made L1's own."""
        return self.choice is not None and self.earned is None

    @property
    def chosen(self) -> str | None:
        """What history keeps of a run by it: which choice it was, None where it is none."""
        return None if self.choice is None else self.mark

    @property
    def mark(self) -> str:
        """Tells it from the runbook's other remedies, by the inputs that they take."""
        if not self.inputs:
            return self.runbook
        return f"{self.runbook} {canonical.digest(dict(self.inputs))[:MARK_DIGITS]}"


def matches(remedy: Remedy, check: str, facts: Mapping[str, Json]) -> bool:
    """Whether `remedy` is one for a failed `check` with these facts: every precondition and
    every condition holds."""
    if remedy.check != check or not suits(remedy, facts, is_chosen=True):
        return False
    wanted = remedy.pattern
    return wanted is None or wanted == signature.signature(check, signature.failing(facts))


def unmet(preconditions: Sequence[Condition], facts: Mapping[str, Json]) -> str | None:
    """The first precondition that does not hold, in words; None where all do. What is not known
    holds for no operator: an absent fact lets nothing run."""
    for one in preconditions:
        if _fact(one.fact, facts) is _ABSENT:
            return f"nothing is known of {one.fact}"
        if not _holds(one, facts):
            return f"{one.fact} is not {one.operator} {_words(one.value)}"
    return None


def suits(remedy: Remedy, facts: Mapping[str, Json], *, is_chosen: bool) -> bool:
    """Whether its runbook may run at all with these facts, and, where it is to be chosen among
    others, whether its conditions hold too."""
    if unmet(remedy.preconditions, facts) is not None:
        return False
    return not is_chosen or all(_holds(one, facts) for one in remedy.conditions)


def _words(value: Json) -> str:
    return canonical.dumps(value).decode()


def candidates(
    remedies: tuple[Remedy, ...], check: str, facts: Mapping[str, Json]
) -> tuple[Remedy, ...]:
    """The remedies of L1 that match, in the order in which they are to be tried."""
    found = (one for one in remedies if not one.is_open and matches(one, check, facts))
    return tuple(sorted(found, key=lambda one: (one.order, one.runbook)))


def choices(
    remedies: tuple[Remedy, ...], check: str, facts: Mapping[str, Json]
) -> tuple[Remedy, ...]:
    """The choices that match, in the order in which they are to be shown."""
    found = (one for one in remedies if one.is_open and matches(one, check, facts))
    return tuple(sorted(found, key=lambda one: (one.order, one.runbook)))


def inputs(remedy: Remedy, facts: Mapping[str, Json]) -> dict[str, Json]:
    """The inputs of a run: `{facts.x}` alone becomes the fact itself, inside a text its words.

    Raises UnresolvedInput where a fact is missing.
    """
    return {name: _resolve(value, facts, name) for name, value in remedy.inputs.items()}


def _resolve(value: Json, facts: Mapping[str, Json], name: str) -> Json:
    if isinstance(value, str):
        whole = _PLACEHOLDER.fullmatch(value)
        if whole:
            return _required(whole[1], facts, name)
        return _PLACEHOLDER.sub(lambda one: str(_required(one[1], facts, name)), value)
    if isinstance(value, list):
        return [_resolve(item, facts, name) for item in value]
    return value


def _required(path: str, facts: Mapping[str, Json], name: str) -> Json:
    value = _fact(path, facts)
    if value is _ABSENT:
        raise UnresolvedInput(f"input {name}: the result has no fact {path!r}")
    return value


def _fact(path: str, facts: Mapping[str, Json]) -> Json:
    value: Json = facts
    for part in path.split("."):
        if not isinstance(value, Mapping) or part not in value:
            return _ABSENT
        value = value[part]
    return value


def _holds(condition: Condition, facts: Mapping[str, Json]) -> bool:
    """An absent fact equals nothing: `ne` and `not_in` hold for it, every other operator fails."""
    found = _fact(condition.fact, facts)
    wanted = condition.value
    match condition.operator:
        case Operator.EXISTS:
            return (found is not _ABSENT) == bool(wanted)
        case Operator.EQ:
            return found is not _ABSENT and _same(found, wanted)
        case Operator.NE:
            return found is _ABSENT or not _same(found, wanted)
        case Operator.CONTAINS:
            return _contains(found, wanted)
        case Operator.REGEX:
            return _is_like(found, wanted)
        case Operator.IN:
            return found is not _ABSENT and _contains(wanted, found)
        case Operator.NOT_IN:
            return found is _ABSENT or not _contains(wanted, found)
        case Operator.GT:
            return _is_number(found) and _is_number(wanted) and found > wanted
        case Operator.LT:
            return _is_number(found) and _is_number(wanted) and found < wanted


def _same(one: Json, other: Json) -> bool:
    """Equal, and of one type: True is not 1."""
    return type(one) is type(other) and bool(one == other)


def _contains(container: Json, item: Json) -> bool:
    if isinstance(container, str):
        return isinstance(item, str) and item in container
    if isinstance(container, list | tuple):
        return any(_same(one, item) for one in container)
    return isinstance(container, Mapping) and item in container


def _is_like(found: Json, wanted: Json) -> bool:
    """A text that is longer than a pattern is tried on is like none."""
    if not isinstance(found, str) or not isinstance(wanted, str):
        return False
    return len(found) <= pattern.TEXT_CHARS_MAX and _pattern(wanted).found_in(found)


@functools.lru_cache(maxsize=PATTERNS_KEPT_MAX)
def _pattern(text: str) -> Pattern:
    return pattern.read(text, 0)


def _is_number(value: Json) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def check_condition(condition: Condition, where: str) -> None:
    """Raise Malformed when the value of a condition cannot suit its operator."""
    value = condition.value
    if condition.operator in (Operator.IN, Operator.NOT_IN) and not isinstance(value, list):
        raise Malformed(where, f"{condition.operator} needs a list")
    if condition.operator in (Operator.GT, Operator.LT) and not _is_number(value):
        raise Malformed(where, f"{condition.operator} needs an integer")
    if condition.operator is Operator.REGEX:
        _check_pattern(value, where)
    if condition.operator is Operator.EXISTS and not isinstance(value, bool):
        raise Malformed(where, "exists needs true or false")


def check_choices(remedies: Sequence[Remedy]) -> None:
    """Raise Malformed where a person could not tell the choices of a runbook apart, or where one is
    a choice with whatever facts."""
    found = [one for one in remedies if one.choice is not None]
    if any(not one.conditions for one in found):
        raise Malformed("remedies", "a choice says by conditions when it is one")
    for what, seen in (
        ("say the same", {one.choice for one in found}),
        ("take the same inputs", {one.mark for one in found}),
    ):
        if len(seen) != len(found):
            raise Malformed("remedies", f"two choices {what}")


def _check_pattern(value: Json, where: str) -> None:
    if not isinstance(value, str) or len(value) > PATTERN_CHARS_MAX:
        raise Malformed(where, f"regex needs a pattern of at most {PATTERN_CHARS_MAX} characters")
    try:
        _pattern(value)
    except Unreadable as error:
        raise Malformed(where, f"regex: {error}") from None
