"""What every store keeps of the history of its rules: one suite, run over each of them.

A test class that inherits from `HistorySuite` gives the fixtures `served` and `beside`, the latter
another server on the same store.
"""

import asyncio
import random
from typing import Any

import httpx2

from tests.harness.policy_contract import RULE, Served, done, listed

V1 = "/api/v1/policies"
STAMP = {"revision", "createdBy", "createdAt", "updatedBy", "updatedAt"}
RACERS = 12


def _named(rule_id: str, priority: int = 0) -> dict[str, Any]:
    return RULE | {"id": rule_id, "priority": priority}


async def authored(served: Served) -> dict[str, dict[str, Any]]:
    """The rules in force by id, as somebody wrote them."""
    return {
        rule["id"]: {key: value for key, value in rule.items() if key not in STAMP}
        for rule in await listed(served.reader)
    }


async def get(client: httpx2.AsyncClient, path: str, **query: Any) -> httpx2.Response:
    return await client.get(_address(client, path), params=query)


async def read(served: Served, path: str, **query: Any) -> dict[str, Any]:
    answer = await get(served.reader, path, **query)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    assert found.pop("ok") is True
    return found


async def back(
    client: httpx2.AsyncClient, to: int, seen: object, path: str = "/rollback", **changes: Any
) -> httpx2.Response:
    headers = {} if seen is None else {"if-match": str(seen)}
    body = {"revision": to, "reason": "it was better before"} | changes
    return await client.post(_address(client, path), json=body, headers=headers)


async def three_revisions(served: Served) -> None:
    """1: a and b; 2: a is changed; 3: b is gone."""
    await done(served.manager, "/create", {"rules": [_named("a"), _named("b")]})
    await done(served.manager, "/update?reason=more+first", _named("a", 5))
    await done(served.manager, "/delete", {"id": "b"})


class HistorySuite:
    async def test_revisions_are_listed_newest_first_by_page(self, served: Served) -> None:
        await three_revisions(served)
        answer = await get(served.reader, "/revisions", limit=2)
        assert answer.headers["etag"] == '"3"'
        page = answer.json()
        assert [each["revision"] for each in page["items"]] == [3, 2]
        assert [each["counts"] for each in page["items"]] == [
            {"added": 0, "changed": 0, "removed": 1},
            {"added": 0, "changed": 1, "removed": 0},
        ]
        assert page["items"][1]["reason"] == "more first"
        rest = await read(served, "/revisions", limit=2, cursor=page["next"])
        (first,) = rest["items"]
        assert (first["revision"], first["reason"], rest["next"]) == (1, None, None)
        assert first["counts"] == {"added": 2, "changed": 0, "removed": 0}
        assert first["author"]
        assert first["createdAt"].endswith("Z")

    async def test_a_revision_tells_what_it_changed_by_path(self, served: Served) -> None:
        await three_revisions(served)
        first, second, third = [await read(served, f"/revisions/{n}") for n in (1, 2, 3)]
        assert [each["change"] for each in first["changes"]] == ["added", "added"]
        assert first["changes"][0]["after"] == RULE | {"id": "a"}
        assert second["changes"] == [
            {"id": "a", "change": "changed", "fields": [{"path": "$.priority", "after": 5}]}
        ]
        (gone,) = third["changes"]
        assert (gone["id"], gone["change"]) == ("b", "removed")
        assert gone["before"]["limits"] == {"maxDailyPct": 1.5}

    async def test_two_revisions_differ_in_either_direction(self, served: Served) -> None:
        await three_revisions(served)
        there = await read(served, "/diff", **{"from": 1, "to": 3})
        assert there["counts"] == {"added": 0, "changed": 1, "removed": 1}
        assert [(each["id"], each["change"]) for each in there["changes"]] == [
            ("a", "changed"),
            ("b", "removed"),
        ]
        again = await read(served, "/diff", **{"from": 3, "to": 1})
        assert again["counts"] == {"added": 1, "changed": 1, "removed": 0}
        assert again["changes"][0]["fields"] == [{"path": "$.priority", "before": 5}]
        page = await read(served, "/diff", **{"from": 3, "to": 1, "limit": 1})
        rest = await read(
            served, "/diff", **{"from": 3, "to": 1, "limit": 1, "cursor": page["next"]}
        )
        assert page["changes"] + rest["changes"] == again["changes"]
        same = await read(served, "/diff", **{"from": 2, "to": 2})
        assert (same["changes"], same["next"]) == ([], None)
        whole = await read(served, "/diff", **{"from": 0, "to": 1})
        assert whole["counts"]["added"] == 2

    async def test_a_rule_shows_its_versions(self, served: Served) -> None:
        await three_revisions(served)
        answer = await get(served.reader, "/rules/b/versions")
        assert answer.headers["etag"] == '"3"'
        removed, made = answer.json()["items"]
        assert (removed["revision"], removed["rule"]) == (3, None)
        assert (made["revision"], made["rule"]["id"]) == (1, "b")
        unknown = await get(served.reader, "/rules/nobody/versions")
        assert (unknown.status_code, unknown.json()["code"]) == (404, "revision_unknown")

    async def test_an_id_with_slashes_and_letters_beyond_ascii_has_a_history(
        self, served: Served
    ) -> None:
        await done(served.manager, "/create", _named("äu/versions/1"))
        found = await read(served, "/rules/%C3%A4u%2Fversions%2F1/versions")
        assert [each["revision"] for each in found["items"]] == [1]

    async def test_rolling_back_is_a_new_revision_with_the_old_rules(self, served: Served) -> None:
        await done(served.manager, "/create", {"rules": [_named("a"), _named("b")]})
        before = await authored(served)
        await done(served.manager, "/create", {"rules": [_named("a", 5), _named("c")]})
        await done(served.manager, "/delete", {"id": "b"})
        async with served.listening() as socket:
            answer = await back(served.manager, 1, '"3"')
            assert answer.status_code == 200, answer.text
            assert answer.json() == {
                "ok": True,
                "revision": 4,
                "counts": {"added": 1, "changed": 1, "removed": 1},
            }
            event = await socket.next()
            assert {key: event[key] for key in ("service", "type", "from")} == {
                "service": "policy",
                "type": "restored",
                "from": "revision 1",
            }
        assert answer.headers["etag"] == '"4"'
        assert await authored(served) == before
        told = await read(served, "/revisions/4")
        assert told["reason"] == "rolled back to revision 1: it was better before"

    async def test_a_rule_that_is_the_same_keeps_its_stamp(self, served: Served) -> None:
        await done(served.manager, "/create", {"rules": [_named("a"), _named("b")]})
        await done(served.manager, "/update", _named("a", 5))
        assert (await back(served.manager, 1, '"2"')).status_code == 200
        revisions = {rule["id"]: rule["revision"] for rule in await listed(served.reader)}
        assert revisions == {"a": 3, "b": 1}

    async def test_one_rule_is_rolled_back_and_the_others_stay(self, served: Served) -> None:
        await three_revisions(served)
        async with served.listening() as socket:
            for rule_id, to, seen, kind in (
                ("b", 1, '"3"', "created"),
                ("a", 1, '"2"', "updated"),
                ("b", 3, '"4"', "deleted"),
            ):
                answer = await back(served.manager, to, seen, f"/rules/{rule_id}/rollback")
                assert answer.status_code == 200, answer.text
                event = await socket.next()
                assert (event["type"], event["id"]) == (kind, rule_id)
        (rule,) = await listed(served.reader)
        assert (rule["id"], rule.get("priority", 0), rule["revision"]) == ("a", 0, 5)

    async def test_a_roll_back_names_what_it_replaces(self, served: Served) -> None:
        await three_revisions(served)
        for path in ("/rollback", "/rules/a/rollback"):
            unseen = await back(served.manager, 1, None, path)
            assert (unseen.status_code, unseen.json()["code"]) == (428, "if_match_missing")
            stale = await back(served.manager, 1, '"1"', path)
            assert (stale.status_code, stale.json()["code"]) == (412, "policy_changed")
            foreign = await back(served.manager, 1, "W/x, abc", path)
            assert foreign.status_code == 412
        assert (await authored(served))["a"]["priority"] == 5
        assert (await back(served.manager, 1, "*")).status_code == 200

    async def test_what_cannot_be_rolled_back_changes_nothing(self, served: Served) -> None:
        await three_revisions(served)
        cases: list[tuple[dict[str, Any], int, str]] = [
            ({"to": 9}, 404, "revision_unknown"),
            ({"to": 3}, 409, "nothing_to_roll_back"),
            ({"to": 0}, 422, "rule_invalid"),
            ({"to": True}, 422, "rule_invalid"),
            ({"to": 1, "reason": " "}, 422, "rule_invalid"),
            ({"to": 1, "reason": "a\nb"}, 422, "rule_invalid"),
            ({"to": 1, "reason": "x" * 501}, 422, "rule_invalid"),
            ({"to": 1, "who": "me"}, 422, "rule_invalid"),
        ]
        for given, status, code in cases:
            refused = await back(served.manager, seen='"3"', **given)
            assert (refused.status_code, refused.json()["code"]) == (status, code), given
        gone = await back(served.manager, 1, '"3"', "/rules/nobody/rollback")
        assert (gone.status_code, gone.json()["code"]) == (404, "revision_unknown")
        assert (await read(served, "/revisions"))["revision"] == 3

    async def test_a_reader_reads_and_does_not_roll_back(self, served: Served) -> None:
        await three_revisions(served)
        for path in ("/rollback", "/rules/a/rollback"):
            assert (await back(served.reader, 1, "*", path)).status_code == 403
        assert (await read(served, "/revisions"))["revision"] == 3

    async def test_a_foreign_cursor_is_refused(self, served: Served) -> None:
        await three_revisions(served)
        for cursor in ("!", "YQ", "AA", "x" * 5000):
            assert (await get(served.reader, "/revisions", cursor=cursor)).status_code == 422

    async def test_of_many_who_roll_back_and_edit_at_once_one_wins_each_revision(
        self, served: Served, beside: Served
    ) -> None:
        """Everybody has seen revision 3, through two servers; what one did nobody undoes."""
        await three_revisions(served)
        racers = [
            back((served, beside)[turn % 2].manager, 1 + turn % 2, '"3"') for turn in range(RACERS)
        ]
        answers = await asyncio.gather(*racers)
        codes = sorted(answer.status_code for answer in answers)
        assert codes == [200, *[412] * (RACERS - 1)]
        assert (await read(served, "/revisions"))["revision"] == 4

    async def test_an_edit_and_a_roll_back_of_one_rule_do_not_lose_each_other(
        self, served: Served, beside: Served
    ) -> None:
        await done(served.manager, "/create", _named("a"))
        made = await done(served.manager, "/update", _named("a", 1))
        for turn in range(6):
            seen = made.headers["etag"]
            edit, way_back = await asyncio.gather(
                served.manager.post(
                    "/update", json=_named("a", turn + 2), headers={"if-match": seen}
                ),
                back(beside.manager, 1, seen, "/rules/a/rollback"),
            )
            assert sorted((edit.status_code, way_back.status_code)) == [200, 412]
            won = edit if edit.status_code == 200 else way_back
            expected = turn + 2 if won is edit else 0
            (rule,) = await listed(served.reader)
            assert rule.get("priority", 0) == expected
            assert won.headers["etag"] == f'"{rule["revision"]}"'
            made = await done(served.manager, "/update", _named("a", 90 + turn))

    async def test_any_revision_of_a_random_history_comes_back_exactly(
        self, served: Served
    ) -> None:
        draw = random.Random(20261126)
        sets: list[dict[str, Any]] = [{}]
        names = [f"rule-{number}" for number in range(6)]
        for _ in range(25):
            if draw.random() < 0.3 and sets[-1]:
                await done(served.manager, "/delete", {"id": draw.choice(sorted(sets[-1]))})
            else:
                chosen = draw.sample(names, draw.randint(1, 3))
                rules = [_named(name, draw.randint(0, 3)) for name in chosen]
                await done(served.manager, "/create", {"rules": rules})
            sets.append(await authored(served))
        for _ in range(10):
            number = draw.randint(1, len(sets) - 1)
            head = len(sets) - 1
            answer = await back(served.manager, number, f'"{head}"')
            if sets[number] == sets[head]:
                assert answer.status_code == 409
                continue
            assert answer.status_code == 200, answer.text
            assert await authored(served) == sets[number]
            told = await read(served, f"/revisions/{head + 1}", limit=200)
            assert len(told["changes"]) == sum(told["counts"].values())
            sets.append(sets[number])


def _address(client: httpx2.AsyncClient, path: str) -> str:
    return str(client.base_url.join(V1 + path))
