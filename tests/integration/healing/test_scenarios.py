"""Drifts and what becomes of them: every scenario of scenarios/*.yaml, on every host it names."""

from pathlib import Path

import pytest

from tests.integration.healing import story
from tests.integration.healing.stage import Box, Stage
from tests.integration.healing.story import KINDS, Scenario, Telling
from wardline.agent.runbooks import runner
from wardline.agent.runbooks.line_guard import Pace
from wardline.core.evidence.bundle import IncidentState

SCENARIOS = story.load()
SCENARIOS_LEAST = 40
REVERT_S = 30
RUNBOOKS_LEAST = 11
VERDICTS = {"run", "ask", "block"}


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """A host that nobody enters anew puts itself back after less than a minute."""
    monkeypatch.setattr(runner, "PACE", Pace(revert_s=REVERT_S))


@pytest.mark.parametrize(
    ("scenario", "kind"),
    [
        pytest.param(
            one, kind, id=f"{kind}: {one.name}", marks=[pytest.mark.full] * (kind in one.full)
        )
        for kind in KINDS
        for one in SCENARIOS
        if kind in (*one.hosts, *one.full)
    ],
)
def test_a_drift_takes_the_way_that_its_scenario_says(
    scenario: Scenario, kind: str, healthy: Path, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    box: Box | None = request.getfixturevalue("box") if kind == "ssh" else None
    stage = Stage(tmp_path, healthy, box)
    try:
        telling = Telling(scenario, stage)
        telling.play()
        telling.compare()
        assert stage.false_heals == []
    finally:
        stage.close()


def test_the_table_covers_every_verdict_state_and_kind_of_host() -> None:
    assert len(SCENARIOS) >= SCENARIOS_LEAST
    assert len({one.name for one in SCENARIOS}) == len(SCENARIOS)
    expected = [one.expect for one in SCENARIOS]
    assert len({one.runbook for one in expected} - {None}) >= RUNBOOKS_LEAST
    assert {one.verdict for one in expected} - {None} >= VERDICTS
    assert {step.split()[0] for one in expected for step in one.path} == {*IncidentState}
    assert {one.check for one in expected} == {"pass", "fail", "unknown"}
    assert {kind for one in SCENARIOS for kind in one.hosts} == set(KINDS)
