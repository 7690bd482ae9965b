"""The stages of a promotion that people are shown."""

from typing import get_args

from wardline.central.learning.endpoints import StageSeen
from wardline.core.incidents.promotion import Stage


def test_every_stage_is_shown_but_the_one_that_lasts_no_moment():
    assert set(get_args(StageSeen)) == {each.value for each in Stage} - {Stage.EVALUATED}
