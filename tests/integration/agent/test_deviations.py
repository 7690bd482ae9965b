"""What people accepted: not repaired, told as accepted, alarmed when it changes, over by its date."""

from datetime import timedelta
from typing import Any

import pytest

from tests.harness import ordering
from tests.integration.agent.bench import BAD_MODE, GOOD_MODE, URL, Bench
from tests.integration.agent.switch import decision, drifted, healing, last
from tests.integration.agent.waiting import BOOK, CHECK, detail, given, waiting
from wardline.agent import doctor, hold_commands, incident_commands
from wardline.agent.settings import Flap
from wardline.agent.store import incidents, results
from wardline.agent.uplink import Address
from wardline.core import ids
from wardline.core.deviation import AcceptedState, Deviation
from wardline.core.evidence.bundle import IncidentRecord, IncidentState, ResolutionLevel
from wardline.core.orders import TryAgain

WHY = "the imaging console writes there"
CONTROL = "the console's network is closed"


def accept(bench: Bench, check: str = CHECK, **changes: Any) -> Deviation:
    """Accept at Central what is measured now; it comes with the next check-in."""
    with bench.agent.ledger.reading() as tx:
        seen = results.latest(tx, bench.host.id, check)
    assert seen is not None
    made = Deviation(
        *(ids.new("dev"), check, bench.clock(), bench.clock() + timedelta(days=30)),
        *("Mia", "Dr. Berg", WHY, CONTROL),
        (AcceptedState(bench.host.id, seen.facts_digest, seen.severity),),
    )
    made = Deviation(
        **{name: changes.get(name, getattr(made, name)) for name in Deviation.__slots__}
    )
    bench.central.mandates.accept(made)
    bench.check_in()
    return made


def otherwise(bench: Bench) -> None:
    """Something more is wrong than what was accepted."""
    (bench.tree / "etc/group").chmod(BAD_MODE)
    bench.observe(CHECK)


def accepted(bench: Bench) -> Deviation:
    """A drift that is there and accepted before anything could repair it."""
    healing(bench)
    bench.drift()
    bench.observe(CHECK)
    made = accept(bench)
    bench.act()
    return made


def examined(bench: Bench) -> list[doctor.Line]:
    """What `wardline agent doctor` says."""
    nobody = bench.connect(Address(URL), None)
    return doctor.examine(bench.layout, bench.settings, lambda *_: nobody)


def test_an_accepted_state_is_left_alone_and_the_evidence_says_on_whose_word(bench: Bench) -> None:
    made = accepted(bench)
    bench.act()
    assert bench.mode == BAD_MODE
    record = last(bench)
    assert (record.state, record.outcome, record.actions) == (IncidentState.OPEN, None, ())
    told = decision(record)
    assert (told["verdict"], told["code"]) == ("block", "accepted")
    assert told["reason"].endswith(
        f"by Mia, owner Dr. Berg: {WHY}; compensating control: {CONTROL}"
    )
    assert told["deviation"]["id"] == made.id
    (line,) = [one for one in examined(bench) if one.topic == "accepted"]
    assert line.name == f"{CHECK} on {bench.host.name} ({made.id})"
    assert WHY in line.value
    # What was measured stays what it was.
    assert record.before.outcome.value == "fail"
    assert record.before.facts_digest == made.states[0].facts_digest
    sent = len(bench.central.stored)
    for _ in range(3):
        bench.observe(CHECK)
        bench.act()
    bench.report()
    assert len(bench.central.stored) == sent
    assert "deviation_changed" not in bench.alarms()


def test_the_same_acceptance_holds_after_a_restart_and_without_a_line(bench: Bench) -> None:
    accepted(bench)
    bench.restart()
    bench.observe(CHECK)
    bench.act()
    assert bench.mode == BAD_MODE
    # It went away and came back exactly as it was accepted.
    (bench.tree / "etc/passwd").chmod(GOOD_MODE)
    bench.observe(CHECK)
    assert last(bench).state is IncidentState.RESOLVED
    drifted(bench)
    assert bench.mode == BAD_MODE
    assert decision(last(bench))["code"] == "accepted"


def test_any_other_change_alarms_and_is_repaired_as_any_drift(bench: Bench) -> None:
    made = accepted(bench)
    otherwise(bench)
    bench.act()
    assert bench.mode == GOOD_MODE
    bench.report()
    told = [dict(one.decision or {}) for one in bench.central.records(CHECK)]
    assert [one.get("code") for one in told[-3:]] == ["accepted", "deviation_ended", "allowed"]
    assert told[-2]["deviation"] == {"id": made.id, "ended": "changed"}
    assert last(bench).state is IncidentState.HEALED
    bench.act()
    assert "deviation_changed" not in bench.alarms(), "what was put right alarms no more"


def test_the_alarm_sounds_while_nothing_may_be_repaired(bench: Bench) -> None:
    accepted(bench)
    bench.central.mandates.freeze()
    bench.check_in()
    otherwise(bench)
    for _ in range(3):
        bench.act()
    alarm = bench.alarms()["deviation_changed"]
    assert alarm.subject == f"{bench.host.id} {CHECK}"
    assert "not the state that was accepted" in alarm.detail
    assert (alarm.times, bench.mode) == (1, BAD_MODE)
    assert decision(last(bench))["code"] == "freeze"
    # Back to what was accepted: it is accepted, and calm.
    (bench.tree / "etc/group").chmod(GOOD_MODE)
    bench.observe(CHECK)
    bench.act()
    assert "deviation_changed" not in bench.alarms()
    assert decision(last(bench))["code"] == "accepted"


def test_its_date_ends_it_and_no_clock_brings_it_back(bench: Bench) -> None:
    made = accepted(bench)
    bench.central.mandates.freeze()
    bench.check_in()
    bench.clock.offset = timedelta(days=31)
    bench.act()
    told = [dict(one.decision or {}) for one in told_of(bench)]
    assert [one.get("code") for one in told[-2:]] == ["deviation_ended", "freeze"]
    assert told[-2]["deviation"] == {"id": made.id, "ended": "expired"}
    bench.clock.offset = timedelta(0)
    bench.restart()
    bench.act()
    assert decision(last(bench))["code"] == "freeze"
    # Only Central's newer word, by its own clock, knows better.
    bench.central.mandates.accept(made)
    bench.check_in()
    bench.act()
    assert decision(last(bench))["code"] == "accepted"


def told_of(bench: Bench) -> list[Any]:
    bench.report()
    return bench.central.records(CHECK)


def test_what_is_revoked_is_judged_anew_and_a_renewal_is_told(bench: Bench) -> None:
    made = accepted(bench)
    accept(bench, id=made.id, until=made.until + timedelta(days=60))
    bench.act()
    renewed = decision(last(bench))["deviation"]
    assert renewed["until"] > decision(told_of(bench)[-2])["deviation"]["until"]
    bench.central.mandates.accept()
    bench.check_in()
    bench.act()
    assert bench.mode == GOOD_MODE
    ended = decision(told_of(bench)[-2])
    assert (ended["code"], ended["deviation"]["ended"]) == ("deviation_ended", "revoked")


def test_a_mandate_that_is_not_believed_ends_no_acceptance(bench: Bench) -> None:
    accepted(bench)
    with bench.agent.ledger.transaction() as tx:
        tx.execute("UPDATE mandates SET envelope = replace(envelope, 'a', 'b'), digest = 'x'")
    for _ in range(3):
        bench.act()
    assert "mandate_refused" in bench.alarms()
    with bench.agent.ledger.reading() as tx:
        (known,) = incidents.accepted_ones(tx)
    assert (known.decision or {})["code"] == "accepted"
    bench.check_in()
    bench.act()
    assert [decision(one)["code"] for one in told_of(bench)[1:]] == ["accepted"]


def test_what_is_gone_from_the_mandate_on_its_day_has_expired_and_was_not_revoked(
    bench: Bench,
) -> None:
    """Central sends no acceptance that is over, and its mandate may come before the look."""
    accepted(bench)
    bench.clock.offset = timedelta(days=31)
    bench.central.mandates.accept()
    bench.check_in()
    bench.act()
    ended = decision(told_of(bench)[-2])
    assert (ended["code"], ended["deviation"]["ended"]) == ("deviation_ended", "expired")


def test_the_ticket_of_a_hold_is_a_persons_again_once_nothing_is_accepted(bench: Bench) -> None:
    bench.agent.healer._flap = Flap(heals=1)
    healing(bench)
    drifted(bench)
    drifted(bench)
    assert (last(bench).state, bench.mode) == (IncidentState.ESCALATED, BAD_MODE)
    accept(bench)
    bench.act()
    assert last(bench).state is IncidentState.OPEN
    bench.central.mandates.accept()
    bench.check_in()
    bench.act()
    told = last(bench)
    assert (told.state, decision(told)["code"]) == (IncidentState.ESCALATED, "hold")


def test_a_ticket_whose_state_is_accepted_is_nobodys_until_that_is_over(bench: Bench) -> None:
    """No remedy answers a second root, so that such a drift is a person's at once."""
    check = "uid0_accounts"
    healing(bench)
    with (bench.tree / "etc/passwd").open("a") as passwd:
        passwd.write("toor:x:0:0::/root:/bin/sh\n")
    bench.observe(check)

    def told() -> IncidentRecord:
        bench.act()
        bench.report()
        return bench.central.records(check)[-1]

    record = told()
    assert (record.state, record.resolution_level) == (IncidentState.ESCALATED, ResolutionLevel.L3)
    accept(bench, check)
    record = told()
    assert (record.state, record.resolution_level) == (IncidentState.OPEN, None)
    assert decision(record)["code"] == "accepted"
    bench.central.mandates.accept()
    bench.check_in()
    assert told().state is IncidentState.ESCALATED


def test_an_order_does_not_repair_what_somebody_has_accepted(bench: Bench) -> None:
    order = waiting(bench)
    made = accept(bench)
    assert given(bench, order) == ("failed", "accepted")
    assert f"revoke {made.id} to have it repaired" in detail(bench, order)
    assert bench.mode == BAD_MODE


def test_nobody_tries_again_what_somebody_has_accepted(bench: Bench) -> None:
    made = accepted(bench)
    told = last(bench)
    order = ordering.order(bench.central, TryAgain(told.incident_id, CHECK), bench.host.id)
    assert given(bench, order) == ("failed", "accepted")
    assert f"revoke {made.id} to have it repaired" in detail(bench, order)
    assert (bench.mode, decision(last(bench))["code"]) == (BAD_MODE, "accepted")


def test_clearing_a_hold_makes_nothing_of_what_is_accepted(bench: Bench) -> None:
    """Neither a repair, nor a sentence that promises one."""
    accepted(bench)
    hold_commands.put(bench.layout, last(bench).incident_id, BOOK, "the vendor is at it")
    hold_commands.clear(bench.layout, 1, "the vendor is gone")
    bench.act()
    assert (bench.mode, decision(last(bench))["code"]) == (BAD_MODE, "accepted")
    (row,) = incident_commands.listed(bench.layout)
    assert "a person has accepted this state until a date" in row["sentence"]


def test_what_is_accepted_while_a_repair_is_decided_is_not_repaired(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The mandate comes between the look and the reservation."""
    healing(bench)
    bench.drift()
    bench.observe(CHECK)
    ledger = bench.agent.ledger
    room = ledger.require_room

    def comes() -> None:
        monkeypatch.setattr(ledger, "require_room", room)
        accept(bench)

    monkeypatch.setattr(ledger, "require_room", comes)
    bench.act()
    assert bench.mode == BAD_MODE
    bench.act()
    assert decision(last(bench))["code"] == "accepted"


def test_an_observing_site_tells_what_is_accepted_too(bench: Bench) -> None:
    bench.check_in()
    drifted(bench)
    accept(bench)
    bench.act()
    assert decision(last(bench))["code"] == "accepted"
    ordering.change_rule(bench.central, "runbook.ssh_config.harden", priority=1)
    bench.check_in()
    bench.act()
    assert decision(last(bench))["code"] == "accepted"
