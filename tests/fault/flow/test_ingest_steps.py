"""Central killed between any two steps of an ingest: all of a batch is stored, once, or none."""

import random
from collections.abc import AsyncIterator, Iterator

import httpx2
import pytest

from tests.harness.appliance import Appliance, issue_token
from tests.harness.flow import ROUNDS_UNTIL_USUAL, Flow
from tests.harness.served import Served, make_place
from tests.harness.wire import Trap, When
from wardline.core import ids

SAMPLED = 4
COMMIT = "COMMIT"
REQUEST_SECONDS_MAX = 30.0
SERVER_ERROR = 500

Point = tuple[int, When]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    made = Served(tmp_path_factory.mktemp("served"))
    yield made
    made.close()


@pytest.fixture
async def flow(served: Served) -> AsyncIterator[Flow]:
    """An enrolled appliance's flow that has come to its usual shape."""
    owner = await served.owner()
    token = await issue_token(owner, await make_place(owner))
    await owner.close()
    served.start_web()
    async with httpx2.AsyncClient(
        base_url=served.http.url,
        timeout=REQUEST_SECONDS_MAX,
        # A kept connection would end with the process that it leads to.
        limits=httpx2.Limits(max_keepalive_connections=0),
    ) as client:
        try:
            yield await _usual(
                Flow(served, Appliance(client, hosts=[ids.host(), ids.host()])), token
            )
        finally:
            served.kill_web()


async def _usual(flow: Flow, token: tuple[str, str]) -> Flow:
    answer = await flow.appliance.enrol(token)
    assert answer.status_code == 200, answer.text
    for _ in range(ROUNDS_UNTIL_USUAL - 1):
        await flow.suffer(flow.served.database, None, lambda: None)
    return flow


def _restart_web(served: Served) -> None:
    if served.web_ended() is None:
        served.kill_web()
    served.start_web()


async def _steps(flow: Flow) -> list[str]:
    """The steps of an ingest in a process that has answered the two requests after its start."""
    served = flow.served
    await flow.suffer(served.database, None, lambda: _restart_web(served))
    usual = await flow.suffer(served.database, None, lambda: _restart_web(served))
    return usual.labels


async def _kill_at(flow: Flow, steps: list[str], point: Point) -> None:
    served, (at, when) = flow.served, point
    trap = Trap(at, when, served.kill_web)
    suffered = await flow.suffer(served.database, trap, lambda: _restart_web(served))
    assert trap.label == steps[at], f"another step than last time in {suffered.labels}"
    assert suffered.answer is None, "a killed process answered"
    commit = len(steps) - 1 - steps[::-1].index(COMMIT)
    committed = at > commit or (at == commit and when is When.AFTER)
    assert suffered.stored == committed, f"killed at {steps[at]!r} ({at}), {when.value}"


def _points(steps: list[str]) -> list[Point]:
    return [(at, when) for at in range(len(steps)) for when in When]


async def test_a_kill_around_the_commit_or_at_a_random_step_leaves_a_whole_batch_or_none(
    flow: Flow, seed: int
) -> None:
    steps = await _steps(flow)
    commit = len(steps) - 1 - steps[::-1].index(COMMIT)
    around = [(commit, when) for when in When]
    others = [point for point in _points(steps) if point not in around]
    for point in around + random.Random(seed).sample(others, SAMPLED):
        await _kill_at(flow, steps, point)


@pytest.mark.full
async def test_a_kill_at_any_step_leaves_a_whole_batch_or_none(flow: Flow) -> None:
    steps = await _steps(flow)
    for point in _points(steps):
        await _kill_at(flow, steps, point)


@pytest.mark.parametrize(
    ("at", "when", "stored"),
    [(0, When.BEFORE, False), (1, When.BEFORE, True), (1, When.HALF, True)],
    ids=["before the request arrives", "before the answer leaves", "in mid answer"],
)
async def test_a_kill_on_the_way_to_or_from_the_appliance_changes_no_receipt(
    flow: Flow, at: int, when: When, stored: bool
) -> None:
    served = flow.served
    trap = Trap(at, when, served.kill_web)
    suffered = await flow.suffer(served.http, trap, lambda: _restart_web(served))
    assert suffered.answer is None
    assert suffered.stored == stored


async def test_a_database_killed_in_mid_batch_has_the_whole_batch_or_none_when_it_is_back(
    flow: Flow, seed: int
) -> None:
    served = flow.served
    steps = (await flow.suffer(served.database, None, lambda: None)).labels
    commit = len(steps) - 1 - steps[::-1].index(COMMIT)
    written = random.Random(seed).randrange(commit)
    for at, when in ((written, When.AFTER), (commit, When.BEFORE), (commit, When.AFTER)):
        trap = Trap(at, when, served.kill_database)
        suffered = await flow.suffer(served.database, trap, served.start_database)
        assert suffered.answer is not None, "the web process did not live through it"
        assert suffered.answer.status_code >= SERVER_ERROR, suffered.answer.text
        assert suffered.stored == (at == commit and when is When.AFTER)
    assert served.web_ended() is None
