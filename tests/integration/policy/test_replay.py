"""Replays over what a policy file has kept, on real sockets."""

import pytest

from tests.harness.policy_replay import ReplaySuite


@pytest.fixture
def site() -> str:
    return "site-1"


class TestReplay(ReplaySuite):
    pass
