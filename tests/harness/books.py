"""What Central's database holds of one appliance's evidence, held against what was sent."""

import json
from collections.abc import Sequence
from typing import Any

from tests.harness.appliance import Appliance, stored_log
from wardline.core.evidence import bundle, log
from wardline.core.evidence.bundle import Bundle
from wardline.core.evidence.log import Frontier
from wardline.core.evidence.signing import Envelope

# A fresh site's log begins with the appliance's key.
FIRST_INDEX = 1

_BUNDLES = (
    "SELECT log_index, epoch, seq, payload, signature, equivocates FROM evidence_bundles"
    " WHERE site_id = $1 ORDER BY log_index"
)
_NODES = "SELECT level, node_index, hash FROM evidence_log_nodes WHERE site_id = $1"
_STREAMS = "SELECT appliance_id, epoch, next_seq, prev FROM evidence_streams WHERE site_id = $1"
_RESULTS = (
    "SELECT log_index, check_id, facts_digest FROM results WHERE site_id = $1 ORDER BY log_index"
)
_LATEST = "SELECT host_id, check_id, log_index FROM latest_results WHERE site_id = $1"
_INCIDENTS = "SELECT id, state, epoch, seq FROM incidents WHERE site_id = $1"
_TOLD = "SELECT incident_id, log_index, state FROM incident_bundles WHERE site_id = $1"
_ANNOUNCED = "SELECT payload FROM change_log WHERE site_id = $1 AND kind = 'evidence' ORDER BY id"
_RECEIPTS = (
    "SELECT b.epoch, b.seq, b.log_index, b.received_at, e.leaf_hash FROM evidence_bundles b"
    " JOIN evidence_log_entries e USING (site_id, generation, log_index) WHERE b.site_id = $1"
)


async def held(owner: Any, appliance: Appliance) -> int:
    """How many bundles are stored."""
    found = await owner.fetchval(
        "SELECT count(*) FROM evidence_bundles WHERE site_id = $1", appliance.site_id
    )
    return int(found)


async def check(owner: Any, appliance: Appliance, sent: Sequence[Envelope]) -> None:
    """That the site's books say `sent`, each once and in this order, and nothing else or half."""
    site = appliance.site_id
    rows = [tuple(row) for row in await owner.fetch(_BUNDLES, site)]
    said = [bundle.parse(one.payload) for one in sent]
    assert rows == [
        (FIRST_INDEX + at, one.epoch, one.seq, envelope.payload, envelope.sig, False)
        for at, (one, envelope) in enumerate(zip(said, sent, strict=True))
    ]
    await _check_log(owner, site, sent)
    await _check_stream(owner, appliance, said, sent)
    await _check_folded(owner, site, said)


async def check_receipts(owner: Any, site_id: str, receipts: Sequence[dict[str, Any]]) -> None:
    """That each receipt says what is stored."""
    stored = {(row["epoch"], row["seq"]): row for row in await owner.fetch(_RECEIPTS, site_id)}
    for receipt in receipts:
        row = stored[receipt["epoch"], receipt["seq"]]
        assert receipt["index"] == row["log_index"]
        assert receipt["leaf_hash"] == row["leaf_hash"].hex()
        assert receipt["received_ms"] == round(row["received_at"].timestamp() * 1000)


async def _check_log(owner: Any, site: str, sent: Sequence[Envelope]) -> None:
    """Dense entries, one per bundle after the key; the head and every inner node are the tree's."""
    size, root, entries = await stored_log(owner, site)
    leaves = [log.leaf_hash(entry) for entry in entries]
    assert size == len(entries) == FIRST_INDEX + len(sent)
    assert root == log.root_from_leaves(leaves)
    assert json.loads(entries[0])["kind"] == "key-enrol"
    for entry, envelope in zip(entries[FIRST_INDEX:], sent, strict=True):
        parsed, said = log.parse_entry(entry), bundle.parse(envelope.payload)
        assert (parsed.epoch, parsed.seq, parsed.sig) == (said.epoch, said.seq, envelope.sig)
    _, nodes = log.grow(Frontier(0, ()), leaves)
    stored = sorted(tuple(row) for row in await owner.fetch(_NODES, site))
    assert stored == sorted(node for node in nodes if node[0] > 0)


async def _check_stream(
    owner: Any, appliance: Appliance, said: Sequence[Bundle], sent: Sequence[Envelope]
) -> None:
    prev = bundle.NO_PREV
    for seq, (one, envelope) in enumerate(zip(said, sent, strict=True), 1):
        assert (one.seq, one.prev) == (seq, prev)
        prev = bundle.chain_hash(envelope.payload_type, envelope.payload)
    streams = [tuple(row) for row in await owner.fetch(_STREAMS, appliance.site_id)]
    assert streams == [(appliance.id, appliance.epoch, len(sent) + 1, prev)]


async def _check_folded(owner: Any, site: str, said: Sequence[Bundle]) -> None:
    """Results, incidents and announcements: each bundle's once."""
    results, latest, incidents, told = [], {}, {}, []
    for index, one in enumerate(said, FIRST_INDEX):
        for result in one.results:
            results.append((index, result.check, result.facts_digest))
            latest[one.host_id, result.check] = index
        for record in one.incidents:
            incidents[record.incident_id] = (record.state.value, one.epoch, one.seq)
            told.append((record.incident_id, index, record.state.value))
    assert [tuple(row) for row in await owner.fetch(_RESULTS, site)] == results
    assert {(row[0], row[1]): row[2] for row in await owner.fetch(_LATEST, site)} == latest
    assert {row[0]: tuple(row)[1:] for row in await owner.fetch(_INCIDENTS, site)} == incidents
    assert sorted(tuple(row) for row in await owner.fetch(_TOLD, site)) == sorted(told)
    announced: list[int] = []
    for row in await owner.fetch(_ANNOUNCED, site):
        span = json.loads(row["payload"])
        announced += range(span["first"], span["last"] + 1)
    assert announced == list(range(FIRST_INDEX, FIRST_INDEX + len(said)))


async def check_witness(owner: Any, appliance: Appliance, cosigned: int) -> None:
    """That each checkpoint was cosigned at most once, this many of them, and none was refused."""
    site = appliance.site_id
    found = "SELECT count(*) FROM evidence_cosignatures WHERE site_id = $1 AND appliance_id = $2"
    assert await owner.fetchval(found, site, appliance.id) == cosigned
    refused = "SELECT action FROM audit_log WHERE site_id = $1 AND action LIKE '%.%'"
    actions = {row["action"] for row in await owner.fetch(refused, site)}
    assert not actions & {"cosignature.refuse", "evidence.conflict"}
