"""A page of this machine, on another port, written from the policy manager's document."""

import functools
import http.server
import json
import re
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import Launch
from tests.harness import product

pytestmark = pytest.mark.browser

# The document's lines, with what it leaves to the reader: a list, a form's worth, a place to show.
PAGE = """<!doctype html>
<meta charset="utf-8">
<title>Policies</title>
<ul id="rules"></ul><pre id="decision"></pre><ol id="events"></ol><p id="state"></p>
<script>
  const api = '%(api)s/api/mcp/policy'
  const show = (id, text) => { document.getElementById(id).textContent = text }
  const line = (id, text) => {
    const item = document.createElement('li')
    item.textContent = text
    document.getElementById(id).append(item)
  }
  const post = (path, body) => fetch(api + path, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(body),
  }).then((answer) => answer.json())

  async function list() {
    const rules = (await (await fetch(api + '/list')).json()).data
    document.getElementById('rules').replaceChildren()
    for (const rule of rules) line('rules', rule.id)
  }

  const ws = new WebSocket(api.replace('http', 'ws') + '/ws')
  ws.onmessage = (event) => {
    const msg = JSON.parse(event.data)
    if (msg.type === 'hello') { show('state', 'listening'); return }
    line('events', JSON.stringify(msg))
    if (msg.type === 'created' || msg.type === 'updated' || msg.type === 'deleted') list()
  }
  ws.onclose = (event) => show('state', 'closed ' + event.code)

  list().catch((error) => show('decision', 'refused: ' + error.message))
</script>
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """`wardline policy serve` on seeded rules; gives its origin."""
    db = tmp_path_factory.mktemp("policies") / "policies.db"
    product.run("policy", "seed", "--db", db)
    process = subprocess.Popen(
        [product.WARDLINE, "policy", "serve", "--db", str(db), "--port", "0"],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    with process.stdout:
        told = process.stdout.readline()
    found = re.search(r"127\.0\.0\.1:(\d+)", told)
    assert found is not None, told
    yield f"http://localhost:{found.group(1)}"
    process.terminate()
    process.wait(20)


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *given: Any) -> None:
        pass


@pytest.fixture
def page_port(server: str, tmp_path: Path) -> Iterator[int]:
    """Another server of this machine, which serves the page under whatever name it is asked by."""
    (tmp_path / "index.html").write_text(PAGE % {"api": server})
    handler = functools.partial(_Quiet, directory=str(tmp_path))
    served = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=served.serve_forever)
    thread.start()
    yield served.server_port
    served.shutdown()
    thread.join()
    served.server_close()


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    context = chromium.new_context()
    yield context.new_page()
    context.close()


@pytest.fixture
def elsewhere(launch: Launch) -> Iterator[Page]:
    """A page in a chromium for which every name under .example is this machine."""
    browser = launch("--host-resolver-rules=MAP *.example 127.0.0.1")
    yield browser.new_page()
    browser.close()


def test_a_page_on_another_port_lists_creates_tests_and_hears(
    server: str, page_port: int, page: Page
) -> None:
    page.goto(f"http://localhost:{page_port}/")
    rules = page.locator("#rules li")
    expect(page.locator("#state")).to_have_text("listening")
    expect(rules.filter(has_text="pricing.auto.adjust")).to_have_count(1)

    rule = {
        "id": "from.the.page",
        "when": {"kpiId": "rev", "severity": ["warn"]},
        "action": "sales.call",
        "autoExecute": True,
    }
    assert page.evaluate("rule => post('/create', rule)", rule) == {"ok": True}
    expect(rules.filter(has_text="from.the.page")).to_have_count(1)
    event = json.loads(page.locator("#events li").first.text_content() or "")
    assert event.pop("seq") > 0
    assert event == {"service": "policy", "type": "created", "id": "from.the.page"}

    alert = {"id": "a", "kpiId": "rev", "title": "T", "message": "M", "severity": "warn"}
    asked = {"alert": alert, "rules": [rule], "roles": ["manager"]}
    decision = page.evaluate("asked => post('/test', asked)", asked)["decision"]
    assert (decision["type"], decision["execute"]) == ("allow", True)
    page.evaluate("ws.send('ping')")
    expect(page.locator("#events li").nth(1)).to_have_text('{"service":"policy","type":"pong"}')
    assert page.evaluate("post('/delete', {id: 'from.the.page'})") == {"ok": True}
    expect(rules.filter(has_text="from.the.page")).to_have_count(0)


def test_a_page_under_a_foreign_host_name_is_refused(
    server: str, page_port: int, elsewhere: Page
) -> None:
    before = httpx2.get(f"{server}/api/mcp/policy/list").json()
    elsewhere.goto(f"http://shop.example:{page_port}/")
    expect(elsewhere.locator("#state")).to_have_text("closed 4403")
    expect(elsewhere.locator("#decision")).to_contain_text("refused")
    expect(elsewhere.locator("#rules li")).to_have_count(0)
    with pytest.raises(Exception, match="Failed to fetch"):
        elsewhere.evaluate("post('/delete', {id: 'pricing.auto.adjust'})")
    # A simple request goes without asking first: it must not be taken either.
    sent = "fetch(api + '/delete', {method: 'POST', mode: 'no-cors', body: '{\"id\": \"x\"}'})"
    elsewhere.evaluate(f"{sent}.catch(() => null)")
    assert httpx2.get(f"{server}/api/mcp/policy/list").json() == before


def test_a_name_that_was_rebound_to_this_machine_is_refused(server: str, elsewhere: Page) -> None:
    rebound = server.replace("localhost", "rebound.example")
    answer = elsewhere.goto(f"{rebound}/api/mcp/policy/list")
    assert answer is not None
    assert answer.status == 421
    assert "pricing" not in answer.text()
