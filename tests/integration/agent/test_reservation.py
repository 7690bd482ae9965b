"""Limits under many deciders at once: taken with the decision, in flight or dead, never passed."""

import os
import threading
from collections.abc import Callable
from datetime import timedelta

import pytest

from tests.harness import ordering
from tests.integration.agent.bench import Bench
from wardline.agent import agent
from wardline.agent.checks import check
from wardline.agent.judge import Case
from wardline.agent.keeping import Keeper
from wardline.agent.repair import Repairs, Reserved
from wardline.agent.roster import Member
from wardline.agent.runbooks import runbook
from wardline.agent.settings import HostSettings
from wardline.agent.standing import Standings
from wardline.agent.store import incidents, policies, results, runs
from wardline.agent.store.mandates import Recipient
from wardline.core import ids
from wardline.core.incidents import incident, remedy
from wardline.core.incidents.incident import Incident

CHECK = "file_permissions"
RULE = "runbook.file_permissions.restore"
DECIDERS = 50
LIMIT = 5
RESERVED, NOT_RESERVED = 0, 3


@pytest.fixture(params=["maxRunsPerSitePerHour", "maxConcurrentPerSite"])
def drifts(bench: Bench, request: pytest.FixtureRequest) -> list[Incident]:
    """As many drifted hosts as deciders, under a rule that lets a few of them be repaired."""
    bench.central.healing = "heal"
    ordering.change_rule(bench.central, RULE, limits={request.param: LIMIT})
    bench.check_in()
    bench.drift()
    (found,) = bench.observe(CHECK)
    made = []
    with bench.agent.ledger.transaction() as tx:
        for _ in range(DECIDERS):
            host_id, at = ids.host(), bench.clock()
            one = incident.opened(ids.incident(), bench.central.site, host_id, found, at)
            incidents.save(tx, one)
            results.save(tx, host_id, found)
            made.append(one)
    return made


def _decide(bench: Bench, drift: Incident) -> Reserved | None:
    """One decider with a connection of its own, as a process of its own has."""
    ledger = agent.open_ledger(bench.layout, bench.settings, bench.clock)
    try:
        with ledger.reading() as tx:
            key = policies.public_key(bench.settings.central.policy_key)
            policy = policies.load(tx, key, ledger.site_id)
            known = incidents.get(tx, drift.id)
        assert known is not None
        host = next(iter(bench.agent_roster)).host
        declared = HostSettings(id=drift.host_id, name="x", kind="tree", root=bench.tree)
        member = Member(declared, host)
        standings = Standings(Recipient(key, ledger.site_id, ledger.appliance_id))
        keeper = Keeper(ledger, agent.open_before_states(bench.layout, bench.settings, ledger))
        repairs = Repairs(ledger, check.registry(), standings, bench.agent.bells, 900, keeper)
        case = Case(known, member, known.before, policy, ledger.moment(), 300, bench.flap)
        (one,) = remedy.candidates(runbook.remedies(), CHECK, known.before.facts)
        reserved = repairs.reserve(case, one)
        return reserved if isinstance(reserved, Reserved) else None
    finally:
        ledger.database.close()


def _in_threads(bench: Bench, drifts: list[Incident]) -> int:
    barrier, taken = threading.Barrier(DECIDERS), []

    def decide(drift: Incident) -> None:
        barrier.wait()
        taken.append(_decide(bench, drift))

    threads = [threading.Thread(target=decide, args=(one,)) for one in drifts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(taken) == DECIDERS
    return sum(one is not None for one in taken)


def _in_processes(bench: Bench, drifts: list[Incident]) -> int:
    """Forked ones, let go together; each dies at once, so that none ends what it reserved."""
    bench.agent.close()
    gate, opened = os.pipe()
    children = []
    for drift in drifts:
        child = os.fork()
        if child == 0:
            code = 1
            try:
                os.close(opened)
                os.read(gate, 1)
                code = NOT_RESERVED if _decide(bench, drift) is None else RESERVED
            finally:
                os._exit(code)
        children.append(child)
    os.close(gate)
    os.close(opened)
    codes = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
    bench.agent = bench.open()
    assert set(codes) <= {RESERVED, NOT_RESERVED}, codes
    return codes.count(RESERVED)


@pytest.mark.parametrize("together", [_in_threads, _in_processes])
def test_deciders_that_act_at_once_never_pass_a_limit_together(
    bench: Bench, drifts: list[Incident], together: Callable[[Bench, list[Incident]], int]
) -> None:
    assert together(bench, drifts) == LIMIT
    with bench.agent.ledger.reading() as tx:
        taken = runs.since(tx, bench.clock() - timedelta(days=1))
    assert len(taken) == LIMIT
    assert not any(run.ended for run in taken)


def test_one_drift_is_reserved_once(bench: Bench, drifts: list[Incident]) -> None:
    assert _in_threads(bench, [drifts[0]] * DECIDERS) == 1
