"""The one score: what passed of what was measured, or None where nothing was."""

from collections.abc import Mapping
from dataclasses import dataclass

from wardline.core.evidence.bundle import Outcome


@dataclass(frozen=True, slots=True)
class Score:
    """`passed` of `assessed` latest results. Never shown without how many of the `hosts` have been
    measured at all, nor without what is unknown and how many failures are `accepted`: they are
    assessed, and have not passed."""

    passed: int
    assessed: int
    unknown: int
    measured_hosts: int
    hosts: int
    accepted: int = 0

    @property
    def share(self) -> float:
        """Between 0 and 1; `assessed` is never 0."""
        return self.passed / self.assessed


def score(
    outcomes: Mapping[Outcome, int], measured_hosts: int, hosts: int, accepted: int = 0
) -> Score | None:
    """pass ÷ (pass + fail) over the latest result of each (site, host, check); None when neither
    occurs: absence of data is unknown, never pass. `accepted` of the failures change nothing."""
    passed = outcomes.get(Outcome.PASS, 0)
    assessed = passed + outcomes.get(Outcome.FAIL, 0)
    if assessed == 0:
        return None
    unknown = outcomes.get(Outcome.UNKNOWN, 0)
    return Score(passed, assessed, unknown, measured_hosts, hosts, accepted)
