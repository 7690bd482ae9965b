"""Every socket × every caller: found by walking the app's routes; one without an example fails."""

import asyncio
import json
from datetime import timedelta

import pytest
from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute, APIWebSocketRoute
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.integration.central.conftest import PASSWORD
from tests.integration.central.realtime.conftest import closing, opened, soon
from wardline.central.identity import access, tokens
from wardline.central.identity.permissions import ALLOWED, Permission, Role
from wardline.central.web import peers
from wardline.core import clock, ids
from wardline.policy.live.seats import Limits

# Each socket with a write that its listeners hear.
RULE = {"id": "socket", "when": {"kpiId": "ssh_config", "severity": ["high"]}, "action": "*"}
EXAMPLES = {
    "/api/v1/live": Permission.VIEW,
    "/api/mcp/policy/ws": Permission.POLICY_READ,
}
SOCKETS = sorted(EXAMPLES)


def routes_of(web: FastAPI) -> list[object]:
    """All of them, however the framework keeps those of a router."""
    found, pending = [], list(web.routes)
    while pending:
        one = pending.pop()
        inner = getattr(one, "routes", None) or getattr(
            getattr(one, "original_router", None), "routes", None
        )
        found.append(one)
        pending += inner or []
    return found


async def refused(server, path, headers=None, **changes):
    async with opened(server, path, headers=headers, **changes) as connection:
        said = await closing(connection)
    return said.code, said.reason


async def test_every_socket_has_an_example_here(web):
    found = routes_of(web)
    assert any(isinstance(one, APIRoute) for one in found)
    sockets = {one.path: one for one in found if isinstance(one, APIWebSocketRoute)}
    assert {path: access.permission_of(one) for path, one in sockets.items()} == EXAMPLES


def test_a_socket_without_a_permission_is_no_route():
    router = APIRouter()

    @router.websocket("/open")
    async def open_to_all() -> None: ...

    with pytest.raises(access.RouteUnguarded, match="/open must name one permission"):
        access.guard(router)


@pytest.mark.parametrize("path", SOCKETS)
async def test_nobody_gets_in_without_a_session(server, path):
    assert await refused(server, path) == (4401, "not_signed_in")
    made_up = {"cookie": f"wardline={tokens.make()}"}
    assert (await refused(server, path, made_up))[0] == 4401
    bearer = {"authorization": f"Bearer {tokens.make()}"}
    assert (await refused(server, path, bearer))[0] == 4401
    assert (await refused(server, f"{path}?ticket={tokens.make()}"))[0] == 4401
    assert (await refused(server, f"{path}?ticket=%00{'x' * 500}"))[0] == 4401


@pytest.mark.parametrize("path", SOCKETS)
async def test_an_appliance_holds_no_socket(server, appliance, path):
    headers = {"authorization": f"Bearer {appliance.credential}"}
    assert (await refused(server, path, headers))[0] == 4401


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("path", SOCKETS)
async def test_a_role_gets_what_the_table_says_and_another_partner_nothing(
    server, person, somebody, tenant, other_tenant, announcing, path, role
):
    if EXAMPLES[path] not in ALLOWED[role]:
        async with person(server, tenant, role) as made:
            assert (await refused(server, path, made.headers))[0] == 4403
        return
    async with (
        person(server, tenant, role) as made,
        person(server, other_tenant, role) as foreign,
        made.listening(path) as own,
        foreign.listening(path) as elsewhere,
    ):
        said = await somebody.browser.post("/api/mcp/policy/create", json=RULE)
        assert said.status_code == 200, said.text
        assert "seq" in await own.next()
        assert await elsewhere.silent()


@pytest.mark.parametrize("path", SOCKETS)
async def test_a_one_time_password_opens_no_socket(server, person, tenant, path):
    async with person(server, tenant, must_change=True) as made:
        said = await refused(server, path, made.headers)
        assert said == (4403, "password_change_required")


@pytest.mark.parametrize("path", SOCKETS)
@pytest.mark.parametrize(
    "origin",
    [None, "null", "https://evil.example", "http://127.0.0.1:1", "https://127.0.0.1:{port}"],
)
async def test_a_cookie_from_a_foreign_page_opens_no_socket(server, somebody, path, origin):
    given = origin and origin.format(port=server.port)
    said = await refused(server, path, somebody.headers, origin=given)
    assert said == (4403, "cross_site")


@pytest.mark.parametrize("path", SOCKETS)
async def test_a_page_under_another_name_gets_no_answer(server, somebody, path):
    """Its host was rebound to this machine; the origin would even match."""
    headers = {**somebody.headers, "host": f"evil.example:{server.port}"}
    with pytest.raises(InvalidStatus) as refusal:
        async with opened(server, path, headers=headers, origin="http://evil.example"):
            pass
    assert refusal.value.response.status_code == 421


async def test_an_address_that_is_no_socket_is_refused(server, somebody):
    for path in ("/api/v1/nothing", "/", "/api/v1/session"):
        with pytest.raises(InvalidStatus) as refusal:
            async with opened(server, path, headers=somebody.headers):
                pass
        assert refusal.value.response.status_code == 403


async def test_a_bearer_token_opens_one_without_an_origin(server, owner, somebody):
    secret = tokens.make()
    await owner.execute(
        "INSERT INTO sessions (id, partner_id, user_id, kind, token_hash, expires_at)"
        " SELECT $1, partner_id, id, 'local', $2, $3 FROM users WHERE id = $4",
        *(ids.new("sess"), tokens.digest(secret)),
        *(clock.system() + timedelta(hours=1), somebody.user_id),
    )
    headers = {"authorization": f"Bearer {secret}"}
    async with opened(server, "/api/v1/live", headers=headers, origin=None) as connection:
        assert json.loads(await soon(connection.recv()))["type"] == "hello"


async def ticket_of(somebody):
    answer = await somebody.browser.post("/api/v1/ws-ticket")
    assert answer.status_code == 201, answer.text
    return answer.json()["ticket"]


@pytest.mark.parametrize("path", SOCKETS)
async def test_a_ticket_opens_one_socket_once(server, somebody, owner, path):
    ticket = await ticket_of(somebody)
    async with opened(server, f"{path}?ticket={ticket}", origin=None) as connection:
        assert json.loads(await soon(connection.recv()))["type"] == "hello"
    assert (await refused(server, f"{path}?ticket={ticket}"))[0] == 4401
    assert await owner.fetchval("SELECT count(*) FROM socket_tickets") == 0


async def test_a_ticket_that_is_spent_twice_at_once_opens_one_socket(server, somebody):
    ticket = await ticket_of(somebody)

    async def attempt():
        async with opened(server, f"/api/v1/live?ticket={ticket}") as connection:
            try:
                return json.loads(await soon(connection.recv()))["type"]
            except ConnectionClosed as closed:
                return closed.rcvd.code

    assert sorted(map(str, await asyncio.gather(*(attempt() for _ in range(5))))) == [
        *["4401"] * 4,
        "hello",
    ]


async def test_a_ticket_is_stored_as_its_hash_and_is_old_after_seconds(server, somebody, owner):
    ticket = await ticket_of(somebody)
    (row,) = await owner.fetch("SELECT token_hash, expires_at - now() AS left FROM socket_tickets")
    assert row["token_hash"] == tokens.digest(ticket)
    assert row["left"] <= timedelta(seconds=30)
    await owner.execute("UPDATE socket_tickets SET expires_at = now() - interval '1 second'")
    assert (await refused(server, f"/api/v1/live?ticket={ticket}"))[0] == 4401


async def test_a_ticket_ends_with_its_session(server, somebody):
    ticket = await ticket_of(somebody)
    assert (await somebody.browser.delete("/api/v1/session")).status_code == 204
    assert (await refused(server, f"/api/v1/live?ticket={ticket}"))[0] == 4401


async def test_old_tickets_make_room(somebody, owner):
    for _ in range(20):
        await ticket_of(somebody)
    kept = "SELECT count(*) FROM socket_tickets WHERE user_id = $1"
    assert await owner.fetchval(kept, somebody.user_id) == 16


ENDINGS = {
    "signed out": ("", 4401),
    "expired": ("UPDATE sessions SET expires_at = now() WHERE user_id = $1", 4401),
    "idle": (
        "UPDATE sessions SET last_seen_at = now() - interval '1 day' WHERE user_id = $1",
        4401,
    ),
    "disabled": ("UPDATE users SET disabled_at = now() WHERE id = $1", 4401),
    "one-time": ("UPDATE users SET must_change_password = true WHERE id = $1", 4403),
}


@pytest.mark.parametrize("how", ENDINGS)
async def test_a_socket_ends_with_its_session(serve, person, tenant, owner, how):
    sql, code = ENDINGS[how]
    async with (
        serve(Limits(recheck_seconds=0.1)) as server,
        person(server, tenant) as made,
        made.listening() as live,
    ):
        if sql:
            await owner.execute(sql, made.user_id)
        else:
            assert (await made.browser.delete("/api/v1/session")).status_code == 204
        assert (await closing(live.connection)).code == code


async def test_a_new_password_ends_the_sockets_of_the_other_sessions(serve, person, tenant, owner):
    async with serve(Limits(recheck_seconds=0.1)) as server, person(server, tenant) as made:
        email = await owner.fetchval("SELECT email FROM users WHERE id = $1", made.user_id)
        async with made.listening() as first:
            body = {"email": email, "password": PASSWORD}
            made.browser.cookies.clear()
            assert (await made.browser.post("/api/v1/session", json=body)).status_code == 200
            change = {"current": PASSWORD, "new": "another long password"}
            said = await made.browser.post("/api/v1/session/password", json=change)
            assert said.status_code == 200, said.text
            assert (await closing(first.connection)).code == 4401


@pytest.mark.parametrize("query", ["?since=-1", "?since=x", "?since=99999999999999999999"])
async def test_a_place_that_is_none_is_refused(server, somebody, query):
    assert await refused(server, f"/api/v1/live{query}", somebody.headers) == (4422, "invalid")


async def test_behind_a_proxy_only_the_proxy_opens_sockets():
    said = []

    async def app(scope, receive, send):
        said.append("let in")

    async def send(message):
        said.append(message["type"])

    gate = peers.PeerGate(app, "10.0.0.5")
    scope = {"type": "websocket", "client": ("198.51.100.7", 1), "headers": [], "path": "/"}
    await gate(scope, None, send)
    assert said == ["websocket.http.response.start", "websocket.http.response.body"]
    said.clear()
    await gate({**scope, "client": ("10.0.0.5", 1), "scheme": "ws"}, None, send)
    assert said == ["let in"]
