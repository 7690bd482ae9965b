"""Drifts and what becomes of them: every scenario of scenarios/*.yaml, on every host it names."""

import time
from pathlib import Path

import pytest

from tests.integration.healing import stage, story
from tests.integration.healing.stage import Box
from tests.integration.healing.story import KINDS, Scenario, Telling
from wardline.agent.runbooks import runner
from wardline.agent.runbooks.line_guard import Pace
from wardline.core.evidence.bundle import IncidentState, ResolutionLevel
from wardline.core.policy.decision import Verdict

SCENARIOS = story.load()
SCENARIOS_LEAST = 80
# How long a host waits to be entered anew before it puts itself back, where the line is not cut.
REVERT_S = 30
# A program has done its work when it ends: what is down then stays down.
SETTLE_S = 1.0
# A host whose time is over is asked that often, where the agent would wait for its whole time.
CUT = Pace(settle_s=SETTLE_S, wait=lambda seconds: time.sleep(min(seconds, 1.0)))
RUNBOOKS_LEAST = 11
# What the last decision of a story may be, as far as a host can bring it about: the policy's own
# tests have the other codes.
CODES = {
    "allowed",
    "approval_needed",
    "start_needed",
    "accepted",
    "breaker",
    "brake",
    "choice_needed",
    "denied",
    "freeze",
    "hold",
    "limit_exceeded",
    "no_match",
    "not_admissible",
}
ORDERS = {
    ("succeeded", "healed"),
    ("succeeded", "already_passes"),
    ("succeeded", "undone"),
    ("failed", "changed"),
    ("failed", "collateral"),
    ("failed", "freeze"),
    ("failed", "not_healed"),
}


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
    scenario: Scenario,
    kind: str,
    healthy: Path,
    tmp_path: Path,
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(runner, "PACE", CUT if scenario.cut else Pace(REVERT_S, SETTLE_S))
    box: Box | None = request.getfixturevalue("box") if kind == "ssh" else None
    with stage.standing(tmp_path, healthy, box) as made:
        telling = Telling(scenario, made)
        telling.play()
        telling.compare()
        assert made.false_heals == []


def test_the_gate_plays_every_verdict_level_state_code_and_kind_of_host() -> None:
    played = [one for one in SCENARIOS if one.hosts]
    assert len(played) >= SCENARIOS_LEAST
    assert len({one.name for one in SCENARIOS}) == len(SCENARIOS)
    expected = [one.expect for one in played]
    assert len({one.runbook for one in expected} - {None}) >= RUNBOOKS_LEAST
    assert {one.verdict for one in expected} - {None} == {*Verdict}
    assert {one.code for one in expected} - {None} == CODES
    steps = {step for one in expected for step in one.path}
    assert {step.split()[0] for step in steps} == {*IncidentState}
    assert {step.split()[1] for step in steps if " " in step} == {*ResolutionLevel}
    assert {one.check for one in expected} == {"pass", "fail", "unknown"}
    assert {tuple(one.order) for one in expected if one.order} == ORDERS
    assert {kind for one in played for kind in one.hosts} == set(KINDS)
