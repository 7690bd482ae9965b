"""Restores while others read: every answer comes of exactly one whole set of rules."""

import asyncio
from collections import Counter
from typing import Any

import pytest

from tests.integration.central.policies.backing import Place, rule
from tests.integration.central.policies.test_endpoints import ALERT

RULES = 20
RESTORES, RESTORES_FULL = 25, 200
READERS = 4
SETS = ("red", "blue")


def rules_of(colour: str) -> list[dict[str, Any]]:
    """Half of the ids are in both sets, with other contents; the other half in this one only.

    Every rule fits ALERT, so that the trace of a decision names all of them.
    """
    return [
        rule(
            f"{'both' if number % 2 else colour}.{number:02}",
            priority=number + (5 if colour == "red" else 9),
            params={"set": colour},
            limits={},
        )
        for number in range(RULES)
    ]


def set_of_list(answer: dict[str, Any]) -> str:
    """Which set a list is; fails where it is none of them, or a mixture."""
    found = {each["params"]["set"] for each in answer["data"]}
    assert len(found) == 1, f"a mixture: {found}, {len(answer['data'])} rules"
    colour: str = found.pop()
    ids = [each["id"] for each in answer["data"]]
    assert ids == sorted(each["id"] for each in rules_of(colour))
    return colour


def set_of_decision(decision: dict[str, Any], colours: dict[int, str]) -> str:
    """Which set a decision comes of; fails where any rule in its trace is not of that set."""
    assert decision["type"] == "allow", decision
    colour = decision["resolvedParams"]["set"]
    assert colours.setdefault(decision["policyRevision"], colour) == colour
    wanted = {each["id"] for each in rules_of(colour)}
    (winner,) = [each for each in rules_of(colour) if each["priority"] == max_priority(colour)]
    assert decision["ruleId"] == winner["id"]
    named = {
        word.strip(".,:;'\"")
        for step in decision["trace"]
        for word in str(step).replace("[", " ").replace("]", " ").split()
    }
    others = {each["id"] for each in rules_of(next(one for one in SETS if one != colour))}
    assert not named & (others - wanted), "a rule of the other set took part"
    return colour


def max_priority(colour: str) -> int:
    return max(each["priority"] for each in rules_of(colour))


@pytest.mark.parametrize(
    "restores", [RESTORES, pytest.param(RESTORES_FULL, marks=pytest.mark.full)]
)
async def test_every_read_sees_exactly_one_whole_set(place: Place, restores: int) -> None:
    """Defect 5: during restores 98 % of concurrent reads saw zero rules."""
    backups = []
    for colour in SETS:
        for rule_id in await place.listed():
            await place.post("/delete", {"id": rule_id})
        await place.create(*rules_of(colour))
        backups.append(await place.backup())
    done = asyncio.Event()
    seen: Counter[tuple[str, str]] = Counter()
    colours: dict[int, str] = {}

    async def read() -> None:
        while not done.is_set():
            listed = await place.get("/list")
            assert listed.status_code == 200, listed.text
            seen["list", set_of_list(listed.json())] += 1
            judged = await place.post("/test", {"alert": ALERT})
            assert judged.status_code == 200, judged.text
            seen["test", set_of_decision(judged.json()["decision"], colours)] += 1

    async def keep_restoring() -> None:
        try:
            for number in range(restores):
                answer = await place.restore(backups[number % 2])
                assert answer.status_code == 200, answer.text
        finally:
            done.set()

    async with asyncio.TaskGroup() as group:
        for _ in range(READERS):
            group.create_task(read())
        group.create_task(keep_restoring())
    for what in ("list", "test"):
        for colour in SETS:
            assert seen[what, colour] > READERS, seen
    assert len(set(colours)) > restores / 2, "decisions came of most of the revisions"
    files = (await place.get("/backups")).json()["files"]
    assert len(files) == restores + len(SETS), "each restore made its safety backup"


async def test_restores_and_writes_at_once_take_turns(place: Place) -> None:
    await place.create(*rules_of("red"))
    red = await place.backup()
    await place.create(rule("later", params={"set": "red"}))
    answers = await asyncio.gather(
        *(place.restore(red) for _ in range(3)),
        *(place.post("/create", rule(f"new.{number}")) for number in range(4)),
    )
    assert [each.status_code for each in answers] == [200] * 7
    assert [number for number, _, _ in await place.book.revisions()] == list(range(1, 10))
    events = [each["type"] for each in await place.book.events()]
    assert sorted(events[2:]) == ["created"] * 4 + ["restored"] * 3
    after = events[len(events) - events[::-1].index("restored") :]
    assert len(await place.listed()) == RULES + len(after), "what came before is gone"
