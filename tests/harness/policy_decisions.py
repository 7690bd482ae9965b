"""What POST /decide promises, whoever serves it: one suite for both stores."""

import asyncio
from typing import Any

import httpx2

from tests.harness.policy_contract import ALERT, RULE, Served, done

DECIDE = "/api/v1/policies/decide"
DECIDERS = 50

# Decides about what has no host, so that nothing but its limits stands in the way.
LIMITED: dict[str, Any] = {**RULE, "id": "limited", "limits": {"maxRunsPerSitePerHour": 7}}


def at(client: httpx2.AsyncClient, path: str) -> str:
    return str(client.base_url.copy_with(path=path))


async def decide(client: httpx2.AsyncClient, *requests: Any, **headers: str) -> list[Any]:
    body = requests[0] if len(requests) == 1 else {"requests": list(requests)}
    answer = await client.post(at(client, DECIDE), json=body, headers=headers)
    assert answer.status_code == 200, answer.text
    assert answer.json().keys() == {"ok", "decisions"}
    decisions: list[Any] = answer.json()["decisions"]
    assert len(decisions) == len(requests)
    return decisions


async def step(client: httpx2.AsyncClient, decision: Any, word: str) -> httpx2.Response:
    path = f"/api/v1/policies/decisions/{decision['decisionId']}/{word}"
    return await client.post(at(client, path))


def verdicts(decisions: list[Any]) -> list[str]:
    return [one["verdict"] for one in decisions]


def asked(**changes: Any) -> dict[str, Any]:
    return {"alert": ALERT, "action": RULE["action"], **changes}


class DecisionSuite:
    """`served` and `beside` serve the same store."""

    async def test_a_batch_too_large_to_replay_is_refused_and_reserves_nothing(
        self, served: Served
    ) -> None:
        await done(served.manager, "/create", LIMITED)
        large = {**ALERT, "facts": {"text": "x" * (9 << 20)}}
        refused = await served.manager.post(
            at(served.manager, "/api/v1/policies/decide"),
            json={"requests": [asked(), {**asked(), "alert": large}]},
        )
        assert (refused.status_code, refused.json()["code"]) == (422, "rule_invalid")
        used = await served.manager.get(at(served.manager, "/api/v1/policies/uses"))
        assert used.json() == {"ok": True, "data": []}
        await done(served.manager, "/update", {**LIMITED, "priority": 1})

    async def test_a_decision_to_run_reserves_and_says_until_when(self, served: Served) -> None:
        await done(served.manager, "/create", LIMITED)
        (decision,) = await decide(served.manager, asked())
        tested = (await done(served.manager, "/test", {"alert": ALERT})).json()["decision"]
        assert decision["reservation"].keys() == {"id", "expiresAt"}
        assert decision["reservation"]["id"] == decision["decisionId"]
        assert decision.keys() == tested.keys() | {"reservation"}
        changing = {"decisionId", "reservation", "trace"}
        assert {k: v for k, v in decision.items() if k not in changing} == {
            k: v for k, v in tested.items() if k not in changing
        }

    async def test_defect_9_limits_are_counted_here_and_the_weekly_one_is_checked(
        self, served: Served, beside: Served
    ) -> None:
        """Limits were counted only in the browser; the weekly one never checked."""
        rule = {**RULE, "params": {"deltaPct": 3}, "limits": {"maxDailyPct": 9, "maxWeeklyPct": 6}}
        await done(served.manager, "/create", rule)
        for server in (served, beside):
            (decision,) = await decide(server.manager, asked())
            assert decision["verdict"] == "run"
        (over,) = await decide(beside.manager, asked())
        assert (over["verdict"], over["code"], over["reason"]) == (
            "block",
            "limit_exceeded",
            "Limit exceeded",
        )
        told = {one["check"]: one["detail"] for one in over["trace"]}
        assert told["limits"] == f"rule {rule['id']}, maxWeeklyPct: 9 of 6"

    async def test_the_simulator_counts_nothing(self, served: Served) -> None:
        await done(served.manager, "/create", {**LIMITED, "limits": {"maxRunsPerSitePerHour": 1}})
        for _ in range(3):
            tested = await done(served.manager, "/test", {"alert": ALERT})
            assert tested.json()["decision"]["verdict"] == "run"
        first, second = await decide(served.manager, asked(), asked())
        assert (first["verdict"], second["code"]) == ("run", "limit_exceeded")
        assert second["reservation"] is None

    async def test_one_call_decides_in_the_order_asked(self, served: Served) -> None:
        await done(served.manager, "/create", LIMITED)
        other = {**asked(), "action": "ssh_config.harden"}
        decisions = await decide(served.manager, *[other, *[asked()] * 9, other])
        wanted = ["block", *["run"] * 7, "block", "block", "block"]
        assert verdicts(decisions) == wanted
        assert decisions[0]["code"] == "no_match"
        assert len({one["decisionId"] for one in decisions}) == len(decisions)

    async def test_a_lock_lets_one_run_of_an_action_on_a_host_in_until_it_ended(
        self, served: Served, site: str
    ) -> None:
        await done(served.manager, "/create", {**RULE, "limits": {}})
        here = asked(site=site, host="host-1")
        there = asked(site=site, host="host-2")
        decisions = await decide(served.manager, here, here, there)
        assert [one["code"] for one in decisions] == ["allowed", "locked", "allowed"]
        assert (await step(served.manager, decisions[0], "started")).status_code == 200
        # Whoever leaves the action open gets none that runs there.
        (again,) = await decide(served.manager, {"alert": ALERT, "site": site, "host": "host-1"})
        assert again["code"] == "locked"
        assert (await step(served.manager, decisions[0], "ended")).status_code == 200
        (free,) = await decide(served.manager, here)
        assert free["verdict"] == "run"

    async def test_what_is_released_is_not_used(self, served: Served) -> None:
        await done(served.manager, "/create", {**LIMITED, "limits": {"maxRunsPerSitePerHour": 1}})
        (first,) = await decide(served.manager, asked())
        for _ in range(2):
            answer = await step(served.manager, first, "released")
            assert answer.status_code == 200, answer.text
            told = answer.json()["reservation"]
            assert (told["state"], told["startedAt"]) == ("released", None)
            assert told["releasedBy"] == told["reservedBy"]
        assert (await step(served.manager, first, "started")).status_code == 409
        assert (await step(served.manager, first, "ended")).status_code == 409
        (second,) = await decide(served.manager, asked())
        assert second["verdict"] == "run"

    async def test_what_has_started_is_used_whatever_comes_after(self, served: Served) -> None:
        await done(served.manager, "/create", {**LIMITED, "limits": {"maxRunsPerSitePerHour": 1}})
        (first,) = await decide(served.manager, asked())
        times = set()
        for word in ("started", "started", "ended", "ended", "started"):
            answer = await step(served.manager, first, word)
            assert answer.status_code == 200, answer.text
            times.add(answer.json()["reservation"]["startedAt"])
        assert len(times) == 1
        refused = await step(served.manager, first, "released")
        assert (refused.status_code, refused.json()["code"]) == (409, "reservation_over")
        (second,) = await decide(served.manager, asked())
        assert second["code"] == "limit_exceeded"

    async def test_so_many_run_at_once_and_no_more(self, served: Served) -> None:
        await done(served.manager, "/create", {**LIMITED, "limits": {"maxConcurrentPerSite": 2}})
        decisions = await decide(served.manager, asked(), asked(), asked())
        assert verdicts(decisions) == ["run", "run", "block"]
        for one in decisions[:2]:
            await step(served.manager, one, "started")
        await step(served.manager, decisions[0], "ended")
        assert verdicts(await decide(served.manager, asked(), asked())) == ["run", "block"]

    async def test_a_cooldown_looks_back_at_what_ran(self, served: Served) -> None:
        await done(
            served.manager, "/create", {**RULE, "limits": {}, "cooldownMinutes": 60 * 24 * 9}
        )
        first, second = await decide(served.manager, asked(), asked())
        assert (first["verdict"], second["code"]) == ("run", "cooldown")
        await step(served.manager, first, "released")
        (third,) = await decide(served.manager, asked())
        assert third["verdict"] == "run"

    async def test_what_counts_nothing_reserves_nothing(self, served: Served) -> None:
        await done(served.manager, "/create", {**RULE, "limits": {}})
        (decision,) = await decide(served.manager, asked())
        assert (decision["verdict"], decision["reservation"]) == ("run", None)
        assert (await step(served.manager, decision, "started")).status_code == 404

    async def test_fifty_deciders_on_two_servers_never_exceed_a_budget(
        self, served: Served, beside: Served
    ) -> None:
        await done(served.manager, "/create", LIMITED)
        clients = [served.manager, beside.manager] * (DECIDERS // 2)
        answers = await asyncio.gather(*(decide(client, asked()) for client in clients))
        assert sorted(verdicts([one for (one,) in answers])) == ["block"] * 43 + ["run"] * 7

    async def test_the_same_key_gets_the_same_answer_again(
        self, served: Served, beside: Served
    ) -> None:
        await done(served.manager, "/create", LIMITED)
        key = {"idempotency-key": "one-two"}
        answers = await asyncio.gather(
            *(decide(each.manager, asked(), **key) for each in (served, beside) * 4)
        )
        assert all(one == answers[0] for one in answers)
        other = await served.manager.post(
            at(served.manager, DECIDE), json=asked(initiator="person"), headers=key
        )
        assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
        (fresh,) = await decide(served.manager, asked(), **{"idempotency-key": "another"})
        assert fresh["decisionId"] != answers[0][0]["decisionId"]

    async def test_the_roles_are_the_callers_own(self, served: Served) -> None:
        rule = {
            **RULE,
            "limits": {},
            "approval": {"required": True, "roles": ["manager"], "selfApprove": True},
        }
        await done(served.manager, "/create", rule)
        (by_manager,) = await decide(served.manager, asked())
        (by_admin,) = await decide(served.admin, asked())
        assert (by_manager["verdict"], by_admin["verdict"]) == ("run", "ask")
        refused = await served.manager.post(
            at(served.manager, DECIDE), json=asked(roles=["manager"])
        )
        assert refused.status_code == 422

    async def test_what_is_offered_runs_when_a_person_starts_it(self, served: Served) -> None:
        await done(served.manager, "/create", {**RULE, "limits": {}, "autoExecute": False})
        by_machine, by_person = await decide(served.manager, asked(), asked(initiator="person"))
        assert (by_machine["verdict"], by_person["verdict"]) == ("offer", "run")

    async def test_a_trace_is_left_out_for_who_reads_none(self, served: Served) -> None:
        await done(served.manager, "/create", LIMITED)
        body = {"requests": [asked(), {**asked(), "action": "ssh_config.harden"}]}
        address = at(served.manager, DECIDE)
        whole, bare = [
            (await served.manager.post(address, json=body, params={"trace": trace})).json()
            for trace in ("true", "false")
        ]
        for one, other in zip(whole["decisions"], bare["decisions"], strict=True):
            assert one.keys() - other.keys() == {"trace"}
            assert (one["verdict"], one["code"]) == (other["verdict"], other["code"])

    async def test_readers_do_not_decide(self, served: Served) -> None:
        answer = await served.reader.post(at(served.reader, DECIDE), json=asked())
        assert answer.status_code == 403
        path = "/api/v1/policies/decisions/dec_00000000000000000000000000/started"
        assert (await served.reader.post(at(served.reader, path))).status_code == 403
        assert (await served.manager.post(at(served.manager, path))).status_code == 404

    async def test_a_call_is_refused_for_what_is_wrong_in_it_with_its_place(
        self, served: Served
    ) -> None:
        wrong = {"requests": [asked(), asked(at="2026-01-01T00:00:00Z"), asked(rules=[])]}
        answer = await served.manager.post(at(served.manager, DECIDE), json=wrong)
        paths = {one["path"] for one in answer.json()["errors"]}
        assert (answer.status_code, paths) == (422, {"requests[1].at", "requests[2].rules"})
        for body in ({"requests": []}, {"requests": [asked()] * 1001}, {}, [], None):
            answer = await served.manager.post(at(served.manager, DECIDE), json=body)
            assert answer.status_code == 422, body

    async def test_the_use_of_each_rule_is_known(self, served: Served) -> None:
        await done(served.manager, "/create", LIMITED)
        await decide(served.manager, *[asked()] * 9)
        await decide(served.manager, {**asked(), "action": "ssh_config.harden"})
        answer = await served.reader.get(at(served.reader, "/api/v1/policies/uses"))
        (use,) = answer.json()["data"]
        assert (use["ruleId"], use["decided"], use["ran"]) == ("limited", 9, 7)
