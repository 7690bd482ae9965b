"""/api/mcp/policy/ws: the contract's client works unchanged, and each event has its place."""

import json

from tests.integration.central.realtime.conftest import opened, soon

PATH = "/api/mcp/policy/ws"
RULE = {
    "id": "pricing",
    "when": {"kpiId": "ssh_config", "severity": ["high"]},
    "action": "ssh_config.harden",
}


async def post(somebody, path, body):
    said = await somebody.browser.post(f"/api/mcp/policy/{path}", json=body)
    assert said.status_code == 200, said.text


async def test_the_events_are_the_contracts_with_their_seq(somebody, announcing):
    async with somebody.listening(PATH) as live:
        await post(somebody, "create", RULE)
        await post(somebody, "create", RULE)
        await post(somebody, "update", RULE)
        await post(somebody, "create", {"rules": [{**RULE, "id": f"r{n}"} for n in range(3)]})
        await post(somebody, "delete", {"id": "pricing"})
        heard = [await live.next() for _ in range(5)]
    seqs = [frame.pop("seq") for frame in heard]
    assert seqs == sorted(set(seqs))
    assert heard == [
        {"service": "policy", "type": "created", "id": "pricing"},
        {"service": "policy", "type": "updated", "id": "pricing"},
        {"service": "policy", "type": "updated", "id": "pricing"},
        {"service": "policy", "type": "bulk-created", "count": 3},
        {"service": "policy", "type": "deleted", "id": "pricing"},
    ]


async def test_a_restore_is_told_with_what_it_came_from(somebody, announcing, tenant, owner):
    async with somebody.listening(PATH) as live:
        await owner.execute(
            "INSERT INTO change_log (partner_id, kind, subject, payload)"
            " VALUES ($1, 'policy.restored', 'policies', $2)",
            *(
                tenant.partner_id,
                json.dumps({"service": "policy", "type": "restored", "from": "x.db"}),
            ),
        )
        frame = await live.next()
        assert frame == {
            "service": "policy", "type": "restored", "from": "x.db", "seq": frame["seq"],
        }  # fmt: skip


async def test_ping_gets_the_contracts_pong(somebody):
    async with somebody.listening(PATH) as live:
        assert live.hello["service"] == "policy"
        await live.connection.send("ping")
        assert await live.next() == {"service": "policy", "type": "pong"}


async def test_nothing_else_is_said_there(somebody, announcing, tenant, owner):
    async with somebody.listening(PATH) as live:
        await owner.execute(
            "INSERT INTO change_log (partner_id, site_id, kind, subject)"
            " VALUES ($1, $2, 'evidence', 'x'), ($1, NULL, 'policy.other', 'x')",
            *(tenant.partner_id, tenant.site_id),
        )
        assert await live.silent()


async def test_a_write_that_is_refused_is_no_event(somebody, announcing):
    async with somebody.listening(PATH) as live:
        said = await somebody.browser.post("/api/mcp/policy/create", json={"id": "no"})
        assert said.status_code == 422
        rules = {"rules": [RULE, {"id": "no"}]}
        assert (
            await somebody.browser.post("/api/mcp/policy/create", json=rules)
        ).status_code == 422
        assert await live.silent()


async def test_events_are_replayed_from_where_a_client_was(server, somebody, announcing):
    async with somebody.listening(PATH) as live:
        await post(somebody, "create", RULE)
        last = (await live.next())["seq"]
    await post(somebody, "delete", {"id": "pricing"})
    query = f"?since={last}&epoch={live.hello['epoch']}"
    async with opened(server, PATH + query, headers=somebody.headers) as again:
        hello = json.loads(await soon(again.recv()))
        assert hello == {
            "service": "policy", "type": "hello", "seq": last, "epoch": live.hello["epoch"],
            "recovered": True,
        }  # fmt: skip
        assert json.loads(await soon(again.recv()))["type"] == "deleted"
