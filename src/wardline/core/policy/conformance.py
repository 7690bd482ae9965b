"""Cases that two evaluators must decide alike, as they travel inside a policy snapshot.

A case is one row, so that ten thousand of them stay small:
`[kpi, action, severity, minute, verdict, code, rule, more]`. `minute` counts from BEGIN (UTC),
`rule` is the place of the deciding rule in the snapshot's list or null, and `more` what else the
request says: `delta`, `facts`, `host`, `partner`, `person` (who starts it), `platform`, `site`,
`tags`. All are at one site, with the zone and the opening hours that stand beside the rows, and
nothing has been used up.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from wardline.core.canonical import Json
from wardline.core.errors import Malformed
from wardline.core.policy import exact
from wardline.core.policy.compiled import Compiled
from wardline.core.policy.decision import Code, Decision, Verdict
from wardline.core.policy.request import Alert, Initiator, Request, State
from wardline.core.policy.rule import Rule, Window
from wardline.core.severity import Severity

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
ROWS_MAX = 40_000
MINUTES_MAX = 100 * 366 * 24 * 60

_MORE = frozenset({"delta", "facts", "host", "partner", "person", "platform", "site", "tags"})
_TEXTS = ("host", "partner", "platform", "site")


class Expected(NamedTuple):
    """What a decision comes to."""

    verdict: Verdict
    code: Code
    rule_id: str | None

    @classmethod
    def of(cls, decision: Decision) -> "Expected":
        return cls(decision.verdict, decision.code, decision.rule_id)

    def __str__(self) -> str:
        return f"{self.verdict} ({self.code}) by {self.rule_id or 'no rule'}"


@dataclass(frozen=True, slots=True)
class Case:
    """A request and what must come of it."""

    request: Request
    expected: Expected


@dataclass(frozen=True, slots=True)
class Place:
    """Where all cases are: the site's zone, and when it is open."""

    zone: str
    opening_hours: tuple[Window, ...] = ()


@dataclass(frozen=True, slots=True)
class Difference:
    """The first case that comes out otherwise here."""

    position: int
    case: Case
    found: Expected

    def __str__(self) -> str:
        alert, request = self.case.request.alert, self.case.request
        return (
            f"conformance case {self.position}: {request.action} for {alert.kpi_id} at"
            f" {alert.severity}, {request.at:%Y-%m-%d %H:%M} UTC: Central decides"
            f" {self.case.expected}, this appliance {self.found}"
        )


def difference(index: Compiled, cases: Sequence[Case]) -> Difference | None:
    """The first case on which an index does not decide as expected; None where there is none."""
    for position, case in enumerate(cases):
        found = decided(index, case.request)
        if found != case.expected:
            return Difference(position, case, found)
    return None


def decided(index: Compiled, request: Request) -> Expected:
    """What an index makes of a case's request."""
    return Expected.of(index.evaluate(request, State(confirmed_at=request.at)))


def row(case: Case, positions: Mapping[str, int]) -> list[Json]:
    """The case as it travels; `positions` are the places of the rules."""
    request, expected = case.request, case.expected
    alert = request.alert
    more = {
        "delta": alert.delta,
        "facts": dict(request.facts) or None,
        "host": request.host,
        "partner": request.partner,
        "person": request.initiator is Initiator.PERSON or None,
        "platform": request.platform,
        "site": request.site,
        "tags": sorted(request.tags) or None,
    }
    return [
        alert.kpi_id,
        request.action,
        alert.severity.value,
        (request.at - BEGIN) // timedelta(minutes=1),
        expected.verdict.value,
        expected.code.value,
        None if expected.rule_id is None else positions[expected.rule_id],
        {name: exact.tagged(value) for name, value in more.items() if value is not None},
    ]


def case(given: Json, place: Place, rules: Sequence[Rule], position: int) -> Case:
    """The case of a row; raises Malformed."""
    where = f"cases.rows[{position}]"
    try:
        kpi_id, action, severity, minute, verdict, code, rule, more = given
        if type(minute) is not int or abs(minute) > MINUTES_MAX:
            raise ValueError("its minute is none")
        if rule is not None and (type(rule) is not int or not 0 <= rule < len(rules)):
            raise ValueError("its rule is none of the snapshot's")
        asked = _request(kpi_id, action, Severity(severity), minute, more, place)
        rule_id = None if rule is None else rules[rule].id
        return Case(asked, Expected(Verdict(verdict), Code(code), rule_id))
    except (TypeError, ValueError) as error:
        raise Malformed(where, f"no case: {error}") from None


def _request(
    kpi_id: Json, action: Json, severity: Severity, minute: int, more: Json, place: Place
) -> Request:
    if not isinstance(kpi_id, str) or not isinstance(action, str):
        raise ValueError("kpi and action are texts")
    if not isinstance(more, dict) or more.keys() - _MORE:
        raise ValueError("it says something unknown")
    if any(not isinstance(more.get(name, ""), str) for name in _TEXTS):
        raise ValueError("a name that is no text")
    problems: exact.Problems = []
    facts = exact.read(more.get("facts", {}), problems)
    delta = exact.read(more.get("delta"), problems)
    if problems or not isinstance(facts, dict) or isinstance(delta, str | list | dict):
        raise ValueError("its facts are none")
    return Request(
        alert=Alert("case", kpi_id, "", "", severity, delta),
        at=BEGIN + timedelta(minutes=minute),
        zone=place.zone,
        decision_id="",
        action=action,
        partner=more.get("partner"),
        site=more.get("site"),
        host=more.get("host"),
        platform=more.get("platform"),
        tags=frozenset(more.get("tags", ())),
        facts=facts,
        initiator=Initiator.PERSON if more.get("person") else Initiator.SYSTEM,
        opening_hours=place.opening_hours,
    )
