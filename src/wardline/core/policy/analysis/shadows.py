"""Rules that never decide anything, because others always come first."""

from collections.abc import Iterator, Sequence

from wardline.core.policy.analysis import clocks, grounds
from wardline.core.policy.analysis.budget import Budget
from wardline.core.policy.analysis.clocks import Cover, Here
from wardline.core.policy.analysis.estate import Estate
from wardline.core.policy.analysis.finding import OTHERS_MAX
from wardline.core.policy.analysis.grounds import Grounds, Standing
from wardline.core.policy.rule import Effect, Rule

PRUNED_MAX = 64
# To see whether one ground covers another costs a small part of looking at a rule on it.
NEAR_PER_STEP = 4

Shadow = tuple[Rule, tuple[str, ...]]


def shadowed(
    standing: Grounds, estate: Estate, changed: frozenset[str] | None, budget: Budget
) -> Iterator[Shadow]:
    """The rules that decide nowhere, each with those that take its place, by rank.

    The rules on the grounds are in force. A deny goes before every allow, and among equals the
    rank decides; a floor that has narrower rules to bind is not in vain. With `changed`, only what
    is about these rules: they are shadowed, or others are that without them would not be.
    """
    touched = {each.ground for each in standing if changed is None or each.rule.id in changed}
    for ground, own in standing.by_ground.items():
        near = standing.near(ground)
        if not budget.take(len(near) // NEAR_PER_STEP):
            return
        wide = [each for each in near if grounds.covers(each, ground)]
        if touched.isdisjoint(wide):
            continue
        rivals = sorted((each for one in wide for each in standing.by_ground[one]), key=_first)
        if not budget.take(len(rivals)):
            return
        place = clocks.here(ground, estate)
        for number in _sweep(own, rivals, place, changed):
            one = rivals[number]
            if one.rule.floor and _binds(one, standing):
                continue
            if not budget.take(number):
                return
            yield one.rule, _because(one, rivals[:number], place)


def _first(one: Standing) -> tuple[bool, tuple[int, int, str]]:
    return one.rule.effect is Effect.ALLOW, one.rule.rank


def _sweep(
    own: Sequence[Standing],
    rivals: Sequence[Standing],
    place: Here,
    changed: frozenset[str] | None,
) -> Iterator[int]:
    """The places of those of `own` that all before them leave nothing to."""
    mine = {each.rule.id for each in own}
    last = max(number for number, each in enumerate(rivals) if each.rule.id in mine)
    cover, unchanged, nothing = Cover(place), Cover(place), Cover(place)
    for number, each in enumerate(rivals[: last + 1]):
        is_changed = changed is None or each.rule.id in changed
        # Whatever is never open by itself is no shadow's fault.
        if each.rule.id in mine and cover.takes_all_of(each) and not nothing.takes_all_of(each):
            if is_changed or not unchanged.takes_all_of(each):
                yield number
        cover.add(each)
        if not is_changed:
            unchanged.add(each)


def _binds(floor: Standing, standing: Grounds) -> bool:
    """Whether a floor has a narrower rule to bind."""
    return any(
        each.rule.effect is Effect.ALLOW
        and floor.rule.broader_than(each.rule)
        and not floor.words.isdisjoint(each.words)
        and grounds.overlap(floor.ground, each.ground)
        for each in standing
    )


def _because(one: Standing, before: Sequence[Standing], place: Here) -> tuple[str, ...]:
    """A set of the rules before it of which none could be left out: one alone if there is one."""
    for other in before:
        if _take_all([other], one, place):
            return (other.rule.id,)
    needed: list[Standing] = []
    cover = Cover(place)
    for other in before:
        needed.append(other)
        cover.add(other)
        if cover.takes_all_of(one):
            break
    if len(needed) <= PRUNED_MAX:
        for other in tuple(needed):
            fewer = [each for each in needed if each is not other]
            if _take_all(fewer, one, place):
                needed = fewer
    return tuple(each.rule.id for each in needed[:OTHERS_MAX])


def _take_all(others: Sequence[Standing], one: Standing, place: Here) -> bool:
    cover = Cover(place)
    for other in others:
        cover.add(other)
    return cover.takes_all_of(one)
