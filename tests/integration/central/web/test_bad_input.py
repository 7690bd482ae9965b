"""Bodies and addresses that are refused: with what and where, without an echo, before any change."""

import gzip

import httpx2
import pytest
import zstandard
from fastapi import FastAPI

from tests.integration.central.conftest import Tenant, browser_of
from wardline.central.database import page
from wardline.central.web import body
from wardline.policy import bodies

SESSION = "/api/v1/session"
JSON = {"content-type": "application/json"}
SECRET = "do-not-echo-me"


async def post(browser: httpx2.AsyncClient, content: bytes, **headers: str) -> httpx2.Response:
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    return await browser.post(SESSION, content=content, headers={**JSON, **given})


@pytest.mark.parametrize(
    ("content", "status", "where"),
    [
        (b"{", 422, "body"),
        (b"\xff\xfe", 422, "body"),
        (b"[]", 422, "body"),
        (b'{"email": 7, "password": "x"}', 422, "body.email"),
        (b'{"email": "a", "password": "x", "admin": true}', 422, "body.admin"),
        (b'{"email": "a\\u0000b", "password": "x"}', 422, "NUL"),
        (b'{"email": "\\ud800", "password": "x"}', 422, "surrogate"),
        (b'{"\\u0000": 1}', 422, "NUL"),
        (b"[" * 100_000, 422, "body"),
    ],
)
async def test_a_malformed_body_is_refused_with_its_place(
    browser: httpx2.AsyncClient, content: bytes, status: int, where: str
) -> None:
    answer = await post(browser, content)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert where in answer.json()["detail"]


async def test_a_surrogate_pair_is_one_good_character(browser: httpx2.AsyncClient) -> None:
    answer = await post(browser, b'{"email": "\\ud83d\\ude00", "password": "x"}')
    assert answer.status_code == 401


async def test_input_is_never_echoed(browser: httpx2.AsyncClient) -> None:
    content = b'{"email": {"%b": 1}, "password": ["%b"]}' % ((SECRET.encode(),) * 2)
    answer = await post(browser, content)
    assert answer.status_code == 422
    assert SECRET not in answer.text


@pytest.mark.parametrize("path", ["/api/v1/sites/a%00b", "/api/v1/fleet?cursor=%00"])
async def test_a_nul_in_the_address_is_refused(signed_in: httpx2.AsyncClient, path: str) -> None:
    assert (await signed_in.get(path)).status_code == 422


@pytest.mark.parametrize("encode", [gzip.compress, zstandard.compress], ids=["gzip", "zstd"])
async def test_a_compressed_body_is_read(browser: httpx2.AsyncClient, encode: object) -> None:
    content = encode(b'{"email": "a", "password": "x"}')  # type: ignore[operator]
    name = "gzip" if encode is gzip.compress else "zstd"
    assert (await post(browser, content, content_encoding=name)).status_code == 401


@pytest.mark.parametrize("encode", [gzip.compress, zstandard.compress], ids=["gzip", "zstd"])
async def test_a_body_that_grows_over_the_cap_is_refused(
    browser: httpx2.AsyncClient, encode: object
) -> None:
    bomb = encode(b" " * (64 << 20))  # type: ignore[operator]
    name = "gzip" if encode is gzip.compress else "zstd"
    answer = await post(browser, bomb, content_encoding=name)
    assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")


@pytest.mark.parametrize("length", [body.BODY_BYTES_MAX + 1, 64 << 20])
async def test_a_body_over_the_cap_is_refused(browser: httpx2.AsyncClient, length: int) -> None:
    assert (await post(browser, b" " * length)).status_code == 413


@pytest.mark.parametrize(
    ("length", "status"), [(body.BODY_BYTES_MAX + 1, 422), (bodies.BYTES_MAX + 1, 413)]
)
async def test_many_rules_at_once_have_room(
    signed_in: httpx2.AsyncClient, length: int, status: int
) -> None:
    for path in ("/api/mcp/policy/create", "/api/v1/policies/analyse"):
        answer = await signed_in.post(path, content=b" " * length, headers=JSON)
        assert answer.status_code == status, answer.text


@pytest.mark.parametrize("name", ["gzip", "zstd"])
@pytest.mark.parametrize("content", [b"no such thing", b""], ids=["garbage", "cut off"])
async def test_a_broken_compression_is_refused(
    browser: httpx2.AsyncClient, name: str, content: bytes
) -> None:
    if not content:
        whole = gzip.compress(b'{"a": 1}') if name == "gzip" else zstandard.compress(b'{"a": 1}')
        content = whole[:-4]
    assert (await post(browser, content, content_encoding=name)).status_code == 422


@pytest.mark.parametrize(
    ("headers"),
    [
        {"content-type": "text/plain"},
        {"content-type": "application/x-www-form-urlencoded"},
        {"content-type": ""},
        {"content-type": "application/json", "content-encoding": "br"},
    ],
)
async def test_another_media_type_or_encoding_is_refused(
    browser: httpx2.AsyncClient, headers: dict[str, str]
) -> None:
    answer = await browser.post(SESSION, content=b"{}", headers=headers)
    assert answer.status_code == 415


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8000", "", "127.0.0.1.evil.example"]
)
async def test_a_name_that_was_rebound_to_this_machine_is_not_answered(
    browser: httpx2.AsyncClient, host: str
) -> None:
    assert (await browser.get("/healthz", headers={"host": host})).status_code == 421


@pytest.mark.parametrize("host", ["localhost:8000", "127.0.0.1", "[::1]:8000", "LOCALHOST"])
async def test_the_names_of_loopback_are_answered(browser: httpx2.AsyncClient, host: str) -> None:
    assert (await browser.get("/healthz", headers={"host": host})).status_code == 200


async def test_every_answer_carries_the_security_headers(browser: httpx2.AsyncClient) -> None:
    for path in ("/healthz", "/", "/api/v1/fleet", "/api/none", "/api/v1/sites/a%00b"):
        headers = (await browser.get(path)).headers
        assert "script-src 'self';" in headers["content-security-policy"], path
        assert headers["x-content-type-options"] == "nosniff", path
        assert headers["x-frame-options"] == "DENY", path
    assert (await browser.get("/api/v1/fleet")).headers["cache-control"] == "no-store"


async def test_an_unknown_api_address_is_a_problem_and_not_a_page(
    browser: httpx2.AsyncClient,
) -> None:
    answer = await browser.get("/api/v1/none")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


async def test_the_answer_comes_after_the_commit(
    web: FastAPI, signed_in: httpx2.AsyncClient
) -> None:
    """What was answered is there for everybody, at once."""
    made = await signed_in.post(
        "/api/v1/sites", json={"name": "At once", "zone": "UTC", "opening_hours": []}
    )
    async with browser_of(web) as other:
        other.cookies = signed_in.cookies
        found = await other.get(f"/api/v1/sites/{made.json()['id']}")
    assert found.status_code == 200


@pytest.mark.parametrize(
    "path", ["approvals", "orders", "holds", "incidents", "fleet", "sites/{site}/results"]
)
@pytest.mark.parametrize(
    "key",
    [
        ("0001-01-01T00:00:00+14:00", "x"),
        ("9999-12-31T23:59:59-14:00", "x"),
        ("2026-01-01T00:00:00", "x"),
        ("2026-01-01T00:00:00+00:00", "a\x00b"),
    ],
)
async def test_a_cursor_of_nobodys_making_is_refused_and_no_error_of_ours(
    signed_in: httpx2.AsyncClient, tenant: Tenant, path: str, key: tuple[str, str]
) -> None:
    address = f"/api/v1/{path.format(site=tenant.site_id)}"
    answer = await signed_in.get(address, params={"cursor": page.encode(*key)})
    # A list by name takes any text before the identifier.
    is_by_name = path in ("fleet", "sites/{site}/results") and "\x00" not in key[1]
    assert answer.status_code == (200 if is_by_name else 422), answer.text
    if not is_by_name:
        assert answer.json()["code"] == "cursor_invalid"
