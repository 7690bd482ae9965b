"""Orders on the appliance: what is admitted, what its own policy still says, and what is told."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from tests.harness import ordering
from tests.harness.fake_central import on, problem
from tests.integration.agent.bench import BAD_MODE, DRIFT, GOOD_MODE, Bench
from tests.integration.agent.waiting import BOOK, CHECK, RULE, carried_out, detail, given, waiting
from wardline.agent.hosts.host import Stat
from wardline.agent.runbooks import runbook
from wardline.agent.store import runs
from wardline.core import canonical, ids
from wardline.core.evidence.bundle import IncidentState
from wardline.core.orders import Consent, Order, Person
from wardline.core.policy import params


def test_what_asks_names_exactly_what_would_run(bench: Bench) -> None:
    waiting(bench)
    record = bench.central.records(CHECK)[-1]
    assert record.decision is not None
    pins = record.decision["pins"]
    inputs = {"paths": record.before.facts["paths"]}
    assert pins["inputs"] == inputs
    assert pins["inputsDigest"] == canonical.digest(inputs)
    assert pins["paramsDigest"] == params.digest({})
    assert pins["ruleRevision"] is None


def test_other_inputs_behind_the_same_verdict_are_news(bench: Bench) -> None:
    waiting(bench)
    (bench.tree / "etc/group").chmod(BAD_MODE)
    bench.observe(CHECK)
    bench.clock.offset += timedelta(hours=2)
    bench.act()
    bench.report()
    first, second = [one for one in bench.central.records(CHECK) if one.decision][-2:]
    assert first.decision is not None
    assert second.decision is not None
    assert first.decision["pins"] != second.decision["pins"]


def test_an_approved_run_runs_once_heals_and_says_on_whose_word(bench: Bench) -> None:
    order = waiting(bench)
    assert given(bench, order) == ("succeeded", "healed")
    assert bench.mode == GOOD_MODE
    healed = bench.central.records(CHECK)[-1]
    assert healed.state is IncidentState.HEALED
    assert healed.decision is not None
    told = healed.decision["order"]
    assert told["id"] == order.id
    assert told["by"]["name"] == "Ada"
    assert [one["name"] for one in told["approvers"]] == ["Ada"]
    assert told["approvalId"].startswith("appr_")
    report = bench.central.orders.reports[order.id][-1]
    last = bench.central.stored[-1].bundle
    assert (report["epoch"], report["seq"]) == (last.epoch, last.seq)
    assert healed in last.incidents
    with bench.agent.ledger.reading() as tx:
        assert [run.order_id for run in runs.since(tx, bench.clock() - timedelta(days=1))] == [
            order.id
        ]


def test_an_order_that_comes_again_is_answered_and_not_run_again(bench: Bench) -> None:
    order = waiting(bench)
    assert given(bench, order) == ("succeeded", "healed")
    bench.drift()
    bench.observe(CHECK)
    told = len(bench.central.orders.reports[order.id])
    bench.central.orders.throw(ordering.sealed(bench.central, order))
    carried_out(bench)
    assert bench.mode == BAD_MODE
    assert len(bench.central.orders.reports[order.id]) > told
    assert bench.central.orders.last(order.id) == ("succeeded", "healed")


def test_a_person_starts_what_is_offered(bench: Bench) -> None:
    order = waiting(bench, approval=None)
    record = bench.central.records(CHECK)[-1]
    assert record.decision is not None
    assert record.decision["verdict"] == "offer"
    started = ordering.with_body(order, consent=None)
    assert given(bench, started) == ("succeeded", "healed")
    healed = bench.central.records(CHECK)[-1]
    assert healed.decision is not None
    assert healed.decision["order"]["approvers"] == []


def test_what_passes_by_then_succeeds_without_a_run(bench: Bench) -> None:
    order = waiting(bench)
    (bench.tree / DRIFT).chmod(GOOD_MODE)
    assert given(bench, order) == ("succeeded", "already_passes")
    last = bench.central.records(CHECK)[-1]
    assert (last.state, last.outcome) == (IncidentState.RESOLVED, None)
    with bench.agent.ledger.reading() as tx:
        assert runs.since(tx, bench.clock() - timedelta(days=1)) == []


def test_an_order_ends_the_same_whoever_saw_first_that_the_drift_is_gone(bench: Bench) -> None:
    order = waiting(bench)
    (bench.tree / DRIFT).chmod(GOOD_MODE)
    bench.observe(CHECK)
    assert given(bench, order) == ("succeeded", "already_passes")
    assert "nothing was run: the incident was resolved before" in detail(bench, order)


def test_an_order_for_a_drift_that_is_gone_does_not_end_well_while_there_is_a_new_one(
    bench: Bench,
) -> None:
    order = waiting(bench)
    (bench.tree / DRIFT).chmod(GOOD_MODE)
    bench.observe(CHECK)
    bench.drift()
    bench.observe(CHECK)
    assert given(bench, order) == ("failed", "not_open")
    assert bench.mode == BAD_MODE


def test_a_store_restored_from_a_copy_tells_anew_what_waits(bench: Bench) -> None:
    """Central has heard meanwhile that it was resolved, and would ask nobody ever again."""
    waiting(bench)
    first = bench.central.records(CHECK)[-1].incident_id
    bench.agent.close()
    backup = bench.folder / "backup"
    shutil.copytree(bench.layout.root, backup)
    bench.agent = bench.open()
    (bench.tree / DRIFT).chmod(GOOD_MODE)
    bench.observe(CHECK)
    bench.report()
    assert bench.central.records(CHECK)[-1].state is IncidentState.RESOLVED
    bench.agent.close()
    shutil.rmtree(bench.layout.root)
    shutil.copytree(backup, bench.layout.root)
    bench.agent = bench.open()
    bench.drift()
    bench.check_in()
    bench.act()
    bench.report()
    told = bench.central.records(CHECK)[-1]
    assert (told.incident_id, told.state) == (first, IncidentState.WAITING)


def _pinned(**changes: Any) -> Callable[[Bench, Order], Order]:
    return lambda bench, order: ordering.with_body(order, **changes)


def _group_too(bench: Bench, order: Order) -> Order:
    (bench.tree / "etc/group").chmod(BAD_MODE)
    return order


def _window(bench: Bench, order: Order) -> Order:
    window = {"days": [(bench.clock().weekday() + 3) % 7], "start": "03:00", "end": "03:01"}
    ordering.change_rule(bench.central, RULE, window=window)
    return order


def _observe(bench: Bench, order: Order) -> Order:
    bench.central.healing = "observe"
    bench.central.settings_revision += 1
    return order


def _by(*roles: str) -> Callable[[Bench, Order], Order]:
    def change(bench: Bench, order: Order) -> Order:
        now = bench.clock()
        by = Person(ids.user(), "Eve", roles)
        given = Consent(ids.new("appr"), (by,), now - ordering.MINUTE, now + ordering.MINUTE)
        return ordering.with_body(order, consent=given)

    return change


def _late(bench: Bench, order: Order) -> Order:
    now = bench.clock()
    over = Consent(
        ids.new("appr"), (ordering.ADA,), now - 3 * ordering.MINUTE, now - ordering.MINUTE
    )
    return ordering.with_body(order, consent=over)


@pytest.mark.parametrize(
    ("change", "code", "says"),
    [
        (_pinned(runbook_digest="0" * 64), "changed", "the runbook ("),
        (_pinned(inputs_digest="0" * 64), "changed", "its inputs ("),
        (_pinned(params_digest="0" * 64), "changed", "the rule's parameters ("),
        (_pinned(rule_id="another"), "changed", "the rule (another"),
        (_pinned(rule_revision=7), "changed", "the rule's revision (7, now none)"),
        (_pinned(runbook_id="ssh_config.harden"), "changed", "ssh_config.harden"),
        (_pinned(incident_id=ids.incident()), "not_open", "no such incident"),
        (_pinned(check="ssh_config"), "not_open", "file_permissions, is waiting"),
        (_pinned(consent=None), "approval_needed", "needs 1 approval"),
        (_group_too, "changed", "its inputs ("),
        (_window, "outside_window", "the window of rule"),
        (_observe, "observing", "until a person lets it heal"),
        (_by("reader"), "approval_needed", "needs 1 approval"),
        (_late, "approval_needed", "needs 1 approval"),
    ],
)
def test_what_is_no_longer_so_is_refused_with_its_word_and_changes_nothing(
    bench: Bench, change: Callable[[Bench, Order], Order], code: str, says: str
) -> None:
    order = change(bench, waiting(bench))
    assert given(bench, order) == ("failed", code)
    assert says in detail(bench, order)
    assert bench.mode == BAD_MODE
    with bench.agent.ledger.reading() as tx:
        assert runs.since(tx, bench.clock() - timedelta(days=1)) == []


def test_a_runbook_of_another_release_is_not_run(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = waiting(bench)
    registry = dict(runbook.registry())
    registry[BOOK] = replace(registry[BOOK], version=2, digest="e" * 64)
    monkeypatch.setattr(runbook, "registry", lambda: registry)
    assert given(bench, order) == ("failed", "changed")
    assert bench.mode == BAD_MODE


def test_an_order_that_comes_to_its_turn_too_late_is_expired(bench: Bench) -> None:
    order = waiting(bench)
    ordering.issue(bench.central, order)
    bench.report()
    bench.clock.offset += timedelta(hours=1)
    carried_out(bench)
    assert bench.central.orders.last(order.id) == ("expired", "expired")
    assert bench.mode == BAD_MODE


def test_what_became_of_an_order_is_told_until_central_answers_also_after_a_restart(
    bench: Bench,
) -> None:
    order = waiting(bench)
    ordering.issue(bench.central, order)
    bench.report()
    bench.act()
    bench.central.odd += [on("/orders/report", problem(503, "later"))]
    bench.report()
    assert bench.central.orders.reports[order.id] == []
    bench.restart()
    bench.report()
    assert bench.central.orders.last(order.id) == ("succeeded", "healed")
    told = len(bench.central.orders.reports[order.id])
    bench.report()
    assert len(bench.central.orders.reports[order.id]) == told


def test_a_report_that_central_refuses_for_good_is_said_and_not_repeated(bench: Bench) -> None:
    order = waiting(bench)
    bench.central.orders.throw(ordering.sealed(bench.central, order))
    carried_out(bench)
    assert "does not take the report" in bench.alarms()["order_refused"].detail
    asked = [name for name, _ in bench.central.requests].count("/orders/report")
    bench.report()
    assert [name for name, _ in bench.central.requests].count("/orders/report") == asked


def test_orders_are_carried_out_oldest_first_and_one_that_fails_stops_no_other(
    bench: Bench,
) -> None:
    good = waiting(bench)
    bad = replace(ordering.with_body(good, incident_id=ids.incident()), id=ids.new("order"))
    for one in (bad, good):
        ordering.issue(bench.central, one)
    carried_out(bench)
    assert bench.central.orders.last(bad.id) == ("failed", "not_open")
    assert bench.central.orders.last(good.id) == ("succeeded", "healed")


def test_more_orders_than_one_lease_holds_all_end(bench: Bench) -> None:
    order = waiting(bench)
    wrong = ordering.with_body(order, incident_id=ids.incident())
    many = [replace(wrong, id=ids.new("order")) for _ in range(45)]
    for one in many:
        ordering.issue(bench.central, one)
    carried_out(bench)
    assert {bench.central.orders.last(one.id) for one in many} == {("failed", "not_open")}


@pytest.mark.parametrize("after_the_change", [True, False])
def test_a_run_that_the_agent_did_not_survive_is_told_and_never_repeated(
    bench: Bench, after_the_change: bool
) -> None:
    order = waiting(bench)
    ordering.issue(bench.central, order)
    bench.report()
    member = next(iter(bench.agent.roster))
    real = member.host.chmod
    changed: list[str] = []

    def die(path: str, mode: int, found: Stat) -> None:
        changed.append(path)
        if after_the_change:
            real(path, mode, found)
        raise SystemExit

    member.host.chmod = die  # type: ignore[method-assign]
    with pytest.raises(SystemExit):
        bench.act()
    bench.restart()
    bench.act()
    carried_out(bench)
    assert bench.central.orders.last(order.id) == ("failed", "interrupted")
    assert changed == [f"/{DRIFT}"]
    assert bench.mode == (GOOD_MODE if after_the_change else BAD_MODE)
    report = bench.central.orders.reports[order.id][-1]
    told = [one.bundle for one in bench.central.stored if one.bundle.seq == report["seq"]]
    assert told[0].incidents[0].actions[0].step == "interrupted"


def test_what_refuses_a_run_before_it_begins_gives_back_what_was_reserved(bench: Bench) -> None:
    order = waiting(bench)
    ordering.issue(bench.central, order)
    bench.report()
    member = next(iter(bench.agent.roster))
    member.host.writable = False  # type: ignore[misc]
    carried_out(bench)
    assert bench.central.orders.last(order.id) == ("failed", "not_healed")
    with bench.agent.ledger.reading() as tx:
        assert runs.since(tx, bench.clock() - timedelta(days=1)) == []
