"""How long a run may take at most: what must fit before its window closes."""

from datetime import timedelta

from wardline.agent.runbooks.runbook import Runbook


def longest(one: Runbook) -> timedelta:
    """By the timeouts of its steps, each of which is for all of its items together."""
    return timedelta(seconds=sum(step.timeout_s for step in one.steps))
