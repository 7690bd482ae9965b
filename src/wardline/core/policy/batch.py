"""Many decisions at once on one index: first those that nothing counts for, then the others.

A store asks what a batch `needs`, looks that up, and has it settled in the order in which it was
asked: what one decision reserves counts for the next. Pure, and the same for every store.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from wardline.core.policy import book, limited, telling, usage
from wardline.core.policy.book import Book, Host, Run
from wardline.core.policy.compiled import Compiled
from wardline.core.policy.decision import Code, Decision, Verdict
from wardline.core.policy.request import Request, State

Asked = tuple[Request, State]

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


@dataclass(frozen=True, slots=True)
class Needs:
    """What is to be known of what has run: the sites that it is about, in order; the rules at
    sites; the hosts."""

    sites: tuple[str, ...]
    rules: frozenset[tuple[str, str]]
    hosts: frozenset[Host]


class Batch:
    """Requests with what holds for each, but for what has run."""

    def __init__(self, index: Compiled, asked: Sequence[Asked]) -> None:
        self.asked = asked
        self._index = index
        evaluate = index.evaluate
        self._decided: list[Decision] = [evaluate(request, state) for request, state in asked]
        known = limited.of(index)
        self._counting: list[int] = []
        rules: set[tuple[str, str]] = set()
        hosts: set[Host] = set()
        for position, decision in enumerate(self._decided):
            if decision.code in _BEFORE_COUNTING:
                continue
            request = asked[position][0]
            by = None if request.action is None else decision.rule_id
            binding = known.binding(request.alert.kpi_id, by)
            if not binding and request.host is None:
                continue
            self._counting.append(position)
            site = book.site_of(request)
            rules.update((site, rule_id) for rule_id in binding)
            hosts.add(book.host_of(request))
        self.needs = Needs(
            tuple(sorted({site for site, _ in hosts})), frozenset(rules), frozenset(hosts)
        )

    def settle(self, counted: Book) -> tuple[list[Decision], list[Run]]:
        """The decisions, in the order asked, and what is to be reserved for those that run."""
        runs: list[Run] = []
        for position in self._counting:
            request, base = self.asked[position]
            decision = self._index.evaluate(request, counted.state(base, request))
            self._decided[position] = decision
            if decision.verdict is Verdict.RUN:
                run = _run(request, decision)
                counted.reserve(run)
                runs.append(run)
        return self._decided, runs


def _run(request: Request, decision: Decision) -> Run:
    # What is not its outcome, a decision works out with all of its checks when it is read.
    action = request.action if request.action is not None else decision.action
    assert action is not None, "what runs is an action"
    assert decision.rule_id is not None, "what runs was let run by a rule"
    params = telling.resolved(decision)
    site, host = book.host_of(request)
    pct, qty = usage.amount(params, usage.PCT), usage.amount(params, usage.QTY)
    return Run(request.decision_id, site, host, action, decision.rule_id, pct, qty)
