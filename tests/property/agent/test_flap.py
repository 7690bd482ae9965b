"""Thresholds are reachable by construction: no settings load with which one never is.

A drift that keeps coming is held, a heal that lasts becomes stable, and one that does not last is
seen within its watch.
"""

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.agent.test_settings import made
from tests.unit.core.incidents.drift import result
from wardline.agent.observe import END_LATE_S
from wardline.agent.settings import BreakerSettings, Flap, Intervals, SettingsInvalid, Watch
from wardline.core.evidence.bundle import Outcome
from wardline.core.evidence.watch import Watch as Watched
from wardline.core.evidence.watch import WatchEnd
from wardline.core.incidents import ladder, watching
from wardline.core.incidents.ladder import Healed
from wardline.core.incidents.watching import Attempt

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
    if not settings.breaker.rule.reachable(interval_s):
        with pytest.raises(SettingsInvalid, match="never fall into a week"):
            settings.check_reachable({"x": manifest_s})
        return
    settings.check_reachable({"x": manifest_s})
    draw = random.Random(seed)
    now = START
    healed: list[Healed] = []
    for _ in range(heals):
        assert not ladder.flapping(healed, now, heals, window)
        healed.append(Healed(now + timedelta(seconds=draw.uniform(0, ladder.FLAP_RUN_S))))
        splayed = interval_s * (1 + draw.uniform(-1, 1) * ladder.SPLAY_SHARE)
        now = max(now + timedelta(seconds=splayed), healed[-1].at)
    assert ladder.flapping(healed, now, heals, window)


@given(
    attempts=st.integers(1, 200),
    window_minutes=st.integers(1, 7 * 1440),
    interval_s=st.floats(0.5, 86400),
    seed=st.integers(0, 2**32),
)
def test_settings_that_load_let_repairs_rest_that_are_tried_at_every_measurement(
    attempts: int, window_minutes: int, interval_s: float, seed: int
) -> None:
    """Each attempt as late as the splay allows, and as slow as is still believed."""
    kept = BreakerSettings(attempts=attempts, window_minutes=window_minutes)
    settings = made(intervals=Intervals(checks={"x": interval_s}), breaker=kept)
    if not kept.rule.reachable(interval_s):
        with pytest.raises(SettingsInvalid, match=r"lower breaker\.attempts"):
            settings.check_reachable({"x": 300})
        return
    settings.check_reachable({"x": 300})
    draw = random.Random(seed)
    now, started = START, list[datetime]()
    for _ in range(attempts):
        assert not kept.rule.opens(started, now, interval_s)
        started.append(now)
        run_s = draw.uniform(0, ladder.FLAP_RUN_S)
        splay_s = interval_s * draw.uniform(0, ladder.SPLAY_SHARE)
        now += timedelta(seconds=interval_s + splay_s + run_s)
    assert kept.rule.opens(started, now, interval_s)


@given(
    heals=st.integers(1, 50),
    window_minutes=st.integers(1, 7 * 24 * 60),
    period_s=st.floats(1, watching.PERIOD_S_MAX),
    interval_s=st.floats(0.5, 86400),
)
def test_settings_that_load_see_what_does_not_last_within_its_watch_and_hold_it(
    heals: int, window_minutes: int, period_s: float, interval_s: float
) -> None:
    """A rival that is back at once: each heal is found undone at the pace of its watch."""
    flap, watch = Flap(heals=heals, window_minutes=window_minutes), Watch(period_s=period_s)
    settings = made(intervals=Intervals(checks={"x": interval_s}), flap=flap, watch=watch)
    window = ladder.flap_window(heals, window_minutes, interval_s)
    pace_s = watching.pace_s(period_s, interval_s)
    if window > timedelta(minutes=ladder.FLAP_WINDOW_MINUTES_MAX):
        with pytest.raises(SettingsInvalid, match="can never happen"):
            settings.check_reachable({"x": 300})
        return
    if 2 * pace_s > period_s:
        with pytest.raises(SettingsInvalid, match=r"raise watch\.period_s"):
            settings.check_reachable({"x": 300})
        return
    settings.check_reachable({"x": 300})
    assert pace_s <= interval_s, "a watch measures no less often"
    assert period_s / pace_s <= max(watching.LOOKS, period_s / interval_s) + 1e-6, "bounded"
    now, healed = START, list[Healed]()
    for _ in range(heals):
        assert not ladder.flapping(healed, now, heals, window)
        now += timedelta(seconds=ladder.FLAP_RUN_S)
        healed.append(Healed(now))
        seen = now + timedelta(seconds=pace_s)
        until = watching.begun(1, "a.one", Attempt(now, timedelta(seconds=period_s)), now).until
        assert seen < until, "seen within the watch"
        now = seen
    assert ladder.flapping(healed, now, heals, window)


@given(
    period_s=st.floats(2, watching.PERIOD_S_MAX),
    interval_s=st.floats(0.5, 86400),
    share=st.floats(0, 1),
)
def test_a_heal_that_lasts_is_stable_right_at_the_end_of_its_watch_and_never_before(
    period_s: float, interval_s: float, share: float
) -> None:
    """The last look before the end, some part of a pace ahead of it, and the one that follows."""
    watch = watching.begun(1, "a.one", Attempt(START, timedelta(seconds=period_s)), START)
    pace_s = watching.pace_s(period_s, interval_s)
    before = watch.until - timedelta(seconds=max(share * pace_s, 0.001))
    left = watching.left(watch.healed_at, watch.until, before, before - START)
    assert _end(watch, before) is None
    last = before + timedelta(seconds=min(pace_s, left.total_seconds() + END_LATE_S))
    if last < watch.until:
        assert _end(watch, last) is None
        last = watch.until + timedelta(seconds=END_LATE_S)
    assert _end(watch, last) is WatchEnd.STABLE
    assert last - watch.until <= timedelta(seconds=2 * END_LATE_S)


def _end(watch: Watched, at: datetime) -> WatchEnd | None:
    left = watching.left(watch.healed_at, watch.until, at, at - START)
    return watching.end(watch, replace(result(Outcome.PASS), measured_at=at), left)
