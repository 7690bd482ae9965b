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
    site.append(log.key_entry(kind, site.site, other, public, received, epoch=1, witness=public))
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

    assert gapped({"first_seq": 3, "last_seq": 5, "reason": "lost"}).exit_code is Exit.INCOMPLETE


def gapped(note: dict[str, object]) -> Verdict:
    """Two records, a gap record at seq 6, and one more."""
    site, appliance = one_appliance()
    appliance.seq += 3
    site.take(appliance.seal(kind=Kind.GAP, host_id=None, results=(), note=note))
    site.take(appliance.seal())
    return closed(site)


DIGESTS = [f"{number:064x}" for number in range(3)]


def test_records_that_are_missing_are_counted_and_leave_the_log_incomplete() -> None:
    note = {"first_seq": 3, "last_seq": 5, "reason": "the disk lost them"}
    for skipped, count in ([], 0), (DIGESTS[:2], 2):
        verdict = gapped({**note, "skipped": skipped})
        assert verdict.exit_code is Exit.INCOMPLETE
        says(verdict, "(index 3)", "epoch 1: 3 records, seq 3 to 5, are not in the log")
        says(verdict, "'the disk lost them'", f"it names {count} of their digests")


def test_a_gap_that_names_every_record_by_its_digest_is_a_remark() -> None:
    note = {"first_seq": 3, "last_seq": 5, "reason": "Central refused seq 3", "skipped": DIGESTS}
    verdict = gapped(note)
    assert verdict.exit_code is Exit.UNWITNESSED
    says(verdict, "3 records, seq 3 to 5, are not in the log: 'Central refused seq 3'", "ask the")


def test_a_time_without_measurements_is_a_remark() -> None:
    site, appliance = one_appliance()
    note = {"reason": "no room", "since": "2026-11-21T09:00:00.123Z"}
    site.take(appliance.seal(kind=Kind.GAP, host_id=None, results=(), note=note))
    verdict = closed(site)
    assert verdict.exit_code is Exit.UNWITNESSED
    says(verdict, "nothing was measured since 2026-11-21T09:00:00.123Z (no room)")


def test_a_gap_record_stands_for_nothing_that_is_there() -> None:
    site, appliance = one_appliance()
    note = {"first_seq": 2, "last_seq": 2, "reason": "hidden"}
    site.take(appliance.seal(kind=Kind.GAP, host_id=None, results=(), note=note))
    verdict = closed(site)
    assert verdict.exit_code is Exit.INVALID
    says(verdict, "a gap record for seq 2 to 2, which are there")


def test_a_gap_record_may_stand_for_a_stream_from_its_beginning() -> None:
    site, appliance = one_appliance(0)
    appliance.seq = 3
    note = {"first_seq": 1, "last_seq": 3, "reason": "never accepted", "skipped": DIGESTS}
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


def test_a_gap_record_covers_only_what_it_names() -> None:
    verdict = gapped({"first_seq": 4, "last_seq": 5, "reason": "lost"})
    assert verdict.exit_code is Exit.INVALID
    says(verdict, "seq 3 to 5 are missing and no gap record covers them")


def test_a_gap_record_that_is_missing_itself_leaves_the_log_incomplete() -> None:
    site, appliance = one_appliance()
    appliance.seq += 3
    note = {"first_seq": 3, "last_seq": 5, "reason": "lost"}
    site.take(appliance.seal(kind=Kind.GAP, host_id=None, results=(), note=note))
    del site.bundles[3]
    assert closed(site).exit_code is Exit.INCOMPLETE


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


@pytest.mark.parametrize("seq", [3, 77])
def test_an_equivocation_contradicts_a_record_that_is_there(seq: int) -> None:
    site, appliance = one_appliance()
    other = Appliance(1, seq=seq - 1, prev=appliance.prev)
    site.take(other.seal(), kind=EntryKind.EQUIVOCATION)
    verdict = closed(site)
    assert verdict.exit_code is Exit.INVALID
    says(verdict, f"a second record as seq {seq} of epoch 1, and the log holds no other one")


def test_an_equivocation_is_another_record_than_the_one_that_is_there() -> None:
    site, _ = one_appliance()
    site.take(site.bundles[2], kind=EntryKind.EQUIVOCATION)
    verdict = closed(site)
    assert verdict.exit_code is Exit.INVALID
    says(verdict, "the log holds no other one that it contradicts")


def epoch_note(seq: int, chain: str) -> dict[str, object]:
    return {"last_epoch": 1, "last_seq": seq, "last_hash": chain, "reason": "restored"}


def raised(site: SiteLog, note: object) -> Appliance:
    """The appliance in its next epoch, with that epoch's first record."""
    later = Appliance(1, epoch=2)
    site.enrol(later)
    site.take(later.seal(kind=Kind.EPOCH, host_id=None, results=(), note=note))
    return later


def next_epoch(site: SiteLog, seq: int, chain: str) -> Verdict:
    site.take(raised(site, epoch_note(seq, chain)).seal())
    return closed(site)


def test_a_new_epoch_that_names_the_end_of_the_last_one_is_whole() -> None:
    site, appliance = one_appliance()
    verdict = next_epoch(site, 2, appliance.prev)
    assert verdict.exit_code is Exit.UNWITNESSED
    assert verdict.streams == 2
    assert len(verdict.findings) == 1


def test_a_new_epoch_that_knows_of_more_records_than_the_log_is_incomplete() -> None:
    site, _ = one_appliance()
    verdict = next_epoch(site, 4, "b" * 64)
    assert verdict.exit_code is Exit.INCOMPLETE
    says(verdict, "epoch 1: it reached seq 4, the log holds 2")


def test_a_new_epoch_that_names_another_end_is_invalid() -> None:
    site, _ = one_appliance()
    verdict = next_epoch(site, 2, "b" * 64)
    assert verdict.exit_code is Exit.INVALID
    says(verdict, "its end is not the one that epoch 2 names")


def test_a_new_epoch_may_name_the_second_record_under_the_last_place() -> None:
    site, _ = one_appliance()
    other = Appliance(
        1, seq=1, prev=bundle.chain_hash(bundle.PAYLOAD_TYPE, site.bundles[1].payload)
    )
    site.take(other.seal(results=()), kind=EntryKind.EQUIVOCATION)
    assert next_epoch(site, 2, other.prev).exit_code is Exit.UNWITNESSED


def test_what_a_restored_appliance_does_not_know_of_is_a_remark() -> None:
    site, _ = one_appliance()
    first = bundle.chain_hash(bundle.PAYLOAD_TYPE, site.bundles[1].payload)
    later = raised(site, epoch_note(1, first))
    again = Appliance(1, epoch=3)
    site.enrol(again)
    note = epoch_note(2, site_end(site))
    site.take(again.seal(kind=Kind.EPOCH, host_id=None, results=(), note=note))
    verdict = closed(site)
    assert verdict.exit_code is Exit.UNWITNESSED
    says(verdict, "begins after seq 1 of epoch 1, the log holds 2 (restored)")
    says(verdict, f"epoch 3: does not know of epoch {later.epoch}, which the log holds (restored)")


def site_end(site: SiteLog) -> str:
    return bundle.chain_hash(bundle.PAYLOAD_TYPE, site.bundles[2].payload)


def test_an_epoch_that_was_never_enrolled_signs_nothing() -> None:
    site, appliance = one_appliance()
    later = Appliance(1, epoch=9)
    note = epoch_note(2, appliance.prev)
    site.take(later.seal(kind=Kind.EPOCH, host_id=None, results=(), note=note))
    verdict = closed(site)
    assert verdict.exit_code is Exit.INVALID
    says(verdict, "is not valid at this index for epoch 9")


def test_an_enrolment_names_its_epoch() -> None:
    site, appliance = SiteLog(), Appliance(1)
    kind, public, received = EntryKind.KEY_ENROL, appliance.key.public, site.received_ms()
    site.append(log.key_entry(kind, site.site, appliance.id, public, received, witness=public))
    verdict = closed(site)
    assert verdict.exit_code is Exit.INVALID
    says(verdict, "an enrolment without an epoch")


def test_a_later_epoch_does_not_begin_with_any_other_record() -> None:
    site, _ = one_appliance()
    later = Appliance(1, epoch=2)
    site.enrol(later)
    site.take(later.forge())
    verdict = closed(site)
    assert verdict.exit_code is Exit.INVALID
    says(verdict, "(index 4): payload kind: an epoch record is the first record of every epoch")


def test_an_epoch_whose_first_record_was_skipped_is_incomplete() -> None:
    site, _ = one_appliance()
    later = Appliance(1, epoch=2, seq=1)
    site.enrol(later)
    note = {"first_seq": 1, "last_seq": 1, "reason": "refused", "skipped": DIGESTS[:1]}
    site.take(later.seal(kind=Kind.GAP, host_id=None, results=(), note=note))
    verdict = closed(site)
    assert verdict.exit_code is Exit.INCOMPLETE
    says(verdict, "its first record, which names the end of the epoch before, is missing")


@pytest.mark.parametrize(("epoch", "exit_code"), [(1, Exit.UNWITNESSED), (2, Exit.INVALID)])
def test_a_key_is_retired_in_one_epoch(epoch: int, exit_code: Exit) -> None:
    site, appliance = one_appliance()
    later = raised(site, epoch_note(2, appliance.prev))
    kind, public, received = EntryKind.KEY_RETIRE, appliance.key.public, site.received_ms()
    site.append(log.key_entry(kind, site.site, appliance.id, public, received, epoch=epoch))
    site.take(later.seal())
    assert closed(site).exit_code is exit_code
