"""The ladder's thresholds and its order."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from tests.unit.core.incidents.drift import failed, remedy
from wardline.core.incidents import incident, ladder
from wardline.core.incidents.ladder import Healed

NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)


@given(
    heals=st.integers(1, 50),
    window_minutes=st.integers(1, 7 * 24 * 60),
    interval_s=st.floats(0.5, 86400),
)
def test_a_threshold_that_is_called_reachable_is_reached(
    heals: int, window_minutes: int, interval_s: float
) -> None:
    """One heal per measurement, as fast as the check is measured at all."""
    if not ladder.reachable(heals, window_minutes, interval_s):
        return
    window = ladder.flap_window(heals, window_minutes, interval_s)
    ago = [number * interval_s for number in range(1, heals + 1)]
    healed = [Healed(NOW - timedelta(seconds=each)) for each in ago]
    assert ladder.flapping(healed, NOW, heals, window)
    assert not ladder.flapping(healed[:-1], NOW, heals, window)


def test_the_defaults_are_reachable_at_every_interval_of_a_day() -> None:
    for interval_s in (1, 300, 3600, 86400):
        assert ladder.reachable(ladder.FLAP_HEALS, ladder.FLAP_WINDOW_MINUTES, interval_s)


def test_a_threshold_that_takes_longer_than_a_flap_can_is_unreachable() -> None:
    assert not ladder.reachable(10_000, 120, 3600)


def test_heals_outside_the_window_and_in_the_future_do_not_count() -> None:
    window = timedelta(minutes=120)
    healed = [Healed(NOW - timedelta(minutes=ago)) for ago in (1, 121, -1)]
    assert not ladder.flapping(healed, NOW, 2, window)
    assert ladder.flapping(healed, NOW, 1, window)


def test_a_clock_that_was_set_back_makes_up_for_no_repair_that_held() -> None:
    window, long = timedelta(minutes=120), timedelta(hours=3)
    set_back = Healed(NOW - timedelta(minutes=2), NOW - 2 * long)
    assert not ladder.flapping([Healed(NOW - long), set_back], NOW, 2, window)


@given(
    paces_s=st.lists(st.floats(0, 130 * 86400), min_size=3, max_size=3),
    held_s=st.lists(st.floats(0, 2 * 3600), min_size=3, max_size=3),
)
def test_what_a_rule_waits_between_two_repairs_makes_no_hold_unreachable(
    paces_s: list[float], held_s: list[float]
) -> None:
    """A cooldown or a limit a day keeps the repairs apart; what counts is how long each held."""
    window = timedelta(minutes=ladder.FLAP_WINDOW_MINUTES)
    at, healed = NOW, list[Healed]()
    for pace_s, held in zip(paces_s, held_s, strict=True):
        back = at + timedelta(seconds=held)
        healed.append(Healed(at, back))
        at = back + timedelta(seconds=pace_s)
    held_for = sum((one.back - one.at for one in healed if one.back), timedelta())
    assert ladder.flapping(healed, at, 3, window) is (held_for <= window)
    unknown = [Healed(one.at) for one in healed]
    assert ladder.flapping(unknown, at, 3, window) is (at - NOW <= window), "no end is invented"


def test_a_level_that_has_nothing_left_moves_on_to_the_next_one() -> None:
    one, two = remedy("a.one"), remedy("a.two")
    drift = incident.opened("inc_x", "site_x", "host_x", failed(), NOW)
    assert ladder.exhausted((one, two), drift, is_planned=False) is None
    tried = _tried(drift, "a.one")
    assert ladder.untried((one, two), tried) == (two,)
    both = _tried(tried, "a.two")
    assert ladder.exhausted((one, two), both, is_planned=True) is None
    assert "every remedy" in (ladder.exhausted((one, two), both, is_planned=False) or "")


def test_what_the_brake_stopped_is_nothing_to_try() -> None:
    one, two = remedy("a.one"), remedy("a.two")
    drift = incident.opened("inc_x", "site_x", "host_x", failed(), NOW)
    every = (one, two)
    assert ladder.exhausted(every, drift, is_planned=False, braked=(one,)) is None
    assert ladder.exhausted(every, drift, is_planned=True, braked=every) is None
    why = ladder.exhausted(every, drift, is_planned=False, braked=every)
    assert "until a person releases it" in (why or "")
    gone = ladder.exhausted(every, _tried(drift, "a.two"), is_planned=False, braked=(one,))
    assert "until a person releases it" in (gone or "")


def test_neither_remedy_nor_plan_is_a_persons_turn_and_so_are_interruptions() -> None:
    drift = incident.opened("inc_x", "site_x", "host_x", failed(), NOW)
    assert "no remedy" in (ladder.exhausted((), drift, is_planned=False) or "")
    assert ladder.exhausted((), drift, is_planned=True) is None
    torn = replace(drift, interruptions=ladder.INTERRUPTIONS_MAX)
    assert "interrupted" in (ladder.exhausted((remedy("a.one"),), torn, is_planned=True) or "")


def test_another_remedy_of_a_runbook_is_untried_while_its_own_inputs_are() -> None:
    one, other = (replace(remedy("a.one"), inputs={"units": [unit]}) for unit in "xy")
    drift = incident.opened("inc_x", "site_x", "host_x", failed(), NOW)
    assert ladder.untried((one, other), _tried(drift, one.mark)) == (other,)
    assert ladder.untried((one, other), _tried(drift, "a.one")) == ()


def _tried(drift: incident.Incident, runbook: str) -> incident.Incident:
    return replace(drift, tried=(*drift.tried, runbook))
