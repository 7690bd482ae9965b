"""Keys by log index and the order of streams, as the verifier of a whole export judges them."""

import pytest

from tests.unit.core.evidence import site_log
from tests.unit.core.evidence.site_log import Appliance, SiteLog, closed, one_appliance, says
from wardline.core.evidence import bundle, log
from wardline.core.evidence.bundle import Kind
from wardline.core.evidence.log import EntryKind
from wardline.core.evidence.verdict import Exit, Verdict

# Keys by index


def test_a_key_that_was_never_enrolled_signs_nothing() -> None:
    site, appliance = SiteLog(), Appliance(1)
    site.take(appliance.seal())
    verdict = closed(site)
    assert verdict.exit_code is Exit.INVALID
    says(verdict, "is not valid at this index")


@pytest.mark.parametrize("kind", [EntryKind.KEY_RETIRE, EntryKind.KEY_REVOKE])
def test_a_key_counts_until_it_is_retired_and_not_after(kind: EntryKind) -> None:
    site, appliance = one_appliance()
    site.retire(appliance, kind)
    assert closed(site).exit_code is Exit.UNWITNESSED
    site.take(appliance.seal())
    verdict = closed(site)
    assert verdict.exit_code is Exit.INVALID
    says(verdict, "(index 4)", "is not valid at this index")


def test_a_key_counts_from_its_enrolment_on_and_not_before() -> None:
    site, appliance = SiteLog(), Appliance(1)
    site.take(appliance.seal())
    site.enrol(appliance)
    site.take(appliance.seal())
    verdict = closed(site)
    assert verdict.exit_code is Exit.INVALID
    assert [item.where for item in verdict.findings if item.exit_code is Exit.INVALID] == [
        "bundles/000000.jsonl line 1 (index 0)"
    ]


def test_a_key_of_one_appliance_does_not_sign_for_another() -> None:
    site, (first, second) = site_log.clinic()
    envelope = bundle.seal(
        site_log.record(appliance_id=first.id, seq=first.seq + 1, prev=first.prev), second.key
    )
    site.take(envelope)
    verdict = closed(site)
    assert verdict.exit_code is Exit.INVALID
    says(verdict, f"key {second.key.key_id} of {first.id} is not valid")


def test_one_key_is_not_enrolled_for_two_appliances() -> None:
    site, first = one_appliance()
    kind, received = EntryKind.KEY_ENROL, site.received_ms()
    public = first.key.public
    other = site_log.named("appl", 2)
    site.append(log.key_entry(kind, site.site, other, public, received, witness=public))
    verdict = closed(site)
    assert verdict.exit_code is Exit.INVALID
    says(verdict, f"is enrolled for {first.id} already")


def test_retiring_a_key_that_is_not_in_force_is_invalid() -> None:
    site, appliance = one_appliance()
    site.retire(appliance)
    site.retire(appliance)
    assert closed(site).exit_code is Exit.INVALID


# Streams


def test_a_hole_in_a_stream_is_invalid_unless_a_gap_record_covers_it() -> None:
    site, appliance = one_appliance()
    appliance.seq += 3
    site.take(appliance.seal())
    verdict = closed(site)
    assert verdict.exit_code is Exit.INVALID
    says(verdict, "seq 3 to 5 are missing and no gap record covers them")

    site, appliance = one_appliance()
    appliance.seq += 3
    note = {"first_seq": 3, "last_seq": 5, "reason": "the disk lost them"}
    site.take(appliance.seal(kind=Kind.GAP, host_id=None, results=(), note=note))
    site.take(appliance.seal())
    assert closed(site).exit_code is Exit.UNWITNESSED


def test_a_gap_record_may_stand_for_a_stream_from_its_beginning() -> None:
    site, appliance = one_appliance(0)
    appliance.seq = 4
    note = {"first_seq": 1, "last_seq": 4, "reason": "never accepted"}
    site.take(appliance.seal(kind=Kind.GAP, host_id=None, results=(), note=note))
    site.take(appliance.seal())
    assert closed(site).exit_code is Exit.UNWITNESSED


def test_a_gap_record_continues_the_record_before_the_gap() -> None:
    site, appliance = one_appliance()
    appliance.seq, appliance.prev = 5, "a" * 64
    note = {"first_seq": 3, "last_seq": 5, "reason": "the disk lost them"}
    site.take(appliance.seal(kind=Kind.GAP, host_id=None, results=(), note=note))
    verdict = closed(site)
    assert verdict.exit_code is Exit.INVALID
    says(verdict, "seq 6 does not continue seq 2")


@pytest.mark.parametrize("note", [{"first_seq": 4, "last_seq": 5}, {"first_seq": 3}, {}])
def test_a_gap_record_covers_only_what_it_names(note: dict[str, int]) -> None:
    site, appliance = one_appliance()
    appliance.seq += 3
    site.take(appliance.seal(kind=Kind.GAP, host_id=None, results=(), note=note))
    assert closed(site).exit_code is Exit.INVALID


def test_a_record_that_does_not_continue_the_chain_is_invalid() -> None:
    site, appliance = one_appliance()
    appliance.prev = "a" * 64
    site.take(appliance.seal())
    verdict = closed(site)
    assert verdict.exit_code is Exit.INVALID
    says(verdict, "seq 3 does not continue seq 2")


def test_the_same_record_twice_is_invalid() -> None:
    site, _ = one_appliance()
    site.take(site.bundles[2])
    verdict = closed(site)
    assert verdict.exit_code is Exit.INVALID
    says(verdict, "seq 2 comes after seq 2")


def test_a_declared_equivocation_is_a_remark() -> None:
    site, appliance = one_appliance()
    other = Appliance(1, seq=1, prev=appliance.prev)
    site.take(other.seal(results=()), kind=EntryKind.EQUIVOCATION)
    site.take(appliance.seal())
    verdict = closed(site)
    assert verdict.exit_code is Exit.UNWITNESSED
    says(verdict, "signed a second record as seq 2 of epoch 1")


def epoch_note(seq: int, chain: str) -> dict[str, object]:
    return {"last_epoch": 1, "last_seq": seq, "last_hash": chain, "reason": "restored"}


def next_epoch(site: SiteLog, appliance: Appliance, seq: int, chain: str) -> Verdict:
    later = Appliance(1, epoch=2)
    note = epoch_note(seq, chain)
    site.take(later.seal(kind=Kind.EPOCH, host_id=None, results=(), note=note))
    site.take(later.seal())
    return closed(site)


def test_a_new_epoch_that_names_the_end_of_the_last_one_is_whole() -> None:
    site, appliance = one_appliance()
    verdict = next_epoch(site, appliance, 2, appliance.prev)
    assert verdict.exit_code is Exit.UNWITNESSED
    assert verdict.streams == 2


def test_a_new_epoch_that_knows_of_more_records_than_the_log_is_incomplete() -> None:
    site, appliance = one_appliance()
    verdict = next_epoch(site, appliance, 4, "b" * 64)
    assert verdict.exit_code is Exit.INCOMPLETE
    says(verdict, "epoch 1: it reached seq 4, the log holds 2")


def test_a_new_epoch_that_names_another_end_is_invalid() -> None:
    site, appliance = one_appliance()
    assert next_epoch(site, appliance, 2, "b" * 64).exit_code is Exit.INVALID
