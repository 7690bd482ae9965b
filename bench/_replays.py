"""A replay of kept decisions: a million as an estate has them, and fewer that are hardly alike."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from functools import partial

from _policies import MONDAY, Draw

from wardline.core.policy import compiled, kept, replay
from wardline.core.policy.compiled import Compiled
from wardline.core.policy.replayed import Replayed
from wardline.core.policy.request import Counters
from wardline.core.policy.rule import Policy

SEED = 20261126
REPLAYED = 1_000_000
PER_BATCH = 100
BATCHES_DRAWN = 1_000
REPLAYED_CHANGES = 50
REPLAYED_DAYS = 30
ANSWERS_PER_KPI = 2

# Seconds of the processor that some work takes.
Timed = Callable[[Callable[[], object]], float]


def figures(draw: Draw, policy: Policy, timed: Timed) -> dict[str, float]:
    """A million kept decisions, from the bytes in the store to the report: as an estate has them,
    two answers to each check; and where a condition over the facts leaves hardly two alike."""
    before = compiled.build(policy)
    changed = [
        replace(rule, window=None, auto_execute=True) for rule in policy.rules[:REPLAYED_CHANGES]
    ]
    after = before.with_rules(changed, (), revision=2, epoch=1)
    bodies = _kept(draw, policy, before)
    spent = timed(partial(_replayed, bodies, before, after))
    found = _replayed(bodies[: len(bodies) // 10], before, after)
    assert found.judged + found.left_out == REPLAYED // 10, "every decision is looked at"
    assert found.turns, "rules without a window let other things run"
    picky = [
        replace(rule, when=replace(rule.when, condition="facts.n >= 0")) for rule in policy.rules
    ]
    asking = before.with_rules(picky, (), revision=2, epoch=1)
    few = bodies[: len(bodies) // 10]
    return {
        "replay_1m_s": round(spent, 2),
        "replay_100k_unlike_s": round(timed(partial(_replayed, few, before, asking)), 2),
    }


def _kept(draw: Draw, policy: Policy, index: Compiled) -> list[bytes]:
    """Batches as a store keeps them, at instants of 30 days."""
    state = replace(draw.state(), counters=Counters())
    actions = sorted({(rule.when.kpi_id, rule.action) for rule in policy.rules})
    by_kpi: dict[str, list[str]] = {}
    for kpi_id, action in actions:
        by_kpi.setdefault(kpi_id, []).append(action)
    drawn, number = [], 0
    for _ in range(BATCHES_DRAWN):
        batch = []
        for _ in range(PER_BATCH):
            number += 1
            asked = draw.anywhere(policy)
            answers = by_kpi[asked.alert.kpi_id][:ANSWERS_PER_KPI]
            action = answers[number % len(answers)]
            batch.append((replace(asked, action=action, facts={"n": number}), state))
        drawn.append((batch, [index.evaluate(*one) for one in batch]))
    bodies = []
    repeats = REPLAYED // (BATCHES_DRAWN * PER_BATCH)
    for again in range(repeats):
        for place, (batch, decisions) in enumerate(drawn):
            step = timedelta(days=REPLAYED_DAYS) / (repeats * BATCHES_DRAWN)
            first, known = batch[0]
            at = MONDAY + step * (again * BATCHES_DRAWN + place)
            bodies.append(kept.pack([(replace(first, at=at), known), *batch[1:]], decisions))
    return bodies


def _replayed(bodies: list[bytes], before: Compiled, after: Compiled) -> Replayed:
    known = Draw(SEED).state().actions
    return replay.of(map(kept.sheet, reversed(bodies)), before, after, lambda _: known)
