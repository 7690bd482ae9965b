"""How long a run may take at most: what must fit before its window closes."""

from collections.abc import Mapping
from datetime import timedelta

from wardline.agent.runbooks.runbook import COMMAND_TIMEOUT_S, Runbook, Step
from wardline.core.canonical import Json

# Reading and replacing a file, a slow line included.
FILE_S = 2


def longest(one: Runbook, inputs: Mapping[str, Json]) -> timedelta:
    """By the timeouts of its steps, each for every item that it is done for."""
    return timedelta(seconds=sum(_seconds(step) * _times(step, inputs) for step in one.steps))


def _seconds(step: Step) -> int:
    own: int | None = getattr(step, "timeout_s", None)
    if own is not None:
        return own
    commands = [getattr(step, name, None) for name in ("check_with", "reload_with")]
    return FILE_S + COMMAND_TIMEOUT_S * sum(one is not None for one in commands)


def _times(step: Step, inputs: Mapping[str, Json]) -> int:
    for_each = getattr(step, "for_each", None)
    if for_each is None:
        return 1
    items = inputs.get(for_each)
    return len(items) if isinstance(items, list | tuple) else 1
