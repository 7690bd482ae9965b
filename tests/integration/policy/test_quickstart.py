"""The document's quickstart, line by line, in the example's folder, and what TypeScript says."""

import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
from websockets.sync.client import connect

from tests.harness import product, typescript
from tests.harness.policy_contract import head_only

EXAMPLE = Path(__file__).resolve().parents[3] / "examples" / "policy-manager"
BLOCK = re.compile(r"```bash\n(.*?)```", re.DOTALL)
DOCUMENTS_PORT = "8000"
START_SECONDS_MAX = 60.0
BACKUP = re.compile(r"data/backups/policies-\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d-\d{6}\.db")
SAFETY = re.compile(r"data/backups/pre-restore-\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d-\d{6}\.db")

# The document's type, as it stands there.
DOCUMENT_EVENT = """
type DocumentEvent =
  | { service: "policy"; type: "created"; id: string }
  | { service: "policy"; type: "updated"; id: string }
  | { service: "policy"; type: "deleted"; id: string }
  | { service: "policy"; type: "bulk-created"; count: number }
  | { service: "policy"; type: "restored"; from: string }
"""


def _lines() -> list[str]:
    """The commands of the README: seed, serve, and the block of curl lines."""
    return [block.strip() for block in BLOCK.findall((EXAMPLE / "README.md").read_text())]


def _environment() -> dict[str, str]:
    found = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    for name in ("POLICY_DB", "POLICY_BACKUP_DIR", "POLICY_TIMEZONE"):
        found.pop(name, None)
    return found


def _shell(command: str, folder: Path) -> str:
    done = subprocess.run(
        ["sh", "-c", command], cwd=folder, env=_environment(), capture_output=True, text=True,
        timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


@contextmanager
def _serving(command: str, folder: Path, port: int) -> Iterator[str]:
    """The command in the background; all that it began ends with the block."""
    with (folder / "server.log").open("w") as log:
        process = subprocess.Popen(
            ["sh", "-c", f"exec {command}"], cwd=folder, env=_environment(), stdout=log,
            stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
    origin = f"http://localhost:{port}"

    def answers() -> bool:
        assert process.poll() is None, (folder / "server.log").read_text()
        try:
            return httpx2.get(f"{origin}/healthz").status_code == 200
        except httpx2.TransportError:
            return False

    try:
        product.wait_for(answers, "the server answers", START_SECONDS_MAX)
        yield origin
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(20)


def _curls(block: str, port: int) -> dict[str, str]:
    """Each command under the comment above it."""
    named = re.findall(r"^# (.*)\n((?:[^#\n].*\n?)+)", block, re.MULTILINE)
    return {name: command.strip().replace(DOCUMENTS_PORT, str(port)) for name, command in named}


def _asked(command: str, folder: Path) -> Any:
    if shutil.which("curl"):
        return _shell(command, folder)
    words = shlex.split(command.replace("\\\n", " "))
    target = words[words.index(">") + 1] if ">" in words else None
    url = next(word for word in words if word.startswith("http"))
    body = words[words.index("-d") + 1] if "-d" in words else None
    headers = dict([words[words.index("-H") + 1].split(": ", 1)]) if "-H" in words else {}
    answer = httpx2.request("POST" if body else "GET", url, content=body, headers=headers)
    if target is None:
        return answer.text
    (folder / target).write_text(answer.text)
    return ""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    copied = tmp_path / "policy-manager"
    shutil.copytree(EXAMPLE, copied, ignore=shutil.ignore_patterns("data", "__pycache__"))
    return copied


def test_the_documents_quickstart_runs_line_by_line(folder: Path) -> None:
    seed, serve, curls = _lines()
    assert (seed, serve) == (
        "python scripts/seed_policies.py",
        "uvicorn main:app --reload --port 8000",
    )
    assert "rules put in, 0 were there" in _shell(seed, folder)
    assert "rules were there" in _shell(seed, folder)
    port = product.free_port()
    with _serving(serve.replace(DOCUMENTS_PORT, str(port)), folder, port) as origin:
        commands = _curls(curls, port)
        rules = json.loads(_asked(commands["List"], folder))
        assert rules["ok"] is True
        ids = [rule["id"] for rule in rules["data"]]
        assert {"pricing.auto.adjust", "inventory.auto.reorder", "sales.notify.drop"} < set(ids)
        assert ids == sorted(ids)

        decision = json.loads(_asked(commands["Test"], folder))["decision"]
        assert decision["ruleId"] == "pricing.auto.adjust"
        assert (decision["type"], decision["verdict"]) in (("allow", "ask"), ("deny", "block"))

        made = json.loads(_asked(commands["Make a backup"], folder))
        assert BACKUP.fullmatch(made["file"])
        assert (folder / made["file"]).is_file()
        backups = json.loads(_asked(commands["List the backups"], folder))
        assert backups["files"] == [made["file"]]

        assert _asked(commands["Export"], folder) == ""
        exported = (folder / "backup.json").read_bytes()
        taken = httpx2.post(
            f"{origin}/api/mcp/policy/create",
            content=exported,
            headers={"content-type": "application/json"},
        )
        assert taken.json() == {"ok": True, "count": len(ids)}
        assert httpx2.get(f"{origin}/api/mcp/policy/export").content == exported

        restored = httpx2.post(f"{origin}/api/mcp/policy/restore", json={"file": made["file"]})
        assert restored.json()["restoredFrom"] == made["file"]
        assert SAFETY.fullmatch(restored.json()["safetyBackup"])


def test_the_routes_mount_in_an_app_of_somebody_else(folder: Path) -> None:
    _shell("python scripts/seed_policies.py", folder)
    port = product.free_port()
    command = f"uvicorn mounted:app --port {port}"
    with _mounted(command, folder, port) as origin:
        assert httpx2.get(origin).json() == {"shop": "open"}
        policy = f"{origin}/api/mcp/policy"
        assert len(httpx2.get(f"{policy}/list").json()["data"]) > 3
        missing = httpx2.post(f"{policy}/delete", json={"id": "not.there"})
        assert (missing.status_code, missing.json()["detail"]) == (404, "Policy not found")
        foreign = httpx2.get(f"{policy}/list", headers={"host": "evil.example"})
        assert foreign.status_code == 421
        assert head_only(port).startswith(b"HTTP/1.1 413")
        with connect(f"ws://localhost:{port}/api/mcp/policy/ws", proxy=None) as socket:
            assert json.loads(socket.recv(timeout=10))["type"] == "hello"
            httpx2.post(f"{policy}/delete", json={"id": "sales.notify.drop"})
            assert json.loads(socket.recv(timeout=10))["type"] == "deleted"


@contextmanager
def _mounted(command: str, folder: Path, port: int) -> Iterator[str]:
    """`_serving`, for an app that has no /healthz of ours."""
    text = (folder / "mounted.py").read_text()
    (folder / "mounted.py").write_text(
        f'{text}\n\n@app.get("/healthz")\nasync def healthz() -> dict[str, bool]:\n'
        '    return {"ok": True}\n'
    )
    with _serving(command, folder, port) as origin:
        yield origin


def test_what_a_client_sees_is_what_the_types_say(folder: Path) -> None:
    _shell("python scripts/seed_policies.py", folder)
    port = product.free_port()
    with _serving(f"uvicorn main:app --port {port}", folder, port) as origin:
        policy = f"{origin}/api/mcp/policy"
        with connect(f"ws://localhost:{port}/api/mcp/policy/ws", proxy=None) as socket:
            frames = [json.loads(socket.recv(timeout=10))]
            events = _events(policy, socket)
            socket.send("ping")
            frames.append(json.loads(socket.recv(timeout=10)))
        rules = httpx2.get(f"{policy}/list").json()
        decisions = [
            httpx2.post(f"{policy}/test", json={"alert": _alert(severity), "at": at}).json()
            for severity in ("ok", "warn", "crit")
            for at in ("2026-11-20T12:00:00Z", "2026-11-21T12:00:00Z")
        ]
    assert [event["type"] for event in events] == [
        "created", "updated", "deleted", "bulk-created", "restored",
    ]  # fmt: skip
    assert {each["decision"]["type"] for each in decisions} == {"allow", "deny"}
    bare = [{key: value for key, value in event.items() if key != "seq"} for event in events]
    seen = folder / "seen.ts"
    seen.write_text(
        "import type { Answer, PolicyEvent, PolicyFrame, RuleList } from './policy'\n"
        + DOCUMENT_EVENT
        + f"export const events: PolicyEvent[] = {json.dumps(events)}\n"
        + f"export const frames: PolicyFrame[] = {json.dumps(frames)}\n"
        + f"export const documents: DocumentEvent[] = {json.dumps(bare)}\n"
        + f"export const rules: RuleList = {json.dumps(rules)}\n"
        + f"export const answers: Answer[] = {json.dumps(decisions)}\n"
    )
    assert typescript.complaints(folder / "policy.ts", seen) == ""
    seen.write_text(seen.read_text().replace('"bulk-created"', '"bulk"', 1))
    assert "seen.ts" in typescript.complaints(seen)


def _events(policy: str, socket: Any) -> list[Any]:
    """One of each of the five, in the order of the document."""
    rule = {"id": "mine", "when": {"kpiId": "x", "severity": ["warn"]}, "action": "mine.do"}
    file = httpx2.get(f"{policy}/backup").json()["file"]
    for path, body in [
        ("create", rule),
        ("update", rule | {"priority": 1}),
        ("delete", {"id": "mine"}),
        ("create", {"rules": [rule, rule | {"id": "other"}]}),
        ("restore", {"file": file}),
    ]:
        answer = httpx2.post(f"{policy}/{path}", json=body)
        assert answer.status_code == 200, answer.text
    return [json.loads(socket.recv(timeout=10)) for _ in range(5)]


def _alert(severity: str) -> dict[str, str]:
    return {
        "id": "test", "kpiId": "margin", "title": "Test", "message": "Test", "severity": severity,
    }  # fmt: skip
