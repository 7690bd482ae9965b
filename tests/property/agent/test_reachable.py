"""What stops a version and what makes a plan can be reached, whatever pace a policy allows.

Runs are begun as early as the policy's own evaluation lets them, and kept and forgotten by the
agent's own store.
"""

import math
from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.unit.core.incidents.drift import failed, remedy
from tests.unit.core.policy import scene
from wardline.agent.planner import planner, retrieval
from wardline.agent.planner.planner import CONFIDENCE_LEAST, Question
from wardline.agent.planner.retrieval import Retrieval
from wardline.agent.scrub.scrubber import Scrubber
from wardline.agent.store import attempts, stops
from wardline.agent.store.attempts import Versions
from wardline.agent.store.database import Database, Transaction
from wardline.core import clock, ids
from wardline.core.incidents import brake, incident
from wardline.core.incidents.brake import Result
from wardline.core.policy import compiled, usage
from wardline.core.policy.decision import Verdict
from wardline.core.policy.request import Counters, HostUsage, RuleUsage, State
from wardline.core.policy.rule import Policy, Rule
from wardline.core.policy.usage import Tally
from wardline.core.policy.wire import MINUTES_MAX
from wardline.core.stops import Kind, Subject

START = clock.parse("2026-11-20T12:00:00.000Z")
MINUTE, RUN = timedelta(minutes=1), timedelta(seconds=10)
USED = Versions(Subject(Kind.RUNBOOK, "fix", "ab" * 32), Subject(Kind.RULE, "r", "1"))
# So many verified heals of the same drift make a plan that is sure enough.
HEALS = math.ceil(CONFIDENCE_LEAST * retrieval.ASSUMED_AGAINST / (1 - CONFIDENCE_LEAST))
BYTES_MAX = 8 << 20

COOLDOWNS = st.none() | st.integers(1, MINUTES_MAX) | st.integers(1, 60 * 24 * 8)
LIMITS = st.fixed_dictionaries(
    {},
    optional={
        "maxRunsPerHostPerDay": st.integers(1, 5),
        "maxRunsPerSitePerHour": st.integers(1, 5),
    },
)
one_store = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    folder = tmp_path_factory.mktemp("store")
    made = Database(
        folder / "agent.db", BYTES_MAX, clock.system, folder / "ballast", Scrubber.ephemeral()
    )
    yield made
    made.close()


def _forget(tx: Transaction) -> None:
    for table in ("attempts", "stops", "releases"):
        tx.execute(f"DELETE FROM {table}")


def _rule(cooldown: int | None, limits: dict[str, int]) -> Rule:
    given = {"limits": limits} if limits else {}
    return scene.rule(**given, **({} if cooldown is None else {"cooldownMinutes": cooldown}))


def _hosts(count: int, within: timedelta, cooldown: int | None) -> list[str]:
    """As many hosts as it takes for so many runs in that time, where each waits for its cooldown."""
    each = count if cooldown is None else (within - MINUTE) // timedelta(minutes=cooldown) + 1
    return [f"h{number}" for number in range(math.ceil(count / each))]


def _paced(rule: Rule, hosts: list[str], count: int) -> list[tuple[str, datetime]]:
    """So many runs, each as early as the policy lets it be."""
    index, ran = compiled.build(Policy((rule,), 1)), list[tuple[str, datetime]]()
    steps = [usage.HOUR, usage.DAY, timedelta(minutes=rule.cooldown_minutes or 1)]
    while len(ran) < count:
        latest = ran[-1][1] if ran else START
        times = {latest, *(at + step for _, at in ran for step in steps if at + step > latest)}
        ran.append(next(_allowed(index, ran, hosts, times)))
    return ran


def _allowed(
    index: compiled.Compiled,
    ran: list[tuple[str, datetime]],
    hosts: list[str],
    times: set[datetime],
) -> Iterator[tuple[str, datetime]]:
    for at in sorted(times):
        for host in hosts:
            asked = scene.request(at=at.isoformat(), host=host)
            if index.evaluate(asked, _state(ran, host, at)).verdict is Verdict.RUN:
                yield host, at


def _state(ran: list[tuple[str, datetime]], host: str, now: datetime) -> State:
    of_rule, on_host = RuleUsage(), HostUsage()
    for where, at in ran:
        of_rule = usage.of_rule(of_rule, Tally(at), now)
        on_host = usage.on_host(on_host, Tally(at), now) if where == host else on_host
    return State(counters=Counters({"r": of_rule}, {"fix": on_host}))


def _run(tx: Transaction, host: str, at: datetime, result: Result) -> str:
    drift = incident.opened(ids.incident(), "site_x", host, failed(), at)
    attempts.begin(tx, ids.new("run"), drift, USED, at)
    attempts.end(tx, drift.id, at + RUN, result)
    attempts.prune(tx, at + RUN)
    return drift.id


@given(cooldown=COOLDOWNS, limits=LIMITS)
@one_store
def test_a_version_whose_every_run_fails_is_stopped_at_the_fifth_at_the_latest(
    store: Database, cooldown: int | None, limits: dict[str, int]
) -> None:
    hosts = _hosts(brake.RUNS_LEAST, brake.SHARE_WITHIN, cooldown)
    with store.transaction() as tx:
        _forget(tx)
        made = list[Subject]()
        for number, (host, at) in enumerate(
            _paced(_rule(cooldown, limits), hosts, brake.RUNS_LEAST), 1
        ):
            incident_id = _run(tx, host, at, Result.FAILED)
            found = stops.look(tx, USED.subjects, incident_id, at + RUN)
            assert number >= brake.FAILED_MAX or not found, "a stop of too few runs"
            made += [one.subject for one in found]
        assert set(made) == set(USED.subjects)
        assert len(made) == len(USED.subjects), "stopped once"


@given(cooldown=COOLDOWNS, limits=LIMITS)
@one_store
def test_what_lasted_each_time_is_a_plan_at_the_third_and_not_before(
    store: Database, cooldown: int | None, limits: dict[str, int]
) -> None:
    hosts = _hosts(HEALS, timedelta(days=attempts.KEPT_DAYS), cooldown)
    with store.transaction() as tx:
        _forget(tx)
        for number, (host, at) in enumerate(_paced(_rule(cooldown, limits), hosts, HEALS), 1):
            _run(tx, host, at, Result.STABLE)
            assert bool(_proposed(tx)) is (number == HEALS)


def _proposed(tx: Transaction) -> tuple[planner.Proposal, ...]:
    drift = incident.opened(ids.incident(), "site_x", "h0", failed(), START)
    return planner.propose(
        (Retrieval(),),
        Question(
            incident_id=drift.id,
            check=drift.check,
            pattern=drift.pattern_signature,
            facts=failed().facts,
            offers=(remedy("fix"),),
            digests={"fix": USED.runbook.version},
            past=attempts.past(tx, drift.check, drift.id),
        ),
    )


def test_nothing_that_a_threshold_counts_is_forgotten_before_it_can_be_reached() -> None:
    assert HEALS == 3
    assert timedelta(days=attempts.KEPT_DAYS) >= brake.SHARE_WITHIN >= brake.FAILED_WITHIN
    assert brake.RUNS_LEAST <= attempts.COUNTED_MAX <= attempts.KEPT_MAX
    assert attempts.PAST_MAX >= HEALS
