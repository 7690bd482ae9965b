"""What a replay of kept decisions promises, whoever serves it: one suite for both stores."""

import asyncio
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.harness.policy_authoring import asked
from tests.harness.policy_contract import ALERT, RULE, SOON_SECONDS, Served, done
from tests.harness.policy_decisions import asked as request
from tests.harness.policy_decisions import decide
from wardline.core.policy.replay import Replay
from wardline.policy import past
from wardline.policy.turns import REPLAYS

# Open at no time that a test is likely to run at: one minute of a week.
SHUT: dict[str, Any] = {
    **RULE,
    "limits": {},
    "window": {"days": [0], "start": "03:00", "end": "03:01"},
}
DENY: dict[str, Any] = {
    **{key: value for key, value in RULE.items() if key != "limits"},
    "id": "no",
    "effect": "deny",
}
OPEN: dict[str, Any] = {key: value for key, value in SHUT.items() if key != "window"}


def turns(told: dict[str, Any]) -> dict[tuple[str, str], int]:
    return {(each["from"], each["to"]): each["count"] for each in told["turns"]}


class ReplaySuite:
    """`served` decides and replays."""

    async def test_a_replay_says_how_many_denials_would_run(
        self, served: Served, site: str
    ) -> None:
        await done(served.manager, "/create", SHUT)
        await decide(served.manager, *[request(site=site, host=f"h{n}") for n in range(5)])
        await decide(served.manager, {"alert": {**ALERT, "kpiId": "other"}, "action": "x"})
        told = await asked(served, "/replay", {"put": [OPEN]}, "manager")
        assert turns(told) == {("block", "run"): 5}
        assert (told["judged"], told["deniedToRun"], told["complete"]) == (5, 5, True)
        assert told["before"] == {"run": 0, "ask": 0, "offer": 0, "block": 5}
        assert told["after"] == {"run": 5, "ask": 0, "offer": 0, "block": 0}
        (turn,) = told["turns"]
        assert turn["bySite"] == [{"name": site, "count": 5}]
        assert turn["byRule"] == [{"name": "sysctl", "count": 5}]
        assert turn["byWindow"] == [{"name": "always", "count": 5}]
        (example,) = turn["examples"]
        assert example["was"]["code"] == example["before"]["code"] == "outside_window"
        assert example["after"] == {"verdict": "run", "code": "allowed", "ruleId": "sysctl"}
        # Nothing was changed by asking.
        assert (await done(served.manager, "/test", {"alert": ALERT})).json()["decision"][
            "code"
        ] == "outside_window"

    async def test_a_whole_set_and_a_removal_are_replayed_and_say_who_must_consent(
        self, served: Served, site: str
    ) -> None:
        await done(served.manager, "/create", OPEN)
        await decide(served.manager, request(site=site, host="h1"))
        wary = {**OPEN, "approval": {"required": True, "roles": ["admin", "manager"]}}
        told = await asked(served, "/replay", {"rules": [wary]}, "manager")
        assert turns(told) == {("run", "ask"): 1}
        assert told["asks"]["needing"] == [{"name": "admin or manager", "count": 1}]
        gone = await asked(served, "/replay", {"remove": ["sysctl"]}, "manager")
        assert turns(gone) == {("run", "block"): 1}
        same = await asked(served, "/replay", {"rules": [OPEN]}, "manager")
        assert (same["judged"], same["turns"]) == (0, [])

    async def test_a_replay_is_bounded_in_time_and_place(self, served: Served, site: str) -> None:
        await done(served.manager, "/create", SHUT)
        await decide(served.manager, request(site=site, host="h1"), request())
        change = {"put": [OPEN]}
        assert (await asked(served, "/replay", change, "manager"))["judged"] == 2
        there = await asked(served, "/replay", {**change, "site": site}, "manager")
        assert there["judged"] == 1
        early = {**change, "until": "2020-01-01T00:00:00Z"}
        assert (await asked(served, "/replay", early, "manager"))["judged"] == 0
        late = {**change, "since": "2099-01-01T00:00:00Z"}
        await asked(served, "/replay", late, "manager", 422)

    async def test_what_cannot_be_replayed_is_refused(self, served: Served) -> None:
        for wrong in (
            {},
            {"rules": [RULE], "put": [RULE]},
            {"put": [RULE], "remove": ["sysctl"]},
            {"remove": ["nobody"]},
            {"put": [{**RULE, "surplus": 1}]},
            {"put": [RULE], "since": "2026-01-02T00:00:00Z", "until": "2026-01-01T00:00:00Z"},
            {"put": [RULE], "surplus": 1},
        ):
            await asked(served, "/replay", wrong, "manager", 422)
        await asked(served, "/replay", {"put": [RULE]}, "reader", 403)

    async def test_one_replay_runs_at_a_time(self, served: Served) -> None:
        with REPLAYS.taken("another"):
            refused = await asked(served, "/replay", {"put": [OPEN]}, "manager", 503)
        assert refused["code"] == "busy"
        assert (await asked(served, "/replay", {"put": [OPEN]}, "manager"))["turns"] == []

    async def test_a_replay_ends_when_nobody_waits_for_it(
        self, served: Served, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        await done(served.manager, "/create", SHUT)
        await decide(served.manager, request())
        begun, may_go_on, told = asyncio.Event(), threading.Event(), []
        take, tell, loop = past._take, Replay.tell, asyncio.get_running_loop()

        def slow(*given: Any) -> None:
            loop.call_soon_threadsafe(begun.set)
            assert may_go_on.wait(SOON_SECONDS)
            take(*given)

        monkeypatch.setattr(past, "_take", slow)
        monkeypatch.setattr(Replay, "tell", lambda made: told.append(made) or tell(made))
        left = asyncio.create_task(asked(served, "/replay", {"put": [OPEN]}, "manager"))
        await asyncio.wait_for(begun.wait(), SOON_SECONDS)
        busy = await asked(served, "/replay", {"put": [OPEN]}, "manager", 429)
        assert busy["code"] == "busy"
        left.cancel()
        await asyncio.gather(left, return_exceptions=True)
        may_go_on.set()
        async with asyncio.timeout(SOON_SECONDS):
            while REPLAYS.is_taken:
                await asyncio.sleep(0.01)
        assert told == []
        assert (await asked(served, "/replay", {"put": [OPEN]}, "manager"))["deniedToRun"] == 1

    async def test_what_limits_decided_is_left_out_and_changed_limits_are_named(
        self, served: Served
    ) -> None:
        once = {**OPEN, "limits": {"maxRunsPerSitePerHour": 1}}
        await done(served.manager, "/create", once)
        await decide(served.manager, request(), request())
        more = {**once, "limits": {"maxRunsPerSitePerHour": 9}}
        told = await asked(served, "/replay", {"put": [more]}, "manager")
        assert (told["judged"], told["leftOut"]) == (1, 1)
        assert told["uncountedRuleIds"] == ["sysctl"]

    async def test_a_write_says_how_many_past_denials_would_run(self, served: Served) -> None:
        await done(served.manager, "/create", SHUT)
        await decide(served.manager, request(), request(), request())
        written = (await done(served.manager, "/update", OPEN)).json()
        assert (written["deniedToRun"], written["pastDecisions"]) == (3, 3)
        again = (await done(served.manager, "/update", {**OPEN, "priority": 1})).json()
        assert "deniedToRun" not in again

    async def test_whatever_takes_a_denial_away_says_what_would_run_before_and_after(
        self, served: Served
    ) -> None:
        await done(served.manager, "/create", OPEN)
        file = (await done(served.admin, "/backup", None)).json()["file"]
        await done(served.manager, "/create", DENY)
        await decide(served.manager, request(), request(), request())
        name, counted = Path(file).name, {"deniedToRun": 3, "pastDecisions": 3}

        async def back(path: str) -> httpx2.Response:
            address = f"http://127.0.0.1:{served.port}/api/v1/policies{path}"
            body = {"revision": 1, "reason": "it was better"}
            return await served.manager.post(address, json=body, headers={"if-match": "*"})

        ways: list[tuple[str, object, Callable[[], Awaitable[httpx2.Response]]]] = [
            ("/replay", {"remove": ["no"]}, lambda: done(served.manager, "/delete", {"id": "no"})),
            ("/revisions/1/replay", None, lambda: back("/rollback")),
            ("/replay", {"remove": ["no"]}, lambda: back("/rules/no/rollback")),
            (
                f"/backups/{name}/replay",
                None,
                lambda: done(served.admin, "/restore", {"file": file}),
            ),
        ]
        for path, body, do in ways:
            before = await asked(served, path, body, "admin")
            assert (before["deniedToRun"], turns(before)) == (3, {("block", "run"): 3}), path
            answer = await do()
            assert answer.status_code == 200, answer.text
            told = answer.json()
            assert {key: told.get(key) for key in counted} == counted, path
            assert (await done(served.manager, "/create", DENY)).json().get("deniedToRun") is None
        other = await asked(served, "/revisions/99/replay", None, "manager", 404)
        assert other["code"] == "revision_unknown"
        await asked(
            served, "/backups/policies-2020-01-01T00-00-00-000000.db/replay", None, "admin", 404
        )
        await asked(served, "/revisions/1/replay", None, "reader", 403)
        await asked(served, f"/backups/{name}/replay", None, "manager", 403)
