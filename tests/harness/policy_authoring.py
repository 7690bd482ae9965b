"""What every store tells authors: findings with each write, what would unlock, when rules open."""

import asyncio
from datetime import datetime
from typing import Any

import httpx2
import pytest

from tests.harness.policy_contract import ALERT, RULE, SOON_SECONDS, Served, done
from wardline.policy import analysis, turns

LOOKS = ("/api/v1/policies/analyse", "/api/mcp/policy/test")
NIGHT = {"days": [0, 1, 2, 3, 4, 5, 6], "start": "22:00", "end": "05:00"}
NOON = "2026-11-20T12:00:00Z"


async def asked(
    served: Served, path: str, body: object, role: str = "reader", status: int = 200
) -> dict[str, Any]:
    """The answer of a route beside the contract's."""
    client: httpx2.AsyncClient = getattr(served, role)
    address = f"http://127.0.0.1:{served.port}/api/v1/policies{path}"
    answer = await client.post(address, json=body)
    assert answer.status_code == status, answer.text
    told: dict[str, Any] = answer.json()
    return told


def codes(answer: dict[str, Any]) -> list[tuple[str, str, list[str]]]:
    return [(each["code"], each["ruleId"], each["otherRuleIds"]) for each in answer["findings"]]


class AuthoringSuite:
    async def test_a_write_tells_what_the_analysis_finds(self, served: Served) -> None:
        deny = RULE | {"id": "no", "effect": "deny"}
        assert (await done(served.manager, "/create", deny)).json() == {"ok": True}
        made = (await done(served.manager, "/create", RULE)).json()
        assert codes(made) == [("shadowed", "sysctl", ["no"])]
        assert made["findings"][0]["path"] == "when"
        assert made["moreFindings"] == 0
        mended = RULE | {"when": {"kpiId": "kernel_sysctl", "severity": ["low"]}}
        assert (await done(served.manager, "/update", mended)).json() == {"ok": True}
        wide = deny | {"when": {"kpiId": "kernel_sysctl", "severity": ["low", "high"]}}
        changed = (await done(served.manager, "/update", wide)).json()
        assert codes(changed) == [("shadowed", "sysctl", ["no"])]

    async def test_rules_written_together_are_looked_at_together(self, served: Served) -> None:
        rules = [RULE, RULE | {"id": "twin", "name": "the same again"}]
        made = (await done(served.manager, "/create", {"rules": rules})).json()
        assert (made["count"], codes(made)) == (2, [("duplicate", "twin", ["sysctl"])])

    async def test_the_analysis_looks_at_all_rules_or_at_drafts(self, served: Served) -> None:
        assert (await asked(served, "/analyse", {}))["findings"] == []
        await done(served.manager, "/create", RULE)
        draft = RULE | {"id": "late", "expiresAt": "2020-01-01T00:00:00Z"}
        found = await asked(served, "/analyse", {"rules": [draft]})
        assert codes(found) == [("dead", "late", [])]
        assert found["findings"][0]["path"] == "expiresAt"
        assert (await asked(served, "/analyse", {}))["findings"] == []
        zero = RULE | {"limits": {"maxRunsPerHostPerDay": 0}}
        await done(served.manager, "/update", zero)
        whole = await asked(served, "/analyse", {})
        assert codes(whole) == [("unsatisfiable", "sysctl", [])]
        assert whole["findings"][0]["path"] == "limits.maxRunsPerHostPerDay"

    async def test_what_would_unlock_a_decision_unlocks_it(self, served: Served) -> None:
        await done(served.manager, "/create", RULE | {"window": NIGHT, "autoExecute": False})
        body = {"alert": ALERT, "at": NOON}
        answer = (await done(served.reader, "/test", body)).json()
        assert answer["decision"]["code"] == "outside_window"
        (way,) = answer["unlock"]
        assert [step["kind"] for step in way["steps"]] == ["wait", "start"]
        assert (way["verdict"], way["action"]) == ("run", RULE["action"])
        later = body | {"at": way["steps"][0]["at"]}
        assert (await done(served.reader, "/test", later)).json()["decision"]["verdict"] == "offer"

    async def test_without_a_rule_it_says_that_one_is_needed(self, served: Served) -> None:
        answer = (await done(served.reader, "/test", {"alert": ALERT})).json()
        assert [step["kind"] for step in answer["unlock"][0]["steps"]][-1] in ("add_rule", "start")
        kinds = {step["kind"] for way in answer["unlock"] for step in way["steps"]}
        assert "add_rule" in kinds

    async def test_a_preview_shows_the_openings_of_a_rule_or_a_draft(self, served: Served) -> None:
        await done(served.manager, "/create", RULE | {"window": NIGHT})
        by_id = await asked(served, "/preview", {"id": "sysctl", "from": NOON, "days": 2})
        draft = RULE | {"window": NIGHT}
        assert by_id == await asked(served, "/preview", {"rule": draft, "from": NOON, "days": 2})
        assert by_id["zone"] == "UTC"
        assert [(each["from"], each["to"]) for each in by_id["openings"]] == [
            ("2026-11-20T22:00:00.000Z", "2026-11-21T05:01:00.000Z"),
            ("2026-11-21T22:00:00.000Z", "2026-11-22T05:01:00.000Z"),
        ]
        whole = await asked(served, "/preview", {"id": "sysctl"})
        first, last = (datetime.fromisoformat(whole["openings"][n]["from"]) for n in (0, -1))
        assert (whole["days"], (last - first).days) in ((14, 13), (14, 14))

    async def test_a_list_learns_which_rules_are_open_and_when_that_turns(
        self, served: Served
    ) -> None:
        night = NIGHT | {"timezone": "Asia/Tokyo"}
        rules = [
            RULE | {"id": "always"},
            RULE | {"id": "somewhere", "window": NIGHT},
            RULE | {"id": "tokyo", "window": night},
            RULE | {"id": "hours", "openingHours": "inside"},
        ]
        await done(served.manager, "/create", {"rules": rules})
        ids = [*(rule["id"] for rule in rules), "gone"]
        items = (await asked(served, "/standing", {"ids": ids}))["items"]
        told = {item.pop("id"): item for item in items}
        assert told["always"] == {"open": True, "turnsAt": None, "zone": None}
        # At each site another clock, or other hours, decide.
        for rule_id in ("somewhere", "hours"):
            assert told[rule_id] == {"open": None, "turnsAt": None, "zone": None}
        assert set(told) == set(ids) - {"gone"}
        body = {"id": "tokyo", "days": 3}
        first = (await asked(served, "/preview", body))["openings"][0]
        begin, end = (datetime.fromisoformat(first[side]) for side in ("from", "to"))
        tokyo = told["tokyo"]
        assert tokyo["zone"] == "Asia/Tokyo"
        assert datetime.fromisoformat(tokyo["turnsAt"]) == (end if tokyo["open"] else begin)

    async def test_only_so_many_costly_questions_run_at_once(
        self, served: Served, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        running, may_end = asyncio.Semaphore(0), asyncio.Event()

        async def slow(store: object) -> analysis.Report:
            running.release()
            await may_end.wait()
            return analysis.Report([])

        monkeypatch.setattr(analysis, "of_all", slow)
        asking = [asyncio.create_task(asked(served, "/analyse", {})) for _ in range(2)]
        async with asyncio.timeout(SOON_SECONDS):
            for _ in asking:
                await running.acquire()
        draft = {"alert": ALERT, "rules": [RULE]}
        for path, body in zip(LOOKS, ({}, draft), strict=True):
            address = f"http://127.0.0.1:{served.port}{path}"
            refused = await served.reader.post(address, json=body)
            assert refused.status_code == 429, refused.text
            assert refused.json()["code"] == "busy"
            assert refused.headers["retry-after"] == str(turns.RETRY_SECONDS)
        # What costs little goes on beside it.
        await done(served.reader, "/test", {"alert": ALERT})
        await asked(served, "/preview", {"rule": RULE})
        may_end.set()
        assert [answer["findings"] for answer in await asyncio.gather(*asking)] == [[], []]
        await asked(served, "/analyse", {"rules": [RULE]})
        await done(served.reader, "/test", draft)

    async def test_others_may_take_all_places_for_a_while(self, served: Served) -> None:
        with turns.LOOKS.taken("a"), turns.LOOKS.taken("b"), turns.LOOKS.taken("c"):
            await asked(served, "/analyse", {})
            with turns.LOOKS.taken("a"):
                refused = await asked(served, "/analyse", {}, status=503)
        assert refused["code"] == "busy"
        await asked(served, "/analyse", {})

    @pytest.mark.parametrize(
        ("path", "body", "status", "field"),
        [
            ("/standing", {}, 422, "ids"),
            ("/standing", {"ids": [f"r{number}" for number in range(101)]}, 422, "ids"),
            ("/preview", {"id": "sysctl"}, 404, None),
            ("/preview", {}, 422, "$"),
            ("/preview", {"id": "a", "rule": RULE}, 422, "$"),
            ("/preview", {"rule": RULE | {"action": ""}}, 422, "rule.action"),
            ("/preview", {"rule": RULE, "days": 63}, 422, "days"),
            ("/preview", {"rule": RULE, "from": "0001-01-01T00:00:00Z"}, 422, "from"),
            ("/preview", {"rule": RULE, "from": "9999-12-31T00:00:00Z"}, 422, "from"),
            ("/analyse", {"rules": [RULE, RULE]}, 422, "rules[1].id"),
            ("/analyse", {"draft": []}, 422, "draft"),
            ("/analyse", [], 422, "$"),
        ],
    )
    async def test_what_cannot_be_asked_is_refused_with_its_path(
        self, served: Served, path: str, body: object, status: int, field: str | None
    ) -> None:
        refused = await asked(served, path, body, status=status)
        assert "detail" in refused
        if field is not None:
            assert field in [each["path"] for each in refused["errors"]]
