"""Decisions as they are kept for replay: what was asked, as far as rules see it, and the answer.

One batch is one piece of compressed JSON. Title and message of an alert are left out: no rule can
read them, and they may name people. `unpack` reads all the rest of what `write` wrote.
"""

import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import lru_cache

import orjson

from wardline.core import clock
from wardline.core.canonical import Json
from wardline.core.errors import Malformed
from wardline.core.policy import exact
from wardline.core.policy.decision import Code, Decision, Verdict
from wardline.core.policy.request import Alert, Initiator, Principal, Request, State
from wardline.core.policy.rule import Window
from wardline.core.severity import Severity

FORMAT = 1
# What a batch takes once it is unpacked, at most: the body of a request, and our keys.
BYTES_MAX = 8 << 20
# A store keeps so many decisions of one owner, and for so long.
DECISIONS_MAX = 1_000_000
DAYS_MAX = 90
HOURS_KEPT_MAX = 4096
_LEVEL = 1


Asked = tuple[Request, State]
# A site with what held there: zone, opening hours, whether frozen, whether observing.
PlaceOfBatch = tuple[str | None, str, tuple[Window, ...], bool, bool]


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


def pack(asked: Sequence[Asked], decisions: Sequence[Decision]) -> bytes:
    """All of one batch, from what each decision was made of."""
    places: dict[PlaceOfBatch, int] = {}
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
    return write(first.at, first.partner, first.principal, places, rows)


def write(
    at: datetime,
    owner: str | None,
    caller: Principal | None,
    places: Iterable[PlaceOfBatch],
    rows: Sequence[tuple[object, ...]],
) -> bytes:
    """All of one batch: made at one instant, for one principal of one partner. A row holds what a
    Row does; several values that follow each other may be one fragment of JSON."""
    head = {
        "v": FORMAT,
        "at": clock.wire(at),
        "partner": owner,
        "user": None if caller is None else caller.user_id,
        "roles": [] if caller is None else sorted(caller.roles),
        "places": [
            (site, zone, [(each.days, each.start, each.end) for each in hours], freeze, observing)
            for site, zone, hours, freeze, observing in places
        ],
        "rows": rows,
    }
    return zlib.compress(orjson.dumps(head, default=_number), _LEVEL)


def unpack(data: bytes) -> Iterable[Kept]:
    """The decisions of a batch, in their order; raises Malformed."""
    batch = sheet(data)
    return [_kept(batch, row) for row in batch.rows]


@dataclass(frozen=True, slots=True)
class Place:
    """What held at a site when a batch was decided."""

    site: str | None
    zone: str
    opening_hours: tuple[Window, ...]
    freeze: bool
    observing: bool


# place (its number), alert id, kpi, severity, delta, action, host, platform, facts, initiator,
# held, verdict, code, rule id: as they stand in the JSON.
Row = Sequence[Json]
# site, zone, opening hours, freeze, observing.
PlaceRow = Sequence[Json]


@dataclass(frozen=True, slots=True)
class Sheet:
    """One batch as it is kept, places and rows unread: most of many are alike."""

    at: datetime
    partner: str | None
    principal: Principal | None
    places: Sequence[PlaceRow]
    rows: Sequence[Row]

    def alone(self, row: Row) -> "Sheet":
        """A batch of this one row, which keeps no other in memory."""
        return Sheet(self.at, self.partner, self.principal, [self.places[row[0]]], [[0, *row[1:]]])

    def place(self, row: Row) -> Place:
        """What held where a row is about."""
        site, zone, hours, freeze, observing = self.places[row[0]]
        return Place(site, zone, windows(orjson.dumps(hours)), freeze, observing)


def sheet(data: bytes) -> Sheet:
    """The batch that `write` made; raises Malformed."""
    reading = zlib.decompressobj()
    try:
        head = orjson.loads(reading.decompress(data, BYTES_MAX))
    except (zlib.error, orjson.JSONDecodeError):
        raise Malformed("$", "not decisions as they are kept, or too many of them") from None
    if head.get("v") != FORMAT:
        raise Malformed("v", f"kept in form {head.get('v')}, this version reads {FORMAT}")
    user = head["user"]
    return Sheet(
        at=clock.parse(head["at"]),
        partner=head["partner"],
        principal=None if user is None else Principal(user, frozenset(head["roles"])),
        places=head["places"],
        rows=head["rows"],
    )


def request(batch: Sheet, row: Row) -> Request:
    """What was asked in a row of a batch; its decision has no id."""
    _, alert_id, kpi_id, word, delta, action, host, platform, facts, initiator, *_ = row
    numbers = exact.read([delta, facts], [])
    place = batch.place(row)
    return Request(
        alert=Alert(alert_id, kpi_id, "", "", Severity(word), numbers[0]),
        at=batch.at,
        zone=place.zone,
        decision_id="",
        action=action,
        partner=batch.partner,
        site=place.site,
        host=host,
        platform=platform,
        facts=numbers[1],
        principal=batch.principal,
        initiator=Initiator(initiator),
        opening_hours=place.opening_hours,
    )


@lru_cache(maxsize=HOURS_KEPT_MAX)
def windows(hours: bytes) -> tuple[Window, ...]:
    """Opening hours out of the JSON of a place."""
    return tuple(Window(tuple(days), start, end) for days, start, end in orjson.loads(hours))


def _kept(batch: Sheet, row: Row) -> Kept:
    *_, held, verdict, code, rule_id = row
    place = batch.place(row)
    asked = request(batch, row)
    return Kept(asked, place.freeze, place.observing, held, Verdict(verdict), Code(code), rule_id)


def _number(value: object) -> Json:
    if isinstance(value, Decimal):
        return {exact.TAG: exact.text(value)}
    raise TypeError(f"a {type(value).__name__} is not kept")
