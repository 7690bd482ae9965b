"""Checkpoints in an export: which are believed, and what a broken one makes of it."""

from dataclasses import replace

from tests.unit.core.evidence import site_log
from tests.unit.core.evidence.site_log import Appliance, SiteLog, closed, one_appliance, says
from wardline.core.evidence import checkpoint
from wardline.core.evidence.trust import Trust
from wardline.core.evidence.verdict import Exit


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
