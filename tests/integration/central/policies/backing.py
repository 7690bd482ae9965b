"""The two stores as a test of backups sees them: a client, a folder, and what was written down."""

import json
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import httpx2

from wardline.central.database.engine import Raw
from wardline.core import clock
from wardline.policy.backups.folder import Folder
from wardline.policy.standalone import app
from wardline.policy.standalone.settings import Settings

ROUTES = "/api/mcp/policy"
MORE = "/api/v1/policies/backups"
RULE: dict[str, Any] = {
    "when": {"kpiId": "kernel_sysctl", "severity": ["medium", "high"]},
    "action": "kernel_sysctl.apply",
    "params": {},
    "limits": {"maxDailyPct": 1.5},
    "autoExecute": True,
    "autoSuggest": True,
}


class Book(Protocol):
    """What a store has written down beside its rules, oldest first."""

    async def revisions(self) -> list[tuple[int, str, str | None]]:
        """Revision, author, reason."""

    async def events(self) -> list[dict[str, Any]]: ...

    async def audit(self, action: str) -> list[tuple[str, str, dict[str, Any]]]:
        """Actor, subject, details."""

    async def versions(self, rule_id: str) -> list[tuple[int, bool]]:
        """Revision, and whether the rule went with it."""


@dataclass(frozen=True)
class Place:
    """A store behind HTTP; the client is an admin's, with addresses from the root."""

    client: httpx2.AsyncClient
    folder: Folder
    book: Book

    async def get(self, path: str) -> httpx2.Response:
        return await self.client.get(ROUTES + path)

    async def post(self, path: str, body: object) -> httpx2.Response:
        return await self.client.post(ROUTES + path, json=body)

    async def create(self, *rules: dict[str, Any]) -> None:
        answer = await self.post("/create", {"rules": list(rules)})
        assert answer.status_code == 200, answer.text

    async def backup(self) -> str:
        answer = await self.get("/backup")
        assert (answer.status_code, answer.json().keys()) == (200, {"ok", "file"}), answer.text
        file: str = answer.json()["file"]
        return file

    async def restore(self, file: str) -> httpx2.Response:
        return await self.post("/restore", {"file": file})

    async def exported(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = (await self.get("/export")).json()["rules"]
        return found

    async def listed(self) -> dict[str, dict[str, Any]]:
        return {each["id"]: each for each in (await self.get("/list")).json()["data"]}


def rule(rule_id: str, **fields: object) -> dict[str, Any]:
    """A rule that both stores take."""
    return RULE | {"id": rule_id} | fields


@dataclass(frozen=True)
class PartnerBook:
    """Looks behind the row security."""

    owner: Raw
    partner_id: str

    async def revisions(self) -> list[tuple[int, str, str | None]]:
        rows = await self.owner.fetch(
            "SELECT revision, author, reason FROM policy_revisions WHERE partner_id = $1"
            " ORDER BY revision",
            self.partner_id,
        )
        return [tuple(row) for row in rows]

    async def events(self) -> list[dict[str, Any]]:
        rows = await self.owner.fetch(
            "SELECT payload FROM change_log WHERE partner_id = $1 ORDER BY id", self.partner_id
        )
        return [json.loads(row["payload"]) for row in rows]

    async def audit(self, action: str) -> list[tuple[str, str, dict[str, Any]]]:
        rows = await self.owner.fetch(
            "SELECT actor_id, subject, after FROM audit_log WHERE partner_id = $1"
            " AND action = $2 ORDER BY id",
            *(self.partner_id, action),
        )
        return [(row["actor_id"], row["subject"], json.loads(row["after"])) for row in rows]

    async def versions(self, rule_id: str) -> list[tuple[int, bool]]:
        rows = await self.owner.fetch(
            "SELECT revision, body IS NULL FROM policy_rule_versions WHERE partner_id = $1"
            " AND rule_id = $2 ORDER BY revision",
            *(self.partner_id, rule_id),
        )
        return [tuple(row) for row in rows]


@dataclass(frozen=True)
class FileBook:
    """Opens the file beside the server."""

    path: Path

    async def revisions(self) -> list[tuple[int, str, str | None]]:
        return self._rows("SELECT revision, author, reason FROM revisions ORDER BY revision")

    async def events(self) -> list[dict[str, Any]]:
        return [json.loads(row[0]) for row in self._rows("SELECT payload FROM changes ORDER BY 1")]

    async def audit(self, action: str) -> list[tuple[str, str, dict[str, Any]]]:
        rows = self._rows(
            "SELECT actor, subject, details FROM audit_log WHERE action = ? ORDER BY id", action
        )
        return [(actor, subject, json.loads(details)) for actor, subject, details in rows]

    async def versions(self, rule_id: str) -> list[tuple[int, bool]]:
        rows = self._rows(
            "SELECT revision, body IS NULL FROM rule_versions WHERE rule_id = ? ORDER BY revision",
            rule_id,
        )
        return [(revision, bool(gone)) for revision, gone in rows]

    def _rows(self, sql: str, *values: object) -> list[Any]:
        with closing(sqlite3.connect(self.path)) as connection:
            return connection.execute(sql, values).fetchall()


@asynccontextmanager
async def standalone(root: Path, **told: Any) -> AsyncIterator[Place]:
    """A server on a policy file under `root`, as it is wired; `told` goes into its settings."""
    actions = root / "actions"
    root.mkdir()
    actions.write_text(f"{RULE['action']}\n")
    settings = Settings(db=root / "policies.db", backups=root / "backups", actions=actions, **told)
    made = app.create(settings)
    async with (
        made.router.lifespan_context(made),
        httpx2.AsyncClient(
            transport=httpx2.ASGITransport(app=made), base_url="http://127.0.0.1"
        ) as client,
    ):
        folder = Folder(settings.folder, str(settings.folder), clock.system)
        yield Place(client, folder, FileBook(settings.db))
