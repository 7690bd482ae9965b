"""The policy contract over HTTP, on PostgreSQL, as the application role."""

import asyncio
from typing import Any

import httpx2
import pytest

from tests.integration.central.conftest import Tenant
from tests.integration.central.policies.conftest import SignIn
from wardline.central.database.engine import Raw

RULE: dict[str, Any] = {
    "id": "disk",
    "when": {"kpiId": "kernel_sysctl", "severity": ["medium", "high"]},
    "action": "kernel_sysctl.apply",
    "params": {},
    "limits": {"maxDailyPct": 1.5},
    "autoExecute": True,
    "autoSuggest": True,
}
ALERT = {
    "id": "test",
    "kpiId": "kernel_sysctl",
    "title": "Test",
    "message": "Test",
    "severity": "medium",
}


async def _list(client: httpx2.AsyncClient) -> list[dict[str, Any]]:
    answer = await client.get("/list")
    assert answer.status_code == 200
    assert answer.json().keys() == {"ok", "data"}
    found: list[dict[str, Any]] = answer.json()["data"]
    return found


async def _written(owner: Raw, tenant: Tenant) -> tuple[int, int, int, int]:
    """Revision of the head, revisions, change-log rows and audit records of the partner."""
    row = await owner.fetchrow(
        "SELECT (SELECT revision FROM policy_heads WHERE partner_id = $1),"
        " (SELECT count(*) FROM policy_revisions WHERE partner_id = $1),"
        " (SELECT count(*) FROM change_log WHERE partner_id = $1),"
        " (SELECT count(*) FROM audit_log WHERE partner_id = $1)",
        tenant.partner_id,
    )
    assert row is not None
    return (row[0] or 0, row[1], row[2], row[3])


async def test_a_rule_is_made_changed_listed_and_deleted(
    manager: httpx2.AsyncClient, owner: Raw, tenant: Tenant
) -> None:
    made = await manager.post("/create", json=RULE)
    assert (made.status_code, made.json()) == (200, {"ok": True})
    (listed,) = await _list(manager)
    assert {key: listed[key] for key in RULE} == RULE
    assert listed.keys() - RULE.keys() == {
        "revision",
        "createdBy",
        "createdAt",
        "updatedBy",
        "updatedAt",
    }

    changed = await manager.post("/update", json=listed | {"priority": 3})
    assert (changed.status_code, changed.json()) == (200, {"ok": True})
    (again,) = await _list(manager)
    assert (again["priority"], again["revision"], again["createdAt"]) == (
        3,
        2,
        listed["createdAt"],
    )

    gone = await manager.post("/delete", json={"id": "disk"})
    assert (gone.status_code, gone.json()) == (200, {"ok": True})
    assert await _list(manager) == []
    assert await _written(owner, tenant) == (3, 3, 3, 3)

    events = await owner.fetch(
        "SELECT kind, payload::text FROM change_log WHERE partner_id = $1 ORDER BY id",
        tenant.partner_id,
    )
    assert [event["kind"] for event in events] == [
        "policy.created",
        "policy.updated",
        "policy.deleted",
    ]
    assert '"type": "created"' in events[0]["payload"]
    versions = await owner.fetch(
        "SELECT revision, body IS NULL AS gone FROM policy_rule_versions"
        " WHERE partner_id = $1 ORDER BY revision",
        tenant.partner_id,
    )
    assert [tuple(version) for version in versions] == [(1, False), (2, False), (3, True)]


async def test_list_goes_back_into_create(manager: httpx2.AsyncClient) -> None:
    await manager.post("/create", json=RULE)
    listed = await _list(manager)
    assert (await manager.post("/create", json={"rules": listed})).json() == {
        "ok": True,
        "count": 1,
    }
    (again,) = await _list(manager)
    assert {key: again[key] for key in RULE} == {key: listed[0][key] for key in RULE}


async def test_create_replaces_and_announces_an_update(
    manager: httpx2.AsyncClient, owner: Raw, tenant: Tenant
) -> None:
    await manager.post("/create", json=RULE)
    again = await manager.post("/create", json=RULE | {"priority": 1})
    assert again.json() == {"ok": True}
    kinds = await owner.fetch(
        "SELECT kind FROM change_log WHERE partner_id = $1 ORDER BY id", tenant.partner_id
    )
    assert [row["kind"] for row in kinds] == ["policy.created", "policy.updated"]

    refused = await manager.post("/create", json=RULE, headers={"if-none-match": "*"})
    assert refused.status_code == 409
    assert (await _list(manager))[0]["priority"] == 1


async def test_bulk_is_all_or_nothing(
    manager: httpx2.AsyncClient, owner: Raw, tenant: Tenant
) -> None:
    good = [RULE | {"id": f"r{number}"} for number in range(3)]
    bad = [*good, RULE | {"id": "r3", "action": "format.disk"}, RULE | {"id": ""}]
    refused = await manager.post("/create", json={"rules": bad})
    assert refused.status_code == 422
    assert [each["path"] for each in refused.json()["errors"]] == ["rules[4].id"]
    refused = await manager.post("/create", json={"rules": bad[:4]})
    assert [each["path"] for each in refused.json()["errors"]] == ["rules[3].action"]
    assert await _written(owner, tenant) == (0, 0, 0, 0)

    made = (await manager.post("/create", json={"rules": good})).json()
    assert (made["ok"], made["count"]) == (True, 3)
    assert {rule["revision"] for rule in await _list(manager)} == {1}
    assert await _written(owner, tenant) == (1, 1, 1, 1)
    refused = await manager.post(
        "/create",
        json={"rules": [RULE | {"id": "r9"}, *good]},
        headers={"if-none-match": "*"},
    )
    assert refused.status_code == 409
    assert len(await _list(manager)) == 3
    assert (await manager.post("/create", json={"rules": []})).json() == {"ok": True, "count": 0}


@pytest.mark.parametrize(
    "body, path",
    [
        (RULE | {"action": "format.disk"}, "action"),
        (RULE | {"scope": {"partner": "partner_of_somebody_else"}}, "scope.partner"),
        (RULE | {"when": RULE["when"] | {"condition": "delta > x"}}, "when.condition"),
        (RULE | {"window": {"days": [42], "start": "08:00", "end": "09:00"}}, "window.days[0]"),
        (RULE | {"autoexecute": True}, "autoexecute"),
        (RULE | {"openingHours": "sometimes"}, "openingHours"),
        ({"rules": [RULE], "id": "x"}, "id"),
        ({"rules": RULE}, "rules"),
        ([RULE], "$"),
        ("rule", "$"),
        ({}, "id"),
    ],
)
async def test_a_bad_rule_is_refused_with_its_path_and_changes_nothing(
    manager: httpx2.AsyncClient, owner: Raw, tenant: Tenant, body: Any, path: str
) -> None:
    refused = await manager.post("/create", json=body)
    assert refused.status_code == 422
    assert path in [each["path"] for each in refused.json()["errors"]]
    assert path in refused.json()["detail"]
    assert await _written(owner, tenant) == (0, 0, 0, 0)


@pytest.mark.parametrize("route", ["/create", "/update", "/delete", "/test"])
@pytest.mark.parametrize("content", [b"{", b"", b'{"id":"\\u0000"}', b'{"id":"\\ud800"}', b"\xff"])
async def test_what_is_no_storable_json_is_refused(
    manager: httpx2.AsyncClient, route: str, content: bytes
) -> None:
    headers = {"content-type": "application/json"}
    refused = await manager.post(route, content=content, headers=headers)
    assert refused.status_code == 422
    assert "detail" in refused.json()


async def test_what_is_not_there_is_not_found(manager: httpx2.AsyncClient) -> None:
    for route, body in (("/update", RULE), ("/delete", {"id": "disk"})):
        missing = await manager.post(route, json=body)
        assert (missing.status_code, missing.json()["detail"]) == (404, "Policy not found")


async def test_a_stale_write_is_refused(manager: httpx2.AsyncClient) -> None:
    made = await manager.post("/create", json=RULE)
    seen = {"if-match": made.headers["etag"]}
    first = await manager.post("/update", json=RULE | {"priority": 1}, headers=seen)
    assert (first.status_code, first.headers["etag"]) == (200, '"2"')
    for route, body in (("/update", RULE | {"priority": 2}), ("/delete", {"id": "disk"})):
        assert (await manager.post(route, json=body, headers=seen)).status_code == 412
    garbled = await manager.post("/update", json=RULE, headers={"if-match": '"x", "' + "9" * 5000})
    assert garbled.status_code == 412
    assert (await _list(manager))[0]["priority"] == 1
    fresh = {"if-match": first.headers["etag"]}
    assert (await manager.post("/delete", json={"id": "disk"}, headers=fresh)).status_code == 200


async def test_two_writers_at_once_lose_nothing(manager: httpx2.AsyncClient) -> None:
    made = await manager.post("/create", json=RULE)
    seen = {"if-match": made.headers["etag"]}
    answers = await asyncio.gather(
        *(
            manager.post("/update", json=RULE | {"priority": number}, headers=seen)
            for number in range(8)
        )
    )
    codes = sorted(answer.status_code for answer in answers)
    assert codes == [200] + [412] * 7
    (rule,) = await _list(manager)
    assert rule["revision"] == 2


@pytest.mark.parametrize(
    "role, reads, writes",
    [
        ("owner", 200, 200),
        ("manager", 200, 200),
        ("operator", 200, 403),
        ("reader", 200, 403),
        ("auditor", 200, 403),
    ],
)
async def test_roles(sign_in: SignIn, tenant: Tenant, role: str, reads: int, writes: int) -> None:
    client = await sign_in(tenant, role)
    assert (await client.get("/list")).status_code == reads
    assert (await client.post("/test", json={"alert": ALERT})).status_code == reads
    for route, body in (("/create", RULE), ("/update", RULE), ("/delete", {"id": RULE["id"]})):
        assert (await client.post(route, json=body)).status_code == writes


async def test_a_partner_sees_and_changes_its_own_rules_only(
    manager: httpx2.AsyncClient, sign_in: SignIn, other_tenant: Tenant
) -> None:
    await manager.post("/create", json=RULE)
    foreign = await sign_in(other_tenant, "owner")
    assert await _list(foreign) == []
    assert (await foreign.post("/update", json=RULE)).status_code == 404
    assert (await foreign.post("/delete", json={"id": "disk"})).status_code == 404
    decision = (await foreign.post("/test", json={"alert": ALERT})).json()["decision"]
    assert decision["reason"] == "No matching rule"
    await foreign.post("/create", json=RULE | {"priority": 9})
    assert "priority" not in (await _list(manager))[0]


async def test_the_simulator_answers_in_the_shape_of_the_contract(
    manager: httpx2.AsyncClient, tenant: Tenant, owner: Raw
) -> None:
    await manager.post("/create", json=RULE | {"scope": {"partner": tenant.partner_id}})
    before = await _written(owner, tenant)
    answer = await manager.post("/test", json={"alert": ALERT, "roles": ["manager"]})
    assert answer.status_code == 200
    assert answer.json().keys() == {"ok", "decision"}
    decision = answer.json()["decision"]
    assert {key: decision[key] for key in ("type", "execute", "needsApproval", "ruleId")} == {
        "type": "allow",
        "execute": True,
        "needsApproval": False,
        "ruleId": "disk",
    }
    assert (decision["approverRoles"], decision["resolvedParams"]) == (None, {})
    assert (decision["verdict"], decision["policyRevision"]) == ("run", 1)
    assert decision["trace"][0]["check"] == "freeze"

    denied = await manager.post("/test", json={"alert": ALERT | {"severity": "ok"}})
    decision = denied.json()["decision"]
    assert (decision["type"], decision["reason"]) == ("deny", "No matching rule")
    assert await _written(owner, tenant) == before


async def test_the_simulator_takes_an_instant_a_site_and_draft_rules(
    manager: httpx2.AsyncClient, tenant: Tenant, owner: Raw
) -> None:
    window = {"days": [1, 2, 3, 4, 5], "start": "08:00", "end": "18:00"}
    asked = {
        "alert": ALERT,
        "at": "2026-11-20T07:30:00Z",
        "rules": [RULE | {"window": window}],
    }
    without_site = (await manager.post("/test", json=asked)).json()["decision"]
    assert without_site["reason"] == "Outside window"

    there = asked | {"site": tenant.site_id}  # Europe/Berlin: half past eight
    observing = (await manager.post("/test", json=there)).json()["decision"]
    assert observing["code"] == "observing"
    assert observing["would"] == {"verdict": "run", "code": "allowed", "ruleId": "disk"}
    await owner.execute("UPDATE sites SET healing = 'heal' WHERE id = $1", tenant.site_id)
    healing = (await manager.post("/test", json=there)).json()["decision"]
    assert healing["verdict"] == "run"
    assert await _list(manager) == []


async def test_the_simulator_answers_from_the_newest_revision_after_every_write(
    manager: httpx2.AsyncClient,
) -> None:
    async def decided() -> tuple[str, str, int]:
        decision = (await manager.post("/test", json={"alert": ALERT})).json()["decision"]
        return decision["verdict"], decision["code"], decision["policyRevision"]

    assert await decided() == ("block", "no_match", 0)
    await manager.post("/create", json=RULE)
    assert await decided() == ("run", "allowed", 1)
    assert await decided() == ("run", "allowed", 1)
    await manager.post("/update", json=RULE | {"autoExecute": False})
    assert await decided() == ("offer", "start_needed", 2)
    await manager.post("/create", json={"rules": [RULE | {"id": "no", "effect": "deny"}]})
    assert await decided() == ("block", "denied", 3)
    for rule_id in ("no", "disk"):
        await manager.post("/delete", json={"id": rule_id})
    assert await decided() == ("block", "no_match", 5)
    await manager.post("/create", json=RULE)
    assert await decided() == ("run", "allowed", 6)


async def test_opening_hours_are_the_sites(
    manager: httpx2.AsyncClient, tenant: Tenant, owner: Raw
) -> None:
    await owner.execute(
        "UPDATE sites SET healing = 'heal', opening_hours = CAST($2::text AS jsonb) WHERE id = $1",
        tenant.site_id,
        '[{"days": [5], "start": "08:00", "end": "18:00"}]',
    )
    await manager.post("/create", json=RULE | {"openingHours": "outside"})
    found = []
    for at in ("2026-11-20T06:59:00Z", "2026-11-20T07:00:00Z"):  # Europe/Berlin is an hour ahead
        asked = {"alert": ALERT, "site": tenant.site_id, "at": at}
        decision = (await manager.post("/test", json=asked)).json()["decision"]
        found.append((decision["verdict"], decision["code"]))
    assert found == [("run", "allowed"), ("block", "outside_window")]
    nowhere = (await manager.post("/test", json={"alert": ALERT})).json()["decision"]
    assert (nowhere["reason"], nowhere["verdict"]) == ("Outside window", "block")
    (listed,) = await _list(manager)
    assert listed["openingHours"] == "outside"


async def test_an_export_is_a_file_that_create_takes_back(
    sign_in: SignIn, tenant: Tenant, other_tenant: Tenant
) -> None:
    mine, theirs = await sign_in(tenant, "owner"), await sign_in(other_tenant, "owner")
    rules = [RULE, RULE | {"id": "at", "openingHours": "inside", "priority": -1}]
    assert (await mine.post("/create", json={"rules": rules})).status_code == 200

    exported = await mine.get("/export")
    assert exported.status_code == 200
    assert exported.headers["content-disposition"] == 'attachment; filename="policies-export.json"'
    assert exported.json().keys() == {"ok", "rules"}
    told = {rule["id"]: rule for rule in exported.json()["rules"]}
    assert list(told) == ["at", "disk"]
    assert told["disk"] == RULE
    assert told["at"] == rules[1]

    assert (await theirs.get("/export")).json() == {"ok": True, "rules": []}
    headers = {"content-type": "application/json"}
    taken = await theirs.post("/create", content=exported.content, headers=headers)
    assert (taken.status_code, taken.json()["count"]) == (200, 2)
    assert (await theirs.get("/export")).json() == exported.json()


@pytest.mark.parametrize("role", ["manager", "operator", "reader", "auditor"])
async def test_only_an_owner_takes_all_rules_along(
    sign_in: SignIn, tenant: Tenant, role: str
) -> None:
    assert (await (await sign_in(tenant, role)).get("/export")).status_code == 403


@pytest.mark.parametrize(
    "change, path",
    [
        ({"alert": {"id": "x"}}, "alert.kpiId"),
        ({"site": "site_of_somebody_else"}, "site"),
        ({"alert": ALERT | {"siteId": "a"}, "site": "b"}, "site"),
        ({"rules": [{"id": "x"}]}, "rules[0].when"),
        ({"at": "now"}, "at"),
        ({"role": []}, "role"),
    ],
)
async def test_a_bad_simulation_is_refused_with_its_path(
    manager: httpx2.AsyncClient, change: dict[str, Any], path: str
) -> None:
    refused = await manager.post("/test", json={"alert": ALERT} | change)
    assert refused.status_code == 422
    assert path in [each["path"] for each in refused.json()["errors"]]
