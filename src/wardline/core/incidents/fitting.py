"""What of a run's actions fits into one record; what is left out says so."""

from dataclasses import replace

from wardline.core.evidence import bundle
from wardline.core.evidence.bundle import Action

# All diffs and outputs of a record together, so that before, after and decision fit beside them.
DIFF_BYTES_MAX = 48 * 1024
OUTPUT_BYTES_MAX = 16 * 1024


def within(actions: tuple[Action, ...]) -> tuple[Action, ...]:
    """The actions within what one record may hold; what is left out says so."""
    kept: list[Action] = []
    diff_left, output_left = DIFF_BYTES_MAX, OUTPUT_BYTES_MAX
    for action in actions[: bundle.ACTIONS_MAX]:
        diff_size, output_size = len(action.diff.encode()), len(action.output.encode())
        if diff_size > diff_left:
            action = replace(action, diff=f"({diff_size} bytes of diff are left out here)")
        if output_size > output_left:
            action = replace(action, output=f"({output_size} bytes of output are left out here)")
        diff_left -= len(action.diff.encode())
        output_left -= len(action.output.encode())
        kept.append(action)
    if len(actions) > bundle.ACTIONS_MAX:
        more = f"{len(actions) - bundle.ACTIONS_MAX} further steps are left out here"
        kept[-1] = replace(kept[-1], error="; ".join(filter(None, (kept[-1].error, more))))
    return tuple(kept)
