"""Decide over a plain loop of the rules; pure, and closed on error.

`compiled` gives the same decisions from an index; this loop says which they are.
"""

from functools import partial

from wardline.core.policy import assess, match, verdict
from wardline.core.policy.decision import Decision
from wardline.core.policy.request import Request, State
from wardline.core.policy.rule import Policy
from wardline.core.policy.verdict import Judged


def evaluate(policy: Policy, request: Request, state: State) -> Decision:
    """The decision on `request`: a function of its arguments and nothing else.

    Without an action each action of the kpi is judged and the best one that is not blocked
    answers; if all are, the one that came furthest. A check that fails to evaluate blocks with
    code `error`.
    """
    if request.action is not None:
        return _judge(policy, request, state, request.action).decision
    actions = match.actions(policy.rules, request)
    if not actions:
        nothing = partial(assess.surveyed, (), request, state, None)
        return verdict.judge(policy, nothing, request, state, None).decision
    return verdict.best([_judge(policy, request, state, action) for action in actions])


def _judge(policy: Policy, request: Request, state: State, action: str) -> Judged:
    find = partial(assess.surveyed, policy.rules, request, state, action)
    return verdict.judge(policy, find, request, state, action)
