"""Many decisions at once on one index: first those that nothing counts for, then the others.

A store asks what a batch `needs`, looks that up, and has it settled in the order in which it was
asked: what one decision reserves counts for the next. Pure, and the same for every store.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any, Protocol

from wardline.core import ids
from wardline.core.canonical import Json
from wardline.core.policy import kept, limited, questions
from wardline.core.policy.book import NOWHERE, Book, Host, Run
from wardline.core.policy.compiled import Compiled
from wardline.core.policy.decision import Verdict
from wardline.core.policy.kept import Asked
from wardline.core.policy.questions import Answer, Setting
from wardline.core.policy.request import HostUsage, Initiator, Principal, Request, State
from wardline.core.severity import Severity

_UNUSED_HOST = HostUsage()
# In place of the id of a decision that many requests share; no rule can know it.
_NO_ID = ids.new("dec")
_RUN = Verdict.RUN
_UNKNOWN: Any = object()


class WantedAlert(Protocol):
    """What was measured, as it was sent."""

    @property
    def id(self) -> str: ...
    @property
    def kpi_id(self) -> str: ...
    @property
    def title(self) -> str: ...
    @property
    def message(self) -> str: ...
    @property
    def severity(self) -> Severity: ...
    @property
    def delta(self) -> int | Decimal | None: ...
    @property
    def site_id(self) -> str | None: ...
    @property
    def host_id(self) -> str | None: ...
    @property
    def platform(self) -> str | None: ...
    @property
    def facts(self) -> Mapping[str, Json]: ...


class Wanted(Protocol):
    """One request of a batch, as it was sent."""

    @property
    def alert(self) -> WantedAlert: ...
    @property
    def action(self) -> str | None: ...
    @property
    def site(self) -> str | None: ...
    @property
    def host(self) -> str | None: ...
    @property
    def initiator(self) -> Initiator: ...


@dataclass(frozen=True, slots=True)
class Ground:
    """What a batch is decided on: all at one instant, for one caller of one owner.

    `actions` is where the state of a request has its own from, equal when these are the same;
    `setting` is whatever holds at a site, equal when it is the same as before; `request` makes a
    request of what was sent, with the id of its decision. `is_held`: some action is on hold at a
    site, on a host, for a kpi; None where nothing is.
    """

    at: datetime
    owner: str | None
    caller: Principal
    actions: object
    setting: Callable[[str | None], Setting]
    request: Callable[[Wanted, str], Asked]
    is_held: Callable[[str | None, str | None, str], bool] | None = None


@dataclass(frozen=True, slots=True)
class Needs:
    """What is to be known of what has run: the sites that it is about, in order; the rules at
    sites; the hosts."""

    sites: tuple[str, ...]
    rules: frozenset[tuple[str, str]]
    hosts: frozenset[Host]


class Batch:
    """What was sent, with the ids of its decisions, decided but for what has run."""

    def __init__(
        self,
        index: Compiled,
        ground: Ground,
        wanted: Sequence[Wanted],
        decision_ids: Sequence[str],
        *,
        traced: bool,
    ) -> None:
        self._index, self._ground, self._wanted, self._ids = index, ground, wanted, decision_ids
        self._traced = traced
        self._places: dict[str | None, tuple[int, questions.Place]] = {}
        self._numbers: list[int] = []
        # Positions of which something may have run, with the rules that count for them.
        self._counting: list[tuple[int, Set[str]]] = []
        self._known = questions.of(
            index, ground.owner, ground.caller, ground.actions, traced=traced
        )
        self._limited = limited.of(index)
        self._answers = self._decided()
        self.needs = self._needs()

    @property
    def at(self) -> datetime:
        """The instant of all its decisions."""
        return self._ground.at

    def settle(self, counted: Book) -> list[Run]:
        """Decides the rest, in the order asked: what is to be reserved for those that run."""
        runs: list[Run] = []
        for position, _ in self._counting:
            each, found = self._wanted[position], self._answers[position]
            site, host = self._host(each)
            if not _stands(found, each, counted, site, host):
                request, base = self._ground.request(each, self._ids[position])
                found = self._answer(request, counted.state(base, request))
                self._answers[position] = found
            if found.verdict is _RUN:
                assert found.rule_id is not None, "what runs was let run by a rule"
                run = Run(
                    self._ids[position],
                    site,
                    host,
                    found.runs,
                    found.rule_id,
                    found.pct,
                    found.qty,
                )
                counted.reserve(run)
                runs.append(run)
        return runs

    def answer(self, reserved: Mapping[str, bytes]) -> bytes:
        """The decisions as one JSON list; `reserved` is what is told of a reservation, by id."""
        parts: list[bytes] = []
        for found, decision_id in zip(self._answers, self._ids, strict=True):
            told = reserved.get(decision_id, b"null") if reserved else b"null"
            parts += (found.head, decision_id.encode(), *found.tail, told, b"},")
        parts[-1] = b"}"
        return b"[" + b"".join(parts) + b"]"

    def kept(self) -> bytes:
        """What is kept of the batch for replay."""
        rows = []
        for number, each, found in zip(self._numbers, self._wanted, self._answers, strict=True):
            alert = each.alert
            rows.append(
                (
                    number,
                    alert.id,
                    found.about,
                    alert.delta,
                    found.action,
                    each.host or alert.host_id,
                    found.platform,
                    alert.facts,
                    found.ends,
                )
            )
        ground = self._ground
        places = []
        for site, (_, place) in self._places.items():
            there = place.setting
            frozen = bool(there.frozen_by)
            places.append((site, there.zone, there.opening_hours, frozen, there.observing))
        return kept.write(ground.at, ground.owner, ground.caller, places, rows)

    def kpis(self) -> list[str]:
        """The kpis of the batch, by which its decisions are found."""
        return sorted({each.alert.kpi_id for each in self._wanted})

    def uses(self) -> list[tuple[str, int, int]]:
        """Which rules decided: id, how often, how often that something runs; by id."""
        counted: dict[str, tuple[int, int]] = {}
        for found, count in Counter(self._answers).items():
            if found.rule_id is not None:
                decided, ran = counted.get(found.rule_id, (0, 0))
                now = ran + count if found.verdict is _RUN else ran
                counted[found.rule_id] = decided + count, now
        return sorted((rule_id, *counts) for rule_id, counts in counted.items())

    def _decided(self) -> list[Answer]:
        answers: list[Answer] = []
        places, numbers, is_held = self._places, self._numbers, self._ground.is_held
        for position, each in enumerate(self._wanted):
            alert = each.alert
            kpi_id, action, host = alert.kpi_id, each.action, each.host or alert.host_id
            site = each.site or alert.site_id
            there = places.get(site)
            if there is None:
                there = places[site] = len(places), self._place(site)
            number, place = there
            question = kpi_id, action, alert.severity, alert.platform, each.initiator
            found = place.answers.get(question, _UNKNOWN)
            if found is _UNKNOWN:
                found = self._learn(place, question, each)
            if (
                found is None
                or (host is not None and found.of_host)
                or (is_held is not None and is_held(site, host, kpi_id))
            ):
                found = self._answer(*self._ground.request(each, self._ids[position]))
            numbers.append(number)
            answers.append(found)
            if found.counts:
                by = None if action is None else found.rule_id
                binding = self._limited.binding(kpi_id, by)
                if binding or host is not None:
                    self._counting.append((position, binding))
        return answers

    def _place(self, site: str | None) -> questions.Place:
        return self._known.place(site, self._ground.setting(site), self._ground.at)

    def _learn(
        self, place: questions.Place, question: questions.Question, each: Wanted
    ) -> Answer | None:
        request, state = self._ground.request(each, _NO_ID)
        alert = replace(request.alert, id="", title="", message="", delta=None)
        asked = replace(request, alert=alert, host=None, facts={})
        free = replace(state, hold=False, held=frozenset())
        return self._known.learn(place, question, asked, free)

    def _answer(self, request: Request, state: State) -> Answer:
        return questions.answer(
            self._index.evaluate(request, state), request, state, traced=self._traced
        )

    def _needs(self) -> Needs:
        rules: set[tuple[str, str]] = set()
        hosts: set[Host] = set()
        for position, binding in self._counting:
            place = self._host(self._wanted[position])
            hosts.add(place)
            if binding:
                rules.update([(place[0], rule_id) for rule_id in binding])
        sites = tuple(sorted({site for site, _ in hosts}))
        return Needs(sites, frozenset(rules), frozenset(hosts))

    def _host(self, each: Wanted) -> Host:
        alert = each.alert
        return each.site or alert.site_id or NOWHERE, each.host or alert.host_id or NOWHERE


def _stands(found: Answer, each: Wanted, counted: Book, site: str, host: str) -> bool:
    """Whether a decision that was made as if nothing had run is the same with what has."""
    on_host = counted.on_host(site, host)
    if on_host and (each.action is None or each.action in on_host):
        return False
    used = counted.at_site(site)
    if not used:
        return True
    if found.caps is None or found.rule_id is None:
        return False
    of_rule = used.get(found.rule_id)
    return of_rule is None or all(
        use(of_rule, _UNUSED_HOST, found.params) <= limit for _, use, limit in found.caps
    )
