"""Decisions as they are kept for replay: what was asked, as far as rules see it, and the answer.

One batch is one piece of compressed JSON. Title and message of an alert are left out: no rule can
read them, and they may name people. `pack` and `unpack` are each other's inverse in all the rest.
"""

import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

import orjson

from wardline.core import clock
from wardline.core.canonical import Json
from wardline.core.errors import Malformed
from wardline.core.policy import exact
from wardline.core.policy.batch import Asked
from wardline.core.policy.decision import Code, Decision, Verdict
from wardline.core.policy.request import Alert, Initiator, Principal, Request
from wardline.core.policy.rule import Window
from wardline.core.severity import Severity

FORMAT = 1
# What a batch takes once it is unpacked, at most: the body of a request, and our keys.
BYTES_MAX = 8 << 20
# A store keeps so many decisions of one owner, and for so long.
DECISIONS_MAX = 1_000_000
DAYS_MAX = 90
_LEVEL = 1


@dataclass(frozen=True, slots=True)
class Kept:
    """One decision that was made: the request without title and message, what held beside the
    rules (`held`: a hold on what was asked for; of the counters nothing), and what came of it."""

    request: Request
    freeze: bool
    observing: bool
    held: bool
    verdict: Verdict
    code: Code
    rule_id: str | None


def kpis(asked: Sequence[Asked]) -> list[str]:
    """The kpis of a batch, by which its decisions are found."""
    return sorted({request.alert.kpi_id for request, _ in asked})


def pack(asked: Sequence[Asked], decisions: Sequence[Decision]) -> bytes:
    """All of one batch: made at one instant, for one principal of one partner."""
    places: dict[_Place, int] = {}
    rows = []
    for (request, state), decision in zip(asked, decisions, strict=True):
        place = (request.site, request.zone, request.opening_hours, state.freeze, state.observing)
        alert = request.alert
        rows.append(
            (
                places.setdefault(place, len(places)),
                alert.id,
                alert.kpi_id,
                alert.severity,
                alert.delta,
                request.action,
                request.host,
                request.platform,
                request.facts,
                request.initiator,
                state.hold or bool(state.held),
                decision.verdict,
                decision.code,
                decision.rule_id,
            )
        )
    first = asked[0][0]
    principal = first.principal
    head = {
        "v": FORMAT,
        "at": clock.wire(first.at),
        "partner": first.partner,
        "user": None if principal is None else principal.user_id,
        "roles": [] if principal is None else sorted(principal.roles),
        "places": [
            (site, zone, [(each.days, each.start, each.end) for each in hours], freeze, observing)
            for site, zone, hours, freeze, observing in places
        ],
        "rows": rows,
    }
    return zlib.compress(orjson.dumps(head, default=_number), _LEVEL)


def unpack(data: bytes) -> Iterable[Kept]:
    """The decisions of a batch, in their order; raises Malformed."""
    reading = zlib.decompressobj()
    try:
        head = orjson.loads(reading.decompress(data, BYTES_MAX))
    except (zlib.error, orjson.JSONDecodeError):
        raise Malformed("$", "not decisions as they are kept, or too many of them") from None
    if head.get("v") != FORMAT:
        raise Malformed("v", f"kept in form {head.get('v')}, this version reads {FORMAT}")
    at, user = clock.parse(head["at"]), head["user"]
    principal = None if user is None else Principal(user, frozenset(head["roles"]))
    places = [_place(each) for each in head["places"]]
    return [_kept(row, places[row[0]], at, head["partner"], principal) for row in head["rows"]]


_Place = tuple[str | None, str, tuple[Window, ...], bool, bool]


def _place(told: Json) -> _Place:
    site, zone, hours, freeze, observing = told
    windows = tuple(Window(tuple(days), start, end) for days, start, end in hours)
    return site, zone, windows, freeze, observing


def _kept(
    row: Json, place: _Place, at: datetime, partner: str | None, principal: Principal | None
) -> Kept:
    _, alert_id, kpi_id, word, delta, action, host, platform, facts, initiator, *rest = row
    held, verdict, code, rule_id = rest
    site, zone, hours, freeze, observing = place
    numbers = exact.read([delta, facts], [])
    request = Request(
        alert=Alert(alert_id, kpi_id, "", "", Severity(word), numbers[0]),
        at=at,
        zone=zone,
        decision_id="",
        action=action,
        partner=partner,
        site=site,
        host=host,
        platform=platform,
        facts=numbers[1],
        principal=principal,
        initiator=Initiator(initiator),
        opening_hours=hours,
    )
    return Kept(request, freeze, observing, held, Verdict(verdict), Code(code), rule_id)


def _number(value: object) -> Json:
    if isinstance(value, Decimal):
        return {exact.TAG: exact.text(value)}
    raise TypeError(f"a {type(value).__name__} is not kept")
