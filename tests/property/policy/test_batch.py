"""Batches whose decisions are shared are, byte for byte, those in which each is made by itself."""

import zlib
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from tests.property.core.policy.draw import START, Draw
from wardline.core import clock
from wardline.core.policy import compiled, kept, limited, parse, questions, telling, usage
from wardline.core.policy.book import Book, Run, host_of, site_of
from wardline.core.policy.decision import Code, Verdict
from wardline.core.policy.request import ActionFacts, Initiator, Principal, Risk
from wardline.core.policy.rule import Policy
from wardline.core.policy.usage import Tally
from wardline.core.severity import Severity
from wardline.policy.decisions import asking, reservation
from wardline.policy.decisions.asking import Standing, Terms
from wardline.policy.simulation import Place

SETS, SETS_FULL = 60, 600
BATCHES = 6
WISHES = 10
REQUESTS_MAX = 25
PARTNER = "p1"
# A day like others, and the nights on which clocks are set in Berlin.
DAYS = (START, datetime(2026, 3, 28, 20, tzinfo=UTC), datetime(2026, 10, 24, 20, tzinfo=UTC))
EXPIRY = START + timedelta(days=3)
BEFORE_COUNTING = {
    *(Code.FREEZE, Code.HOLD, Code.NO_MATCH, Code.DENIED, Code.UNKNOWN_ACTION),
    *(Code.NOT_ADMISSIBLE, Code.UNRESOLVED_INPUT, Code.OUTSIDE_WINDOW),
}
ACTIONS = {
    "fix": ActionFacts(Risk.LOW, ("linux",)),
    "other": ActionFacts(Risk.HIGH, ()),
}


class Alone:
    """The same batch, every decision made by itself, on an index that has answered nothing yet."""

    def __init__(self, policy, asked, counted) -> None:
        self.asked = asked
        self.index = compiled.build(policy)
        self.decisions = [self.index.evaluate(*each) for each in asked]
        self.rules, self.hosts, self.runs = set(), set(), []
        known = limited.of(self.index)
        counting = []
        for position, decision in enumerate(self.decisions):
            request = asked[position][0]
            if decision.code in BEFORE_COUNTING:
                continue
            by = None if request.action is None else decision.rule_id
            binding = known.binding(request.alert.kpi_id, by)
            if binding or request.host is not None:
                counting.append(position)
                self.rules.update((site_of(request), rule_id) for rule_id in binding)
                self.hosts.add(host_of(request))
        for position in counting:
            self._settle(position, counted)

    def _settle(self, position, counted) -> None:
        request, base = self.asked[position]
        decision = self.index.evaluate(request, counted.state(base, request))
        self.decisions[position] = decision
        if decision.verdict is Verdict.RUN:
            used = [usage.amount(decision.params, name) for name in (usage.PCT, usage.QTY)]
            place = host_of(request)
            run = Run(request.decision_id, *place, decision.action, decision.rule_id, *used)
            counted.reserve(run)
            self.runs.append(run)

    def answer(self, now, *, traced) -> bytes:
        expires = clock.wire(reservation.expiry(now))
        reserved = {run.id: {"id": run.id, "expiresAt": expires} for run in self.runs}
        told = [telling.public(each, traced=traced) for each in self.decisions]
        for each in told:
            each["reservation"] = reserved.get(each["decisionId"])
        return telling.dumps({"ok": True, "decisions": told})

    def uses(self):
        decided = Counter(each.rule_id for each in self.decisions if each.rule_id is not None)
        ran = Counter(each.rule_id for each in self.decisions if each.verdict is Verdict.RUN)
        return [(rule_id, decided[rule_id], ran[rule_id]) for rule_id in sorted(decided)]


@pytest.fixture
def draw(seed: int) -> Draw:
    return Draw(seed)


def test_decisions_that_are_shared_are_those_that_each_would_get(draw: Draw) -> None:
    seen = Counter()
    for _ in range(SETS):
        seen += history(draw)
    assert {*Verdict} <= set(seen), "the histories reach every verdict"
    assert seen["shared"] > seen["alone"] / 2, "enough of them were decided once for many"


@pytest.mark.full
def test_decisions_that_are_shared_over_thousands_of_batches(draw: Draw) -> None:
    for _ in range(SETS_FULL):
        assert history(draw), "every history decides something"


def history(draw: Draw) -> Counter:
    """Batches of one policy at instants that follow each other, some of them over an edge."""
    policy = Policy(tuple(draw.rules() + draw.rules_beside()), 3, 2)
    index = compiled.build(policy)
    now = draw._one(DAYS) + timedelta(minutes=draw.random.randint(0, 7 * 24 * 60))
    seen = Counter()
    standing, known = settings(draw), actions(draw)
    # Few, so that they come again in the batches after.
    pool = [wish(draw) for _ in range(WISHES)]
    for _ in range(BATCHES):
        now = next_instant(draw, now)
        if draw._chance(0.2):
            standing = settings(draw)
        seen += compare(draw, policy, index, (standing, known, pool), now)
    return seen


def next_instant(draw: Draw, now: datetime) -> datetime:
    minute = now.replace(second=0, microsecond=0)
    return draw._one(
        [
            now + timedelta(milliseconds=1),
            minute + timedelta(seconds=59, milliseconds=999),
            minute + timedelta(minutes=1),
            minute + timedelta(minutes=draw.random.randint(1, 90)),
            now + timedelta(hours=draw.random.randint(1, 30)),
            EXPIRY - timedelta(milliseconds=1),
            EXPIRY,
            EXPIRY + timedelta(seconds=30),
        ]
    )


def compare(draw: Draw, policy, index, there, now) -> Counter:
    standing, known, pool = there
    traced = draw._chance(0.9)
    caller = draw._one([Principal("mia", frozenset(["manager"])), Principal("max", frozenset())])
    wanted = parse.asked(
        {"requests": [draw._one(pool) for _ in range(draw.random.randint(1, REQUESTS_MAX))]}
    )
    terms = Terms(now, PARTNER, caller, known, holds(draw))
    batch = asking.batch(index, wanted, standing, terms, traced=traced)
    asked = [
        asking.request(standing, terms, each, decision_id)
        for each, decision_id in zip(wanted, batch._ids, strict=True)
    ]
    shared = {id(each) for place in places(batch) for each in place.answers.values()}
    ledger = tallies(draw, now)
    alone = Alone(policy, asked, book(ledger, now))
    assert (batch.needs.rules, batch.needs.hosts) == (alone.rules, alone.hosts)
    runs = batch.settle(book(ledger, now))
    assert runs == alone.runs
    assert asking.answer(batch, runs, now) == alone.answer(now, traced=traced)
    assert batch.uses() == alone.uses()
    assert zlib.decompress(batch.kept()) == zlib.decompress(kept.pack(asked, alone.decisions))
    told = Counter(each.verdict for each in alone.decisions)
    return told + Counter("shared" if id(each) in shared else "alone" for each in batch._answers)


def places(batch) -> list[questions.Place]:
    return [place for _, place in batch._places.values()]


def settings(draw: Draw) -> dict:
    return {site: setting(draw) for site in (None, "s1", "s2")}


def setting(draw: Draw) -> Standing:
    zone = draw._one(["UTC", "Europe/Berlin", "Europe/Berlin", "Asia/Kathmandu", "Mars/Base"])
    hours = draw._one([(), (), (draw.window(),), (draw.window(), draw.window())])
    frozen = draw._seldom("frozen by Mia") or ""
    return Standing(Place(zone, hours), frozen, draw._chance(0.15))


def actions(draw: Draw):
    known = draw._one([None, ACTIONS])
    return lambda platform: known


def holds(draw: Draw) -> dict:
    if draw._chance(0.7):
        return {}
    return {("s1", draw._one([None, "h1"]), "disk"): frozenset([draw._one(["fix", "other"])])}


def wish(draw: Draw) -> dict:
    alert = {
        "id": f"alert-{draw.random.randint(0, 9)}",
        "kpiId": draw._one(["disk", "disk", "disk", "margin", "none"]),
        "title": 'a "title" with ü and \\ in it',
        "message": "",
        "severity": draw._one(list(Severity)).value,
        "delta": draw._one([3, 0, -1.5, 2.25]),
        "platform": draw._one(["linux/debian", "windows"]),
        "facts": draw._one([{}, {"name": "web"}, {"name": "x", "share": 0.5, "deep": [1, {}]}]),
    }
    for name in ("delta", "platform", "facts"):
        if draw._chance(0.4):
            del alert[name]
    made = {
        "alert": alert,
        "action": draw._one(["fix", "fix", "other"]),
        "site": draw._one(["s1", "s1", "s2"]),
        "host": draw._one(["h1", "h1", "h2"]),
        "initiator": draw._one(list(Initiator)).value,
    }
    for name, share in {"action": 0.2, "site": 0.2, "host": 0.5, "initiator": 0.5}.items():
        if draw._chance(share):
            del made[name]
    return made


def tallies(draw: Draw, now: datetime) -> list:
    """What has run: of some rules and on some hosts, or nothing at all."""
    if draw._chance(0.4):
        return []
    return [
        (
            draw._one(["", "s1", "s2"]),
            draw._one(["", "h1", "h2"]),
            draw._one(["fix", "other"]),
            f"r{draw.random.randint(0, 9)}",
            Tally(
                now - timedelta(minutes=draw.random.randint(0, 9 * 24 * 60)),
                draw._chance(0.3),
                pct=draw._one([0, 1, 3]),
            ),
        )
        for _ in range(draw.random.randint(0, 6))
    ]


def book(ledger: list, now: datetime) -> Book:
    made = Book(now)
    for site, host, action, rule_id, tally in ledger:
        made.count_rule(site, rule_id, tally)
        made.count_host(site, host, action, tally)
    return made
