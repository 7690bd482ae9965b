"""Past decisions made again, by the rules in force and by others: what would have come of them.

What looks alike to both sets is decided once: the instant counts only through what is open at it,
and a host or what was measured only where a rule asks for it (`lens`). What had been used up is not
kept, so nothing counts as used: a decision that a limit or a cooldown refused is left out, and of
rules whose limits change only the amount of the one run is looked at.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from wardline.core.policy import decision as deciding
from wardline.core.policy import kept, lens
from wardline.core.policy.compiled import Compiled
from wardline.core.policy.decision import Code, Decision, Verdict
from wardline.core.policy.kept import Row, Sheet
from wardline.core.policy.lens import Lens, Reading
from wardline.core.policy.replayed import Came, Example, Replayed, Turned
from wardline.core.policy.request import ActionFacts, Request, State
from wardline.core.policy.slices import Plan

# What is known of the actions, by the platform that a request names; None = any text is one.
Actions = Callable[[str | None], Mapping[str, ActionFacts] | None]

# What had been used decided these, and that is not kept.
USED_UP = frozenset({Code.LIMIT_EXCEEDED, Code.COOLDOWN})
_USED_UP = frozenset(code.value for code in USED_UP)
_LOCKED = Code.LOCKED.value
# Verdicts whose decisions are told of, also where they are not new.
_TOLD = frozenset({Verdict.RUN, Verdict.ASK})


@dataclass(slots=True)
class _Group:
    """Decisions that are alike to both sets: how many, and the newest of them."""

    lens: Lens
    sheet: Sheet
    row: Row
    count: int = 0


class Replay:
    """Takes batches in any number, then tells; `kpis` None counts decisions on all kpis, `site`
    None on all sites."""

    def __init__(
        self,
        before: Compiled,
        after: Compiled,
        actions: Actions,
        *,
        kpis: Collection[str] | None = None,
        site: str | None = None,
    ) -> None:
        self._sets = before, after
        self._actions = actions
        self._kpis = kpis
        self._site = site
        self._lenses = lens.Lenses(before, after)
        self._groups: dict[tuple[Any, ...], _Group] = {}
        self._askers: dict[object, int] = {}
        self._left_out = 0
        self._judged = 0

    @property
    def looked_at(self) -> int:
        """How many decisions it has taken, those that are left out too."""
        return self._judged + self._left_out

    @property
    def distinct(self) -> int:
        """How many decisions are left to be made, of those that differ."""
        return len(self._groups)

    def take(self, batch: Sheet) -> None:
        """The decisions of a batch that are about the kpis and the site."""
        asker = self._askers.setdefault((batch.partner, batch.principal), len(self._askers))
        readings: list[Reading | None] = [None] * len(batch.places)
        places = [(each.site, each.freeze, each.observing) for each in batch.places]
        groups, kpis, only = self._groups, self._kpis, self._site
        for row in batch.rows:
            number, _, kpi_id, word, delta, action, host, platform, facts, by, held, _, code, _ = (
                row
            )
            if kpis is not None and kpi_id not in kpis:
                continue
            place = places[number]
            if only is not None and place[0] != only:
                continue
            if code in _USED_UP or (held and action is None):
                self._left_out += 1
                continue
            reading = readings[number]
            if reading is None:
                reading = readings[number] = self._reading(batch, row)
            seen = self._lenses.of(kpi_id, action)
            key = (
                *(asker, place, seen.number, word, platform, by, held, code, reading.of(seen)),
                host if seen.host else None,
                orjson.dumps((delta, facts)) if seen.measured else None,
            )
            group = groups.get(key)
            if group is None:
                group = groups[key] = _Group(seen, batch, row)
            elif group.sheet.at < batch.at:
                group.sheet, group.row = batch, row
            group.count += 1
            self._judged += 1

    def tell(self) -> Replayed:
        """What all of them come to."""
        was, is_now, would = Counter[Verdict](), Counter[Verdict](), Counter[Verdict]()
        turned: dict[tuple[Verdict, Verdict], list[Turned]] = {}
        for group in self._groups.values():
            request = kept.request(group.sheet, group.row)
            state = self._state(group, request)
            before, after = self._decide(group.lens, request, state)
            was[Verdict(group.row[11])] += group.count
            is_now[before.verdict] += group.count
            would[after.verdict] += group.count
            if before.verdict is not after.verdict or after.verdict in _TOLD:
                alike = turned.setdefault((before.verdict, after.verdict), [])
                alike.append(self._turned(group, before, after))
        return Replayed.of(self._judged, self._left_out, (was, is_now, would), turned)

    def _reading(self, batch: Sheet, row: Row) -> Reading:
        return Reading(self._lenses.watches, kept.request(batch, row))

    def _state(self, group: _Group, request: Request) -> State:
        place = group.sheet.places[group.row[0]]
        return State(
            freeze=place.freeze,
            observing=place.observing,
            hold=group.row[10],
            locked=group.row[12] == _LOCKED,
            actions=self._actions(request.platform),
            confirmed_at=request.at,
        )

    def _decide(self, seen: Lens, request: Request, state: State) -> tuple[Decision, Decision]:
        before, after = self._sets
        first = before.evaluate(request, state)
        return first, first if seen.is_same else after.evaluate(request, state)

    def _turned(self, group: _Group, before: Decision, after: Decision) -> Turned:
        row, sheet = group.row, group.sheet
        plan = self._sets[1].plans.get(after.rule_id or "")
        return Turned(
            count=group.count,
            site=sheet.places[row[0]].site,
            rule_id=after.rule_id or before.rule_id,
            window=None if plan is None else plan.rule.window,
            opening_hours=None if plan is None else plan.rule.opening_hours,
            needs=_needs(after) if after.verdict is Verdict.ASK else None,
            example=Example(
                alert_id=row[1],
                kpi_id=row[2],
                severity=row[3],
                action=row[5],
                site=sheet.places[row[0]].site,
                host=row[6],
                at=sheet.at,
                was=Came(row[11], row[12], row[13]),
                before=_came(before),
                after=_came(after),
            ),
        )


def of(
    sheets: Iterable[Sheet],
    before: Compiled,
    after: Compiled,
    actions: Actions,
    *,
    kpis: Collection[str] | None = None,
    site: str | None = None,
) -> Replayed:
    """What all batches come to under two sets of rules."""
    replay = Replay(before, after, actions, kpis=kpis, site=site)
    for each in sheets:
        replay.take(each)
    return replay.tell()


def touched(before: Compiled, after: Compiled) -> frozenset[str]:
    """The kpis whose rules are not the same in both sets."""
    keys = before.buckets.keys() | after.buckets.keys()
    return frozenset(
        key[0] for key in keys if before.buckets.get(key) is not after.buckets.get(key)
    )


def uncounted(before: Compiled, after: Compiled) -> list[str]:
    """The rules whose limits or cooldown change, of which a replay shows nothing, by id."""
    found = []
    for rule_id, plan in after.plans.items():
        held = before.plans.get(rule_id)
        if held is not plan and _counted(plan) != (_NOTHING if held is None else _counted(held)):
            found.append(rule_id)
    return sorted(found)


_NOTHING: tuple[object, object] = ((), None)


def _counted(plan: Plan) -> tuple[object, object]:
    return plan.clauses.caps, plan.clauses.pause


def _came(decision: Decision) -> Came:
    return Came(decision.verdict.value, decision.code.value, decision.rule_id)


def _needs(decision: Decision) -> tuple[str, ...]:
    """The roles that may consent; empty = anybody who may approve at all."""
    basis = deciding.basis_of(decision)
    if basis is None or basis[3] is None:
        return tuple(decision.approver_roles or ())
    approval = basis[3].rule.approval
    return () if approval is None or approval.roles is None else tuple(approval.roles)
