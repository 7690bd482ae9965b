"""How long the queue rests: the document's ceiling, with jitter."""

import random

import pytest

from wardline.agent.store import backoff


@pytest.mark.parametrize(
    ("retry_count", "minutes"), [(0, 1), (1, 2), (2, 4), (5, 32), (6, 60), (7, 60), (1000, 60)]
)
def test_the_ceiling_is_two_to_the_retry_in_minutes_and_at_most_sixty(
    retry_count: int, minutes: int, seed: int
) -> None:
    draw = random.Random(seed)
    drawn = [backoff.delay_ms(retry_count, None, draw) for _ in range(500)]
    ceiling = minutes * 60_000
    assert ceiling // 2 <= min(drawn)
    assert max(drawn) <= ceiling
    assert max(drawn) - min(drawn) > ceiling // 4, "appliances would come back all at once"


def test_retry_after_wins_upward_only(seed: int) -> None:
    draw = random.Random(seed)
    assert backoff.delay_ms(0, 600, draw) == 600_000
    assert backoff.delay_ms(0, 0.5, draw) >= 30_000
    assert backoff.delay_ms(0, 10**9, draw) == 3_600_000
