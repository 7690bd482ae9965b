"""What a person asks for at an incident: check again, try again, hold; the same words on the spot."""

import json
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from tests.harness import ordering
from tests.integration.agent.bench import BAD_MODE, DRIFT, GOOD_MODE, Bench
from tests.integration.agent.waiting import BOOK, CHECK, RULE, carried_out, detail, given, waiting
from wardline.agent import clearing, hold_commands, incident_commands
from wardline.agent.store import holds, incidents
from wardline.cli.commands import holds as holds_cli
from wardline.cli.commands import incidents as incidents_cli
from wardline.core import ids
from wardline.core.errors import NotFound
from wardline.core.evidence.bundle import IncidentState, Outcome
from wardline.core.incidents import incident
from wardline.core.incidents.states import State
from wardline.core.orders import CheckAgain, SetHold, TryAgain


def ordered(bench: Bench, body: Any, **changes: Any) -> tuple[str, str]:
    return given(bench, ordering.order(bench.central, body, bench.host.id, **changes))


def drifted(bench: Bench) -> str:
    """A drift that no rule lets anybody repair; the incident's id."""
    bench.central.healing = "heal"
    bench.check_in()
    ordering.change_rule(bench.central, RULE, enabled=False)
    bench.check_in()
    bench.drift()
    bench.observe(CHECK)
    bench.act()
    bench.report()
    return bench.central.records(CHECK)[-1].incident_id


def escalated(bench: Bench) -> str:
    """An incident whose repair ran and did not help, so that it is a person's."""
    incident_id = drifted(bench)
    with bench.agent.ledger.transaction() as tx:
        known = incidents.get(tx, incident_id)
        assert known is not None
        incidents.save(tx, replace(incident.escalated(known), tried=(BOOK,)))
    ordering.change_rule(bench.central, RULE, enabled=True)
    bench.check_in()
    bench.act()
    assert bench.mode == BAD_MODE
    return incident_id


def test_a_check_is_measured_again_and_sealed_though_it_says_nothing_new(bench: Bench) -> None:
    drifted(bench)
    order = ordering.order(bench.central, CheckAgain(CHECK), bench.host.id)
    assert given(bench, order) == ("succeeded", "measured")
    assert detail(bench, order).startswith("fail: ")
    report = bench.central.orders.reports[order.id][-1]
    told = next(one.bundle for one in bench.central.stored if one.bundle.seq == report["seq"])
    assert [(one.check, one.outcome) for one in told.results] == [(CHECK, Outcome.FAIL)]
    (bench.tree / DRIFT).chmod(GOOD_MODE)
    assert ordered(bench, CheckAgain(CHECK)) == ("succeeded", "measured")
    assert bench.central.records(CHECK)[-1].state is IncidentState.RESOLVED


def test_trying_again_opens_what_was_a_persons_and_the_policy_decides(bench: Bench) -> None:
    incident_id = escalated(bench)
    order = ordering.order(bench.central, TryAgain(incident_id, CHECK), bench.host.id)
    assert given(bench, order) == ("succeeded", "trying")
    bench.act()
    bench.report()
    assert bench.mode == GOOD_MODE
    *_, opened, healed = bench.central.records(CHECK)
    assert (opened.state, healed.state) == (IncidentState.OPEN, IncidentState.HEALED)
    assert opened.decision is not None
    assert opened.decision["again"]["name"] == ordering.ADA.name
    assert opened.decision["again"]["reason"] == order.reason
    assert ordered(bench, TryAgain(incident_id, CHECK)) == ("failed", "not_open")


def test_trying_again_runs_nothing_that_the_policy_blocks(bench: Bench) -> None:
    incident_id = escalated(bench)
    ordering.change_rule(bench.central, RULE, enabled=False)
    bench.check_in()
    assert ordered(bench, TryAgain(incident_id, CHECK)) == ("succeeded", "trying")
    bench.act()
    assert bench.mode == BAD_MODE


def test_trying_again_leaves_alone_what_is_gone_or_on_hold(bench: Bench) -> None:
    incident_id = escalated(bench)
    hold_commands.put(bench.layout, incident_id, BOOK, "the vendor is at it")
    assert ordered(bench, TryAgain(incident_id, CHECK)) == ("failed", "held")
    hold_commands.clear(bench.layout, 1, "the vendor is gone")
    (bench.tree / DRIFT).chmod(GOOD_MODE)
    assert ordered(bench, TryAgain(incident_id, CHECK)) == ("succeeded", "already_passes")


@pytest.mark.parametrize(
    "body", [CheckAgain("nonsense"), TryAgain(ids.incident(), "nonsense")], ids=["check", "try"]
)
def test_what_nothing_here_measures_fails_by_name(bench: Bench, body: Any) -> None:
    bench.check_in()
    assert ordered(bench, body) == ("failed", "unknown_host")


def test_an_order_for_another_check_or_an_unknown_incident_finds_none(bench: Bench) -> None:
    incident_id = drifted(bench)
    assert ordered(bench, TryAgain(incident_id, "patching")) == ("failed", "not_open")
    assert ordered(bench, TryAgain(ids.incident(), CHECK)) == ("failed", "not_open")


def test_a_person_sets_a_hold_and_nothing_repairs_it_until_it_is_cleared(bench: Bench) -> None:
    order = waiting(bench)
    assert ordered(bench, SetHold(CHECK, "ssh_config.harden")) == ("failed", "nothing_to_hold")
    assert ordered(bench, SetHold(CHECK, BOOK), reason="the vendor is at it") == (
        *("succeeded", "hold_set"),
    )
    ordering.change_rule(bench.central, RULE, approval=None, autoExecute=True)
    bench.check_in()
    bench.act()
    bench.report()
    assert bench.mode == BAD_MODE
    told, held = bench.central.records(CHECK)[-2:]
    assert told.decision is not None
    assert told.decision["hold"]["setBy"] == ordering.ADA.user_id
    assert told.decision["hold"]["reason"] == "the vendor is at it"
    assert (held.state, (held.decision or {})["code"]) == (IncidentState.OPEN, "hold")
    (reported,) = bench.central.holds
    assert (reported["set_by"], reported["cleared_at"]) == (ordering.ADA.user_id, None)
    assert given(bench, order)[0] == "failed"
    assert ordered(bench, SetHold(CHECK, BOOK)) == ("succeeded", "already_held")
    clear = ordering.clear_order(bench.central, reported)
    assert given(bench, clear) == ("succeeded", "cleared")
    carried_out(bench)
    assert bench.mode == GOOD_MODE


def meanwhile(bench: Bench, happens: Callable[[], None]) -> None:
    """Let it happen at the next look at the drifted file, once."""
    host = next(iter(bench.agent_roster)).host
    looks = {name: getattr(host, name) for name in ("stat", "lstat")}

    def looked(name: str, path: str) -> Any:
        if path == f"/{DRIFT}":
            for each, look in looks.items():
                setattr(host, each, look)
            happens()
        return looks[name](path)

    for name in looks:
        setattr(host, name, partial(looked, name))


@pytest.mark.parametrize("rule", [{"autoExecute": False}, {"enabled": False}])
def test_what_a_person_says_during_a_dry_run_is_not_written_over(
    bench: Bench, rule: dict[str, Any]
) -> None:
    bench.central.healing = "heal"
    ordering.change_rule(bench.central, RULE, approval=ordering.APPROVAL, **rule)
    bench.check_in()
    bench.drift()
    bench.observe(CHECK)
    with bench.agent.ledger.reading() as tx:
        (known,) = incidents.open_ones(tx, State.OPEN)
    meanwhile(bench, lambda: void(hold_commands.put(bench.layout, known.id, BOOK, "the vendor")))
    bench.act()
    with bench.agent.ledger.reading() as tx:
        now = incidents.get(tx, known.id)
    assert now is not None
    assert (now.decision or {})["hold"]["reason"] == "the vendor"
    bench.act()
    bench.report()
    assert [(one.decision or {}).get("code") for one in bench.central.records(CHECK)] == [
        *(None, None, "hold"),
    ]


def void(told: object) -> None:
    assert told


def test_trying_again_goes_by_what_the_incident_is_once_it_was_measured(bench: Bench) -> None:
    incident_id = escalated(bench)
    meanwhile(bench, lambda: void(hold_commands.put(bench.layout, incident_id, BOOK, "vendor")))
    assert ordered(bench, TryAgain(incident_id, CHECK)) == ("failed", "held")
    told = bench.central.records(CHECK)[-1]
    assert told.state is IncidentState.ESCALATED
    assert "again" not in (told.decision or {})


def test_a_hold_can_be_set_on_what_was_healed(bench: Bench) -> None:
    bench.central.healing = "heal"
    bench.check_in()
    bench.drift()
    bench.observe(CHECK)
    bench.act()
    assert ordered(bench, SetHold(CHECK, BOOK)) == ("succeeded", "hold_set")
    told = bench.central.records(CHECK)[-1]
    assert told.state is IncidentState.HEALED
    bench.drift()
    bench.observe(CHECK)
    bench.act()
    assert bench.mode == BAD_MODE


def spoken(capsys: pytest.CaptureFixture[str], app: Any, *words: str) -> str:
    """What a command prints, without a process of its own."""
    app(args=list(words), standalone_mode=False)
    return capsys.readouterr().out


def test_a_person_at_the_appliance_reads_it_and_sets_a_hold_without_central(
    bench: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    incident_id = drifted(bench)
    here = ("--appliance", "--data", str(bench.layout.root))
    (row,) = json.loads(spoken(capsys, incidents_cli.app, "list", "--json", *here))
    show = ("show", incident_id, *here)
    story = json.loads(spoken(capsys, incidents_cli.app, *show, "--json"))
    assert (row["id"], row["state"]) == (incident_id, "open")
    assert row["sentence"] == story["sentence"]
    assert row["sentence"].startswith("file_permissions fails on records (")
    assert "because no rule matches" in row["sentence"]
    assert (story["undo"], story["latest"]["outcome"]) == ("nothing", "fail")
    shown = spoken(capsys, incidents_cli.app, *show)
    for said in (row["sentence"], "What was measured", "The decision", "Nothing was run"):
        assert said in shown
    assert row["sentence"] in spoken(capsys, incidents_cli.app, "list", *here)
    with pytest.raises(NotFound, match="there is no incident inc_x"):
        spoken(capsys, incidents_cli.app, "show", "inc_x", *here)
    hold = ("set", incident_id, "--reason", "the vendor is at it", *here)
    with pytest.raises(clearing.NothingToHold, match="name a repair of file_permissions"):
        spoken(capsys, holds_cli.app, *hold, "--runbook", "ssh_config.harden")
    assert BOOK in spoken(capsys, holds_cli.app, *hold, "--runbook", BOOK)
    with pytest.raises(clearing.AlreadyHeld):
        spoken(capsys, holds_cli.app, *hold, "--runbook", BOOK)
    with bench.agent.ledger.reading() as tx:
        (held,) = holds.active(tx)
    assert held.set_by is not None
    assert held.set_by.startswith("appliance:")
    (row,) = incident_commands.listed(bench.layout)
    assert "is on hold (the vendor is at it)" in row["sentence"]


def test_the_story_on_the_spot_tells_of_heals_steps_and_holds(bench: Bench) -> None:
    bench.central.healing = "heal"
    bench.check_in()
    bench.drift()
    bench.observe(CHECK)
    bench.act()
    assert incident_commands.listed(bench.layout) == []
    (row,) = incident_commands.listed(bench.layout, everything=True)
    assert row["sentence"] == (
        f"{CHECK} passes on records: {BOOK} repaired it, and it is watched to see whether that"
        " lasts."
    )
    assert row["watched_until"] is not None
    hold_commands.put(bench.layout, row["id"], None, "the vendor is at it")
    story = incident_commands.shown(bench.layout, row["id"])
    assert (story["undo"], len(story["left"])) == ("stands", 1)
    assert [one["runbook_id"] for one in story["heals"]] == [BOOK]
    assert [one["reason"] for one in story["holds"]] == ["the vendor is at it"]
    with pytest.raises(NotFound):
        incident_commands.shown(bench.layout, ids.incident())
    with pytest.raises(clearing.ReasonNeeded):
        hold_commands.put(bench.layout, row["id"], None, "  ")
    with pytest.raises(NotFound):
        hold_commands.put(bench.layout, ids.incident(), None, "why")
    with bench.agent.ledger.reading() as tx:
        assert incidents.newest(tx, 5, closed_too=True)[0].state is State.HEALED
