"""The ledger of a promotion as a mandate carries it, and the remedy that comes of it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from wardline.core import mandate
from wardline.core.errors import Conflict, Malformed
from wardline.core.evidence.signing import SigningKey
from wardline.core.incidents import promotion, remedy, signature
from wardline.core.incidents.promotion import Entry, Ledger, Stage, Step, Subject
from wardline.core.mandate import Mandate

NOW = datetime(2026, 11, 26, 9, 0, tzinfo=UTC)
KEY = SigningKey.from_seed(b"m" * 32)
ULID = "01k9xq7v0000000000000000a1"
SITE, OTHER_SITE = f"site_{ULID}", f"site_{ULID[:-1]}2"
APPLIANCE, OTHER = f"appl_{ULID}", f"appl_{ULID[:-1]}2"
PATTERN = signature.signature("ssh_config", ["PermitRootLogin"])
SUBJECT = Subject(
    "ssh_config", PATTERN, "ssh_config.harden", "cd" * 32, {"keywords": "{facts.failing}"}
)


def ledger(*steps: Step) -> Ledger:
    entries = tuple(
        Entry(
            number,
            step,
            NOW + timedelta(hours=number),
            "Mia",
            SITE if step is Step.APPROVED else None,
            APPLIANCE if step is Step.STOPPED else None,
        )
        for number, step in enumerate(steps, 1)
    )
    return Ledger(f"prom_{ULID}", SUBJECT, entries)


CANARY = ledger(Step.PROPOSED, Step.EVALUATED, Step.EVALUATED, Step.APPROVED)
PROMOTED = ledger(Step.PROPOSED, Step.EVALUATED, Step.APPROVED, Step.PROMOTED)


def test_a_canary_is_in_force_on_its_site_alone_and_a_promotion_on_all() -> None:
    canary, promoted = promotion.folded(CANARY), promotion.folded(PROMOTED)
    assert canary.stage is Stage.CANARY
    assert canary.holds(SITE, APPLIANCE)
    assert not canary.holds(OTHER_SITE, APPLIANCE)
    assert promoted.holds(OTHER_SITE, OTHER)
    assert promoted.remedy.earned == remedy.Earned(PROMOTED.id, canary=False)


def test_where_it_stopped_it_is_not_in_force_and_elsewhere_it_is() -> None:
    stop = Entry(1, Step.STOPPED, NOW, "appliance", appliance_id=APPLIANCE)
    here = promotion.stopped_here(promotion.folded(PROMOTED), stop, PROMOTED)
    assert not here.holds(SITE, APPLIANCE)
    assert here.holds(SITE, OTHER)
    told_by_central = promotion.folded(ledger(*[one.step for one in PROMOTED.entries], stop.step))
    assert promotion.stopped_here(told_by_central, stop, PROMOTED) == told_by_central


def test_its_remedy_answers_its_pattern_alone_and_before_others() -> None:
    mine = promotion.folded(PROMOTED).remedy
    built_in = remedy.Remedy("ssh_config", (), "ssh_config.other", {}, 10)
    facts = {"failing": ["PermitRootLogin"]}
    assert remedy.candidates((built_in, mine), "ssh_config", facts) == (mine, built_in)
    for other in ({"failing": ["PermitRootLogin", "LogLevel"]}, {"failing": []}, {}):
        assert remedy.candidates((built_in, mine), "ssh_config", other) == (built_in,)
    assert not remedy.matches(mine, "auditd", facts)


def test_nobody_is_approved_without_an_evaluation_and_nothing_comes_back() -> None:
    with pytest.raises(Conflict, match="cannot be approved"):
        promotion.folded(ledger(Step.PROPOSED, Step.APPROVED))
    for end in (Step.REJECTED, Step.WITHDRAWN):
        with pytest.raises(Conflict, match="cannot be"):
            promotion.folded(ledger(Step.PROPOSED, Step.EVALUATED, end, Step.APPROVED))
    with pytest.raises(Conflict, match="cannot be promoted"):
        promotion.folded(ledger(*[one.step for one in PROMOTED.entries], Step.DEMOTED, "promoted"))


def test_a_mandate_carries_ledgers_and_is_refused_with_one_that_does_not_fold() -> None:
    told = promotion.for_appliance([PROMOTED, CANARY], SITE, APPLIANCE)
    assert {one.id for one in told} == {PROMOTED.id}
    whole = Mandate(SITE, APPLIANCE, 1, 4, promotions=(PROMOTED,))
    assert mandate.opened(mandate.seal(whole, KEY), KEY.verify_key) == whole
    for wrong, place in (
        (ledger(Step.PROPOSED), "candidate"),
        (ledger(*[one.step for one in PROMOTED.entries], Step.DEMOTED), "demoted"),
        (ledger(Step.PROPOSED, Step.APPROVED), "cannot be approved"),
        (replace(PROMOTED, entries=()), "no entries"),
        (replace(PROMOTED, entries=PROMOTED.entries[::-1]), "cannot be"),
        (replace(PROMOTED, subject=replace(SUBJECT, inputs={"x": "y" * 600})), "inputs"),
    ):
        with pytest.raises(Malformed, match=place):
            mandate.seal(Mandate(SITE, APPLIANCE, 1, 4, promotions=(wrong,)), KEY)


def test_one_evaluation_is_told_and_of_stops_ones_own() -> None:
    stopped = Entry(9, Step.STOPPED, NOW, "Central", appliance_id=OTHER)
    known = replace(CANARY, entries=(*CANARY.entries, stopped))
    (mine,) = promotion.for_appliance([known], SITE, APPLIANCE)
    assert [one.number for one in mine.entries] == [1, 3, 4]
    (theirs,) = promotion.for_appliance([known], SITE, OTHER)
    assert [one.number for one in theirs.entries] == [1, 3, 4, 9]
    assert promotion.for_appliance([known], OTHER_SITE, OTHER) == ()


def test_as_many_as_a_partner_may_have_fit_into_a_mandate() -> None:
    """The longest that each field may be, as approved, and with what may follow that."""
    long = "é" * 127
    before = tuple(replace(one, by=long) for one in PROMOTED.entries[:-1])
    after = (
        replace(PROMOTED.entries[-1], by="Wardline"),
        Entry(promotion.NUMBER_MAX, Step.STOPPED, NOW, "Wardline", None, APPLIANCE),
    )
    subject = Subject("c" * 63, "ab" * 8, "r" * 63, "cd" * 32, {"keywords": "x" * 380})
    ids = [f"prom_{ULID[:-2]}{at:02}" for at in range(promotion.LIVE_MAX)]
    approved = [Ledger(one, subject, before) for one in ids]
    assert promotion.fit(approved)
    assert not promotion.fit([*approved, replace(approved[0], id=f"prom_{ULID}")])
    assert not promotion.fit([replace(approved[0], subject=replace(subject, check="c" * 90_000))])
    many = tuple(Ledger(one, subject, (*before, *after)) for one in ids)
    whole = Mandate(SITE, APPLIANCE, 1, 4, promotions=many)
    assert mandate.opened(mandate.seal(whole, KEY), KEY.verify_key) == whole
