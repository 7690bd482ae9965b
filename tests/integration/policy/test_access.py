"""Who may ask a server on a policy file, and who is refused before anything is looked up."""

import asyncio
import json
from pathlib import Path
from typing import Any

import httpx2
import pytest
from websockets.asyncio.client import connect

from tests.harness import product
from tests.harness.policy_contract import (
    PREFIX,
    RULE,
    Served,
    closing,
    done,
    head_only,
    listed,
    soon,
)
from tests.integration.policy.conftest import TOKENS, Serve, token_line
from wardline.policy.standalone import tickets

FOREIGN = "http://evil.example"


@pytest.fixture
async def local(serve: Serve):
    """A server without a token file."""
    async with serve(token_file=None, origins=frozenset({"https://app.example.org"})) as made:
        yield made


async def test_without_tokens_this_machine_may_do_everything(local: Served) -> None:
    await done(local.reader, "/create", RULE)
    (rule,) = await listed(local.reader)
    assert (rule["createdBy"], rule["revision"]) == ("local", 1)
    assert (await local.reader.get("/export")).status_code == 200


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:8000", "127.0.0.1:1", "[::1]:9"])
async def test_every_name_of_this_machine_is_answered(local: Served, host: str) -> None:
    assert (await local.reader.get("/list", headers={"host": host})).status_code == 200


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "localhost.evil.example",
        "127.0.0.1.evil.example",
        "10.0.0.5",
        "[::1]evil.example",
        "[::1",
        "localhost:80@evil.example",
        "localhost:",
        "",
    ],
)
async def test_a_foreign_host_name_is_refused(local: Served, host: str) -> None:
    for path in ("/list", "/export", "/backup"):
        refused = await local.reader.get(path, headers={"host": host})
        assert (refused.status_code, refused.json()["code"]) == (421, "misdirected")
    refused = await local.reader.post("/create", json=RULE, headers={"host": host})
    assert refused.status_code == 421
    assert await listed(local.reader) == []


@pytest.mark.parametrize(
    "origin",
    ["http://localhost:3000", "http://127.0.0.1:5173", "https://[::1]", "https://app.example.org"],
)
async def test_a_page_of_this_machine_or_an_allowed_one_is_answered(
    local: Served, origin: str
) -> None:
    asked = {"origin": origin, "access-control-request-method": "POST"}
    preflight = await local.reader.request("OPTIONS", "/create", headers=asked)
    assert preflight.status_code == 204
    assert preflight.headers["access-control-allow-origin"] == origin
    assert "content-type" in preflight.headers["access-control-allow-headers"]
    made = await done(local.reader, "/create", RULE, origin=origin)
    assert made.headers["access-control-allow-origin"] == origin
    assert "origin" in made.headers["vary"].lower()
    missing = await local.reader.post("/delete", json={"id": "x"}, headers={"origin": origin})
    assert missing.headers["access-control-allow-origin"] == origin


@pytest.mark.parametrize(
    "origin",
    [
        FOREIGN,
        "null",
        "http://localhost.evil.example",
        "http://localhost:3000@evil.example",
        "http://app.example.org",
        "https://app.example.org:444",
        "file://localhost",
        "http://localhost:x",
        "http://localhost:",
        "http://[::1]evil.example",
        "",
    ],
)
async def test_a_page_of_another_origin_is_refused(local: Served, origin: str) -> None:
    asked = {"origin": origin, "access-control-request-method": "POST"}
    preflight = await local.reader.request("OPTIONS", "/create", headers=asked)
    assert preflight.status_code == 403
    assert "access-control-allow-origin" not in preflight.headers
    for answer in (
        await local.reader.get("/list", headers={"origin": origin}),
        await local.reader.post("/create", json=RULE, headers={"origin": origin}),
    ):
        assert (answer.status_code, answer.json()["code"]) == (403, "cross_site")
        assert "access-control-allow-origin" not in answer.headers
    assert await listed(local.reader) == []


@pytest.mark.parametrize("name", ["x-forwarded-for", "forwarded", "via", "x-real-ip"])
async def test_what_a_proxy_asks_for_others_is_not_of_this_machine(
    local: Served, name: str
) -> None:
    refused = await local.reader.get("/list", headers={name: "10.0.0.5"})
    assert (refused.status_code, refused.json()["code"]) == (421, "misdirected")
    assert "--token-file" in refused.json()["detail"]


async def test_an_image_of_a_foreign_page_makes_no_backup(local: Served) -> None:
    refused = await local.reader.get("/backup", headers={"sec-fetch-site": "cross-site"})
    assert refused.status_code == 403
    assert (await local.reader.get("/backups")).json()["files"] == []


@pytest.mark.parametrize(
    "headers, code",
    [({"Origin": FOREIGN}, 4403), ({"Origin": "null"}, 4403), ({"Host": "evil.example"}, 4421)],
)
async def test_a_socket_of_a_foreign_page_or_name_is_closed_at_once(
    local: Served, headers: dict[str, str], code: int
) -> None:
    given: dict[str, Any] = {"proxy": None}
    if "Origin" in headers:
        given["origin"] = headers["Origin"]
    address = f"ws://127.0.0.1:{local.port}{PREFIX}/ws"
    if "Host" in headers:
        address = f"ws://{headers['Host']}:{local.port}{PREFIX}/ws"
        given |= {"host": "127.0.0.1", "port": local.port}
    async with connect(address, **given) as socket:
        assert (await closing(socket)).code == code


async def test_another_address_needs_tokens(tmp_path: Path) -> None:
    refused = await asyncio.to_thread(
        product.run,
        *("policy", "serve", "--db", tmp_path / "p.db", "--host", "0.0.0.0", "--port", "0"),
        expect=64,
    )
    assert "--token-file" in refused.stderr
    assert not (tmp_path / "p.db").exists()


@pytest.mark.parametrize(
    "line",
    [
        "",
        "# nothing but a comment\n",
        "ann manager\n",
        "ann owner " + "0" * 64 + "\n",
        "ann manager " + "0" * 63 + "\n",
        "ann manager " + "0" * 64 + " tomorrow\n",
        "a\x00n manager " + "0" * 64 + "\n",
        token_line("ann", "reader", "x") + token_line("ben", "admin", "x"),
    ],
)
async def test_a_token_file_that_says_nothing_sound_is_refused(tmp_path: Path, line: str) -> None:
    tokens = tmp_path / "tokens"
    tokens.write_text(line)
    refused = await asyncio.to_thread(
        product.run,
        *("policy", "serve", "--db", tmp_path / "p.db", "--token-file", tokens, "--port", "0"),
        expect=64,
    )
    assert "tokens" in refused.stderr


@pytest.mark.parametrize(
    "shown", [None, "", "Basic eDp5", "Bearer", "Bearer wrong", "Bearer " + "x" * 5000]
)
async def test_who_shows_no_known_token_is_refused(served: Served, shown: str | None) -> None:
    headers = {} if shown is None else {"authorization": shown}
    async with httpx2.AsyncClient(base_url=served.reader.base_url, headers=headers) as nobody:
        refused = await nobody.get("/list")
        assert refused.status_code == 401
        assert refused.headers["www-authenticate"] == "Bearer"
        for query in ("token", "access_token", "ticket"):
            asked = {query: TOKENS["admin"]}
            assert (await nobody.get("/list", params=asked)).status_code == 401
        # A stranger's body is not read.
        assert (await nobody.post("/create", content=b"x" * (1 << 20))).status_code == 401


async def test_what_is_written_names_its_author(served: Served) -> None:
    await done(served.manager, "/create", RULE)
    await done(served.admin, "/update", RULE)
    (rule,) = await listed(served.reader)
    assert (rule["createdBy"], rule["updatedBy"]) == ("manager", "admin")


async def test_a_token_that_is_taken_back_ends_its_sockets(
    served: Served, token_file: Path
) -> None:
    async with served.listening("manager") as live, served.listening("reader") as stays:
        kept = [line for line in token_file.read_text().splitlines() if "manager" not in line]
        token_file.write_text("\n".join(kept) + "\n")
        assert (await closing(live.connection)).code == 4401
        assert (await served.manager.get("/list")).status_code == 401
        assert (await served.reader.get("/list")).status_code == 200
        await stays.connection.send("ping")
        assert (await stays.next())["type"] == "pong"


async def test_a_token_ends_at_its_time(serve: Serve, tmp_path: Path) -> None:
    tokens = tmp_path / "ended"
    tokens.write_text(
        token_line("manager", "manager", TOKENS["manager"], "2020-01-01T00:00:00.000Z")
        + token_line("reader", "reader", TOKENS["reader"], "2999-01-01T00:00:00.000Z")
    )
    async with serve(token_file=tokens) as made:
        assert (await made.manager.get("/list")).status_code == 401
        assert (await made.reader.get("/list")).status_code == 200


async def test_while_the_token_file_is_spoilt_nobody_is_let_in(
    served: Served, token_file: Path
) -> None:
    whole = token_file.read_text()
    token_file.write_text("half a li")
    assert await _turns(served, 401)
    token_file.write_text(whole)
    assert await _turns(served, 200)


async def test_a_page_opens_one_socket_with_a_ticket(served: Served) -> None:
    ticket = await _ticket(served, "reader")
    address = f"ws://127.0.0.1:{served.port}{PREFIX}/ws?ticket={ticket}"
    async with connect(address, proxy=None, origin="http://localhost:3000") as socket:
        assert json.loads(await soon(socket.recv()))["type"] == "hello"
    async with connect(address, proxy=None) as again:
        assert (await closing(again)).code == 4401


async def test_a_ticket_is_good_for_seconds(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    ticket = await _ticket(served, "reader")
    later = tickets.time.monotonic() + tickets.SECONDS_MAX + 1
    monkeypatch.setattr(tickets, "now", lambda: later)
    address = f"ws://127.0.0.1:{served.port}{PREFIX}/ws?ticket={ticket}"
    async with connect(address, proxy=None) as late:
        assert (await closing(late)).code == 4401


@pytest.mark.parametrize("query", ["", "?ticket=guess", "?token=" + TOKENS["admin"]])
async def test_a_socket_without_a_token_or_ticket_is_closed(served: Served, query: str) -> None:
    address = f"ws://127.0.0.1:{served.port}{PREFIX}/ws{query}"
    async with connect(address, proxy=None) as socket:
        assert (await closing(socket)).code == 4401


@pytest.mark.parametrize(
    "headers, content, code",
    [
        ({"content-type": "text/plain"}, b"{}", 415),
        ({"content-type": "application/x-www-form-urlencoded"}, b"a=b", 415),
    ],
    ids=["text", "form"],
)
async def test_a_body_is_json(
    served: Served, headers: dict[str, str], content: bytes, code: int
) -> None:
    refused = await served.manager.post("/create", content=content, headers=headers)
    assert refused.status_code == code


async def test_a_body_that_says_it_is_huge_is_refused_before_it_comes(served: Served) -> None:
    token = served.headers["manager"]["authorization"]
    said = await asyncio.to_thread(head_only, served.port, f"Authorization: {token}")
    assert said.startswith(b"HTTP/1.1 413")


async def test_an_action_that_is_not_in_the_file_is_refused(serve: Serve, tmp_path: Path) -> None:
    actions = tmp_path / "actions"
    actions.write_text("# ours\nmine.do\nmine.break high\n")
    async with serve(actions=actions) as made:
        refused = await made.manager.post("/create", json=RULE)
        assert [each["path"] for each in refused.json()["errors"]] == ["action"]
        for action, verdict in (("mine.do", "run"), ("mine.break", "offer")):
            await done(made.manager, "/create", RULE | {"action": action})
            alert = {"id": "a", "kpiId": "kernel_sysctl", "title": "", "message": ""}
            asked = {"alert": alert | {"severity": "medium"}}
            decision = (await done(made.reader, "/test", asked)).json()["decision"]
            assert decision["verdict"] == verdict


@pytest.mark.parametrize("line", ["a b c\n", "a deadly\n", "\xff\xfe"])
async def test_a_spoilt_file_of_actions_is_refused(tmp_path: Path, line: str) -> None:
    actions = tmp_path / "actions"
    actions.write_bytes(line.encode("latin-1"))
    refused = await asyncio.to_thread(
        product.run,
        *("policy", "serve", "--db", tmp_path / "p.db", "--actions", actions, "--port", "0"),
        expect=64,
    )
    assert str(actions) in refused.stderr


async def _ticket(served: Served, role: str) -> str:
    async with httpx2.AsyncClient(
        base_url=f"http://127.0.0.1:{served.port}", headers=dict(served.headers[role])
    ) as client:
        issued = await client.post("/api/v1/ws-ticket")
    assert issued.status_code == 201
    ticket: str = issued.json()["ticket"]
    return ticket


async def _turns(served: Served, code: int) -> bool:
    async with asyncio.timeout(10):
        while (await served.reader.get("/list")).status_code != code:
            await asyncio.sleep(0.05)
    return True


async def test_no_answer_leads_to_the_host_that_a_request_names(served: Served) -> None:
    found = await served.reader.get("/list/", headers={"host": "evil.example"})
    assert found.status_code == 404
    assert "location" not in found.headers
