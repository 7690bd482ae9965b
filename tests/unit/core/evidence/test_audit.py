"""What the verifier says of logs that are whole, incomplete, foreign or broken."""

import hashlib
from dataclasses import replace
from typing import Any

import pytest

from tests.unit.core.evidence import site_log
from tests.unit.core.evidence.site_log import Appliance, SiteLog, closed, one_appliance, says
from wardline.core.evidence import bundle, checkpoint, log, signing, trust
from wardline.core.evidence.log import EntryKind
from wardline.core.evidence.trust import Trust
from wardline.core.evidence.verdict import Exit


def test_an_honest_export_is_verified_by_keys_from_the_clinic() -> None:
    site, appliances = site_log.clinic()
    verdict = site.verify(site_log.trusting(site, *appliances))
    assert verdict.exit_code is Exit.VERIFIED
    assert verdict.findings == ()
    assert (verdict.entries, verdict.bundles, verdict.streams) == (14, 12, 2)
    assert (verdict.size, verdict.root) == (14, site.root())
    assert verdict.witnesses == tuple(item.id for item in appliances)
    assert verdict.first_break is None


def test_without_keys_from_outside_it_is_unwitnessed_at_best() -> None:
    site, _ = site_log.clinic()
    verdict = site.verify()
    assert verdict.exit_code is Exit.UNWITNESSED
    says(verdict, "nothing outside it vouches")
    assert verdict.first_break is None


def test_keys_without_a_cosignature_over_the_last_checkpoint_leave_it_unwitnessed() -> None:
    site, appliances = site_log.clinic()
    site.take(appliances[0].seal())
    site.checkpoint()
    verdict = site.verify(site_log.trusting(site, *appliances))
    assert verdict.exit_code is Exit.UNWITNESSED
    says(verdict, "no witness that you trust")


def test_a_cosignature_of_an_appliance_that_the_auditor_does_not_know_does_not_count() -> None:
    site, (first, second) = site_log.clinic()
    site.take(first.seal())
    site.checkpoint(second)
    assert site.verify(site_log.trusting(site, first)).exit_code is Exit.UNWITNESSED
    assert site.verify(site_log.trusting(site, second)).exit_code is Exit.VERIFIED


def test_a_witness_key_alone_is_an_anchor() -> None:
    site, (first, _) = site_log.clinic()
    anchor = trust.parse(trust.line("witness", first.id, first.witness.public))
    assert site.verify(anchor).exit_code is Exit.VERIFIED


def test_a_foreign_log_key_is_invalid() -> None:
    site, appliances = site_log.clinic()
    trusted = site_log.trusting(replace(site, log_key=site_log.key(9)), *appliances)
    verdict = site.verify(trusted)
    assert verdict.exit_code is Exit.INVALID
    says(verdict, "manifest.json: you do not trust key")


def test_a_foreign_appliance_key_is_invalid() -> None:
    site, appliances = site_log.clinic()
    lines = site_log.keys_txt(site).rstrip("\n") + "\n"
    lines += trust.line("appliance", appliances[0].id, site_log.key(9).public)
    verdict = site.verify(trust.parse(lines))
    assert verdict.exit_code is Exit.INVALID
    says(verdict, "entries/000000.jsonl line 1 (index 0)", "which you do not trust")


def test_a_missing_bundle_is_incomplete_and_named() -> None:
    site, appliances = site_log.clinic()
    del site.bundles[5]
    verdict = site.verify(site_log.trusting(site, *appliances))
    assert verdict.exit_code is Exit.INCOMPLETE
    says(verdict, "line 6 (index 5): its bundle", "is missing")
    assert len(verdict.findings) == 1


def test_an_appliance_that_the_auditor_knows_and_the_log_does_not_is_incomplete() -> None:
    site, (first, second) = site_log.clinic()
    verdict = site.verify(site_log.trusting(site, first, second, Appliance(3)))
    assert verdict.exit_code is Exit.INCOMPLETE
    says(verdict, f"nothing of {Appliance(3).id}")


def test_an_export_without_any_checkpoint_is_incomplete() -> None:
    site, _ = one_appliance()
    assert site.verify().exit_code is Exit.INCOMPLETE
    assert SiteLog().verify().exit_code is Exit.INCOMPLETE
    says(site.verify(), "no checkpoint vouches")


def test_entries_after_the_last_checkpoint_are_incomplete() -> None:
    site, appliances = site_log.clinic()
    site.take(appliances[0].seal())
    verdict = site.verify(site_log.trusting(site, *appliances))
    assert verdict.exit_code is Exit.INCOMPLETE
    says(verdict, "index 14: 1 entries come after the last checkpoint")


def test_an_export_that_stops_before_its_checkpoint_is_incomplete() -> None:
    site, appliances = site_log.clinic()
    site.leaves.pop()
    del site.bundles[13]
    verdict = site.verify(site_log.trusting(site, *appliances))
    assert verdict.exit_code is Exit.INCOMPLETE
    says(verdict, "the log had 14 entries, the export holds 13")


def test_a_held_checkpoint_of_another_history_diverges() -> None:
    site, appliances = site_log.clinic()
    held = replace(site.head(10), root=bytes(32))
    verdict = site.verify(site_log.trusting(site, *appliances).holding(held))
    assert verdict.exit_code is Exit.DIVERGES
    says(verdict, "10 entries that you hold has another root")


@pytest.mark.parametrize("size", [0, 1, 6, 7, 14])
def test_a_held_checkpoint_of_this_history_agrees_at_any_size(size: int) -> None:
    site, appliances = site_log.clinic()
    verdict = site.verify(site_log.trusting(site, *appliances).holding(site.head(size)))
    assert verdict.exit_code is Exit.VERIFIED


def test_an_export_older_than_a_held_checkpoint_is_incomplete() -> None:
    site, appliances = site_log.clinic()
    held = replace(site.head(), size=20)
    verdict = site.verify(site_log.trusting(site, *appliances).holding(held))
    assert verdict.exit_code is Exit.INCOMPLETE
    says(verdict, "you hold a checkpoint of 20 entries, the export has 14")


def test_a_held_checkpoint_of_another_log_is_said_not_to_count() -> None:
    site, appliances = site_log.clinic()
    held = replace(site.head(), origin="elsewhere", root=bytes(32))
    verdict = site.verify(site_log.trusting(site, *appliances).holding(held))
    assert verdict.exit_code is Exit.VERIFIED
    says(verdict, "elsewhere", "not compared")


# Entries against their bundles


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"appliance": site_log.named("appl", 9)}, "is not valid at this index"),
        ({"host": site_log.named("host", 9)}, "the host in the bundle"),
        ({"host": None}, "the host in the bundle"),
        ({"seq": 4}, "epoch and seq in the bundle"),
        ({"epoch": 2}, "epoch and seq in the bundle"),
        ({"payload_sha256": "0" * 64}, "the payload is not the one that was logged"),
        ({"payload_len": 1}, "the length that was logged"),
        ({"sig": bytes(64)}, "the signature is not the one that was logged"),
        ({"kid": "0" * 16}, "the signature is not the one that was logged"),
        ({"kind": EntryKind.GAP}, "a gap entry over a bundle of kind cycle"),
        ({"site": site_log.named("site", 9)}, "an entry of site_00000000000000000000000009"),
    ],
)
def test_an_entry_that_does_not_say_what_its_bundle_says_is_invalid(
    changes: dict[str, Any], word: str
) -> None:
    site, appliance = one_appliance()
    site.take(appliance.seal(), **changes)
    verdict = closed(site)
    assert verdict.exit_code is Exit.INVALID
    says(verdict, "(index 3)", word)


def test_a_bundle_of_another_site_is_invalid() -> None:
    site, appliance = one_appliance()
    site.take(appliance.seal(site_id=site_log.named("site", 9)), site=site.site)
    verdict = closed(site)
    assert verdict.exit_code is Exit.INVALID
    says(verdict, "the site in the bundle is not the entry's")


def test_a_wrong_signature_is_invalid_even_when_it_was_logged() -> None:
    site, appliance = one_appliance()
    forged = replace(appliance.seal(), sig=bytes(64))
    site.take(forged)
    verdict = closed(site)
    assert verdict.exit_code is Exit.INVALID
    says(verdict, "(index 3): the signature is not that of key")


def test_a_signed_payload_that_is_no_bundle_is_invalid() -> None:
    site, appliance = one_appliance()
    good = appliance.seal()
    site.take(good)
    payload = good.payload.replace(b'"kind":"cycle"', b'"kind":"cyclo"')
    site.bundles[3] = signing.sign(appliance.key, bundle.PAYLOAD_TYPE, payload)
    entry = log.parse_entry(site.leaves[3])
    digest = hashlib.sha256(payload).hexdigest()
    changed = replace(entry, payload_sha256=digest, sig=site.bundles[3].sig)
    site.leaves[3] = log.entry_bytes(changed)
    verdict = closed(site)
    assert verdict.exit_code is Exit.INVALID
    says(verdict, "payload kind: not one of")


def test_a_bundle_that_no_entry_names_is_invalid() -> None:
    for index in (0, 99):
        site, appliance = one_appliance()
        site.bundles[index] = appliance.seal()
        assert closed(site).exit_code is Exit.INVALID


def test_clocks_that_were_wrong_are_remarks() -> None:
    site, appliance = one_appliance()
    site.take(appliance.seal(), received_ms=1)
    site.take(appliance.seal())
    verdict = closed(site)
    assert verdict.exit_code is Exit.UNWITNESSED
    says(verdict, "captured after it was received", "received before the entry that it follows")


@pytest.mark.parametrize("kind", [EntryKind.REDACTION, EntryKind.RECOVERY])
def test_what_this_verifier_cannot_judge_is_not_passed(kind: EntryKind) -> None:
    site, _ = one_appliance()
    site.append(replace(log.parse_entry(site.leaves[1]), kind=kind))
    verdict = closed(site)
    assert verdict.exit_code is Exit.INCOMPLETE
    says(verdict, f"cannot judge a {kind} entry")


# Checkpoints


def test_a_checkpoint_with_another_root_is_invalid_and_says_since_when() -> None:
    site, appliances = site_log.clinic()
    site.take(appliances[0].seal())
    body = replace(site.head(), root=bytes(32)).body()
    site.notes.append(checkpoint.sign_note(body, site.origin, site.log_key))
    verdict = site.verify()
    assert verdict.exit_code is Exit.INVALID
    says(verdict, "line 4 (size 15)", "the break is at index 14 or later")


def test_checkpoints_that_go_back_are_invalid() -> None:
    site, _ = site_log.clinic()
    site.notes.reverse()
    assert site.verify().exit_code is Exit.INVALID


def test_a_checkpoint_of_another_log_or_key_is_invalid() -> None:
    site, _ = site_log.clinic()
    replace(site, origin="elsewhere").checkpoint()
    assert site.verify().exit_code is Exit.INVALID
    site, _ = site_log.clinic()
    replace(site, log_key=site_log.key(9)).checkpoint()
    assert site.verify().exit_code is Exit.INVALID


def test_a_forged_cosignature_is_invalid() -> None:
    site, (first, _) = site_log.clinic()
    line = checkpoint.parse_note(site.notes[-1]).signatures[1]
    forged = replace(line, blob=line.blob[:-1] + bytes([line.blob[-1] ^ 1]))
    site.notes[-1] = site.notes[-1].replace(line.line(), forged.line())
    verdict = site.verify(Trust())
    assert verdict.exit_code is Exit.INVALID
    says(verdict, "the cosignature of", first.id)


def test_signatures_of_unknown_keys_count_for_nothing_and_are_mentioned() -> None:
    site, appliances = site_log.clinic()
    name = "witness.example/1"
    body = site.head().body()
    site.notes[-1] += checkpoint.cosign(body, name, site_log.key(9), 1_795_000_000)
    verdict = site.verify(site_log.trusting(site, *appliances))
    assert verdict.exit_code is Exit.VERIFIED
    says(verdict, "keys that are not known here")


def test_an_empty_log_may_have_a_checkpoint() -> None:
    site, appliance = SiteLog(), Appliance(1)
    site.checkpoint()
    site.enrol(appliance)
    site.take(appliance.seal())
    assert closed(site).exit_code is Exit.UNWITNESSED


def test_findings_are_bounded_and_the_worst_is_kept() -> None:
    site, _ = one_appliance(150)
    site.bundles.clear()
    site.checkpoint()
    site.notes.append(site.notes[0].replace("\n151\n", "\n150\n"))
    verdict = site.verify()
    assert verdict.exit_code is Exit.INVALID
    assert len(verdict.findings) <= 102
    assert verdict.first_break is not None
    assert verdict.first_break.exit_code is Exit.INVALID


def test_the_verdict_has_a_json_form() -> None:
    site, appliances = site_log.clinic()
    wire = site.verify(site_log.trusting(site, *appliances)).to_wire()
    assert (wire["exit_code"], wire["verdict"], wire["size"]) == (0, "verified", 14)
