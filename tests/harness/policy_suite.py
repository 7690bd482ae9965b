"""What every store of the policy contract keeps: one suite, run over each of them.

A test class that inherits from `ContractSuite` gives the fixture `served`.
"""

import asyncio
from typing import Any

import httpx2
import pytest
from websockets.exceptions import ConnectionClosed

from tests.harness.policy_contract import (
    ALERT,
    RULE,
    WHOLE_RULE,
    Served,
    closing,
    done,
    listed,
)

STAMP = {"revision", "createdBy", "createdAt", "updatedBy", "updatedAt"}


class ContractSuite:
    async def test_a_rule_is_made_listed_changed_and_deleted(self, served: Served) -> None:
        made = await done(served.manager, "/create", WHOLE_RULE)
        assert made.json() == {"ok": True}
        (rule,) = await listed(served.reader)
        assert {key: rule[key] for key in WHOLE_RULE} == WHOLE_RULE
        assert rule.keys() - WHOLE_RULE.keys() == STAMP
        changed = await done(served.manager, "/update", rule | {"priority": 3})
        assert changed.json() == {"ok": True}
        (again,) = await listed(served.reader)
        assert (again["priority"], again["revision"]) == (3, 2)
        assert again["createdAt"] == rule["createdAt"]
        assert (await done(served.manager, "/delete", {"id": "whole"})).json() == {"ok": True}
        assert await listed(served.reader) == []

    async def test_rules_are_listed_by_id(self, served: Served) -> None:
        rules = [RULE | {"id": name} for name in ("b", "a-b", "a", "Z", "ä")]
        made = (await done(served.manager, "/create", {"rules": rules})).json()
        assert (made["ok"], made["count"]) == (True, 5)
        names = [rule["id"] for rule in await listed(served.reader)]
        assert names == sorted(names)

    async def test_create_of_an_id_that_is_there_replaces_unless_told_not_to(
        self, served: Served
    ) -> None:
        await done(served.manager, "/create", RULE)
        assert (await done(served.manager, "/create", RULE | {"priority": 1})).json() == {
            "ok": True
        }
        for body in (RULE, {"rules": [RULE | {"id": "new"}, RULE]}):
            refused = await served.manager.post(
                "/create", json=body, headers={"if-none-match": "*"}
            )
            assert (refused.status_code, refused.json()["code"]) == (409, "rule_exists")
        (rule,) = await listed(served.reader)
        assert rule["priority"] == 1

    async def test_what_is_not_there_is_not_found(self, served: Served) -> None:
        for path, body in (("/update", RULE), ("/delete", {"id": "sysctl"})):
            missing = await served.manager.post(path, json=body)
            assert (missing.status_code, missing.json()["detail"]) == (404, "Policy not found")

    async def test_a_stale_write_is_refused(self, served: Served) -> None:
        made = await done(served.manager, "/create", RULE)
        seen = {"if-match": made.headers["etag"]}
        first = await done(served.manager, "/update", RULE | {"priority": 1}, **seen)
        assert (made.headers["etag"], first.headers["etag"]) == ('"1"', '"2"')
        for path, body in (("/update", RULE), ("/delete", {"id": "sysctl"})):
            assert (await served.manager.post(path, json=body, headers=seen)).status_code == 412
        fresh = {"if-match": first.headers["etag"]}
        await done(served.manager, "/delete", {"id": "sysctl"}, **fresh)

    async def test_of_two_who_edit_at_once_one_is_told(self, served: Served) -> None:
        made = await done(served.manager, "/create", RULE)
        seen = {"if-match": made.headers["etag"]}
        answers = await asyncio.gather(
            *(
                served.manager.post("/update", json=RULE | {"priority": number}, headers=seen)
                for number in range(8)
            )
        )
        assert sorted(answer.status_code for answer in answers) == [200] + [412] * 7
        (rule,) = await listed(served.reader)
        assert rule["revision"] == 2

    @pytest.mark.parametrize(
        "body, path",
        [
            (RULE | {"scope": {"partner": "partner_of_somebody_else"}}, "scope.partner"),
            (RULE | {"window": {"days": [42], "start": "08:00", "end": "09:00"}}, "window.days[0]"),
            (RULE | {"window": {"days": [1], "start": "99:99", "end": "09:00"}}, "window.start"),
            (RULE | {"limits": {"maxYearly": 3}}, "limits.maxYearly"),
            (RULE | {"autoexecute": True}, "autoexecute"),
            ({"rules": [RULE], "id": "x"}, "id"),
            ({"rules": RULE}, "rules"),
            ({"rules": [RULE, RULE]}, "rules[1].id"),
            ([RULE], "$"),
            ({}, "id"),
        ],
    )
    async def test_a_bad_rule_is_refused_with_its_path(
        self, served: Served, body: Any, path: str
    ) -> None:
        refused = await served.manager.post("/create", json=body)
        assert refused.status_code == 422
        assert path in [each["path"] for each in refused.json()["errors"]]
        assert path in refused.json()["detail"]
        assert await listed(served.reader) == []

    @pytest.mark.parametrize("route", ["/create", "/update", "/delete", "/test"])
    @pytest.mark.parametrize("content", [b"{", b"", b'{"id":"\\u0000"}', b"\xff", b"[" * 5000])
    async def test_what_is_no_json_of_ours_is_refused(
        self, served: Served, route: str, content: bytes
    ) -> None:
        headers = {"content-type": "application/json"}
        refused = await served.manager.post(route, content=content, headers=headers)
        assert refused.status_code == 422, refused.text
        assert "detail" in refused.json()

    async def test_the_simulator_answers_in_the_shape_of_the_contract(self, served: Served) -> None:
        await done(served.manager, "/create", RULE)
        answer = await done(served.reader, "/test", {"alert": ALERT, "roles": ["manager"]})
        assert answer.json().keys() == {"ok", "decision"}
        decision = answer.json()["decision"]
        wanted = {
            "type": "allow",
            "execute": True,
            "needsApproval": False,
            "approverRoles": None,
            "ruleId": "sysctl",
            "resolvedParams": {},
            "action": "kernel_sysctl.apply",
            "verdict": "run",
            "code": "allowed",
            "policyRevision": 1,
        }
        assert {key: decision[key] for key in wanted} == wanted
        assert decision["trace"][0]["check"] == "freeze"
        denied = await done(served.reader, "/test", {"alert": ALERT | {"severity": "ok"}})
        decision = denied.json()["decision"]
        assert (decision["type"], decision["reason"]) == ("deny", "No matching rule")

    async def test_the_simulator_takes_an_instant_and_draft_rules(self, served: Served) -> None:
        draft = {"alert": ALERT, "rules": [WHOLE_RULE | {"params": {}}]}
        codes = []
        for at in ("2026-11-20T07:59:00Z", "2026-11-20T08:00:00Z", "2026-11-21T08:00:00Z"):
            answer = await done(served.reader, "/test", draft | {"at": at})
            codes.append(answer.json()["decision"]["code"])
        assert codes == ["outside_window", "approval_needed", "outside_window"]
        assert await listed(served.reader) == []

    async def test_a_condition_is_checked_when_it_is_saved_and_decides(
        self, served: Served
    ) -> None:
        def conditional(text: str) -> dict[str, Any]:
            return RULE | {"when": RULE["when"] | {"condition": text}}

        for bad in ("delta >", "[1].all(x, x > 0)", "nowhere == 1"):
            refused = await served.manager.post("/create", json=conditional(bad))
            assert refused.status_code == 422
            assert [each["path"] for each in refused.json()["errors"]] == ["when.condition"]
        await done(served.manager, "/create", conditional("delta > 2"))
        codes = []
        for delta in (1, 3):
            answer = await done(served.reader, "/test", {"alert": ALERT | {"delta": delta}})
            codes.append(answer.json()["decision"]["code"])
        assert codes == ["no_match", "allowed"]

    async def test_the_simulator_answers_from_the_newest_revision_after_every_write(
        self, served: Served
    ) -> None:
        async def decided() -> tuple[str, int]:
            answer = await done(served.reader, "/test", {"alert": ALERT})
            return answer.json()["decision"]["code"], answer.json()["decision"]["policyRevision"]

        found = [await decided()]
        for path, body in [
            ("/create", RULE),
            ("/update", RULE | {"autoExecute": False}),
            ("/create", {"rules": [RULE | {"id": "no", "effect": "deny"}]}),
            ("/delete", {"id": "no"}),
            ("/delete", {"id": "sysctl"}),
        ]:
            await done(served.manager, path, body)
            found.append(await decided())
        assert found == [
            ("no_match", 0),
            ("allowed", 1),
            ("start_needed", 2),
            ("denied", 3),
            ("start_needed", 4),
            ("no_match", 5),
        ]

    async def test_export_goes_back_into_create_byte_for_byte(self, served: Served) -> None:
        rules = [RULE, WHOLE_RULE, RULE | {"id": "ä", "expiresAt": "2030-01-01T00:00:00.000Z"}]
        await done(served.manager, "/create", {"rules": rules})
        before = await served.admin.get("/export")
        assert before.headers["content-disposition"] == (
            'attachment; filename="policies-export.json"'
        )
        assert before.json().keys() == {"ok", "rules"}
        told = {rule["id"]: rule for rule in before.json()["rules"]}
        assert told == {rule["id"]: rule for rule in rules}
        for rule in rules:
            await done(served.manager, "/delete", {"id": rule["id"]})
        headers = {"content-type": "application/json"}
        taken = await served.manager.post("/create", content=before.content, headers=headers)
        assert (taken.json()["ok"], taken.json()["count"]) == (True, 3)
        assert (await served.admin.get("/export")).content == before.content

    async def test_who_may_what(self, served: Served) -> None:
        writes = [("/create", RULE), ("/update", RULE), ("/delete", {"id": "sysctl"})]
        for path, body in writes:
            assert (await served.reader.post(path, json=body)).status_code == 403
        for client in (served.reader, served.manager):
            assert (await client.get("/export")).status_code == 403
            assert (await client.get("/list")).status_code == 200
            assert (await client.post("/test", json={"alert": ALERT})).status_code == 200
        for path, body in writes:
            await done(served.manager, path, body)
        assert (await served.admin.get("/export")).status_code == 200

    async def test_who_is_nobody_is_told_nothing(self, served: Served) -> None:
        async with httpx2.AsyncClient(base_url=served.reader.base_url) as nobody:
            for path in ("/list", "/export"):
                assert (await nobody.get(path)).status_code == 401
            for path, body in (("/create", RULE), ("/test", {"alert": ALERT})):
                assert (await nobody.post(path, json=body)).status_code == 401

    async def test_the_events_are_the_documents_with_their_seq(self, served: Served) -> None:
        async with served.listening() as live:
            await done(served.manager, "/create", RULE)
            await done(served.manager, "/create", RULE)
            await done(served.manager, "/update", RULE)
            rules = [RULE | {"id": f"r{number}"} for number in range(3)]
            await done(served.manager, "/create", {"rules": rules})
            await done(served.manager, "/delete", {"id": "sysctl"})
            heard = [await live.next() for _ in range(5)]
        seqs = [frame.pop("seq") for frame in heard]
        assert seqs == sorted(set(seqs))
        assert heard == [
            {"service": "policy", "type": "created", "id": "sysctl"},
            {"service": "policy", "type": "updated", "id": "sysctl"},
            {"service": "policy", "type": "updated", "id": "sysctl"},
            {"service": "policy", "type": "bulk-created", "count": 3},
            {"service": "policy", "type": "deleted", "id": "sysctl"},
        ]

    async def test_a_ping_gets_the_documents_pong(self, served: Served) -> None:
        async with served.listening() as live:
            assert live.hello["service"] == "policy"
            await live.connection.send("ping")
            assert await live.next() == {"service": "policy", "type": "pong"}

    async def test_a_write_that_is_refused_is_no_event(self, served: Served) -> None:
        async with served.listening() as live:
            for body in ({"id": "no"}, {"rules": [RULE, {"id": "no"}]}):
                assert (await served.manager.post("/create", json=body)).status_code == 422
            missing = await served.manager.post("/delete", json={"id": "sysctl"})
            assert missing.status_code == 404
            assert await live.silent()

    async def test_a_client_goes_on_where_it_was(self, served: Served) -> None:
        async with served.listening() as live:
            await done(served.manager, "/create", RULE)
            last = (await live.next())["seq"]
        await done(served.manager, "/delete", {"id": "sysctl"})
        where = f"?since={last}&epoch={live.hello['epoch']}"
        async with served.listening(query=where) as again:
            assert (again.hello["recovered"], again.hello["seq"]) == (True, last)
            assert (await again.next())["type"] == "deleted"
        for unknown in ("?since=123456789&epoch=" + live.hello["epoch"], "?since=0&epoch=other"):
            async with served.listening(query=unknown) as lost:
                assert lost.hello["recovered"] is False

    @pytest.mark.parametrize("say, code", [(b"\x00\x01", 1003), ("x" * 2_000, 1009)])
    async def test_a_frame_that_is_none_of_ours_ends_the_socket(
        self, served: Served, say: bytes | str, code: int
    ) -> None:
        async with served.listening() as other, served.listening() as live:
            await live.connection.send(say)
            assert (await closing(live.connection)).code == code
            await done(served.manager, "/create", RULE)
            assert (await other.next())["type"] == "created"

    async def test_a_flood_ends_the_socket(self, served: Served) -> None:
        async with served.listening() as live:
            try:
                for _ in range(200):
                    await live.connection.send("ping")
            except ConnectionClosed:
                pass
            assert (await closing(live.connection)).code == 1008
