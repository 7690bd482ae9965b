"""Core's catalogue says exactly what the agent ships."""

from tests.unit.agent import write_catalogue
from wardline.agent.checks import check
from wardline.agent.runbooks import runbook
from wardline.core.incidents import catalogue


def test_the_catalogue_is_what_the_agent_ships() -> None:
    assert write_catalogue.PATH.read_text() == write_catalogue.content(), (
        "run: python -m tests.unit.agent.write_catalogue"
    )


def test_the_catalogue_joins_checks_runbooks_and_remedies() -> None:
    assert set(catalogue.checks()) == set(check.registry())
    for entry in catalogue.runbooks().values():
        assert entry.check in catalogue.checks()
        assert entry.digest == runbook.registry()[entry.id].digest
        assert all(set(remedy.inputs) == set(entry.inputs) for remedy in entry.remedies)
    listed = [one for entry in catalogue.runbooks().values() for one in entry.remedies]
    for one in runbook.remedies():
        assert one in listed
    assert len(listed) == len(runbook.remedies())
