"""Hostile frames on the socket of a server on a policy file."""

from tests.harness.hostile_frames import HostileFramesSuite


class TestHostileFrames(HostileFramesSuite):
    pass
