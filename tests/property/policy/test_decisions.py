"""Decisions on a policy file against a naive model, over drawn histories with a clock of ours."""

import asyncio
import tempfile
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import orjson
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from wardline.core.policy import parse
from wardline.core.policy.request import Principal
from wardline.policy.decisions.reservation import Reservation, ReservationOver
from wardline.policy.file.book import Book
from wardline.policy.file.decisions import FileDecisions
from wardline.policy.file.store import FileStore, Terms

EXAMPLES, STEPS = 60, 30
HOUR, DAY, WEEK = timedelta(hours=1), timedelta(days=1), timedelta(days=7)
RESERVED, GRACE, IN_FLIGHT = timedelta(minutes=5), timedelta(seconds=5), timedelta(hours=12)
START = datetime(2026, 11, 23, 9, tzinfo=UTC)

# Limits that are met soon, each of a rule of its own.
LIMITS = {
    "pct": {"maxDailyPct": 0.5, "maxWeeklyPct": 1.1},
    "qty": {"maxDailyQty": 9},
    "host": {"maxRunsPerHostPerDay": 3},
    "hour": {"maxRunsPerSitePerHour": 2},
    "at-once": {"maxConcurrentPerSite": 2},
    "cool": {},
    "free": {},
}
COOLDOWN = timedelta(hours=2)
SPANS = [RESERVED, RESERVED + GRACE, HOUR, COOLDOWN, IN_FLIGHT, DAY, 2 * DAY, WEEK]
PLACES = [(None, None), (None, None), ("one", None), ("one", "a"), ("one", "b")]
PCT, QTY = Decimal("0.2"), 4


def body(name: str) -> dict:
    made = {
        "id": name,
        "when": {"kpiId": name, "severity": ["warn"]},
        "action": f"{name}.run",
        "params": {"deltaPct": 0.2, "qty": -4},
        "limits": LIMITS[name],
        "autoExecute": True,
    }
    return made | ({"cooldownMinutes": 120} if name == "cool" else {})


class Model:
    """Every run ever reserved, looked through from the first to the last for each question."""

    def __init__(self) -> None:
        self.runs: list[dict] = []

    def code(self, name: str, site: str | None, host: str | None, now: datetime) -> str:
        alive = [run for run in self.runs if self._is_alive(run, now)]
        ages = [(run, now - self._at(run)) for run in alive]
        here = [each for each in ages if (each[0]["name"], each[0]["site"]) == (name, site)]
        on_host = [each for each in here if each[0]["host"] == host]
        flying = [run for run, _ in here if self._flies(run, now)]
        if host is not None and any(self._flies(run, now) for run, _ in on_host):
            return "locked"
        if name == "cool" and any(age < COOLDOWN for _, age in on_host):
            return "cooldown"
        limits = LIMITS[name]
        day = sum(age < DAY or self._flies(run, now) for run, age in here)
        week = sum(age < WEEK or self._flies(run, now) for run, age in here)
        used = {
            "maxDailyPct": PCT * (day + 1),
            "maxWeeklyPct": PCT * (week + 1),
            "maxDailyQty": QTY * (day + 1),
            "maxRunsPerHostPerDay": sum(age < DAY for _, age in on_host) + 1,
            "maxRunsPerSitePerHour": sum(age < HOUR for _, age in here) + 1,
            "maxConcurrentPerSite": len(flying) + 1,
        }
        over = [key for key, limit in limits.items() if used[key] > Decimal(str(limit))]
        return "limit_exceeded" if over else "allowed"

    def _is_alive(self, run: dict, now: datetime) -> bool:
        if run["released"]:
            return False
        return run["started"] is not None or now < run["reserved"] + RESERVED + GRACE

    def _at(self, run: dict) -> datetime:
        return run["started"] or run["reserved"]

    def _flies(self, run: dict, now: datetime) -> bool:
        if run["ended"]:
            return False
        return run["started"] is None or now - run["started"] < IN_FLIGHT


class Deciding(RuleBasedStateMachine):
    @initialize(names=st.lists(st.sampled_from(sorted(LIMITS)), min_size=1, max_size=2))
    def open(self, names: list) -> None:
        self.names = names
        self.loop = asyncio.Runner()
        self.folder = tempfile.TemporaryDirectory()
        self.now = START
        self.model = Model()
        self._open()
        store = FileStore(self.book, self.terms, "somebody")
        self.loop.run(store.save_all([parse.rule(body(name)) for name in LIMITS]))

    def _open(self) -> None:
        self.book = Book(Path(self.folder.name) / "policies.db")
        self.terms = Terms(now=lambda: self.now)
        self.store = FileDecisions(self.book, self.terms, Principal("somebody", frozenset()))

    @rule(
        wanted=st.lists(
            st.tuples(st.integers(0, 1), st.sampled_from(PLACES), st.booleans()),
            min_size=1,
            max_size=4,
        ),
        then=st.sampled_from([(), ("started",), ("started", "ended")]),
    )
    def decide(self, wanted: list, then: tuple) -> None:
        """Few rules and places in one history, so that they meet their limits."""
        wanted = [
            (self.names[number % len(self.names)], *place, named) for number, place, named in wanted
        ]
        requests = []
        for name, site, host, named in wanted:
            alert = {"id": "1", "kpiId": name, "title": "", "message": "", "severity": "warn"}
            place = {"site": site, "host": host, "action": f"{name}.run" if named else None}
            given = {key: value for key, value in place.items() if value is not None}
            requests.append({"alert": alert, **given})
        answer = self.loop.run(self.store.decide(parse.asked({"requests": requests}), None))
        decisions, reserved = orjson.loads(answer)["decisions"], []
        for (name, site, host, _), decision in zip(wanted, decisions, strict=True):
            code = self.model.code(name, site, host, self.now)
            assert decision["code"] == code, (name, site, host)
            counts = code == "allowed" and (name != "free" or host is not None)
            assert (decision["reservation"] is not None) == counts
            if counts:
                made = {"id": decision["decisionId"], "name": name, "site": site, "host": host}
                states = {"started": None, "ended": False, "released": False}
                self.model.runs.append({**made, **states, "reserved": self.now})
                reserved.append(self.model.runs[-1])
        # All of them were decided before the first could begin.
        for run in reserved:
            for word in then:
                self._tell(run, word)

    @rule(place=st.integers(0, 9), word=st.sampled_from(["started", "released", "ended"]))
    def tell(self, place: int, word: str) -> None:
        if not self.model.runs:
            return
        self._tell(self.model.runs[-1 - place % len(self.model.runs)], word)

    def _tell(self, run: dict, word: str) -> None:
        fresh = self.now < run["reserved"] + RESERVED
        allowed = {
            "started": not run["released"] and (run["started"] is not None or fresh),
            "released": run["started"] is None,
            "ended": run["started"] is not None,
        }[word]
        try:
            self.loop.run(self.store.step(run["id"], getattr(Reservation, word)))
        except ReservationOver:
            assert not allowed
            return
        assert allowed
        if word == "started":
            run["started"] = run["started"] or self.now
        else:
            run[word] = True

    @rule(
        by=st.one_of(
            st.sampled_from(SPANS),
            st.sampled_from(SPANS).map(lambda each: each - timedelta(seconds=1)),
            st.integers(1, 400).map(lambda each: timedelta(seconds=each)),
        )
    )
    def wait(self, by: timedelta) -> None:
        self.now += by

    @rule()
    def restart(self) -> None:
        self.loop.run(self.book.close())
        self._open()

    @invariant()
    def nothing_is_exceeded(self) -> None:
        """Of what was let run, whatever was told of it: never more at once than a limit says."""
        flying = [
            (run["site"])
            for run in getattr(self, "model", Model()).runs
            if run["name"] == "at-once"
            and self.model._is_alive(run, self.now)
            and self.model._flies(run, self.now)
        ]
        assert all(flying.count(site) <= 2 for site in flying)

    def teardown(self) -> None:
        if hasattr(self, "loop"):
            self.loop.run(self.book.close())
            self.loop.close()
            self.folder.cleanup()


TestDeciding = Deciding.TestCase
TestDeciding.settings = settings(max_examples=EXAMPLES, stateful_step_count=STEPS, deadline=None)
