"""Holds are reachable by construction: whatever settings load, a drift that keeps coming is held."""

import random
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.agent.test_settings import made
from wardline.agent.settings import Flap, Intervals, SettingsInvalid
from wardline.core.incidents import ladder

START = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)


@given(
    heals=st.integers(1, 200),
    window_minutes=st.integers(1, 7 * 24 * 60),
    scale=st.floats(0.001, 24),
    manifest_s=st.floats(1, 86400),
    seed=st.integers(0, 2**32),
)
def test_settings_that_load_hold_a_drift_that_comes_back_at_every_measurement(
    heals: int, window_minutes: int, scale: float, manifest_s: float, seed: int
) -> None:
    """Measured as late as the splay allows, repaired as slowly as is still believed."""
    flap = Flap(heals=heals, window_minutes=window_minutes)
    settings = made(intervals=Intervals(scale=scale), flap=flap)
    interval_s = settings.intervals.of("x", manifest_s)
    window = ladder.flap_window(heals, window_minutes, interval_s)
    if window > timedelta(minutes=ladder.FLAP_WINDOW_MINUTES_MAX):
        with pytest.raises(SettingsInvalid, match="can never happen"):
            settings.check_reachable({"x": manifest_s})
        return
    settings.check_reachable({"x": manifest_s})
    draw = random.Random(seed)
    now = START
    healed_at: list[datetime] = []
    for _ in range(heals):
        assert not ladder.flapping(healed_at, now, heals, window)
        healed_at.append(now + timedelta(seconds=draw.uniform(0, ladder.FLAP_RUN_S)))
        splayed = interval_s * (1 + draw.uniform(-1, 1) * ladder.SPLAY_SHARE)
        now = max(now + timedelta(seconds=splayed), healed_at[-1])
    assert ladder.flapping(healed_at, now, heals, window)
