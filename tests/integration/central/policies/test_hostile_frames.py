"""Hostile frames on the policy socket of Central."""

from tests.harness.hostile_frames import HostileFramesSuite
from tests.integration.central.policies.test_contract import served as served
from tests.integration.central.policies.test_contract import server as server
from tests.integration.central.policies.test_contract import shown as shown
from tests.integration.central.realtime.conftest import announcing as announcing
from tests.integration.central.realtime.conftest import person as person
from tests.integration.central.realtime.conftest import serve as serve


class TestHostileFrames(HostileFramesSuite):
    pass
