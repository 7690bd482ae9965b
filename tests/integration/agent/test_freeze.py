"""The kill switch on the appliance: Central's and its own, kept, obeyed at once, told and lifted."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from tests.harness import ordering
from tests.harness.fake_central import on, problem
from tests.integration.agent.bench import BAD_MODE, GOOD_MODE, Bench
from tests.integration.agent.switch import (
    WHY,
    decision,
    drifted,
    freeze_here,
    frozen_line,
    healing,
    last,
    unfreeze_here,
)
from tests.integration.agent.waiting import RULE
from wardline.agent import freezing
from wardline.agent.store import facts
from wardline.core.errors import Conflict, NotFound
from wardline.core.evidence.bundle import IncidentState
from wardline.core.mandate import Reach


@pytest.mark.parametrize("reach", [Reach.SITE, Reach.PARTNER])
def test_a_freeze_comes_with_the_check_in_stops_everything_and_is_confirmed_by_the_next(
    bench: Bench, reach: Reach
) -> None:
    healing(bench)
    freeze_id = bench.central.mandates.freeze(reach, WHY)
    bench.check_in()
    assert bench.central.mandates.obeyed == []
    drifted(bench)
    assert bench.mode == BAD_MODE
    record = last(bench)
    assert record.state is IncidentState.OPEN
    told = decision(record)
    assert (told["verdict"], told["code"], told["reason"]) == ("block", "freeze", "Frozen")
    assert told["trace"][0]["detail"] == (
        f"the {reach} is frozen since 2026-11-25T10:00:00.000Z by Mia: {WHY}"
    )
    assert bench.central.mandates.obeyed == [freeze_id]


def test_what_confirms_a_freeze_does_not_wait_for_the_next_minute(bench: Bench) -> None:
    healing(bench)
    assert bench.agent.reporter.turn() > 2.0
    bench.central.mandates.freeze()
    bench.check_in()
    assert bench.agent.reporter.turn() <= 2.0
    bench.check_in()
    assert bench.agent.reporter.turn() > 2.0


def test_a_lifted_freeze_lets_what_waited_be_repaired(bench: Bench) -> None:
    healing(bench)
    bench.central.mandates.freeze()
    bench.check_in()
    drifted(bench)
    bench.central.mandates.lift()
    bench.check_in()
    bench.act()
    assert bench.mode == GOOD_MODE
    assert last(bench).state is IncidentState.HEALED
    assert bench.central.mandates.obeyed == []


def test_a_freeze_survives_restarts_and_a_line_that_is_gone(bench: Bench) -> None:
    healing(bench)
    bench.central.mandates.freeze()
    bench.check_in()
    bench.restart()
    bench.central.odd = [on("/checkin", problem(503, "away"))] * 3
    assert not bench.check_in()
    drifted(bench)
    bench.restart()
    bench.act()
    assert bench.mode == BAD_MODE
    bench.central.odd = []
    assert decision(last(bench))["code"] == "freeze"


def test_a_policy_that_is_refused_keeps_no_freeze_out(bench: Bench) -> None:
    """The one thing that must come through when everything else is wrong."""
    healing(bench)
    bench.central.mandates.freeze()
    bench.central.revision += 1
    bench.central.rules.append({"id": "nonsense"})
    bench.check_in()
    assert "policy_refused" in bench.alarms()
    drifted(bench)
    assert bench.mode == BAD_MODE
    assert decision(last(bench))["code"] == "freeze"


def test_a_person_at_the_appliance_freezes_it_without_a_line_and_central_hears(
    bench: Bench,
) -> None:
    healing(bench)
    bench.central.odd = [on("/checkin", problem(503, "away"))] * 2
    freeze_here(bench)
    drifted(bench)
    assert bench.mode == BAD_MODE
    assert frozen_line(bench).value.endswith(f"by appliance:ada: {WHY}")
    bench.central.odd = []
    assert decision(last(bench))["code"] == "freeze"
    (told,) = bench.central.mandates.local
    assert (told["frozen_by"], told["reason"], told["lifted_at"]) == ("appliance:ada", WHY, None)
    unfreeze_here(bench)
    bench.act()
    assert bench.mode == GOOD_MODE
    bench.report()
    ended = bench.central.mandates.local[-1]
    assert (ended["frozen_at"], ended["lifted_by"]) == (told["frozen_at"], "appliance:ada")
    assert ended["lift_reason"] == "the template is gone"
    heard = len(bench.central.mandates.local)
    bench.report()
    assert len(bench.central.mandates.local) == heard


def test_what_central_did_not_answer_for_is_told_again(bench: Bench) -> None:
    healing(bench)
    freeze_here(bench)
    bench.central.odd = [on("/checkin", problem(503, "away"))]
    assert not bench.check_in()
    assert bench.central.mandates.local == []
    assert bench.check_in()
    assert len(bench.central.mandates.local) == 1


def test_neither_lifts_what_the_other_froze(bench: Bench) -> None:
    healing(bench)
    bench.central.mandates.freeze()
    freeze_here(bench)
    bench.check_in()
    drifted(bench)
    bench.central.mandates.lift()
    bench.check_in()
    bench.act()
    assert bench.mode == BAD_MODE
    bench.central.mandates.freeze()
    bench.check_in()
    unfreeze_here(bench)
    bench.act()
    assert bench.mode == BAD_MODE
    assert frozen_line(bench).value.startswith("the site is frozen")
    bench.central.mandates.lift()
    bench.check_in()
    bench.act()
    assert bench.mode == GOOD_MODE
    assert frozen_line(bench).value == "no"


def test_freezing_needs_a_reason_and_happens_once(bench: Bench) -> None:
    ledger = bench.agent.ledger
    for reason in ("", "  ", "x" * 1001):
        with pytest.raises(freezing.FreezeUnexplained):
            freezing.freeze(ledger, "appliance:ada", reason)
    with pytest.raises(NotFound):
        freezing.unfreeze(ledger, "appliance:ada", "")
    assert freezing.freeze(ledger, "appliance:ada", WHY).lifted_at is None
    with pytest.raises(Conflict, match="appliance:ada"):
        freezing.freeze(ledger, "appliance:bob", "once more")
    assert freezing.unfreeze(ledger, "appliance:bob", "").lifted_by == "appliance:bob"
    with pytest.raises(NotFound):
        freezing.unfreeze(ledger, "appliance:ada", "")


@pytest.mark.parametrize(
    "changes",
    [
        lambda bench: {"revision": 0},
        lambda bench: {"site_id": bench.central.site.replace("0", "1")},
        lambda bench: {"appliance_id": bench.central.appliance.replace("0", "1")},
    ],
)
def test_an_older_or_foreign_mandate_lifts_nothing(
    bench: Bench, changes: Callable[[Bench], dict[str, Any]]
) -> None:
    healing(bench)
    bench.central.mandates.freeze()
    bench.check_in()
    bench.central.mandates.freezes.clear()
    true = bench.central.mandates.wire
    wrong = true(bench.central, **changes(bench))
    object.__setattr__(bench.central.mandates, "wire", lambda central: wrong)
    with bench.agent.ledger.transaction() as tx:
        facts.drop(tx, facts.Name.ETAG)
    bench.check_in()
    assert "mandate_refused" in bench.alarms()
    drifted(bench)
    assert bench.mode == BAD_MODE


def test_a_mandate_that_another_key_signed_lifts_nothing(bench: Bench) -> None:
    healing(bench)
    bench.central.mandates.freeze()
    bench.check_in()
    bench.central.mandates.lift()
    key = bench.central.keys
    forged = replace(bench.central, orders=bench.central.orders)
    assert forged.keys != key
    wrong = bench.central.mandates.wire(forged)
    object.__setattr__(bench.central.mandates, "wire", lambda central: wrong)
    bench.check_in()
    assert "mandate_refused" in bench.alarms()
    drifted(bench)
    assert bench.mode == BAD_MODE


def test_a_stored_mandate_that_was_tampered_with_stops_everything_until_central_sends_another(
    bench: Bench,
) -> None:
    healing(bench)
    with bench.agent.ledger.transaction() as tx:
        tx.execute("UPDATE mandates SET envelope = replace(envelope, 'a', 'b'), digest = 'x'")
    drifted(bench)
    assert bench.mode == BAD_MODE
    assert "mandate_refused" in bench.alarms()
    bench.check_in()
    assert "mandate_refused" not in bench.alarms()
    bench.act()
    assert bench.mode == GOOD_MODE


def test_an_appliance_with_no_share_of_a_limit_runs_nothing_and_says_why(bench: Bench) -> None:
    ordering.change_rule(bench.central, RULE, limits={"maxRunsPerSitePerHour": 1})
    bench.central.mandates.split(1, 2)
    healing(bench)
    drifted(bench)
    assert bench.mode == BAD_MODE
    told = decision(last(bench))
    assert told["code"] == "limit_exceeded"
    (limits,) = [step for step in told["trace"] if step["check"] == "limits"]
    assert "1 of 0 (the share of appliance 2 of 2" in limits["detail"]
    bench.central.mandates.split(0, 2)
    bench.check_in()
    bench.act()
    assert bench.mode == GOOD_MODE


def test_a_store_that_comes_back_from_a_copy_is_frozen_again_at_its_check_in(
    bench: Bench,
) -> None:
    healing(bench)
    bench.agent.close()
    backup = bench.folder / "backup"
    shutil.copytree(bench.layout.root, backup)
    bench.agent = bench.open()
    bench.central.mandates.freeze()
    bench.check_in()
    bench.agent.close()
    shutil.rmtree(bench.layout.root)
    shutil.copytree(backup, bench.layout.root)
    bench.agent = bench.open()
    bench.check_in()
    drifted(bench)
    assert bench.mode == BAD_MODE
