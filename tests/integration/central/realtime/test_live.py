"""/api/v1/live: what changes arrives within a second, in order, once, and at its own tenant only."""

import asyncio
import contextlib
import socket

import asyncpg
import pytest
from websockets.exceptions import ConnectionClosed, InvalidHandshake

from tests.integration.central.realtime.conftest import SOON_SECONDS, closing, opened, write
from wardline.policy.live.seats import Limits

PAGE = 1_000
PAGES = 12


async def test_evidence_arrives_within_a_second(appliance, somebody, announcing, tenant):
    async with somebody.listening() as live:
        begun = asyncio.get_running_loop().time()
        assert (await appliance.send(appliance.seal())).status_code == 200
        frame = await live.until("evidence")
        assert asyncio.get_running_loop().time() - begun < 1
        assert frame == {
            "seq": frame["seq"],
            "kind": "evidence",
            "site_id": tenant.site_id,
            "subject": tenant.site_id,
        }


async def test_hello_says_that_a_new_page_must_fetch(somebody):
    async with somebody.listening() as live:
        assert live.hello.keys() == {"type", "seq", "epoch", "recovered"}
        assert (live.hello["type"], live.hello["recovered"]) == ("hello", False)


async def test_another_tenant_hears_nothing(
    server, person, somebody, announcing, tenant, other_tenant, owner
):
    async with (
        person(server, other_tenant) as foreign,
        somebody.listening() as live,
        foreign.listening() as elsewhere,
    ):
        await write(owner, tenant)
        assert (await live.next())["site_id"] == tenant.site_id
        assert await elsewhere.silent()


async def test_two_web_processes_both_deliver(serve, server, person, announcing, tenant, owner):
    async with (
        serve() as second,
        person(server, tenant) as one,
        person(second, tenant) as other,
        one.listening() as here,
        other.listening() as there,
    ):
        assert here.hello["epoch"] == there.hello["epoch"]
        await write(owner, tenant, 3)
        seen = [(await here.next())["seq"] for _ in range(3)]
        assert [(await there.next())["seq"] for _ in range(3)] == seen


async def test_a_client_resumes_where_it_was_on_any_process(
    serve, somebody, person, announcing, tenant, owner
):
    async with somebody.listening() as live:
        await write(owner, tenant)
        last = (await live.next())["seq"]
    await write(owner, tenant, 3, kind="missed")
    query = f"?since={last}&epoch={live.hello['epoch']}"
    async with (
        serve() as second,
        person(second, tenant) as other,
        other.listening(query=query) as again,
    ):
        assert (again.hello["recovered"], again.hello["seq"]) == (True, last)
        assert [(await again.next())["kind"] for _ in range(3)] == ["missed"] * 3
        await write(owner, tenant, kind="new")
        assert (await again.next())["kind"] == "new"


@pytest.mark.parametrize("gap", ["epoch", "no epoch", "unknown", "foreign", "too long"])
async def test_a_gap_that_cannot_be_filled_is_said(serve, person, tenant, other_tenant, owner, gap):
    await write(owner, other_tenant)
    foreign = await owner.fetchval("SELECT max(id) FROM change_log")
    await write(owner, tenant, 12)
    async with serve(Limits(replay_rows_max=10)) as server, person(server, tenant) as made:
        async with made.listening() as live:
            seq, epoch = live.hello["seq"], live.hello["epoch"]
        query = {
            "epoch": f"?since={seq}&epoch=another",
            "no epoch": f"?since={seq}",
            "unknown": f"?since={seq + 1000}&epoch={epoch}",
            "foreign": f"?since={foreign}&epoch={epoch}",
            "too long": f"?since=0&epoch={epoch}",
        }[gap]
        async with made.listening(query=query) as live:
            assert (live.hello["recovered"], live.hello["seq"]) == (False, seq)
            assert await live.silent()


async def test_without_an_announcer_the_sweep_finds_it(serve, person, tenant, owner):
    async with (
        serve(Limits(sweep_seconds=0.2)) as server,
        person(server, tenant) as made,
        made.listening() as live,
    ):
        await write(owner, tenant)
        assert (await live.next())["kind"] == "site.changed"


async def test_a_lost_announcement_line_comes_back(
    serve, person, announcing, tenant, owner, database
):
    """The sweep is too slow to help here."""
    async with (
        serve(Limits(sweep_seconds=3600)) as server,
        person(server, tenant) as made,
        made.listening() as live,
    ):
        await write(owner, tenant)
        await live.next()
        same_role = await asyncpg.connect(database.app)
        ended = await same_role.fetch(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE application_name = 'wardline-bell' AND datname = $1",
            database.name,
        )
        await same_role.close()
        assert len(ended) == 1
        await write(owner, tenant, kind="meanwhile")
        assert (await live.next())["kind"] == "meanwhile"


async def test_a_database_that_is_another_one_is_said(serve, person, tenant, owner):
    async with (
        serve(Limits(sweep_seconds=0.2)) as server,
        person(server, tenant) as made,
        made.listening() as live,
    ):
        server.hub._feeds[tenant.partner_id].epoch = "as if from before"
        said = await live.next()
        assert (said["type"], said["recovered"]) == ("hello", False)
        assert said["epoch"] == live.hello["epoch"]


async def test_a_stalled_client_is_dropped_and_the_others_get_all(
    server, somebody, person, announcing, tenant, owner
):
    stalled = stall(server, somebody)
    try:
        async with somebody.listening() as live, somebody.listening() as second:
            while server.sockets() < 3:
                await asyncio.sleep(0.01)
            seen = []
            for _ in range(PAGES):
                await write(owner, tenant, PAGE)
                seen += [(await live.next())["seq"] for _ in range(PAGE)]
                assert [(await second.next())["seq"] for _ in range(PAGE)] == seen[-PAGE:]
            assert seen == sorted(set(seen))
            assert len(seen) == PAGES * PAGE
            async with asyncio.timeout(SOON_SECONDS):
                while server.sockets() > 2:
                    await asyncio.sleep(0.01)
            (feed,) = [feed for feed in server.hub._feeds.values() if feed.clients]
            assert len(feed.clients) == 2
    finally:
        stalled.close()


def stall(server, somebody):
    """A socket that has shaken hands and reads nothing after that."""
    made = socket.socket()
    made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    made.setblocking(True)
    made.settimeout(SOON_SECONDS)
    made.connect(("127.0.0.1", server.port))
    head = [
        "GET /api/v1/live HTTP/1.1",
        f"Host: 127.0.0.1:{server.port}",
        f"Origin: {server.origin}",
        f"Cookie: {somebody.headers['cookie']}",
        "Upgrade: websocket",
        "Connection: Upgrade",
        "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
        "Sec-WebSocket-Version: 13",
    ]
    made.sendall("\r\n".join([*head, "", ""]).encode())
    return made


async def test_one_that_reads_again_is_told_why(serve, person, announcing, tenant, owner):
    """1013, behind what was on its way when its queue was full."""
    async with serve(Limits(frames_max=100)) as server, person(server, tenant) as made:
        async with made.listening(max_queue=1) as live:
            live.connection.transport.pause_reading()
            # More at once than the queue holds: smaller steps fill it on a quick machine only.
            await write(owner, tenant, 450)
            await asyncio.sleep(0.05)
            live.connection.transport.resume_reading()
            assert (await closing(live.connection)).code == 1013
        async with asyncio.timeout(SOON_SECONDS):
            while server.sockets():
                await asyncio.sleep(0.01)


async def test_a_server_that_ends_says_so(serve, person, tenant):
    async with contextlib.AsyncExitStack() as stack:
        server = await stack.enter_async_context(serve())
        made = await stack.enter_async_context(person(server, tenant))
        live = await stack.enter_async_context(made.listening())
        server.uvicorn.should_exit = True
        assert (await closing(live.connection)).code == 1012


@pytest.mark.parametrize(
    ("say", "code"),
    [(b"\x00\x01", 1003), ("x" * 2_000, 1009), (b"\x00" * 2_000, 1009)],
    ids=["binary", "too long", "both"],
)
async def test_a_frame_that_is_none_of_ours_closes_the_socket_whole(server, somebody, say, code):
    async with somebody.listening() as live:
        await live.connection.send(say)
        assert (await closing(live.connection)).code == code
    async with asyncio.timeout(SOON_SECONDS):
        while server.sockets() or len(server.crowd._all) > 1 or server.hub._sockets:
            await asyncio.sleep(0.01)


async def test_a_flood_closes_the_socket(somebody):
    async with somebody.listening() as live:
        with contextlib.suppress(ConnectionClosed):
            for _ in range(200):
                await live.connection.send("ping")
        assert (await closing(live.connection)).code == 1008


async def test_ping_gets_a_pong_and_other_words_nothing(somebody):
    async with somebody.listening() as live:
        await live.connection.send("hello?")
        await live.connection.send("ping")
        assert await live.next() == {"type": "pong"}


async def test_a_user_has_so_many_sockets_and_a_closed_one_makes_room(serve, person, tenant):
    limits = Limits(user_sockets_max=2, partner_sockets_max=3)
    async with serve(limits) as server, person(server, tenant) as one:
        async with one.listening(), one.listening():
            assert await refusal(server, one) == 4429
            async with person(server, tenant) as other, other.listening():
                assert await refusal(server, other) == 4429
        async with one.listening() as live:
            assert live.hello["type"] == "hello"


async def refusal(server, person):
    async with opened(server, "/api/v1/live", headers=person.headers) as connection:
        return (await closing(connection)).code


async def test_sockets_leave_half_of_the_places_to_requests(serve, person, tenant):
    async with contextlib.AsyncExitStack() as stack:
        server = await stack.enter_async_context(serve(connections_max=8))
        made = await stack.enter_async_context(person(server, tenant))
        for _ in range(4):
            await stack.enter_async_context(made.listening())
        with pytest.raises((OSError, EOFError, InvalidHandshake)):
            await stack.enter_async_context(made.listening())
        assert server.sockets() == 4
        assert (await made.browser.get("/api/v1/session")).status_code == 200
