"""A fault at a random step of a repair, again and again: nothing is called healed that is not."""

import random
from pathlib import Path

import pytest

from tests.integration.healing import random_runs
from tests.integration.healing.random_runs import Runs
from wardline.agent.runbooks import runbook

# Each part has a seed, and an appliance, of its own.
PARTS, RUNS, RUNS_FULL = 2, 120, 500
# Of the runs at least; a fault at a step that a failed run never comes to is none.
STRUCK_SHARE = 0.6


@pytest.mark.parametrize("part", range(PARTS))
def test_no_run_with_a_fault_at_a_random_step_is_a_false_heal(
    part: int, healthy: Path, tmp_path: Path, seed: int, pytestconfig: pytest.Config
) -> None:
    count = RUNS_FULL if pytestconfig.getoption("--full") else RUNS
    runs = Runs(tmp_path / "runs", healthy, random.Random(f"{seed} {part}"))
    try:
        runs.run(count)
    finally:
        runs.close()
    print(f"{runs.made} runs, {runs.struck} met their fault, {dict(runs.ends)}")
    assert runs.stage.false_heals == []
    assert runs.problems == []
    assert runs.made == count
    assert runs.struck >= STRUCK_SHARE * count
    assert {"healed", "failed", "open"} <= set(runs.ends)
    assert set(runs.met) == {*random_runs.FAULTS}
    assert [fault for fault, met in runs.met.items() if not met] == [random_runs.NOTHING]
    on_trees = {*runbook.registry()} - random_runs.OF_LIVE_HOSTS
    drawn = {(one.runbook_id, one.live) for one in runs.cases}
    live = {(one, True) for one in random_runs.LIVE}
    assert drawn == {(one, False) for one in on_trees} | live
    assert any(one.ordered for one in runs.cases)
