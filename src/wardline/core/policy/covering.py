"""Makes conformance cases from the rules of a set: one in which each rule decides, where it can.

For each rule a request is made up that fits it and as few others as can be, at instants at which
it may be open; the index itself says whether the rule decides. While there is room, the rules with
a window get a second case at which they are closed. The same rules give the same cases.
"""

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal

from wardline.core import canonical
from wardline.core.canonical import Json
from wardline.core.policy import conformance, exact, window, wished
from wardline.core.policy.compiled import Compiled
from wardline.core.policy.conformance import Case, Expected, Place
from wardline.core.policy.request import Alert, Initiator, Request
from wardline.core.policy.rule import ANY_ACTION, Mode, Rule, Window
from wardline.core.policy.window import UnknownZone
from wardline.core.severity import Severity

BYTES_MAX = 1 << 20
TRIES_PER_RULE_MAX = 24
ANY = "conformance.any"

# Sundays at midnight of two weeks, one in either half of the year; no list of zones has them anew.
WEEKS = (datetime(2026, 1, 11), datetime(2026, 7, 12))  # noqa: DTZ001 (a wall clock)
OPENING_HOURS = (Window((1, 2, 3, 4, 5), 8 * 60, 18 * 60),)
# Wednesday at ten, when the site is open, and Sunday at three, when it is not.
_USUAL = (timedelta(days=3, hours=10), timedelta(hours=3))
_PLACEHOLDER = re.compile(r"\{\s*facts\.([A-Za-z0-9_\-]+)\s*\}")


@dataclass(frozen=True, slots=True)
class Cover:
    """Rows in wire form, and how many of the rules decide none of them."""

    rows: tuple[list[Json], ...]
    without: int


def cover(rules: Sequence[Rule], index: Compiled, zone: str, bytes_max: int = BYTES_MAX) -> Cover:
    """Cases over rules that `index` is of, within `bytes_max` bytes of canonical rows."""
    place = Place(zone, OPENING_HOURS)
    positions = {rule.id: position for position, rule in enumerate(rules)}
    order = sorted(rules, key=lambda rule: _drawn(rule, index.revision))
    room = _Room(bytes_max)
    covered = 0
    for rule in order:
        won = next(_winning(rule, positions[rule.id], index, place), None)
        if won is not None and room.takes(conformance.row(won, positions)):
            covered += 1
    for rule in order:
        if rule.window is not None and rule.enabled and not room.is_full:
            closed = _closed(rule, index, place)
            if closed is not None:
                room.takes(conformance.row(closed, positions))
    return Cover(tuple(room.rows), len(rules) - covered)


class _Room:
    """Rows within a limit of bytes; the first one that finds no room ends it."""

    def __init__(self, bytes_max: int) -> None:
        self.rows: list[list[Json]] = []
        self.is_full = False
        self._left = bytes_max

    def takes(self, row: list[Json]) -> bool:
        size = len(canonical.dumps(row)) + 1
        if size > self._left or len(self.rows) >= conformance.ROWS_MAX:
            self.is_full = True
            return False
        self._left -= size
        self.rows.append(row)
        return True


def _drawn(rule: Rule, revision: int) -> bytes:
    """Where not all find room, each revision tries others."""
    return hashlib.sha256(f"{revision} {rule.id}".encode()).digest()


def _winning(rule: Rule, position: int, index: Compiled, place: Place) -> Iterator[Case]:
    """The cases in which the rule decides, of those that are tried."""
    if not rule.enabled or rule.mode is not Mode.ENFORCE:
        return
    tries = 0
    for at in _instants(rule, place.zone, WEEKS[position % len(WEEKS)]):
        for severity in rule.when.severity:
            tries += 1
            if tries > TRIES_PER_RULE_MAX:
                return
            request = _request(rule, severity, at, place, is_person=position % 2 == 1)
            expected = conformance.decided(index, request)
            if expected.rule_id == rule.id:
                yield Case(request, expected)


def _closed(rule: Rule, index: Compiled, place: Place) -> Case | None:
    """A case that fits the rule but for its window, whoever decides it then."""
    assert rule.window is not None, "only a rule with a window is ever closed"
    for minutes in (rule.window.end + 1, rule.window.start - 1):
        for day in range(7):
            at = _utc(WEEKS[1] + timedelta(days=day, minutes=minutes), rule, place.zone)
            if at is None or window.contains(rule.window, at, place.zone):
                continue
            request = _request(rule, rule.when.severity[0], at, place, is_person=False)
            found: Expected = conformance.decided(index, request)
            return Case(request, found)
    return None


def _instants(rule: Rule, zone: str, week: datetime) -> Iterator[datetime]:
    """Instants at which the rule may be open; none twice."""
    given = rule.window
    walls = list(_USUAL)
    if given is not None:
        inside = [given.start, given.end]
        walls = [timedelta(days=day, minutes=minute) for minute in inside for day in given.days]
        walls += _USUAL
    if rule.expires_at is not None and rule.expires_at.replace(tzinfo=None) < week + timedelta(8):
        week = rule.expires_at.replace(tzinfo=None, hour=0, minute=0, second=0, microsecond=0)
        week -= timedelta(days=9 + week.isoweekday() % 7)
    for wall in walls:
        at = _utc(week + wall, rule, zone)
        if at is not None and abs(at - conformance.BEGIN) < timedelta(
            minutes=conformance.MINUTES_MAX
        ):
            yield at


def _utc(wall: datetime, rule: Rule, zone: str) -> datetime | None:
    named = rule.window.timezone if rule.window is not None else None
    try:
        place = window.zone(named or zone)
        return wall.replace(tzinfo=place, second=0, microsecond=0).astimezone(
            conformance.BEGIN.tzinfo
        )
    except (UnknownZone, OverflowError):
        return None


def _request(
    rule: Rule, severity: Severity, at: datetime, place: Place, *, is_person: bool
) -> Request:
    """A request that the rule fits, at a site, host and platform that no other rule names unless
    this one does."""
    wish = wished.by(rule.when.condition)
    facts = dict.fromkeys(_placeholders(rule.params), 1) | wish.facts
    named, scope = wish.named, rule.scope
    delta = named.get("delta", 1 if rule.params else None)
    problems: exact.Problems = []
    read = exact.read({"facts": facts, "delta": delta}, problems)
    if problems:
        read = {"facts": {}, "delta": None}
    request = Request(
        alert=Alert("case", rule.when.kpi_id, "", "", severity, _number(read["delta"])),
        at=at,
        zone=place.zone,
        decision_id="",
        action=ANY if rule.action == ANY_ACTION else rule.action,
        partner=scope.partner,
        site=scope.site or _text(named.get("siteId")),
        host=scope.host or _text(named.get("hostId")),
        platform=scope.platform or _text(named.get("platform")),
        tags=frozenset(scope.tags) | wish.tags,
        facts=read["facts"],
        initiator=Initiator.PERSON if is_person else Initiator.SYSTEM,
        opening_hours=place.opening_hours,
    )
    wanted = named.get("severity")
    if isinstance(wanted, str) and wanted in rule.when.severity:
        return replace(request, alert=replace(request.alert, severity=Severity(wanted)))
    return request


def _placeholders(value: Json) -> list[str]:
    """The facts that parameters are filled with."""
    if isinstance(value, str):
        return _PLACEHOLDER.findall(value)
    items = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [name for item in items for name in _placeholders(item)]


def _number(value: Json) -> int | Decimal | None:
    return value if isinstance(value, int | Decimal) and not isinstance(value, bool) else None


def _text(value: Json) -> str | None:
    return value if isinstance(value, str) else None
