"""Up the ladder on a real store: levels, the circuit breaker, the brake and its release."""

import os
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.integration.agent.bench import BAD_MODE, DRIFT, GOOD_MODE, Bench
from tests.integration.agent.switch import freeze_here, unfreeze_here
from wardline.agent import incident_commands, onsite, rival, stop_commands, stopping
from wardline.agent.hosts.rooted import RootedFiles
from wardline.agent.levels import Levels
from wardline.agent.planner.retrieval import Retrieval
from wardline.agent.runbooks import runbook
from wardline.agent.settings import Flap, Intervals
from wardline.agent.store import attempts, holds, stops
from wardline.agent.store.attempts import Versions
from wardline.core import clock, ids
from wardline.core.errors import Conflict, NotFound
from wardline.core.evidence.bundle import IncidentRecord, IncidentState, ResolutionLevel
from wardline.core.incidents import incident
from wardline.core.incidents.brake import Result
from wardline.core.incidents.remedy import Condition, Operator
from wardline.core.stops import ALL, Kind, Release, Stop, Subject

CHECK, BOOK = "file_permissions", "file_permissions.restore"
VERSION = Subject(Kind.RUNBOOK, BOOK, runbook.registry()[BOOK].digest)
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def healing(bench: Bench) -> Bench:
    bench.central.healing = "heal"
    bench.agent.healer._flap = Flap(heals=10_000)
    bench.check_in()
    return bench


def heal_again(bench: Bench) -> None:
    bench.drift()
    bench.observe(CHECK)
    bench.act()


def last(bench: Bench) -> IncidentRecord:
    bench.report()
    return bench.central.records(CHECK)[-1]


def code(bench: Bench) -> Any:
    decision = last(bench).decision
    return decision and decision["code"]


def known(bench: Bench, count: int, result: Result, ago: timedelta = timedelta(hours=1)) -> None:
    """So many runs of the present version, each of a drift of its own, like the one of the tests."""
    bench.drift()
    (measured,) = bench.observe(CHECK)
    (bench.tree / DRIFT).chmod(GOOD_MODE)
    bench.observe(CHECK)
    at = bench.clock() - ago
    with bench.agent.ledger.transaction() as tx:
        for _ in range(count):
            drift = incident.opened(
                ids.incident(), bench.central.site, ids.host(), measured, LONG_AGO
            )
            attempts.begin(tx, ids.new("run"), drift, Versions(VERSION, None), at)
            attempts.end(tx, drift.id, at, result)


def test_a_drift_that_no_remedy_answers_is_healed_by_what_lasted_before(healing: Bench) -> None:
    never = (Condition("nowhere", Operator.EXISTS, True),)
    unanswered = tuple(replace(one, conditions=never) for one in runbook.remedies())
    healing.agent.healer._levels = Levels(unanswered, (Retrieval(),))
    known(healing, 3, Result.STABLE)
    heal_again(healing)
    assert healing.mode == GOOD_MODE
    told = last(healing)
    assert (told.state, told.resolution_level) == (IncidentState.HEALED, ResolutionLevel.L2)
    assert told.decision is not None
    assert told.decision["verdict"] == "run"
    assert told.decision["plan"]["confidencePercent"] == 75
    assert told.decision["runId"].startswith("run_")


def test_without_a_plan_that_is_sure_enough_it_is_a_persons(healing: Bench) -> None:
    never = (Condition("nowhere", Operator.EXISTS, True),)
    unanswered = tuple(replace(one, conditions=never) for one in runbook.remedies())
    healing.agent.healer._levels = Levels(unanswered, (Retrieval(),))
    known(healing, 2, Result.STABLE)
    heal_again(healing)
    assert healing.mode == BAD_MODE
    told = last(healing)
    assert (told.state, told.resolution_level) == (IncidentState.ESCALATED, ResolutionLevel.L3)


def test_a_plan_of_a_site_that_only_observes_runs_nothing(bench: Bench) -> None:
    never = (Condition("nowhere", Operator.EXISTS, True),)
    unanswered = tuple(replace(one, conditions=never) for one in runbook.remedies())
    bench.check_in()
    bench.agent.healer._levels = Levels(unanswered, (Retrieval(),))
    known(bench, 9, Result.STABLE)
    heal_again(bench)
    assert bench.mode == BAD_MODE
    told = last(bench)
    assert told.state is IncidentState.OBSERVING
    assert told.decision is not None
    assert told.decision["would"]["verdict"] == "run"


def test_the_sixth_attempt_within_the_window_rests_over_a_restart_and_a_set_clock(
    healing: Bench,
) -> None:
    for _ in range(5):
        heal_again(healing)
        assert healing.mode == GOOD_MODE
    heal_again(healing)
    assert (healing.mode, code(healing)) == (BAD_MODE, "breaker")
    healing.restart()
    healing.clock.offset += timedelta(hours=2)
    healing.agent.healer._flap = Flap(heals=10_000)
    healing.agent.healer._intervals = Intervals(reevaluate_s=60)
    healing.act()
    assert healing.mode == BAD_MODE, "the clock was set, and half an hour has not passed"
    healing.clock.sleep(timedelta(minutes=28))
    healing.act()
    assert (healing.mode, code(healing)) == (BAD_MODE, "breaker")
    healing.clock.sleep(timedelta(minutes=3))
    healing.act()
    assert healing.mode == GOOD_MODE, "it closes by itself"


def test_a_version_that_failed_three_times_in_a_day_is_stopped_until_a_person_releases_it(
    healing: Bench,
) -> None:
    known(healing, 3, Result.FAILED)
    with healing.agent.ledger.transaction() as tx:
        (made,) = stops.look(tx, (VERSION,), "inc_x", healing.clock())
        assert stops.look(tx, (VERSION,), "inc_x", healing.clock()) == []
    heal_again(healing)
    assert (healing.mode, code(healing)) == (BAD_MODE, "brake")
    (step,) = (one for one in last(healing).decision["trace"] if one["check"] == "brake")  # type: ignore[index]
    assert "3 of 3 runs failed" in step["detail"]
    # A restart forgets nothing.
    healing.restart()
    healing.act()
    assert healing.mode == BAD_MODE
    (listed,) = stop_commands.listed(healing.layout, everything=False)
    assert (listed["id"], listed["failed"], listed["runs"]) == (made.id, 3, 3)
    released = stop_commands.release(healing.layout, made.id, "looked into it")
    assert released["released_by"].startswith("appliance:")
    assert stop_commands.listed(healing.layout, everything=False) == []
    assert len(stop_commands.listed(healing.layout, everything=True)) == 1
    with pytest.raises(Conflict):
        stopping.release(healing.agent.ledger, made.id, onsite.account(), "again")
    with pytest.raises(NotFound):
        stopping.release(healing.agent.ledger, ids.new("stop"), "me", "no such thing")
    healing.act()
    assert healing.mode == GOOD_MODE
    with healing.agent.ledger.transaction() as tx:
        assert stops.look(tx, (VERSION,), "inc_x", healing.clock()) == [], "counted once"


def test_a_drift_whose_only_repair_is_stopped_is_a_persons_until_that_is_released(
    healing: Bench,
) -> None:
    known(healing, 3, Result.FAILED)
    with healing.agent.ledger.transaction() as tx:
        (made,) = stops.look(tx, (VERSION,), "inc_x", healing.clock())
    heal_again(healing)
    told = last(healing)
    assert (told.state, told.resolution_level) == (IncidentState.ESCALATED, ResolutionLevel.L3)
    (row,) = incident_commands.listed(healing.layout)
    assert "because its version was stopped after failures" in row["sentence"]
    assert "a person has to act" in row["sentence"]
    # Neither another look nor a freeze that comes and goes makes it anything else.
    sent = len(healing.central.stored)
    freeze_here(healing)
    healing.act()
    unfreeze_here(healing)
    healing.act()
    healing.report()
    assert len(healing.central.stored) == sent
    stop_commands.release(healing.layout, made.id, "looked into it")
    healing.act()
    told = last(healing)
    assert (told.state, told.resolution_level) == (IncidentState.HEALED, ResolutionLevel.L1)


def test_a_version_that_is_stopped_and_would_run_if_the_site_healed_is_observed(
    bench: Bench,
) -> None:
    bench.check_in()
    known(bench, 3, Result.FAILED)
    with bench.agent.ledger.transaction() as tx:
        stops.look(tx, (VERSION,), "inc_x", bench.clock())
    heal_again(bench)
    told = last(bench)
    assert told.state is IncidentState.OBSERVING
    assert (told.decision or {})["would"]["code"] == "brake"


def test_the_run_that_is_one_too_many_stops_its_version_where_it_ends(healing: Bench) -> None:
    known(healing, 2, Result.FAILED)
    os.link(healing.tree / DRIFT, healing.tree / "etc/other")
    heal_again(healing)
    assert healing.mode == BAD_MODE, "what has another name is not changed"
    with healing.agent.ledger.reading() as tx:
        (made,) = stops.in_force(tx)
    assert (made.subject, made.failed, made.runs) == (VERSION, 3, 3)
    (told,) = (one for one in last(healing).decision["trace"] if one["check"] == "brake")  # type: ignore[index]
    assert told["outcome"] == "pass", "the decision was made before"


def test_a_run_that_a_person_had_undone_counts_as_one_that_failed(healing: Bench) -> None:
    known(healing, 2, Result.FAILED)
    heal_again(healing)
    told = last(healing).decision
    assert told is not None
    with healing.agent.ledger.transaction() as tx:
        assert stops.in_force(tx) == []
        (made,) = stops.undone(tx, told["runId"], "inc_x", healing.clock())
    assert (made.subject, made.failed, made.runs) == (VERSION, 3, 3)


def test_what_central_stopped_stands_still_and_its_release_lets_it_run(healing: Bench) -> None:
    stopped = Stop(ids.new("stop"), VERSION, clock.parse("2026-11-25T10:00:00.000Z"), 3, 3)
    healing.central.mandates.stops.append(stopped)
    healing.central.mandates.count += 1
    heal_again(healing)
    assert healing.mode == GOOD_MODE, "nothing is known of it yet"
    healing.check_in()
    heal_again(healing)
    assert (healing.mode, code(healing)) == (BAD_MODE, "brake")
    known_here = replace(stopped, id=ids.new("stop"))
    with healing.agent.ledger.transaction() as tx:
        stops._add(tx, replace(known_here, stopped_at=healing.clock()), "inc_x")
    healing.check_in()
    (told,) = healing.central.mandates.told
    assert (told["id"], told["released_at"]) == (known_here.id, None)
    released = Release(healing.clock(), "Mia")
    healing.central.mandates.stops[:] = [
        replace(stopped, released=released),
        replace(known_here, released=released),
    ]
    healing.central.mandates.count += 1
    healing.check_in()
    healing.act()
    assert healing.mode == GOOD_MODE
    healing.check_in()
    ended = healing.central.mandates.told[-1]
    assert (ended["id"], ended["released_by"]) == (known_here.id, "Mia")
    assert len(healing.central.mandates.told) == 2, "what was told is not told again"


def test_everything_stopped_is_everything(healing: Bench) -> None:
    healing.central.mandates.stops.append(Stop(ids.new("stop"), ALL, healing.clock(), 0, 0))
    healing.central.mandates.count += 1
    healing.check_in()
    heal_again(healing)
    assert (healing.mode, code(healing)) == (BAD_MODE, "brake")


def flapped(bench: Bench, audited: str) -> str:
    """Why the hold was set on a drift that came back while the audit log says this."""
    bench.agent.healer._flap = Flap(heals=1)
    heal_again(bench)
    assert bench.mode == GOOD_MODE
    (bench.tree / "var/log/audit").mkdir(parents=True)
    (bench.tree / "var/log/audit/audit.log").write_text(audited)
    heal_again(bench)
    assert bench.mode == BAD_MODE
    with bench.agent.ledger.reading() as tx:
        (held,) = holds.active(tx)
    return held.reason


def test_a_hostile_audit_log_keeps_no_hold_from_being_set(healing: Bench) -> None:
    reason = flapped(
        healing,
        'type=SYSCALL msg=audit(999999999999.500:9): success=yes auid=1000 exe="/usr/bin/x"\n'
        f'type=PATH msg=audit(999999999999.500:9): item=0 name="/{DRIFT}" nametype=NORMAL\n',
    )
    assert "drifted again" in reason
    assert "(the host's audit log)" not in reason


def test_a_look_for_the_rival_that_fails_keeps_no_hold_from_being_set(
    healing: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = RootedFiles.read

    def broken(host: RootedFiles, path: str, *args: Any) -> bytes:
        if path == rival.AUDIT_LOG:
            raise MemoryError("the disk returned nonsense")
        return read(host, path, *args)

    monkeypatch.setattr(RootedFiles, "read", broken)
    assert "not known, for looking failed (MemoryError" in flapped(healing, "")


def test_a_hold_names_who_undid_the_repair_where_the_host_can_tell(healing: Bench) -> None:
    healing.agent.healer._flap = Flap(heals=1)
    (healing.tree / "etc/passwd").write_text(
        "root:x:0:0:root:/root:/bin/sh\nbob:x:1000:1000:Bob:/home/bob:/bin/bash\n"
    )
    heal_again(healing)
    assert healing.mode == GOOD_MODE
    at = int(healing.clock().timestamp()) + 1
    (healing.tree / "var/log/audit").mkdir(parents=True)
    (healing.tree / "var/log/audit/audit.log").write_text(
        f'type=SYSCALL msg=audit({at}.500:9): success=yes auid=1000 exe="/usr/bin/chmod"\n'
        f'type=PATH msg=audit({at}.500:9): item=0 name="/{DRIFT}" nametype=NORMAL\n'
    )
    heal_again(healing)
    assert healing.mode == BAD_MODE
    with healing.agent.ledger.reading() as tx:
        (held,) = holds.active(tx)
    assert f"The likely rival: bob changed /{DRIFT} at" in held.reason
    assert "with /usr/bin/chmod (the host's audit log)" in held.reason
