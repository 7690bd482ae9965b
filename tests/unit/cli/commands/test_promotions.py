"""`wardline promotions`: what it asks of Central, and what a person reads."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from wardline.central.learning.endpoints import PatternOut, PromotionStory, ShadowOut
from wardline.cli import reasons
from wardline.cli.commands import promotions

RUNNER = CliRunner()
AT = "2026-11-20T09:00:00Z"
MERIT = {
    "runbook_id": "auditd.enable",
    "runbook_version": "1",
    "runbook_digest": "cd" * 32,
    "runs": 6,
    "watched": 0,
    "stable": 6,
    "failed": 0,
    "recurred": 0,
    "undone": 0,
    "unproved": 0,
    "occurrences": 6,
    "by_l2": 4,
    "success_pct": 100.0,
    "lacking": [],
}
STORY: dict[str, Any] = {
    "id": "prom_a",
    "stage": "canary",
    "check": "auditd",
    "pattern_signature": "ab" * 8,
    "runbook_id": "auditd.enable",
    "runbook_title": "Enable auditd",
    "runbook_version": "1",
    "runbook_digest": "cd" * 32,
    "inputs": {},
    "merit": MERIT,
    "runs": {"decided": 1, "stable": 1, "bad": 0, "watched": 2},
    "canary_site_id": "site_a",
    "canary_site_name": "Clinic\x1b]0;owned\x07",
    "canary_until": AT,
    "approved_at": AT,
    "promoted_at": None,
    "created_at": AT,
    "changed_at": AT,
    "ended_at": None,
    "last_reason": "it always helps",
    "last_by_name": "Mia",
    "ledger": [
        {
            "number": 1,
            "step": "proposed",
            "at": AT,
            "by_id": "system",
            "by_name": "Wardline",
            "reason": "six incidents",
            "detail": {},
            "site_id": None,
            "site_name": None,
            "appliance_id": None,
            "appliance_name": None,
        }
    ],
}
SHADOW = {
    "days": 14,
    "total": 6,
    "incidents": 6,
    "resolved": 6,
    "allowed": 0,
    "confirmed": 6,
    "contradicted": 0,
    "verdicts": {"block": 6},
    "inputs": {"rules": "{facts.missing}"},
    "sites": [{"site_id": "site_a", "name": "Clinic", "incidents": 6, "heals": True}],
    "against": ["the policy would have blocked it every time"],
}
PATTERN = {
    "pattern_signature": "ab" * 8,
    "check": "auditd",
    "days": 90,
    "total_count": 6,
    "l1_count": 2,
    "l2_count": 4,
    "l3_count": 0,
    "success_count": 6,
    "promotion_eligible": True,
    "newest_at": AT,
    "runbooks": [MERIT],
}


def test_what_is_answered_here_has_the_shape_of_centrals_answers() -> None:
    for kind, answer in ((PromotionStory, STORY), (ShadowOut, SHADOW), (PatternOut, PATTERN)):
        assert kind.model_validate(answer).model_dump(mode="json") == answer


class Server(ThreadingHTTPServer):
    """Answers as Central would, and keeps what it was asked."""

    asked: list[tuple[str, str, Any]]


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        page = {"items": [STORY], "next_cursor": None}
        answers = {
            "promotions": page,
            "prom_a": STORY,
            "shadow": SHADOW,
            "patterns": {"items": [PATTERN], "next_cursor": None},
        }
        self.answer(answers[self.path.split("?")[0].rpartition("/")[2]])

    def do_POST(self) -> None:
        self.answer(STORY)

    def do_DELETE(self) -> None:
        self.answer(None)

    def answer(self, body: Any) -> None:
        sent = self.rfile.read(int(self.headers.get("content-length") or 0))
        self.server.asked.append((self.command, self.path, json.loads(sent) if sent else None))
        text = json.dumps(body).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing on the terminal."""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    made = Server(("127.0.0.1", 0), Handler)
    made.asked = []
    thread = threading.Thread(target=made.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    (tmp_path / "run").mkdir()
    url = f"http://127.0.0.1:{made.server_address[1]}"
    (tmp_path / "run" / "central.json").write_text(json.dumps({"url": url, "token": "t"}))
    yield made
    made.shutdown()
    made.server_close()
    thread.join()


@pytest.fixture
def run(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("WARDLINE_PASSWORD", "a long passphrase of ours")

    def call(*arguments: str) -> Result:
        return RUNNER.invoke(promotions.app, [*arguments, "--data", str(tmp_path)])

    return call


def test_the_list_says_where_each_stands_and_obeys_no_name(run: Any, server: Server) -> None:
    said = run("list", "--all")
    assert said.exit_code == 0, said.output
    assert "prom_a  canary since" in said.output
    assert "6 incidents, 4 by L2, 100.0 % verified" in said.output
    assert "1 of 1 stable, 2 watched" in said.output
    assert "\x1b" not in said.output
    assert "ended_too=true" in server.asked[0][1]
    assert json.loads(run("list", "--json").stdout)[0]["id"] == "prom_a"


def test_one_is_shown_with_its_shadow_and_ledger(run: Any) -> None:
    said = run("show", "prom_a").output
    assert "last 14 days: 6 incidents, inputs in 6, allowed in 0" in said
    assert "against it: the policy would have blocked it every time" in said
    assert "site_a  Clinic: 6 incidents, heals" in said
    assert "1. 2026-11-20T09:00:00Z proposed by Wardline" in said
    assert json.loads(run("show", "prom_a", "--json").stdout)["shadow"]["days"] == 14


def test_patterns_say_what_is_lacking(run: Any) -> None:
    said = run("patterns").output
    assert "auditd: 6 (2 by L1, 4 by L2, 0 by L3)" in said
    assert "auditd.enable 6 incidents, 4 by L2, 100.0 % verified: may be promoted" in said


@pytest.mark.parametrize(
    ("arguments", "sent"),
    [
        (("approve", "prom_a", "--site", "site_a"), {"site_id": "site_a"}),
        (("reject", "prom_a"), {}),
        (("demote", "prom_a"), {}),
    ],
)
def test_a_person_decides_in_their_own_name_with_a_reason(
    run: Any, server: Server, arguments: tuple[str, ...], sent: dict[str, str]
) -> None:
    refused = run(*arguments, "--reason", "  ", "--as", "mia@example.com")
    assert isinstance(refused.exception, reasons.ReasonMissing)
    assert server.asked == []
    said = run(*arguments, "--reason", "it helps", "--as", "mia@example.com")
    assert said.exit_code == 0, said.output
    (_, _, who), (_, path, body), (last, _, _) = server.asked
    assert who["email"] == "mia@example.com"
    assert path == f"/api/v1/promotions/prom_a/{arguments[0]}"
    assert body == {**sent, "reason": "it helps"}
    assert last == "DELETE", "the session is ended"
