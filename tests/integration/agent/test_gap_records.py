"""What Central refuses for good is kept, and one signed record accounts for it."""

import base64
import hashlib
import json

import pytest

from tests.harness.fake_central import on, refusal
from tests.integration.agent.bench import Bench
from wardline.core.evidence import notes
from wardline.core.evidence.bundle import Kind


def _payload(bench: Bench, seq: int) -> bytes:
    """What was signed for a place, as the appliance keeps it."""
    with bench.agent.ledger.reading() as tx:
        row = tx.row("SELECT bundle_json FROM queued_evidence WHERE seq = ?", (seq,))
    assert row is not None
    return base64.b64decode(json.loads(row["bundle_json"])["payload"])


def test_a_named_poison_alone_is_quarantined_and_a_gap_record_carries_the_stream_on(
    bench: Bench,
) -> None:
    bench.seal(4)
    bench.check_in()
    bench.central.odd.append(
        on("/evidence", refusal("poison", 2, "results[0].facts: too deep", status=422))
    )
    bench.report()
    bench.seal(2)
    bench.report()
    stored = [(one.bundle.seq, one.bundle.kind) for one in bench.central.stored]
    assert [seq for seq, _ in stored] == [1, 2, 5, 6, 7]
    assert stored[2][1] is Kind.GAP
    note = bench.central.stored[2].bundle.note
    assert note is not None
    assert (note["first_seq"], note["last_seq"]) == (3, 4)
    assert note["reason"] == "refused by Central: poison: results[0].facts: too deep"
    assert note["skipped"] == [hashlib.sha256(_payload(bench, seq)).hexdigest() for seq in (3, 4)]
    assert bench.alarms()["quarantined"].subject == "1/3"
    assert bench.counts().quarantined == 2
    assert bench.counts().pending == 0


def test_a_gap_record_names_no_more_payloads_than_it_may(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notes, "SKIPPED_MAX", 2)
    bench.seal(5)
    bench.check_in()
    bench.central.odd.append(on("/evidence", refusal("poison", 1, "no", status=422)))
    bench.report()
    note = bench.central.stored[1].bundle.note
    assert note is not None
    assert (note["first_seq"], note["last_seq"]) == (2, 5)
    assert note["skipped"] == [hashlib.sha256(_payload(bench, seq)).hexdigest() for seq in (2, 3)]
