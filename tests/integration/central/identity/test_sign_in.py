"""Signing in: the cookie, lock-out, expiry, the one-time password, and requests of other sites."""

import asyncio

import httpx2
import pytest
from fastapi import FastAPI

from tests.integration.central.conftest import (
    PASSWORD,
    Moment,
    Tenant,
    browser_of,
    make_user,
    sign_in,
)
from wardline.central.database.engine import Raw
from wardline.central.identity import access, pauses

NEW = "another long password"


async def test_a_session_says_who_is_signed_in(
    browser: httpx2.AsyncClient, owner: Raw, tenant: Tenant
) -> None:
    email = await make_user(owner, tenant.partner_id)
    me = await sign_in(browser, email)
    assert me == (await browser.get("/api/v1/session")).json()
    assert (me["user"]["email"], me["user"]["role"]) == (email, "owner")
    assert me["partner"] == {"id": tenant.partner_id, "name": "Partner"}
    assert (me["must_change_password"], me["demo"]) == (False, False)
    assert "healing" in me["permissions"]


async def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(
    browser: httpx2.AsyncClient, owner: Raw, tenant: Tenant
) -> None:
    email = await make_user(owner, tenant.partner_id)
    answer = await browser.post("/api/v1/session", json={"email": email, "password": PASSWORD})
    cookie = answer.headers["set-cookie"].lower()
    assert cookie.startswith("wardline=")
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert "path=/" in cookie


async def test_the_stored_session_does_not_open_a_session(
    signed_in: httpx2.AsyncClient, owner: Raw
) -> None:
    secret = signed_in.cookies["wardline"]
    stored = await owner.fetch("SELECT token_hash FROM sessions")
    assert all(secret.encode() not in row["token_hash"] for row in stored)


async def test_an_unknown_user_and_a_wrong_password_get_the_same_answer(
    browser: httpx2.AsyncClient, owner: Raw, tenant: Tenant
) -> None:
    email = await make_user(owner, tenant.partner_id)
    answers = [
        await browser.post("/api/v1/session", json={"email": address, "password": "wrong"})
        for address in (email, "nobody@example.com")
    ]
    assert [answer.status_code for answer in answers] == [401, 401]
    assert answers[0].json() == answers[1].json()


async def test_signing_out_ends_the_session_for_good(signed_in: httpx2.AsyncClient) -> None:
    secret = signed_in.cookies["wardline"]
    assert (await signed_in.delete("/api/v1/session")).status_code == 204
    signed_in.cookies.set("wardline", secret)
    assert (await signed_in.get("/api/v1/session")).status_code == 401


async def test_five_failures_pause_sign_in_and_the_pause_grows(
    browser: httpx2.AsyncClient, owner: Raw, tenant: Tenant, moment: Moment
) -> None:
    email = await make_user(owner, tenant.partner_id)

    async def attempt(password: str) -> int:
        body = {"email": email, "password": password}
        return (await browser.post("/api/v1/session", json=body)).status_code

    for _ in range(pauses.ADDRESS_FAILURES_FREE):
        assert await attempt("wrong") == 401
    assert await attempt(PASSWORD) == 401
    moment.advance(pauses.PAUSE_SECONDS_FIRST + 1)
    assert await attempt("wrong") == 401
    moment.advance(pauses.PAUSE_SECONDS_FIRST + 1)
    assert await attempt(PASSWORD) == 401, "the second pause is twice as long"
    moment.advance(pauses.PAUSE_SECONDS_FIRST)
    assert await attempt(PASSWORD) == 200
    left = await owner.fetchval(
        "SELECT sum(failures) FROM sign_in_sources WHERE kind = 'address' AND user_id ="
        " (SELECT id FROM users WHERE email = $1)",
        email,
    )
    assert left == 0


async def test_guesses_at_the_same_time_are_all_counted(
    web: FastAPI, owner: Raw, tenant: Tenant
) -> None:
    email = await make_user(owner, tenant.partner_id)

    async def guess(number: int) -> int:
        async with browser_of(web) as browser:
            body = {"email": email, "password": f"guess {number}"}
            return (await browser.post("/api/v1/session", json=body)).status_code

    assert set(await asyncio.gather(*map(guess, range(20)))) == {401}
    refused = await owner.fetchval(
        "SELECT count(*) FROM audit_log WHERE action = 'session.refused' AND partner_id = $1"
        " AND reason = 'wrong password'",
        tenant.partner_id,
    )
    assert refused == pauses.ADDRESS_FAILURES_FREE


async def test_a_stranger_does_not_lock_out_a_browser_that_signed_in_before(
    web: FastAPI, owner: Raw, tenant: Tenant
) -> None:
    """Not even from the same address."""
    email = await make_user(owner, tenant.partner_id)
    async with browser_of(web) as own, browser_of(web) as stranger:
        await sign_in(own, email)
        for _ in range(pauses.ADDRESS_FAILURES_FREE + 1):
            body = {"email": email, "password": "wrong"}
            assert (await stranger.post("/api/v1/session", json=body)).status_code == 401
        body = {"email": email, "password": PASSWORD}
        assert (await stranger.post("/api/v1/session", json=body)).status_code == 401
        await sign_in(own, email)
        for _ in range(pauses.ADDRESS_FAILURES_FREE):
            await own.post("/api/v1/session", json={"email": email, "password": "wrong"})
        answer = await own.post("/api/v1/session", json=body)
        assert answer.status_code == 401, "a device that was taken away guesses no more than others"


async def test_a_stranger_elsewhere_does_not_lock_out_an_address(
    web: FastAPI, owner: Raw, tenant: Tenant
) -> None:
    email = await make_user(owner, tenant.partner_id)
    here, there = ("192.0.2.1", 1), ("198.51.100.1", 1)
    body = {"email": email, "password": "wrong"}
    for _ in range(pauses.ADDRESS_FAILURES_FREE + 1):
        async with from_address(web, there) as stranger:
            await stranger.post("/api/v1/session", json=body)
    async with from_address(web, here) as own:
        me = await sign_in(own, email)
    assert me["user"]["email"] == email


async def test_guesses_from_everywhere_are_slowed_down_together(
    web: FastAPI, owner: Raw, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pauses, "ANYWHERE_FAILURES_FREE", 6)
    email = await make_user(owner, tenant.partner_id)
    async with browser_of(web) as known:
        await sign_in(known, email)
        for number in range(7):
            async with from_address(web, (f"198.51.100.{number}", 1)) as stranger:
                await stranger.post("/api/v1/session", json={"email": email, "password": "wrong"})
        async with from_address(web, ("192.0.2.1", 1)) as unknown:
            body = {"email": email, "password": PASSWORD}
            assert (await unknown.post("/api/v1/session", json=body)).status_code == 401
        await sign_in(known, email)


def from_address(web: FastAPI, client: tuple[str, int]) -> httpx2.AsyncClient:
    return httpx2.AsyncClient(
        transport=httpx2.ASGITransport(app=web, client=client),
        base_url="http://127.0.0.1",
        headers={"X-Wardline": "1"},
    )


async def test_an_idle_session_ends(signed_in: httpx2.AsyncClient, moment: Moment) -> None:
    moment.advance(access.IDLE_SECONDS_MAX - 10)
    assert (await signed_in.get("/api/v1/session")).status_code == 200
    moment.advance(access.IDLE_SECONDS_MAX - 10)
    assert (await signed_in.get("/api/v1/session")).status_code == 200
    moment.advance(access.IDLE_SECONDS_MAX + 10)
    assert (await signed_in.get("/api/v1/session")).status_code == 401


async def test_a_session_ends_however_busy_it_is(signed_in: httpx2.AsyncClient, owner: Raw) -> None:
    await owner.execute("UPDATE sessions SET expires_at = now() - interval '1 second'")
    assert (await signed_in.get("/api/v1/session")).status_code == 401


async def test_a_disabled_user_is_out_at_once(signed_in: httpx2.AsyncClient, owner: Raw) -> None:
    await owner.execute("UPDATE users SET disabled_at = now()")
    assert (await signed_in.get("/api/v1/session")).status_code == 401


async def test_the_one_time_password_opens_nothing_but_its_own_change(
    browser: httpx2.AsyncClient, owner: Raw, tenant: Tenant
) -> None:
    me = await sign_in(browser, await make_user(owner, tenant.partner_id, must_change=True))
    assert me["must_change_password"]
    refused = await browser.get("/api/v1/fleet")
    assert (refused.status_code, refused.json()["code"]) == (403, "password_change_required")
    changed = await browser.post("/api/v1/session/password", json={"current": PASSWORD, "new": NEW})
    assert changed.json()["must_change_password"] is False
    assert (await browser.get("/api/v1/fleet")).status_code == 200


async def test_a_new_password_ends_the_other_sessions(
    web: FastAPI, owner: Raw, tenant: Tenant
) -> None:
    email = await make_user(owner, tenant.partner_id)
    async with browser_of(web) as here, browser_of(web) as there:
        await sign_in(here, email)
        await sign_in(there, email)
        body = {"current": PASSWORD, "new": NEW}
        assert (await here.post("/api/v1/session/password", json=body)).status_code == 200
        assert (await here.get("/api/v1/session")).status_code == 200
        assert (await there.get("/api/v1/session")).status_code == 401
        await sign_in(there, email, NEW)


@pytest.mark.parametrize(
    ("current", "new", "status"),
    [
        ("wrong password", NEW, 401),
        (PASSWORD, "short", 422),
        (PASSWORD, PASSWORD, 422),
        (PASSWORD, "aaaaaaaaaaaaaaaa", 422),
    ],
)
async def test_a_password_change_is_refused(
    signed_in: httpx2.AsyncClient, current: str, new: str, status: int
) -> None:
    body = {"current": current, "new": new}
    assert (await signed_in.post("/api/v1/session/password", json=body)).status_code == status


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Wardline": ""},
        {"Origin": "http://evil.example"},
        {"Origin": "https://127.0.0.1"},
        {"Origin": "null"},
    ],
)
async def test_a_request_that_another_site_may_have_made_is_refused(
    signed_in: httpx2.AsyncClient, headers: dict[str, str]
) -> None:
    answer = await signed_in.delete("/api/v1/session", headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (403, "cross_site")
    body = {"email": "a@example.com", "password": "x"}
    answer = await signed_in.post("/api/v1/session", json=body, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (403, "cross_site")
    assert (await signed_in.get("/api/v1/session")).status_code == 200


async def test_our_own_pages_origin_is_accepted(signed_in: httpx2.AsyncClient) -> None:
    answer = await signed_in.delete("/api/v1/session", headers={"Origin": "http://127.0.0.1"})
    assert answer.status_code == 204


async def test_a_browsers_secret_is_no_bearer_token(signed_in: httpx2.AsyncClient) -> None:
    secret = signed_in.cookies["wardline"]
    signed_in.cookies.clear()
    answer = await signed_in.get("/api/v1/session", headers={"Authorization": f"Bearer {secret}"})
    assert answer.status_code == 401


async def test_sign_ins_and_failures_are_in_the_audit_log(
    browser: httpx2.AsyncClient, owner: Raw, tenant: Tenant
) -> None:
    email = await make_user(owner, tenant.partner_id)
    await browser.post("/api/v1/session", json={"email": email, "password": "wrong"})
    await sign_in(browser, email)
    await browser.delete("/api/v1/session")
    rows = await owner.fetch(
        "SELECT action, address::text FROM audit_log WHERE partner_id = $1 ORDER BY id",
        tenant.partner_id,
    )
    assert [row["action"] for row in rows] == ["session.refused", "session.open", "session.close"]
    assert {row["address"] for row in rows} == {"127.0.0.1/32"}
