"""Past decisions made again, by the rules in force and by others: what would have come of them.

What looks alike to both sets is decided once: the instant counts only through what is open at it,
and site, host and what was measured only where a rule asks for them (`lens`). What had been used
up is not kept, so nothing counts as used: a decision that a limit or a cooldown refused is left
out, and of rules whose limits change only the amount of the one run is looked at.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import orjson

from wardline.core.policy import decision as deciding
from wardline.core.policy import kept, lens
from wardline.core.policy.compiled import Compiled
from wardline.core.policy.decision import Code, Decision, Verdict
from wardline.core.policy.kept import Row, Sheet
from wardline.core.policy.lens import Lens, Reading
from wardline.core.policy.replayed import Came, Example, Replayed, Turned
from wardline.core.policy.request import ActionFacts, Alert, Request, State
from wardline.core.policy.rule import Rule
from wardline.core.policy.slices import Plan
from wardline.core.severity import Severity

# What is known of the actions, by the platform that a request names; None = any text is one.
Actions = Callable[[str | None], Mapping[str, ActionFacts] | None]

# What had been used decided these, and that is not kept.
USED_UP = frozenset({Code.LIMIT_EXCEEDED, Code.COOLDOWN})
_USED_UP = frozenset(code.value for code in USED_UP)
_PROBE = Alert("", "", "", "", Severity.LOW)
_LOCKED = Code.LOCKED.value
# Verdicts whose decisions are told of, also where they are not new.
_TOLD = frozenset({Verdict.RUN, Verdict.ASK})


@dataclass(slots=True)
class _Group:
    """Decisions that are alike to both sets: how many at each site, and the newest of them."""

    lens: Lens
    newest: Sheet
    sites: dict[str | None, int]


# A site, the number of what holds there and of who asks, and what the watches show.
_Here = tuple[str | None, int, Reading]


class Replay:
    """Takes batches in any number, quickest the newest first, then tells; `kpis` None counts
    decisions on all kpis, `site` None on all sites."""

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
        readings: dict[object, Reading] = {}
        heres: list[_Here | None] = [None] * len(batch.places)
        groups, lenses = self._groups, self._lenses
        kpis, only, made = self._kpis, self._site, lenses.made
        judged = 0
        for row in batch.rows:
            number, _, kpi_id, word, delta, action, host, platform, facts, by, held, _, code, _ = (
                row
            )
            if kpis is not None and kpi_id not in kpis:
                continue
            here = heres[number]
            if here is None:
                here = heres[number] = self._here(batch, row, asker, readings)
            site, place, reading = here
            if only is not None and site != only:
                continue
            if code in _USED_UP or (held and action is None):
                self._left_out += 1
                continue
            seen = made.get((kpi_id, action, site)) or lenses.of(kpi_id, action, site)
            shown = reading.shown.get(seen.number)
            if shown is None:
                shown = reading.of(seen)
            key: tuple[Any, ...] = (seen.number, shown, place, word, platform, by, held, code)
            if seen.measured:
                key = *key, host, site, orjson.dumps((delta, facts))
            elif host in seen.hosts:
                key = *key, host, site
            group = groups.get(key)
            judged += 1
            if group is None:
                groups[key] = _Group(seen, batch.alone(row), {site: 1})
                continue
            sites = group.sites
            sites[site] = sites.get(site, 0) + 1
            if group.newest.at < batch.at:
                group.newest = batch.alone(row)
        self._judged += judged

    def tell(self) -> Replayed:
        """What all of them come to."""
        was, is_now, would = Counter[Verdict](), Counter[Verdict](), Counter[Verdict]()
        turned: dict[tuple[Verdict, Verdict], list[Turned]] = {}
        for group in self._groups.values():
            sheet, row = group.newest, group.newest.rows[0]
            request = kept.request(sheet, row)
            state = self._state(sheet, row, request)
            before, after = self._decide(group.lens, request, state)
            count = sum(group.sites.values())
            was[Verdict(row[11])] += count
            is_now[before.verdict] += count
            would[after.verdict] += count
            if before.verdict is not after.verdict or after.verdict in _TOLD:
                alike = turned.setdefault((before.verdict, after.verdict), [])
                alike.append(self._turned(group, before, after))
        return Replayed.of(self._judged, self._left_out, (was, is_now, would), turned)

    def _here(self, batch: Sheet, row: Row, asker: int, known: dict[object, Reading]) -> "_Here":
        """Where a row is: places of one zone and the same hours share a reading."""
        site, zone, told, freeze, observing = batch.places[row[0]]
        hours = orjson.dumps(told)
        reading = known.get((zone, hours))
        if reading is None:
            opened = kept.windows(hours)
            probe = Request(_PROBE, batch.at, zone, "", opening_hours=opened)
            reading = known[zone, hours] = Reading(self._lenses.watches, probe)
        standing = asker << 2 | freeze << 1 | observing
        return site, standing, reading

    def _state(self, sheet: Sheet, row: Row, request: Request) -> State:
        place = sheet.place(row)
        return State(
            freeze=place.freeze,
            observing=place.observing,
            hold=row[10],
            locked=row[12] == _LOCKED,
            actions=self._actions(request.platform),
            confirmed_at=request.at,
        )

    def _decide(self, seen: Lens, request: Request, state: State) -> tuple[Decision, Decision]:
        before, after = self._sets
        first = before.evaluate(request, state)
        return first, first if seen.is_same else after.evaluate(request, state)

    def _turned(self, group: _Group, before: Decision, after: Decision) -> Turned:
        sheet, row = group.newest, group.newest.rows[0]
        plan = self._sets[1].plans.get(after.rule_id or "")
        return Turned(
            sites=group.sites,
            rule_id=after.rule_id or before.rule_id,
            window=None if plan is None else plan.rule.window,
            opening_hours=None if plan is None else plan.rule.opening_hours,
            needs=_needs(after) if after.verdict is Verdict.ASK else None,
            example=Example(
                alert_id=row[1],
                kpi_id=row[2],
                severity=row[3],
                action=row[5],
                site=sheet.places[row[0]][0],
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
    held, now = before.buckets, after.buckets
    changed = {key for key, bucket in now.items() if held.get(key) is not bucket}
    return frozenset(key[0] for key in changed | (held.keys() - now.keys()))


def uncounted(before: Compiled, after: Compiled) -> list[str]:
    """The rules whose limits or cooldown change, of which a replay shows nothing, by id."""
    found = []
    for rule_id, plan in after.plans.items():
        held = before.plans.get(rule_id)
        if held is not plan and _counted(plan) != (_NOTHING if held is None else _counted(held)):
            found.append(rule_id)
    return sorted(found)


def is_same(one: Rule, other: Rule) -> bool:
    """Whether two rules are the same but for what a store says of them."""
    return replace(one, stamp=other.stamp) == other


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
