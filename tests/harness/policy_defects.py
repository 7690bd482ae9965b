"""The defects of the system that the contract comes from, each as a test over every store.

Numbers are those of the list in docs/how-to/policy-manager.md.
"""

import asyncio
from typing import Any

import httpx2
import pytest

from tests.harness.policy_contract import ALERT, RULE, Served, done, listed
from wardline.core.policy import evaluate, exact, parse
from wardline.core.policy.request import Alert, Principal, Request, State
from wardline.core.policy.rule import Policy
from wardline.core.severity import Severity

FRIDAY = "2026-11-20"
SATURDAY = "2026-11-21"


async def _code(client: httpx2.AsyncClient, at: str, **changes: Any) -> str:
    asked = {"alert": ALERT | changes, "at": at}
    code: str = (await done(client, "/test", asked)).json()["decision"]["code"]
    return code


class DefectSuite:
    async def test_01_a_rule_without_window_or_approval_is_one_like_any_other(
        self, served: Served
    ) -> None:
        bare = {key: RULE[key] for key in ("id", "when", "action")}
        await done(served.manager, "/create", bare)
        assert [rule["id"] for rule in await listed(served.reader)] == ["sysctl"]
        assert await _code(served.reader, f"{FRIDAY}T12:00:00Z") == "start_needed"
        await done(served.manager, "/delete", {"id": "sysctl"})
        assert await listed(served.reader) == []

    async def test_02_a_window_is_closed_on_the_following_day(self, served: Served) -> None:
        window = {"days": [5], "start": "08:00", "end": "18:00"}
        await done(served.manager, "/create", RULE | {"window": window})
        assert await _code(served.reader, f"{FRIDAY}T12:00:00Z") == "allowed"
        assert await _code(served.reader, f"{SATURDAY}T12:00:00Z") == "outside_window"

    async def test_03_an_overnight_window_opens_and_nonsense_is_refused(
        self, served: Served
    ) -> None:
        window = {"days": [5], "start": "22:00", "end": "05:00"}
        await done(served.manager, "/create", RULE | {"window": window})
        instants = {
            f"{FRIDAY}T23:00:00Z": "allowed",
            f"{SATURDAY}T04:59:59Z": "allowed",
            f"{SATURDAY}T23:00:00Z": "outside_window",
            f"{FRIDAY}T04:00:00Z": "outside_window",
        }
        assert {at: await _code(served.reader, at) for at in instants} == instants
        for bad in ({"start": "99:99"}, {"days": [42]}, {"end": "24:00"}, {"end": "22:00"}):
            refused = await served.manager.post("/update", json=RULE | {"window": window | bad})
            assert refused.status_code == 422

    @pytest.mark.parametrize(
        "file",
        [
            "../../etc/hostname",
            "/etc/hostname",
            "{folder}/../tokens",
            "{folder}/../../{name}",
            "{name}.note",
            ".",
            "",
        ],
    )
    async def test_04_restore_takes_a_backup_and_no_other_path(
        self, served: Served, file: str
    ) -> None:
        await done(served.manager, "/create", RULE)
        made = (await served.admin.get("/backup")).json()["file"]
        folder, _, name = made.rpartition("/")
        asked = {"file": file.format(folder=folder, name=name)}
        refused = await served.admin.post("/restore", json=asked)
        assert refused.status_code in (400, 404, 422)
        (rule,) = await listed(served.reader)
        assert rule["revision"] == 1

    async def test_05_a_restore_shows_the_old_rules_or_the_new_ones(self, served: Served) -> None:
        files = []
        for size in (3, 7):
            rules = [RULE | {"id": f"r{number}", "priority": size} for number in range(size)]
            await done(served.manager, "/create", {"rules": rules})
            files.append((await served.admin.get("/backup")).json()["file"])
        seen: set[tuple[int, frozenset[int]]] = set()
        restoring = asyncio.create_task(_restore(served, files * 3))
        while not restoring.done():
            rules = await listed(served.reader)
            seen.add((len(rules), frozenset(rule["priority"] for rule in rules)))
        await restoring
        assert seen <= {(3, frozenset({3})), (7, frozenset({7}))}

    async def test_06_a_backup_holds_every_rule_that_was_answered(self, served: Served) -> None:
        for number in range(20):
            await done(served.manager, "/create", RULE | {"id": f"r{number:02}"})
        before = (await served.admin.get("/export")).content
        made = (await served.admin.get("/backup")).json()["file"]
        await done(served.manager, "/create", RULE | {"id": "later"})
        await done(served.manager, "/delete", {"id": "r00"})
        await done(served.admin, "/restore", {"file": made})
        assert (await served.admin.get("/export")).content == before
        await done(served.manager, "/create", RULE | {"id": "after"})
        assert "after" in {rule["id"] for rule in await listed(served.reader)}

    async def test_07_a_bulk_is_all_or_nothing(self, served: Served) -> None:
        for bad in ({"id": "r2"}, RULE | {"id": "r2", "scope": {"partner": "another"}}):
            rules = [RULE | {"id": "r1"}, bad]
            refused = await served.manager.post("/create", json={"rules": rules})
            assert refused.status_code == 422
            assert await listed(served.reader) == []

    async def test_08_who_joins_leaves_or_stalls_during_a_broadcast_disturbs_nobody(
        self, served: Served
    ) -> None:
        async with served.listening() as steady:
            writing = asyncio.create_task(self._write(served, 40))
            while not writing.done():
                async with served.listening("manager"):
                    await asyncio.sleep(0)
            await writing
            heard = [await steady.next() for _ in range(40)]
        assert [frame["id"] for frame in heard] == [f"r{number}" for number in range(40)]

    async def test_12_there_is_one_engine(self, served: Served) -> None:
        """What the store answers is what the pure function answers, to the last step."""
        rule = RULE | {"params": {"by": "{delta}"}, "limits": {"maxDailyPct": 1}}
        await done(served.manager, "/create", rule)
        at = "2026-11-20T12:00:00Z"
        asked = {"alert": ALERT | {"delta": 1.5}, "at": at, "roles": ["manager"]}
        told = (await done(served.reader, "/test", asked)).json()["decision"]
        simulation = parse.simulation(asked)
        request = Request(
            alert=Alert("test", "kernel_sysctl", "Test", "Test", Severity.MEDIUM, 0),
            at=simulation.at,
            zone="UTC",
            decision_id=told["decisionId"],
            principal=Principal("somebody", frozenset({"manager"})),
        )
        bare = parse.rule(rule | {"params": {"by": 1.5}})
        decision = evaluate.evaluate(Policy((bare,), 1), request, State(confirmed_at=request.at))
        wanted = exact.plain(decision.to_wire())
        assert told["resolvedParams"] == {"by": 1.5}
        for key in ("type", "verdict", "code", "ruleId", "action", "resolvedParams"):
            assert told[key] == wanted[key]
        assert [step["check"] for step in told["trace"]] == [
            step["check"] for step in wanted["trace"]
        ]

    async def test_13_an_event_reaches_the_clients_of_every_process(
        self, served: Served, beside: Served
    ) -> None:
        async with served.listening() as here, beside.listening() as there:
            await done(served.manager, "/create", RULE)
            await done(beside.manager, "/delete", {"id": "sysctl"})
            for live in (here, there):
                kinds = [(await live.next())["type"] for _ in range(2)]
                assert kinds == ["created", "deleted"]
        assert await listed(beside.reader) == await listed(served.reader) == []

    @pytest.mark.parametrize("route", ["/login", "/token", "/auth/login", "/demo"])
    async def test_14_nothing_lets_anybody_in_without_a_credential(
        self, served: Served, route: str
    ) -> None:
        async with httpx2.AsyncClient(base_url=served.reader.base_url) as nobody:
            for shown in ({}, {"authorization": "Bearer x"}, {"authorization": "Bearer secret"}):
                assert (await nobody.get("/list", headers=shown)).status_code == 401
            # A token that says by which algorithm it is to be believed.
            claims = "eyJhbGciOiJub25lIn0.eyJyb2xlIjoiYWRtaW4ifQ."
            unsigned = {"authorization": f"Bearer {claims}"}
            assert (await nobody.get("/list", headers=unsigned)).status_code == 401
            answer = await nobody.post(route, json={"user": "admin", "password": "admin"})
            assert answer.status_code in (401, 404, 405)

    async def _write(self, served: Served, count: int) -> None:
        for number in range(count):
            await done(served.manager, "/create", RULE | {"id": f"r{number}"})


async def _restore(served: Served, files: list[str]) -> None:
    for file in files:
        await done(served.admin, "/restore", {"file": file})
