"""Whatever stops are kept, a mandate carries them, and stops no less than they do."""

from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from wardline.core import mandate, stops
from wardline.core.evidence.signing import SigningKey
from wardline.core.mandate import Mandate
from wardline.core.stops import ALL, IN_FORCE_MAX, Kind, Release, Stop, Subject

EXAMPLES = 150
KEY = SigningKey.from_seed(b"m" * 32)
AT = datetime(2026, 11, 26, 9, 0, tzinfo=UTC)
ULID = "01k9xq7v0000000000000000a1"
TEXTS = st.one_of(
    st.text(max_size=3), st.sampled_from(["\U0001f648" * 255, "\x01" * 500, "x" * 512, "\\" * 128])
)
SUBJECTS = st.builds(Subject, st.sampled_from([Kind.RULE, Kind.RUNBOOK]), TEXTS, TEXTS)
COUNTS = st.integers(0, 2**40)
IN_FORCE = st.builds(Stop, st.just(f"stop_{ULID}"), SUBJECTS, st.just(AT), COUNTS, COUNTS)
RELEASES = st.builds(
    Release, st.integers(-50 * 365, 100 * 365).map(lambda days: AT + timedelta(days=days)), TEXTS
)
RELEASED = st.builds(
    Stop, st.sampled_from([f"stop_{ULID}", "stop_x"]), SUBJECTS, st.just(AT), COUNTS, COUNTS,
    RELEASES,
)  # fmt: skip
MANY = st.integers(IN_FORCE_MAX - 2, IN_FORCE_MAX + 2).map(
    lambda count: [
        Stop(f"stop_{ULID}", Subject(Kind.RULE, "\x01" * 500, "7"), AT, 3, 3) for _ in range(count)
    ]
)


@settings(max_examples=EXAMPLES)
@given(st.one_of(st.lists(IN_FORCE, max_size=8), MANY), st.lists(RELEASED, max_size=40))
def test_a_mandate_is_made_of_any_stops_and_stops_no_less(in_force, released) -> None:
    told = stops.carried(in_force, released)
    made = Mandate(f"site_{ULID}", f"appl_{ULID}", 1, 4, stops=told)
    held = mandate.opened(mandate.seal(made, KEY), KEY.verify_key)
    obeyed = [one for one in held.stops if one.released is None]
    assert obeyed == list(in_force) or [one.subject for one in obeyed] == [ALL]
    assert [one for one in held.stops if one.released is not None] == [
        one for one in released if one in told
    ]


def test_what_is_short_enough_is_named_to_the_last() -> None:
    full = [
        Stop(f"stop_{ULID}", Subject(Kind.RULE, "\\" * 128, str(number)), AT, 3, 3)
        for number in range(IN_FORCE_MAX)
    ]
    assert stops.carried(full, []) == tuple(full)
    assert stops.carried([], []) == ()
    long = [Stop(f"stop_{ULID}", Subject(Kind.RULE, "\x01" * 512, "7"), AT, 3, 3)] * 30
    (one,) = stops.carried(long, [])
    assert one.subject == ALL
