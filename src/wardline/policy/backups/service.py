"""Make, list, restore, verify, download and delete backups, over any store and one folder."""

import asyncio
import os
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol

from wardline.core.canonical import Json
from wardline.core.errors import Conflict
from wardline.core.policy.rule import Rule
from wardline.formats import policy_copy
from wardline.formats.policy_copy import Fault, PolicyFileRefused
from wardline.formats.policy_file import PolicyFile, Rows
from wardline.policy import past
from wardline.policy.backups.folder import Entry, Folder
from wardline.policy.backups.names import Kind, Name
from wardline.policy.backups.retention import Retention
from wardline.policy.store import PolicyStore, RuleInvalid

ASKED_FOR = "asked for"
TRIES_MAX = 5
PROBLEMS_SHOWN_MAX = 3


class Overtaken(Conflict):
    """The policy was changed while it was being restored: look at it and try again."""

    code = "overtaken"


class BackupStore(Protocol):
    """What backups ask of a store of rules. It is bound to an owner and to who asks."""

    async def rows(self, *, hold: bool = False) -> Rows:
        """The rules in force, as one revision left them. `hold`: where the store can, writers wait
        from here to the end of the request."""

    def check(self, rules: Sequence[Rule]) -> None:
        """Raises RuleInvalid for what may not be in force here."""

    async def replace(
        self,
        rules: Sequence[Rule],
        *,
        over: int,
        restored: str,
        reason: str,
        told: Mapping[str, Json],
    ) -> int:
        """Puts exactly these rules in force: in one transaction, as a new revision, with the event
        `restored` of the file named so and an audit record of what is `told`; gives the revision.
        A rule that is the same stays as it is. Raises Overtaken where the revision is no longer
        `over`."""

    async def record(self, action: str, file: str, told: Mapping[str, Json]) -> None:
        """What was done with a backup, for whoever asks later who did what."""


@dataclass(frozen=True, slots=True)
class Restored:
    """Names as a listing has them, and what is told of the past."""

    file: str
    safety: str
    told: Mapping[str, Json]


@dataclass(frozen=True, slots=True)
class Backups:
    """The backups of one owner, for one caller. `retention` None leaves the clearing to a job."""

    store: BackupStore
    policy: PolicyStore
    folder: Folder
    who: str
    retention: Retention | None = None

    async def make(self, reason: str | None) -> str:
        """Writes one, unless the newest holds the same; gives its name."""
        rows = await self.store.rows()
        why = reason or ASKED_FOR
        made = await asyncio.to_thread(self.folder.make, Kind.BACKUP, rows, self.who, why)
        file = self.folder.file(made.name)
        await self.store.record("make", file, _told(made))
        if self.retention is not None:
            await asyncio.to_thread(self.folder.retain, self.retention)
        return file

    async def entries(self) -> list[Entry]:
        """Newest first."""
        return await asyncio.to_thread(self.folder.entries)

    async def restore(self, file: str, reason: str | None) -> Restored:
        """Puts the backup in force, after one of what it replaces; raises BackupUnknown,
        BackupOutside, PolicyFileRefused, Overtaken. The rules in force are then what they were."""
        name = self.folder.find(file)
        found = await asyncio.to_thread(self.folder.read, name)
        self._check(name, found)
        rules, held = found.contents.rules, await self.policy.current()
        why = f"restored from {name.text}" + (f": {reason}" if reason else "")
        for _ in range(TRIES_MAX):
            before = await self.store.rows(hold=True)
            safety = await asyncio.to_thread(
                self.folder.make, Kind.SAFETY, before, self.who, f"before {name.text} was restored"
            )
            with suppress(Overtaken):
                made = self.folder.file(safety.name)
                await self.store.replace(
                    rules,
                    over=before.revision,
                    restored=file,
                    reason=why,
                    told={"safetyBackup": made, "sha256": found.seal.sha256},
                )
                told = await past.of_restored(self.policy, held, rules)
                return Restored(file, made, told)
            # It holds what somebody has replaced since: the next round makes the true one.
            await asyncio.to_thread(self.folder.discard, safety.name)
        raise Overtaken("the policy was changed all the while: look at it and try again")

    async def rules(self, name: Name) -> Sequence[Rule]:
        """What a restore of it would put in force; raises BackupUnknown, PolicyFileRefused."""
        return (await asyncio.to_thread(self.folder.read, name)).contents.rules

    async def verify(self, name: Name) -> tuple[Entry, str | None]:
        """Reads it whole and keeps what came of it: what is wrong with it, if anything."""
        found, fault = await asyncio.to_thread(self.folder.verify, name)
        await self.store.record("verify", self.folder.file(name), {"fault": fault})
        return found, fault

    async def take(self, name: Name) -> Entry:
        """Notes that the caller downloads it; raises PolicyFileRefused unless it is whole."""
        taken = await asyncio.to_thread(self.folder.taken, name, self.who)
        await self.store.record("download", self.folder.file(name), _told(taken))
        return taken

    async def delete(self, name: Name) -> None:
        """Raises BackupUnknown, BackupNeeded."""
        await asyncio.to_thread(self.folder.delete, name)
        await self.store.record("delete", self.folder.file(name), {})

    def _check(self, name: Name, found: PolicyFile) -> None:
        try:
            self.store.check(found.contents.rules)
        except RuleInvalid as invalid:
            told = "; ".join(
                f"{path}: {why}" for path, why in invalid.problems[:PROBLEMS_SHOWN_MAX]
            )
            raise PolicyFileRefused(
                name.text, Fault.RULES, f"holds a rule that may not be in force here: {told}"
            ) from None


async def stream(folder: Folder, entry: Entry) -> AsyncIterator[bytes]:
    """The bytes of a backup that was just seen to be whole; nothing is open before the first is
    asked for."""
    descriptor, size = await asyncio.to_thread(policy_copy.opened, folder.path / entry.name.text)
    with os.fdopen(descriptor, "rb") as file:
        assert size == entry.size, "a backup is never written to"
        while chunk := await asyncio.to_thread(file.read, policy_copy.CHUNK_BYTES):
            yield chunk


def _told(entry: Entry) -> dict[str, Json]:
    known = entry.note
    return {} if known is None else {"sha256": known.sha256, "rules": known.rules}
