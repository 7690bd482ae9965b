"""A list of Central's on the command line: every page of it, once, and an end in any case."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from wardline.cli import paging
from wardline.cli.client import Client


class Server(ThreadingHTTPServer):
    """A list of so many items."""

    count: int
    asked: list[dict[str, list[str]]]


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        asked = parse_qs(urlsplit(self.path).query)
        self.server.asked.append(asked)
        start = int(asked.get("cursor", ["0"])[0])
        end = min(start + int(asked["limit"][0]), self.server.count)
        following = str(end) if end < self.server.count else None
        text = json.dumps({"items": list(range(start, end)), "next_cursor": following}).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing on the terminal."""


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server(("127.0.0.1", 0), Handler)
    made.asked = []
    thread = threading.Thread(target=made.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield made
    made.shutdown()
    made.server_close()
    thread.join()


@pytest.fixture
def central(server: Server) -> Iterator[Client]:
    client = Client(f"http://127.0.0.1:{server.server_address[1]}")
    yield client
    client.close()


@pytest.mark.parametrize("count", [0, 1, paging.PAGE_ITEMS, paging.PAGE_ITEMS + 1, 1_000])
def test_every_item_comes_once_and_in_order(server: Server, central: Client, count: int) -> None:
    server.count = count
    found = list(paging.items(central, "/holds", state="all"))
    assert found == list(range(count))
    assert {one["state"][0] for one in server.asked} == {"all"}
    assert len(server.asked) == max(1, -(-count // paging.PAGE_ITEMS))


def test_a_list_without_an_end_is_left(server: Server, central: Client) -> None:
    server.count = 10**9
    found = list(paging.items(central, "/holds"))
    assert len(found) == paging.PAGES_MAX * paging.PAGE_ITEMS
