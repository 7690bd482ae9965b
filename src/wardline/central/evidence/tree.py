"""Checkpoints and proofs read from a site's stored tree, for pages and for every appliance."""

import base64
from collections.abc import Sequence

from wardline.central.database.session import Session
from wardline.central.evidence.repository import Repository, StoredCheckpoint
from wardline.core import clock
from wardline.core.errors import Malformed, NotFound, WardlineError
from wardline.core.evidence import checkpoint, log
from wardline.core.evidence.signing import BadSignature
from wardline.core.protocol import LogUpdate


class TreeIncomplete(WardlineError):
    """A node that the stored tree must have is missing: the database lost part of the log."""

    code = "tree_incomplete"


async def newest(session: Session, site_id: str) -> StoredCheckpoint | None:
    return await Repository(session, site_id).newest_checkpoint()


async def update_for(session: Session, site_id: str, witnessed_size: int) -> LogUpdate | None:
    """The newest checkpoint for an appliance that last saw `witnessed_size`, as in `update_to`."""
    return await update_to(session, site_id, await newest(session, site_id), witnessed_size)


async def update_to(
    session: Session, site_id: str, found: StoredCheckpoint | None, witnessed_size: int
) -> LogUpdate | None:
    """`found`, the newest checkpoint, for an appliance that last saw `witnessed_size`; None when it
    has it.

    One that is smaller than what the appliance saw goes out without a proof, for there is none:
    the appliance has to see that this log was set back.
    """
    if found is None or found.size == witnessed_size:
        return None
    if not 0 < witnessed_size < found.size:
        return LogUpdate(checkpoint=found.note, proof=[])
    wanted = log.nodes_for_consistency(witnessed_size, found.size)
    nodes = Nodes(await Repository(session, site_id).nodes(found.generation, wanted))
    proof = log.consistency_proof(witnessed_size, found.size, nodes.get)
    return LogUpdate(
        checkpoint=found.note, proof=[base64.b64encode(item).decode() for item in proof]
    )


async def inclusion_proofs(
    session: Session, site_id: str, size: int, indexes: Sequence[int]
) -> list[list[bytes]]:
    """The audit path of each index in the tree of `size`; raises NotFound for what it lacks."""
    repository = Repository(session, site_id)
    head = await repository.head()
    if head is None or size > head.frontier.size:
        raise NotFound("the log has not reached that size")
    if any(index >= size for index in indexes):
        raise NotFound("an index is not below the size that was named")
    wanted = {node for index in indexes for node in log.nodes_for_inclusion(index, size)}
    nodes = Nodes(await repository.nodes(head.generation, wanted))
    return [log.inclusion_proof(index, size, nodes.get) for index in indexes]


async def keep_cosignatures(
    session: Session,
    site_id: str,
    appliance_id: str,
    witness_key: bytes,
    witnessed_size: int,
    lines: Sequence[str],
) -> str | None:
    """Stores what verifies over the checkpoint of `witnessed_size`; returns why the first that
    does not was refused. Evidence is never refused for a cosignature's sake."""
    if not lines:
        return None
    repository = Repository(session, site_id)
    found = await repository.checkpoint_at(witnessed_size)
    if found is None:
        return f"no checkpoint of size {witnessed_size} was ever signed for this log"
    body = checkpoint.parse_note(found.note).body
    name = checkpoint.witness_name(appliance_id)
    for count, line in enumerate(lines):
        try:
            time_s = checkpoint.verify_cosignature(body, line, name, witness_key)
            cosigned_at = clock.from_milliseconds(time_s * 1000)
        except (Malformed, BadSignature, OverflowError):
            return f"cosignatures[{count}] is not this appliance's over size {found.size}"
        await repository.add_cosignature(found, appliance_id, line, cosigned_at, session.now)
    return None


class Nodes:
    """Hashes fetched beforehand; asking for another is a hole in the stored tree."""

    __slots__ = ("_hashes",)

    def __init__(self, hashes: dict[tuple[int, int], bytes]) -> None:
        self._hashes = hashes

    def get(self, level: int, index: int) -> bytes:
        found = self._hashes.get((level, index))
        if found is None:
            raise TreeIncomplete(
                f"node ({level}, {index}) of the log's tree is missing from the database;"
                " restore the newest backup and declare the recovery"
            )
        return found
