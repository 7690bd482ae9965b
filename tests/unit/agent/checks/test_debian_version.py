"""The order of Debian versions, on the examples of the policy and on real pairs."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wardline.agent.checks import debian_version

RISING = [
    "0~~", "0~~a", "0~", "0", "0a", "1.0~beta1~svc1", "1.0~beta1", "1.0", "1.0-0.1", "1.0-1~bpo1",
    "1.0-1", "1.0-1+b1", "1.0-1+deb12u1", "1.0-1+deb12u2", "1.0-1+deb12u10", "1.0-2", "1.0+dfsg-1",
    "1.0.1-1", "1.0.10-1", "1.1~rc1-1", "1.1-1", "2.4.6", "2.4.57", "10", "1:0.1", "1:9.2p1-2+deb12u9",
    "1:9.2p1-2+deb12u10", "2:0",
]  # fmt: skip


@pytest.mark.parametrize(("low", "high"), list(itertools.combinations(RISING, 2)))
def test_versions_rise(low: str, high: str) -> None:
    assert debian_version.parse(low) < debian_version.parse(high)
    assert not debian_version.parse(high) < debian_version.parse(low)


@pytest.mark.parametrize(("one", "other"), [("1.0", "1.0-0"), ("0:1", "1"), ("1.01", "1.1")])
def test_versions_that_are_written_differently_are_equal(one: str, other: str) -> None:
    assert debian_version.parse(one) == debian_version.parse(other)
    assert hash(debian_version.parse(one)) == hash(debian_version.parse(other))


@pytest.mark.parametrize("text", ["", "a:1", "1 2", "1_2", ":1", "1\n", "-1", "9" * 300, "٣:1"])
def test_what_is_no_version_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        debian_version.parse(text)


PARTS = st.text("0123456789abcz.+~", min_size=1, max_size=8)
VERSIONS = st.builds(lambda upstream, revision: f"1{upstream}-{revision}", PARTS, PARTS)


@given(VERSIONS, VERSIONS, VERSIONS)
def test_the_order_is_total(one: str, other: str, third: str) -> None:
    first, second, last = sorted(map(debian_version.parse, (one, other, third)))
    assert first <= second <= last
    assert first <= last
    assert (first < second) != (second <= first)
