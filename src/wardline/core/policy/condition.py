"""Conditions over an alert's facts: what an expression may ask of a request, read once, then run.

The language is a subset of CEL (`cel`); ADR 7 says why it is our own. Whole numbers are CEL's int,
every other number is a double.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from wardline.core.canonical import Json
from wardline.core.errors import Refused
from wardline.core.policy.cel import build, check, fault, operations, tree
from wardline.core.policy.cel.check import Shape
from wardline.core.policy.cel.fault import Fault, Unreadable
from wardline.core.policy.request import Request
from wardline.core.severity import Severity

BYTES_MAX = 512
CONDITIONS_KEPT_MAX = 4096

_WORD_OF = {word: word.value for word in Severity}


class ConditionFailed(Refused):
    """A condition could not be evaluated; a deny then counts as matched, an allow does not."""

    code = "condition"


# What a condition may name, and what is known of it. The facts of a check have no schema: each is
# any JSON value, and what it is shows when the condition is evaluated.
VARIABLES: Mapping[str, Shape] = {
    "severity": Shape(check.STRING, words=frozenset(_WORD_OF.values())),
    "kpiId": Shape(check.STRING),
    "delta": Shape(check.INT | check.DOUBLE | check.NULL),
    "siteId": Shape(check.STRING | check.NULL),
    "hostId": Shape(check.STRING | check.NULL),
    "platform": Shape(check.STRING | check.NULL),
    "tags": Shape(check.LIST, check.STRING),
    "facts": Shape(check.MAP),
}
_READERS: Mapping[str, Callable[[Request], Json]] = {
    "severity": lambda request: _WORD_OF[request.alert.severity],
    "kpiId": lambda request: request.alert.kpi_id,
    "delta": lambda request: operations.taken(request.alert.delta),
    "siteId": lambda request: request.site,
    "hostId": lambda request: request.host,
    "platform": lambda request: request.platform,
    "tags": lambda request: sorted(request.tags),
    "facts": lambda request: request.facts,
}


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition that is ready to be asked, or `wrong` says why it cannot be, with line and
    column; two of one text are equal."""

    text: str
    wrong: str | None
    run: Callable[[Request], Json] = field(compare=False, repr=False)

    def holds(self, request: Request) -> bool:
        """Whether it is true of the request; raises ConditionFailed."""
        try:
            value = self.run(request)
        except Fault as found:
            where = fault.place(self.text, found.offset)
            raise ConditionFailed(f"{where}: {found.why}") from None
        if type(value) is bool:
            return value
        raise ConditionFailed(f"comes to {operations.name_of(value)}, not to bool")


def problem(text: str) -> str | None:
    """Why `text` cannot be a condition, with its line and column; None where it can."""
    return ready(text).wrong


def ready(text: str) -> Condition:
    """The condition of a rule; one that cannot be read fails whenever it is asked."""
    return _kept(text) if len(text) <= BYTES_MAX else read(text)


def read(text: str) -> Condition:
    """As `ready`, without remembering the text."""
    try:
        return Condition(text, None, _function(text))
    except Unreadable as found:
        wrong = f"{fault.place(text, found.offset)}: {found.why}"
        return Condition(text, wrong, _failing(found))


_kept = lru_cache(maxsize=CONDITIONS_KEPT_MAX)(read)


def holds(text: str | None, request: Request) -> bool:
    """Whether the condition `text` is true of the request; raises ConditionFailed."""
    return text is None or ready(text).holds(request)


def _function(text: str) -> Callable[[Request], Json]:
    if len(text.encode("utf-8", "surrogatepass")) > BYTES_MAX:
        raise Unreadable(0, f"longer than {BYTES_MAX} bytes")
    node = tree.read(text)
    kinds = check.check(node, VARIABLES).kinds
    if not kinds & check.BOOL:
        raise Unreadable(0, f"comes to {check.told(kinds)}; a condition comes to true or false")
    return build.function(node, _READERS)


def _failing(found: Unreadable) -> Callable[[Request], Json]:
    def fail(_: Request) -> Json:
        raise Fault(found.offset, found.why)

    return fail
