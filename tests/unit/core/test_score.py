"""The one score: nothing where nothing was measured, and unknown on neither side of it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wardline.core import score
from wardline.core.evidence.bundle import Outcome

COUNTS = st.integers(min_value=0, max_value=10**6)
UNSCORED = (Outcome.UNKNOWN, Outcome.NOT_APPLICABLE)


@pytest.mark.parametrize(
    "outcomes", [{}, {Outcome.UNKNOWN: 7}, {Outcome.NOT_APPLICABLE: 3}, dict.fromkeys(Outcome, 0)]
)
def test_nothing_measured_is_no_score(outcomes: dict[Outcome, int]) -> None:
    assert score.score(outcomes, 0, 5) is None


@given(st.fixed_dictionaries(dict.fromkeys(Outcome, COUNTS)), COUNTS, COUNTS)
def test_it_counts_passes_among_what_passed_or_failed(
    outcomes: dict[Outcome, int], measured: int, hosts: int
) -> None:
    made = score.score(outcomes, measured, hosts)
    if made is None:
        assert outcomes[Outcome.PASS] == outcomes[Outcome.FAIL] == 0
        return
    assert made.passed == outcomes[Outcome.PASS]
    assert made.assessed == outcomes[Outcome.PASS] + outcomes[Outcome.FAIL]
    assert made.unknown == outcomes[Outcome.UNKNOWN]
    assert (made.measured_hosts, made.hosts) == (measured, hosts)
    assert 0 <= made.share <= 1


@given(st.fixed_dictionaries(dict.fromkeys(Outcome, COUNTS)), st.sampled_from(UNSCORED), COUNTS)
def test_what_could_not_be_measured_moves_it_neither_way(
    outcomes: dict[Outcome, int], unscored: Outcome, more: int
) -> None:
    before = score.score(outcomes, 1, 1)
    after = score.score({**outcomes, unscored: outcomes[unscored] + more}, 1, 1)
    assert (before and before.share) == (after and after.share)
