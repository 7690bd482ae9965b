"""What would unlock a decision that is no run: small sets of changes, each tried by deciding again.

A search from the refusing check to what it waits for: each step is assumed, the same `evaluate`
decides anew, and a step that changes nothing is dropped. So what is told is never read out of a
text, and what has been told holds.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice

from wardline.core import clock
from wardline.core.canonical import Json
from wardline.core.policy import preview, steps, ways
from wardline.core.policy.decision import Decision, Verdict
from wardline.core.policy.request import Request, State
from wardline.core.policy.rule import ANY_ACTION, Effect, Rule
from wardline.core.policy.steps import Scene, Step
from wardline.core.policy.ways import Frees

UNLOCKS_MAX = 5
WAYS_TRIED_MAX = 12
STEPS_MAX = 8
ACTIONS_MAX = 5
# More rules than these about one action are not searched, and of fewer so many times each.
RULES_MAX = 1_000
LOOKS_MAX = 10_000
LOOKS_PER_DECISION = 60


@dataclass(frozen=True, slots=True)
class Unlock:
    """Steps that all must come about, in their order; then the action runs. `action` None = the
    request has none, and no rule names one."""

    action: str | None
    steps: tuple[Step, ...]
    verdict: Verdict = Verdict.RUN

    def to_wire(self) -> dict[str, Json]:
        return {
            "action": self.action,
            "verdict": self.verdict.value,
            "steps": [step.to_wire() for step in self.steps],
        }


def unlocks(
    rules: Iterable[Rule],
    request: Request,
    state: State,
    decision: Decision,
    frees: Frees | None = None,
) -> list[Unlock]:
    """The ways in which what was decided on these rules would come to run, the smallest first; none
    when it runs, when nothing that is known of would help, in years that have no calendar, or
    where more than RULES_MAX rules are about the action.

    `rules` may be all or those of the request's kpi. `frees` says by (rule id, limit) when enough
    of a limit is free again, where that is known.
    """
    if decision.verdict is Verdict.RUN or not _is_dated(request):
        return []
    about = [rule for rule in rules if rule.when.kpi_id == request.alert.kpi_id]
    search = _Search(frees or {})
    for action in _actions(about, request, decision):
        scene = _scene(about, request, state, action)
        if len(scene.rules) <= RULES_MAX:
            search.run(scene, action, decision if action == decision.action else None)
    return sorted(search.found, key=_smallest)[:UNLOCKS_MAX]


def applied(rules: Iterable[Rule], request: Request, state: State, unlock: Unlock) -> Scene:
    """What the action is decided on once all steps have come about."""
    return _after(_scene(rules, request, state, unlock.action), unlock.steps)


def _scene(rules: Iterable[Rule], request: Request, state: State, action: str | None) -> Scene:
    if action is None:
        return Scene(tuple(rules), request, state)
    about = tuple(rule for rule in rules if rule.action in (action, ANY_ACTION))
    return Scene(about, replace(request, action=action), state)


def _is_dated(request: Request) -> bool:
    """Whether there is time before and after the request."""
    return preview.YEAR_FIRST < request.at.year < preview.YEAR_LAST


def _actions(rules: Sequence[Rule], request: Request, decision: Decision) -> list[str | None]:
    """The actions to unlock: the one that was judged, or those that rules of the kpi name."""
    judged = request.action or decision.action
    if judged is not None:
        return [judged]
    named = {rule.action for rule in rules if rule.effect is Effect.ALLOW} - {ANY_ACTION}
    return [*sorted(named)[:ACTIONS_MAX]] or [None]


class _Search:
    """From a scene by steps to scenes that run; as far as its bounds let it."""

    def __init__(self, frees: Frees) -> None:
        self.found: list[Unlock] = []
        self._frees = frees
        self._left = LOOKS_MAX

    def run(self, start: Scene, action: str | None, decided: Decision | None) -> None:
        """Adds what unlocks a scene, unless fewer of its steps suffice; `decided`: what was decided
        on it, where that is known."""
        of_action: list[tuple[Step, ...]] = []
        for taken in islice(self._ways(start, start, (), decided), WAYS_TRIED_MAX):
            kept = self._needed(start, taken)
            # To name an action that a rule for all actions lets run takes no step.
            if not kept:
                continue
            if not any(set(one) <= set(kept) for one in of_action):
                of_action = [one for one in of_action if not set(kept) < set(one)] + [kept]
        self.found += [Unlock(action, each) for each in of_action]

    def _ways(
        self,
        start: Scene,
        scene: Scene,
        taken: tuple[Step, ...],
        decided: Decision | None = None,
    ) -> Iterator[tuple[Step, ...]]:
        decision = decided or self._decide(scene)
        if decision is None:
            return
        if decision.verdict is Verdict.RUN:
            yield taken
            return
        if len(taken) >= STEPS_MAX:
            return
        for stride in ways.towards(scene, decision, self._frees):
            more = steps.joined(taken, stride)
            if more == taken:
                continue
            after = _after(start, more)
            if after != scene:
                yield from self._ways(start, after, more)

    def _needed(self, start: Scene, taken: tuple[Step, ...]) -> tuple[Step, ...]:
        """The steps without those that change nothing; a single one is known to change all."""
        kept = taken
        if len(taken) == 1:
            return kept
        for step in taken:
            fewer = tuple(each for each in kept if each is not step)
            if self._runs(_after(start, fewer)):
                kept = fewer
        return kept

    def _decide(self, scene: Scene) -> Decision | None:
        return steps.decide(scene) if self._may_look(scene) else None

    def _runs(self, scene: Scene) -> bool:
        return self._may_look(scene) and steps.runs(scene)

    def _may_look(self, scene: Scene) -> bool:
        self._left -= LOOKS_PER_DECISION + len(scene.rules)
        return self._left >= 0


def _after(scene: Scene, taken: Iterable[Step]) -> Scene:
    for step in taken:
        scene = steps.apply(scene, step)
    return scene


def _smallest(unlock: Unlock) -> tuple[int, int, str, list[str]]:
    """Few steps before many, waiting and asking before changing rules, soon before late."""
    changes = sum(step.kind in steps.OF_RULES for step in unlock.steps)
    at = [clock.wire(step.at) for step in unlock.steps if step.at is not None]
    return len(unlock.steps), changes, max(at, default=""), [step.words for step in unlock.steps]
