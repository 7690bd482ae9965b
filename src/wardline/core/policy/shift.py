"""What a change of rules turns: past requests, decided by the rules before and after it."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from operator import is_not

from wardline.core.canonical import Json
from wardline.core.policy.compiled import Compiled
from wardline.core.policy.decision import Verdict
from wardline.core.policy.request import Request, State
from wardline.core.policy.rule import ANY_ACTION

EXAMPLES_MAX = 10

# What a past decision was made on.
Kept = tuple[Request, State]
Turn = tuple[Verdict, Verdict]


@dataclass(frozen=True, slots=True)
class Shift:
    """`turns`: how many past decisions would come out otherwise, by the verdict before and after;
    `examples` names some of each by their ids. `judged`: how many were looked at."""

    judged: int
    turns: dict[Turn, int]
    examples: dict[Turn, list[str]] = field(default_factory=dict)

    @property
    def new_runs(self) -> int:
        """Past denials that would run."""
        return self.turns.get((Verdict.BLOCK, Verdict.RUN), 0)

    def to_wire(self) -> dict[str, Json]:
        """The turns in the order of the verdicts."""
        order = list(Verdict)
        ordered = sorted(self.turns, key=lambda turn: [order.index(verdict) for verdict in turn])
        return {
            "judged": self.judged,
            "deniedToRun": self.new_runs,
            "turns": [
                {
                    "from": turn[0].value,
                    "to": turn[1].value,
                    "count": self.turns[turn],
                    "decisionIds": list(self.examples[turn]),
                }
                for turn in ordered
            ],
        }


def between(kept: Iterable[Kept], before: Compiled, after: Compiled) -> Shift:
    """What past requests come to under two sets of rules; requests whose rules are the same in
    both are counted and not decided again."""
    judged, turns, examples = 0, Counter[Turn](), dict[Turn, list[str]]()
    for request, state in kept:
        judged += 1
        if _is_same(request, before, after):
            continue
        turn = before.evaluate(request, state).verdict, after.evaluate(request, state).verdict
        if turn[0] is turn[1]:
            continue
        turns[turn] += 1
        named = examples.setdefault(turn, [])
        if len(named) < EXAMPLES_MAX:
            named.append(request.decision_id)
    return Shift(judged, dict(turns), examples)


def _is_same(request: Request, before: Compiled, after: Compiled) -> bool:
    """Whether both sets hold the very same rules for a request, which they share where no change
    touched them; one without an action is judged by all of its kpi's."""
    kpi_id, action = request.alert.kpi_id, request.action
    if action is None:
        return False
    for key in ((kpi_id, action), (kpi_id, ANY_ACTION)):
        old, new = before.buckets.get(key), after.buckets.get(key)
        if old is new:
            continue
        olds = [] if old is None else old.at(request)
        news = [] if new is None else new.at(request)
        if len(olds) != len(news) or any(map(is_not, olds, news)):
            return False
    return True
