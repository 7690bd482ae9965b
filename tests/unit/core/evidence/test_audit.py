"""What the verifier says of logs that are whole, incomplete, foreign or broken."""

import hashlib
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from tests.unit.core.evidence import site_log
from tests.unit.core.evidence.site_log import Appliance, SiteLog, closed, one_appliance, says
from wardline.core.errors import Malformed
from wardline.core.evidence import bundle, log, signing, trust
from wardline.core.evidence.bundle import (
    IncidentOutcome,
    IncidentRecord,
    IncidentState,
    Kind,
    Outcome,
)
from wardline.core.evidence.log import EntryKind
from wardline.core.evidence.verdict import Exit, Verdict


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
    known = site_log.trusting(site, first, second)
    assert site.verify(replace(known, witnesses={})).exit_code is Exit.UNWITNESSED
    assert site.verify(site_log.trusting(site, first)).exit_code is Exit.UNWITNESSED
    assert site.verify(known).exit_code is Exit.VERIFIED


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
    says(verdict, "you hold a checkpoint of 20 entries, the export has 14: export it again;")
    says(verdict, "if the new one still ends here, the last 6 entries are withheld")


def test_a_held_checkpoint_of_another_log_is_said_not_to_count() -> None:
    site, appliances = site_log.clinic()
    held = replace(site.head(), origin="elsewhere", root=bytes(32))
    verdict = site.verify(site_log.trusting(site, *appliances).holding(held))
    assert verdict.exit_code is Exit.VERIFIED
    says(verdict, "elsewhere", "not compared")


# Who speaks


def test_an_appliance_that_nobody_trusted_vouches_for_is_named_and_never_verified() -> None:
    site, (first, second) = site_log.clinic()
    invented = Appliance(9)
    site.enrol(invented)
    site.take(invented.seal(host_id=site_log.named("host", 11)))
    site.checkpoint(first, second)
    verdict = site.verify(site_log.trusting(site, first, second))
    assert verdict.exit_code is Exit.UNWITNESSED
    says(verdict, f"index 15: nobody you trust vouches for {invented.id}", "(1 records, 1 hosts)")
    assert site.verify(site_log.trusting(site, first, second, invented)).exit_code is Exit.VERIFIED


def at_minute(minute: int) -> dict[str, Any]:
    return {"captured_at": site_log.START + timedelta(minutes=minute)}


def two_speakers(*turns: tuple[int, int]) -> Verdict:
    """Two trusted appliances that speak for one host in these turns, at these minutes."""
    site, appliances = SiteLog(), [Appliance(1), Appliance(2)]
    for appliance in appliances:
        site.enrol(appliance)
    for speaker, minute in turns:
        site.take(appliances[speaker].seal(**at_minute(minute)))
    site.checkpoint(*appliances)
    return site.verify(site_log.trusting(site, *appliances))


def test_two_appliances_that_speak_for_one_host_at_the_same_time_are_named() -> None:
    verdict = two_speakers((0, 0), (1, 5), (0, 9))
    assert verdict.exit_code is Exit.INCOMPLETE
    host = site_log.named("host", 1)
    says(verdict, "index 3:", f"{Appliance(1).id} and {Appliance(2).id} speak for {host} at the")


@pytest.mark.parametrize(
    "turns",
    [
        [(0, 0), (0, 3), (1, 5), (1, 9)],
        # What the first had queued arrives late.
        [(0, 0), (1, 5), (0, 3), (1, 9)],
        # The clock of the first was wrong.
        [(0, 0), (0, 8), (1, 5), (1, 9)],
    ],
)
def test_a_host_may_move_to_another_appliance(turns: list[tuple[int, int]]) -> None:
    assert two_speakers(*turns).exit_code is Exit.VERIFIED


# Entries against their bundles


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"appliance": site_log.named("appl", 9)}, "is not valid at this index"),
        ({"host": site_log.named("host", 9)}, "the host in the bundle"),
        ({"host": None}, "the host in the bundle"),
        ({"seq": 4}, "epoch and seq in the bundle"),
        ({"epoch": 2}, "is not valid at this index for epoch 2"),
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


def test_a_gap_record_that_is_filed_as_a_bundle_is_invalid() -> None:
    site, appliance = one_appliance()
    told = {"kind": Kind.GAP, "host_id": None, "results": (), "note": {"reason": "quota"}}
    site.take(appliance.seal(**told), kind=EntryKind.BUNDLE)
    verdict = closed(site)
    assert verdict.exit_code is Exit.INVALID
    says(verdict, "(index 3)", "a bundle entry over a bundle of kind gap")


def lies() -> list[Any]:
    """Incidents that claim what nothing in them bears out, each with the field that gives in."""
    late, early = (site_log.START + timedelta(minutes=minute) for minute in (1, -1))
    dry = replace(site_log.incident().actions[0], dry_run=True)
    undone = replace(site_log.incident().actions[0], undone=True)
    passed = site_log.result(outcome=Outcome.PASS)
    states = IncidentState
    healed, waiting = site_log.incident, site_log.waiting
    repaired = (states.HEALED, states.STABLE)
    resolved = {"state": states.RESOLVED, "after": passed, "closed_at": late}
    return [
        (healed(after=None), "after"),
        (healed(after=site_log.result()), "after.outcome"),
        (healed(after=replace(passed, outcome=Outcome.UNKNOWN)), "after.outcome"),
        (healed(after=replace(passed, outcome=Outcome.NOT_APPLICABLE)), "after.outcome"),
        (healed(after=replace(passed, check="patching")), "after.check"),
        (healed(before=site_log.result(check="patching")), "before.check"),
        (healed(before=passed), "before.outcome"),
        (healed(check="patching"), "before.check"),
        (healed(after=replace(passed, measured_at=early)), "after.measured_at"),
        (healed(closed_at=None), "closed_at"),
        (healed(runbook=None), "runbook"),
        (healed(decision=None), "decision"),
        (healed(decision={"verdict": "block"}), "decision"),
        (healed(decision={}), "decision"),
        (healed(actions=()), "actions"),
        (healed(actions=(dry,)), "actions"),
        (healed(actions=(undone,)), "actions"),
        (healed(outcome=None), "outcome"),
        (healed(outcome=IncidentOutcome.FAILED), "outcome"),
        *((healed(state=one), "outcome") for one in states if one not in repaired),
        (healed(state=states.STABLE), "watch"),
        *((waiting(**{**resolved, "outcome": outcome}), "outcome") for outcome in IncidentOutcome),
        (waiting(**{**resolved, "after": None}), "after"),
        (waiting(**{**resolved, "after": site_log.result()}), "after.outcome"),
        (waiting(**{**resolved, "after": replace(passed, check="patching")}), "after.check"),
        (waiting(**{**resolved, "closed_at": None}), "closed_at"),
        (waiting(state=states.FAILED), "outcome"),
        (waiting(state=states.ESCALATED), "outcome"),
        (waiting(outcome=IncidentOutcome.FAILED), "outcome"),
        *(
            (waiting(state=state, closed_at=late), "closed_at")
            for state in (states.OPEN, states.OBSERVING, states.WAITING)
        ),
        (waiting(state=states.FAILED, outcome=IncidentOutcome.FAILED, closed_at=late), "closed_at"),
    ]


@pytest.mark.parametrize(("lie", "where"), lies())
def test_a_lie_about_an_incident_is_neither_sealed_nor_verified(
    lie: IncidentRecord, where: str
) -> None:
    with pytest.raises(Malformed) as caught:
        bundle.seal(site_log.record(kind=Kind.INCIDENT, incidents=(lie,)), site_log.key(1))
    assert caught.value.where == f"incidents[0].{where}"
    site, appliance = one_appliance()
    site.take(appliance.forge(kind=Kind.INCIDENT, incidents=(lie,)))
    verdict = closed(site)
    assert verdict.exit_code is Exit.INVALID
    says(verdict, f"(index 3): payload incidents[0].{where}: ")


@pytest.mark.parametrize("gone", [Outcome.PASS, Outcome.NOT_APPLICABLE])
def test_a_drift_that_went_away_is_resolved_even_while_the_clock_went_back(gone: Outcome) -> None:
    early = site_log.START - timedelta(minutes=1)
    after = site_log.result(outcome=gone, measured_at=early)
    told = site_log.waiting(state=IncidentState.RESOLVED, after=after, closed_at=early)
    site, appliance = one_appliance()
    site.take(appliance.seal(kind=Kind.INCIDENT, incidents=(told,)))
    assert closed(site).exit_code is Exit.UNWITNESSED


def test_facts_under_another_digest_are_invalid() -> None:
    site, appliance = one_appliance()
    site.take(appliance.forge(results=(site_log.result(facts_digest="0" * 64),)))
    verdict = closed(site)
    assert verdict.exit_code is Exit.INVALID
    says(verdict, "payload results[0].facts_digest: not the digest of the facts")


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
