"""Questions that come again, decided and written once: what requests have in common besides an id.

Most requests ask what others have asked: the same of the same kpi, action, severity and place,
about another alert. As long as no rule that could speak to them reads the alert's facts, all of
them come to the same decision, in the same words, until a window or an expiry may change it.
"""

from collections import OrderedDict
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from datetime import MAXYEAR, datetime, timedelta
from decimal import Decimal

import orjson

from wardline.core.canonical import Json
from wardline.core.policy import decision as deciding
from wardline.core.policy import slices, telling, usage
from wardline.core.policy.budgets import Cap
from wardline.core.policy.compiled import Compiled
from wardline.core.policy.decision import Code, Decision, Verdict
from wardline.core.policy.request import Initiator, Request, State
from wardline.core.policy.rule import ANY_ACTION, Window
from wardline.core.policy.slices import Plan
from wardline.core.severity import Severity

# Of everything that a process remembers.
BYTES_MAX = 64 << 20
# What an answer takes besides its bytes: the question, the object, its place in a dictionary.
OVERHEAD_BYTES = 1024
SHARED_MAX = 4096

_MINUTE = timedelta(minutes=1)
# Until then some zones were ahead by minutes and seconds; since then a wall clock shows another
# minute only when UTC does.
_WHOLE_MINUTES = 1973
_EVERY = 4  # where in the masks all rules stand that fit
_MATCH, _NEXT = b'{"check":"match"', b"},{"
_PASSED = frozenset({Code.ALLOWED, Code.APPROVAL_NEEDED, Code.START_NEEDED, Code.NOT_OFFERED})

# What refuses before anything that has run is looked at.
_BEFORE_COUNTING = frozenset(
    {
        Code.FREEZE,
        Code.HOLD,
        Code.NO_MATCH,
        Code.DENIED,
        Code.UNKNOWN_ACTION,
        Code.NOT_ADMISSIBLE,
        Code.UNRESOLVED_INPUT,
        Code.OUTSIDE_WINDOW,
    }
)

# Kpi, action, severity, platform, initiator.
Question = tuple[str, str | None, Severity, str | None, Initiator]


@dataclass(frozen=True, slots=True, eq=False)
class Answer:
    """What comes of a request, and how it is written.

    `head`, the decision's id and `tail` are its JSON up to the reservation. `about`, `action`,
    `platform` and `ends` are what is kept of it: kpi and severity; then initiator, hold, verdict,
    code and rule. `counts`: what has run may have a say in it. `of_host`: a request with a host may
    be answered otherwise. `caps`: what its rule is to keep once it has run, for this to stand;
    None where that is not all. The last three are of a run.
    """

    verdict: Verdict
    code: Code
    rule_id: str | None
    head: bytes
    tail: tuple[bytes, ...]
    about: orjson.Fragment
    action: orjson.Fragment
    platform: orjson.Fragment
    ends: orjson.Fragment
    counts: bool
    of_host: bool = False
    caps: tuple[Cap, ...] | None = None
    params: dict[str, Json] = field(default_factory=dict)
    runs: str = ""
    pct: int | Decimal = 0
    qty: int | Decimal = 0


@dataclass(frozen=True, slots=True)
class Setting:
    """What holds at a site beside the rules; `frozen_by` says who stopped it, or ''."""

    zone: str
    opening_hours: tuple[Window, ...] = ()
    frozen_by: str = ""
    observing: bool = False


@dataclass(slots=True)
class Place:
    """What was asked at a site, as long as the same holds there; None for what has to be decided
    for each request. `passing` are the questions whose answers a minute may change."""

    setting: Setting
    minute: datetime
    answers: dict[Question, Answer | None] = field(default_factory=dict)
    passing: list[Question] = field(default_factory=list)


class Known:
    """What was asked of one index by one caller, answered in one form."""

    __slots__ = ("_places", "_shelf", "actions", "index", "traced")

    def __init__(self, shelf: "_Shelf", actions: object, *, traced: bool) -> None:
        self._shelf = shelf
        self.actions = actions
        self.index = shelf.index
        self.traced = traced
        self._places: dict[str | None, Place] = {}

    def place(self, site: str | None, setting: Setting, at: datetime) -> Place:
        """What is known at a site; `setting` is whatever holds there beside the rules."""
        minute = at.replace(second=0, microsecond=0)
        held = self._places.get(site)
        if held is None or held.setting != setting:
            held = self._places[site] = Place(setting, minute)
            self._shelf.size += OVERHEAD_BYTES
        elif held.minute != minute:
            for question in held.passing:
                held.answers.pop(question, None)
            held.passing.clear()
            held.minute = minute
        return held

    def learn(
        self, place: Place, question: Question, request: Request, state: State
    ) -> Answer | None:
        """Decides a question, of which a request is one; None where it has to be decided for each
        request by itself. The request names no host and is about no alert in particular."""
        found = _depends(self.index, request)
        made = None
        if found is not None:
            decision = self.index.evaluate(request, state)
            caps = _caps(decision, request)
            made = answer(
                decision, request, state, traced=self.traced, of_host=found.of_host, caps=caps
            )
            self._shelf.size += len(made.head) + sum(map(len, made.tail))
        if found is None or found.passing:
            place.passing.append(question)
        self._shelf.size += OVERHEAD_BYTES
        place.answers[question] = made
        return made


@dataclass(frozen=True, slots=True)
class _Dependence:
    """What an answer depends on besides its question."""

    of_host: bool
    passing: bool


@dataclass(slots=True)
class _Shelf:
    """What is known of the index of one owner, by who asks, and how much memory that takes."""

    index: Compiled
    askers: dict[Hashable, Known] = field(default_factory=dict)
    size: int = 0


_shelves: OrderedDict[str | None, _Shelf] = OrderedDict()


def of(
    index: Compiled, owner: str | None, asker: Hashable, actions: object, *, traced: bool
) -> Known:
    """What is known of the index of an owner when this one asks about actions as they are known
    here; of an index that it replaced, and of other actions, nothing is known any more."""
    shelf = _shelves.get(owner)
    if shelf is None or shelf.index is not index:
        shelf = _shelves[owner] = _Shelf(index)
    _shelves.move_to_end(owner)
    if shelf.size > BYTES_MAX:
        shelf.askers, shelf.size = {}, 0
    while len(_shelves) > 1 and sum(each.size for each in _shelves.values()) > BYTES_MAX:
        _shelves.popitem(last=False)
    key = asker, traced
    held = shelf.askers.get(key)
    if held is None or held.actions != actions:
        held = shelf.askers[key] = Known(shelf, actions, traced=traced)
        shelf.size += OVERHEAD_BYTES
    return held


def answer(
    decision: Decision,
    request: Request,
    state: State,
    *,
    traced: bool,
    of_host: bool = False,
    caps: tuple[Cap, ...] | None = None,
) -> Answer:
    """A decision, written: it names the request's id once."""
    told = telling.dumps(telling.public(decision, traced=traced))
    head, mark, rest = told.partition(b'"decisionId":"' + request.decision_id.encode())
    assert mark, "a decision tells its id"
    alert, rule_id = request.alert, decision.rule_id
    held = state.hold or bool(state.held)
    ends = (request.initiator, held, decision.verdict, decision.code, rule_id)
    runs, used = "", _NOTHING
    if decision.verdict is Verdict.RUN:
        # What is not its outcome, a decision works out with all of its checks when it is read.
        action = request.action if request.action is not None else decision.action
        assert action is not None, "what runs is an action"
        assert rule_id is not None, "what runs was let run by a rule"
        params = telling.resolved(decision)
        runs, used = action, (usage.amount(params, usage.PCT), usage.amount(params, usage.QTY))
    return Answer(
        decision.verdict,
        decision.code,
        rule_id,
        head + b'"decisionId":"',
        _pieces(rest[:-1] + b',"reservation":'),
        _inner(alert.kpi_id, alert.severity),
        _inner(request.action),
        _inner(request.platform),
        _inner(*ends),
        decision.code not in _BEFORE_COUNTING,
        of_host,
        caps,
        dict(telling.resolved(decision)) if caps else {},
        runs,
        *used,
    )


_NOTHING: tuple[int | Decimal, int | Decimal] = (0, 0)


def _caps(decision: Decision, request: Request) -> tuple[Cap, ...] | None:
    """The limits of the one rule that everything depends on once something has run."""
    basis = deciding.basis_of(decision)
    if basis is None or request.action is None or decision.code not in _PASSED:
        return None
    index: Compiled = basis[0]  # type: ignore[assignment]
    plan: Plan | None = basis[3]
    if plan is None or any(each.clauses.apart or each.rule.floor for each in _fit(index, request)):
        return None
    return plan.clauses.caps


def _depends(index: Compiled, request: Request) -> _Dependence | None:
    """What the answer depends on besides the question; None where on each alert."""
    if not _WHOLE_MINUTES <= request.at.year < MAXYEAR:
        return None
    minute = request.at.replace(second=0, microsecond=0)
    passing = False
    for plan in _fit(index, request):
        expires_at = plan.rule.expires_at
        if plan.condition is not None or plan.constants is None:
            return None
        if expires_at is not None:
            if minute < expires_at < minute + _MINUTE:
                return None
            passing = True
        passing = passing or plan.clauses.timed
    return _Dependence(_names_host(index, request), passing)


def _fit(index: Compiled, request: Request) -> list[Plan]:
    """The rules that may fit, whatever the alert is."""
    found = []
    for bucket in _buckets(index, request):
        for part in bucket.at(request):
            mask = part.masks.get(request.alert.severity, slices.NO_BITS)[_EVERY]
            while mask:
                low = mask & -mask
                found.append(part.plans[low.bit_length() - 1])
                mask ^= low
    return found


def _names_host(index: Compiled, request: Request) -> bool:
    """Whether some rule that may fit, or would on one of the hosts, is for a host alone."""
    return any(bucket.hosts for bucket in _buckets(index, request))


def _buckets(index: Compiled, request: Request) -> Sequence[slices.Bucket]:
    kpi_id = request.alert.kpi_id
    named = index.actions.get(kpi_id, ()) if request.action is None else (request.action,)
    keys = dict.fromkeys((kpi_id, action) for action in (*named, ANY_ACTION))
    return [bucket for key in keys if (bucket := index.buckets.get(key)) is not None]


def _inner(*values: object) -> orjson.Fragment:
    """Values as they stand inside a list."""
    return orjson.Fragment(orjson.dumps(values)[1:-1])


def _pieces(tail: bytes) -> tuple[bytes, ...]:
    """A tail in pieces, of which those around the check of the match are the same in most."""
    begin = tail.find(_MATCH)
    end = -1 if begin < 0 else tail.find(_NEXT, begin)
    if end < 0:
        return (_shared(tail),)
    return _shared(tail[:begin]), tail[begin:end], _shared(tail[end:])


_pieces_kept: dict[bytes, bytes] = {}


def _shared(piece: bytes) -> bytes:
    held = _pieces_kept.get(piece)
    if held is None:
        if len(_pieces_kept) >= SHARED_MAX:
            _pieces_kept.clear()
        held = _pieces_kept[piece] = piece
    return held
