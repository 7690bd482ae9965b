"""A site's limits split over its appliances: all parts together are the whole, never more."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wardline.core.policy import share
from wardline.core.policy.share import STEP, Share

WHOLE_NUMBERS = st.integers(0, 2**53 - 1)
EXACT_NUMBERS = st.decimals(0, 2**53 - 1, allow_nan=False, allow_infinity=False, places=6)
APPLIANCES_MAX = 200


@given(whole=WHOLE_NUMBERS | EXACT_NUMBERS, of=st.integers(1, APPLIANCES_MAX), finely=st.booleans())
def test_the_parts_of_all_appliances_are_the_whole(
    whole: int | Decimal, of: int, finely: bool
) -> None:
    parts = [share.part(whole, Share(index, of), finely=finely) for index in range(of)]
    assert sum(parts) == whole
    assert min(parts) >= 0
    assert parts == [share.part(whole, Share(index, of), finely=finely) for index in range(of)]


@given(whole=WHOLE_NUMBERS | EXACT_NUMBERS, of=st.integers(1, APPLIANCES_MAX), finely=st.booleans())
def test_only_the_first_has_more_and_by_less_than_a_step_each(
    whole: int | Decimal, of: int, finely: bool
) -> None:
    first, *others = (share.part(whole, Share(index, of), finely=finely) for index in range(of))
    assert len(set(others)) <= 1
    step = 1 if isinstance(whole, int) and not finely else STEP
    for even in others:
        assert even % step == 0
        assert even <= first < even + step * of


@pytest.mark.parametrize(
    ("whole", "finely", "parts"),
    [
        (1, False, [1, 0, 0]),
        (5, False, [3, 1, 1]),
        (0, False, [0, 0, 0]),
        (3, True, [1, 1, 1]),
        (1, True, [Decimal("0.34"), Decimal("0.33"), Decimal("0.33")]),
        (Decimal("2.5"), False, [Decimal("0.84"), Decimal("0.83"), Decimal("0.83")]),
    ],
)
def test_what_does_not_divide_is_the_firsts(
    whole: int | Decimal, finely: bool, parts: list[int | Decimal]
) -> None:
    found = [share.part(whole, Share(index, 3), finely=finely) for index in range(3)]
    assert found == parts


@pytest.mark.parametrize(("index", "of"), [(1, 1), (-1, 2), (0, 0), (3, 2)])
def test_a_share_that_there_is_not_is_refused(index: int, of: int) -> None:
    with pytest.raises(ValueError, match="there is no part"):
        Share(index, of)
