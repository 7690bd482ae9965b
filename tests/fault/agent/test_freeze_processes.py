"""The kill switch of a running agent: thrown by another process, kept through kill -9, lifted."""

import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fault.agent.test_processes import Appliance, _until
from tests.harness.fake_central import FakeCentral
from tests.harness.loopback import serving
from tests.integration.agent.bench import BAD_MODE, DRIFT, GOOD_MODE
from wardline.core.evidence.bundle import IncidentRecord

CHECK = "file_permissions"


@pytest.fixture
def appliance(tmp_path: Path) -> Iterator[Appliance]:
    central = FakeCentral(healing="heal")
    with serving(central) as url:
        made = Appliance(tmp_path, url, central)
        yield made
        made.close()


def blocked(appliance: Appliance) -> list[IncidentRecord]:
    """What Central was told that a freeze stopped."""
    return [
        one
        for one in appliance.central.records(CHECK)
        if one.decision is not None and one.decision["code"] == "freeze"
    ]


def mode(appliance: Appliance) -> int:
    return (appliance.tree / DRIFT).stat().st_mode & 0o777


def test_a_frozen_agent_stays_frozen_through_kill_9_and_goes_on_when_it_is_lifted(
    appliance: Appliance,
) -> None:
    process = appliance.start()
    _until(lambda: len(appliance.central.stored) > 0, "its first evidence")
    data = ("--data", appliance.data)
    frozen = appliance.command("freeze", "--reason", "the rival is known", "--json", *data)
    assert frozen.returncode == 0, frozen.stderr
    assert json.loads(frozen.stdout)["lifted_at"] is None
    again = appliance.command("freeze", "--reason", "once more", *data)
    assert again.returncode == 1
    assert "already: the rival is known" in again.stderr
    (appliance.tree / DRIFT).chmod(BAD_MODE)
    _until(lambda: len(blocked(appliance)) > 0, "the evidence that it is frozen")
    _until(lambda: len(appliance.central.mandates.local) > 0, "Central's knowing of it")
    process.kill()
    process.wait()
    seen = len(appliance.central.requests)
    appliance.start()
    _until(lambda: len(appliance.central.requests) > seen + 5, "work after the kill")
    assert mode(appliance) == BAD_MODE
    lifted = appliance.command("unfreeze", *data)
    assert lifted.returncode == 0, lifted.stderr
    _until(lambda: mode(appliance) == GOOD_MODE, "the repair")
    _until(lambda: appliance.central.mandates.local[-1]["lifted_at"] is not None, "the lift")


def test_a_freeze_of_centrals_holds_an_agent_that_never_reaches_it_again(
    appliance: Appliance,
) -> None:
    freeze_id = appliance.central.mandates.freeze()
    process = appliance.start()
    _until(lambda: appliance.central.mandates.obeyed == [freeze_id], "a confirmation")
    process.kill()
    process.wait()
    appliance.central.credential = "x" * 43
    (appliance.tree / DRIFT).chmod(BAD_MODE)
    appliance.start()
    _until(lambda: judged(appliance) == "freeze", "a judgement without Central")
    assert mode(appliance) == BAD_MODE


def judged(appliance: Appliance) -> str | None:
    """The code of the newest decision in the agent's own store."""
    with sqlite3.connect(f"file:{appliance.data}/agent.db?mode=ro", uri=True) as connection:
        row = connection.execute(
            "SELECT json_extract(raw_data, '$.decision.code') FROM incidents"
            " WHERE incident_type = ? ORDER BY created_at DESC LIMIT 1",
            (CHECK,),
        ).fetchone()
    return None if row is None else row[0]
