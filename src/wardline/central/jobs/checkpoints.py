"""Signs the head of every log that has grown, and nothing that contradicts what it signed.

What it signed last stands in the database and in a file of its own, which a restored backup of the
database does not bring back. The file is written first: a head that was shown to anybody is in it.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import RowMapping
from sqlalchemy.ext.asyncio import AsyncEngine

from wardline.central.database.scope import Scope
from wardline.central.database.session import Session, open_session
from wardline.central.jobs import signed_logs
from wardline.central.jobs.loops import ACTOR
from wardline.central.jobs.signed_logs import LogKind
from wardline.central.settings import write_private
from wardline.core.clock import Now
from wardline.core.errors import WardlineError
from wardline.core.evidence import checkpoint, log
from wardline.core.evidence.checkpoint import Checkpoint
from wardline.core.evidence.log import Frontier
from wardline.core.evidence.signing import SigningKey

LOGS_PER_ROUND_MAX = 1_000


class LogContradicts(WardlineError):
    """A log is not an extension of the one that was signed before; nothing is signed for it."""

    code = "log_contradicts"


class LastSignedUnreadable(WardlineError):
    """The signer's own file cannot be read; it signs nothing rather than trust the database."""

    code = "last_signed_unreadable"


@dataclass(frozen=True, slots=True)
class Signed:
    """A head that was signed."""

    size: int
    root: bytes


@dataclass(frozen=True, slots=True)
class _Grown:
    """A log whose head has no checkpoint yet."""

    log_id: str
    partner_id: str
    generation: int
    origin: str
    head: Frontier
    before: Signed | None


class Signer:
    """Holds the log key; one per installation."""

    def __init__(
        self, engine: AsyncEngine, key: SigningKey, installation_id: str, file: Path, now: Now
    ) -> None:
        self._engine = engine
        self._key = key
        self._installation_id = installation_id
        self._file = file
        self._now = now
        self._last = _read(file)

    async def sign_grown(self) -> int:
        """Signs what has grown since the last round: how many heads. Raises LogContradicts after
        that, when there are logs that it refuses."""
        refused: dict[str, str] = {}
        signed = 0
        async with open_session(self._engine, Scope.system(), ACTOR, now=self._now) as session:
            for kind in signed_logs.KINDS:
                signed += await self._sign_kind(session, kind, refused)
        if refused:
            named = "; ".join(f"{name}: {why}" for name, why in sorted(refused.items()))
            raise LogContradicts(
                f"{len(refused)} logs are not signed any more. {named[:500]}. Compare the database"
                " with its backups; a restore is declared, it does not go unseen"
            )
        return signed

    async def _sign_kind(self, session: Session, kind: LogKind, refused: dict[str, str]) -> int:
        """Every grown log of a kind; how many were signed. What was not is added to `refused`."""
        wrong: dict[str, str] = {}
        rows = await session.rows(kind.grown, limit=LOGS_PER_ROUND_MAX)
        grown = [found for row in rows if (found := self._grown(kind, row, wrong)) is not None]
        hashes = await _nodes(session, kind, grown)
        good = [one for one in grown if self._extends(one, hashes, wrong)]
        await self._sign(session, kind, good)
        for row in rows:
            if row["log_id"] in wrong:
                await session.execute(kind.alarm, now=session.now, **_alarm(row, wrong))
        refused.update(wrong)
        return len(good)

    def _grown(self, kind: LogKind, row: RowMapping, refused: dict[str, str]) -> _Grown | None:
        packed: bytes = row["frontier"]
        step = log.HASH_BYTES
        hashes = tuple(packed[at : at + step] for at in range(0, len(packed), step))
        origin = kind.origin(self._installation_id, row["log_id"], row["generation"])
        try:
            before = self._before(origin, row)
            head = Frontier(row["size"], hashes)
        except (LogContradicts, ValueError) as error:
            refused[row["log_id"]] = str(error)
            return None
        return _Grown(row["log_id"], row["partner_id"], row["generation"], origin, head, before)

    def _before(self, origin: str, row: RowMapping) -> Signed | None:
        """The largest head that was signed before, of the file and the database."""
        held = self._last.get(origin)
        if row["last_size"] is None:
            return held
        stored = Signed(row["last_size"], row["last_root"])
        note = checkpoint.parse_note(row["last_note"])
        if not note.verify(origin, self._key.public):
            raise LogContradicts("the stored checkpoint does not carry this key's signature")
        signed = note.checkpoint()
        if (signed.size, signed.root) != (stored.size, stored.root):
            raise LogContradicts("the stored checkpoint is not the one its row says")
        return stored if held is None or held.size < stored.size else held

    def _extends(
        self,
        grown: _Grown,
        hashes: Mapping[tuple[str, int, int], bytes],
        refused: dict[str, str],
    ) -> bool:
        before, head = grown.before, grown.head
        if before is None:
            return True
        if head.size < before.size:
            why = f"it has {head.size} entries, {before.size} were signed"
        else:
            wanted = log.nodes_for_consistency(before.size, head.size)
            known = {node: hashes.get((grown.log_id, *node)) for node in wanted}
            missing = [node for node, found in known.items() if found is None]
            if missing:
                why = f"node {missing[0]} of its tree is missing"
            else:
                proof = log.consistency_proof(
                    before.size, head.size, lambda level, index: known[level, index] or b""
                )
                if log.verify_consistency(before.size, head.size, before.root, head.root, proof):
                    return True
                why = f"its {head.size} entries do not extend the {before.size} that were signed"
        refused[grown.log_id] = why
        return False

    async def _sign(self, session: Session, kind: LogKind, good: Sequence[_Grown]) -> None:
        if not good:
            return
        notes = [self._note(one) for one in good]
        for one in good:
            self._last[one.origin] = Signed(one.head.size, one.head.root)
        _write(self._file, self._last)
        await session.execute(
            kind.add,
            signed_at=session.now,
            logs=[one.log_id for one in good],
            partners=[one.partner_id for one in good],
            generations=[one.generation for one in good],
            sizes=[one.head.size for one in good],
            roots=[one.head.root for one in good],
            notes=notes,
        )

    def _note(self, one: _Grown) -> str:
        head = Checkpoint(one.origin, one.head.size, one.head.root)
        return checkpoint.sign_note(head.body(), one.origin, self._key)


async def _nodes(
    session: Session, kind: LogKind, grown: Sequence[_Grown]
) -> dict[tuple[str, int, int], bytes]:
    """Every stored node that the consistency of these logs depends on, in one query."""
    wanted = [
        (one, level, index)
        for one in grown
        if one.before is not None and one.before.size <= one.head.size
        for level, index in log.nodes_for_consistency(one.before.size, one.head.size)
    ]
    if not wanted:
        return {}
    rows = await session.rows(
        kind.nodes,
        logs=[one.log_id for one, _, _ in wanted],
        generations=[one.generation for one, _, _ in wanted],
        levels=[level for _, level, _ in wanted],
        indexes=[index for _, _, index in wanted],
    )
    return {(row["log_id"], row["level"], row["node_index"]): row["hash"] for row in rows}


def _alarm(row: RowMapping, refused: Mapping[str, str]) -> dict[str, object]:
    return {
        "log_id": row["log_id"],
        "partner_id": row["partner_id"],
        "generation": row["generation"],
        "reason": refused[row["log_id"]],
    }


def _read(file: Path) -> dict[str, Signed]:
    try:
        stored = json.loads(file.read_text())
        return {
            origin: Signed(int(size), bytes.fromhex(root))
            for origin, (size, root) in stored.items()
        }
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise LastSignedUnreadable(
            f"{file} is not the list of heads that were signed ({error}); restore it from a backup"
        ) from error


def _write(file: Path, last: Mapping[str, Signed]) -> None:
    content = {origin: [signed.size, signed.root.hex()] for origin, signed in last.items()}
    write_private(file, json.dumps(content, sort_keys=True).encode())
