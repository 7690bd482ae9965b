"""From runs that lasted to a promotion that is in force everywhere, and to its end."""

from dataclasses import replace
from datetime import timedelta

import asyncpg
import pytest

from tests.integration.central.conftest import make_user, sign_in
from tests.integration.central.learning.teaching import (
    BOOK,
    CHECK,
    ENTRY,
    FACTS,
    PATTERN,
    approve,
    by,
    canary,
    candidate,
    end,
    failing,
    lasting,
    listed,
    patterns,
    permit,
    put_back,
    story,
    tell,
    told,
    undone,
)
from wardline.central.identity.permissions import Role
from wardline.central.learning import shadow
from wardline.core import ids
from wardline.core.evidence.bundle import ResolutionLevel
from wardline.core.incidents import merit, promotion, remedy
from wardline.core.incidents.promotion import Stage

OVER = merit.CANARY.total_seconds() + 1


async def test_what_runs_come_to_is_shown_and_four_are_no_candidate(
    signed_in, appliance, second, learner
):
    await tell(appliance, lasting(), lasting(), undone())
    await tell(second, lasting(level=ResolutionLevel.L1), failing())
    await learner.learn()
    (one,) = await patterns(signed_in)
    assert (one["pattern_signature"], one["check"]) == (PATTERN, CHECK)
    assert (one["total_count"], one["l1_count"], one["l2_count"]) == (3, 1, 2)
    assert (one["success_count"], one["promotion_eligible"]) == (3, False)
    (book,) = one["runbooks"]
    assert (book["runbook_id"], book["runs"], book["stable"]) == (BOOK, 5, 3)
    assert (book["failed"], book["recurred"], book["watched"]) == (1, 1, 0)
    assert (book["occurrences"], book["by_l2"], book["success_pct"]) == (5, 2, 60.0)
    assert book["lacking"] == [
        "2 of 3 healed for good by an L2 plan",
        "60.0 % verified success, 90 % needed",
    ]
    assert await listed(signed_in) == []


@pytest.mark.parametrize("state", ["undone", "left"])
async def test_an_undo_is_held_against_its_own_run_also_when_one_batch_tells_everything(
    signed_in, appliance, learner, state
):
    run_id = ids.new("run")
    heal, lasted = lasting(run_id=run_id)
    later, lasted_too = lasting(timedelta(hours=4))
    elsewhere = put_back(later, run_id, state)
    told = {**lasted.decision, "undo": elsewhere.decision["undo"]}
    await tell(
        appliance,
        (heal, lasted),
        (later, lasted_too, elsewhere),
        (replace(lasted, decision=told),),
        (own := lasting(timedelta(hours=3))),
        (put_back(own[1], own[0].decision["runId"]),),
    )
    await learner.learn()
    (one,) = await patterns(signed_in)
    assert (one["total_count"], one["l3_count"], one["success_count"]) == (3, 2, 0)
    (book,) = one["runbooks"]
    counts = {name: book[name] for name in ("runs", "stable", "undone", "unproved")}
    assert counts == {"runs": 3, "stable": 1, "undone": 2, "unproved": 0}
    heals = (await signed_in.get("/api/v1/heals")).json()
    assert (heals["total"], heals["stable"], heals["undone"]) == (3, 1, 2)


async def test_an_undo_that_another_appliance_tells_of_is_nothing_to_this_run(
    signed_in, appliance, second, learner
):
    run_id = ids.new("run")
    await tell(appliance, lasting(run_id=run_id))
    (later, _) = lasting()
    await tell(second, (later, put_back(later, run_id)))
    await learner.learn()
    (one,) = await patterns(signed_in)
    (book,) = one["runbooks"]
    assert (book["stable"], book["undone"], book["unproved"]) == (1, 0, 1)


async def test_a_runbook_of_another_version_earns_nothing_for_this_one(
    signed_in, appliance, learner
):
    await tell(appliance, *(lasting(digest="ab" * 32) for _ in range(4)), lasting())
    await learner.learn()
    (one,) = await patterns(signed_in)
    assert sorted(book["occurrences"] for book in one["runbooks"]) == [1, 4]
    await tell(appliance, lasting(digest="ab" * 32))
    await learner.learn()
    assert (await patterns(signed_in))[0]["promotion_eligible"]
    assert await listed(signed_in) == [], "nobody here knows what that version does"


async def test_a_candidate_is_evaluated_and_approved_only_where_it_may_run(
    signed_in, appliance, learner, monkeypatch
):
    await tell(appliance, *(lasting() for _ in range(5)))
    await learner.learn()
    (one,) = await listed(signed_in)
    assert (one["stage"], one["check"], one["runbook_id"]) == ("candidate", CHECK, BOOK)
    assert (one["merit"]["occurrences"], one["merit"]["success_pct"]) == (5, 100.0)
    path = f"/api/v1/promotions/{one['id']}/shadow"
    seen = (await signed_in.get(path)).json()
    assert (seen["incidents"], seen["resolved"], seen["confirmed"]) == (5, 5, 5)
    assert seen["against"] == ["the policy would have blocked it every time"]
    with monkeypatch.context() as fewer:
        fewer.setattr(shadow, "INCIDENTS_MAX", 3)
        cut = (await signed_in.get(path)).json()
    assert (seen["total"], cut["total"], cut["incidents"], cut["resolved"]) == (5, 5, 3, 3)
    refused = await approve(signed_in, one["id"], appliance.site_id)
    assert (refused.status_code, refused.json()["code"]) == (409, "not_proven")
    await permit(signed_in)
    seen = (await signed_in.get(path)).json()
    assert (seen["verdicts"], seen["allowed"], seen["against"]) == ({"run": 5}, 5, [])
    assert seen["inputs"] == dict(ENTRY.remedies[0].inputs)
    assert seen["sites"] == [
        {"site_id": appliance.site_id, "name": "Clinic", "incidents": 5, "heals": False}
    ]
    refused = await approve(signed_in, one["id"], appliance.site_id)
    assert (refused.status_code, refused.json()["code"]) == (409, "site_observes")
    assert (await story(signed_in, one["id"]))["stage"] == "candidate", "nothing is half done"


async def test_it_runs_in_a_canary_for_48_hours_then_everywhere_and_is_demoted_by_its_runs(
    signed_in, appliance, second, heals, learner, later
):
    promotion_id = await canary(signed_in, learner, appliance)
    (ledger,) = await told(appliance)
    now = promotion.folded(ledger)
    assert (now.stage, now.holds(appliance.site_id, appliance.id)) == (Stage.CANARY, True)
    assert remedy.inputs(now.remedy, FACTS) == {"keywords": ["PermitRootLogin"]}
    assert await told(second) == ()
    later.advance(OVER)
    await learner.learn()
    shown = await story(signed_in, promotion_id)
    assert shown["stage"] == "canary", "nothing was proved yet"
    await tell(appliance, lasting(earned=by(promotion_id, canary=True)))
    await learner.learn()
    shown = await story(signed_in, promotion_id)
    assert (shown["stage"], shown["runs"]["stable"]) == ("promoted", 1)
    (ledger,) = await told(second)
    assert promotion.folded(ledger).holds(second.site_id, second.id)
    await tell(second, lasting(earned=by(promotion_id)), failing(earned=by(promotion_id)))
    await learner.learn()
    (shown,) = await listed(signed_in, ended_too=True)
    assert shown["stage"] == "demoted"
    assert shown["last_reason"] == "1 of 3 runs failed or did not last, more than 20 %"
    assert await told(second) == await told(appliance) == ()
    steps = [one["step"] for one in (await story(signed_in, promotion_id))["ledger"]]
    assert steps == ["proposed", "evaluated", "approved", "promoted", "demoted"]
    await learner.learn()
    assert await listed(signed_in) == [], "it has to be earned anew"


async def test_one_run_of_the_canary_that_does_not_last_ends_it(
    signed_in, appliance, heals, learner
):
    promotion_id = await canary(signed_in, learner, appliance)
    await tell(appliance, undone(earned=by(promotion_id, canary=True)))
    await learner.learn()
    shown = await story(signed_in, promotion_id)
    assert (shown["stage"], shown["last_reason"]) == (
        "demoted",
        "a run of its canary failed or did not last",
    )
    assert (shown["last_by_name"], shown["ended_at"] is not None) == ("Wardline", True)


async def test_where_an_appliance_gives_it_up_by_its_own_runs_central_knows_and_others_go_on(
    signed_in, appliance, second, heals, learner, later
):
    promotion_id = await canary(signed_in, learner, appliance)
    later.advance(OVER)
    earned = by(promotion_id, canary=True)
    await tell(appliance, *(lasting(earned=earned) for _ in range(9)))
    await learner.learn()
    earned = by(promotion_id)
    await tell(second, lasting(earned=earned), undone(earned=earned), lasting(earned=earned))
    await learner.learn()
    shown = await story(signed_in, promotion_id)
    assert shown["stage"] == "promoted", "one of twelve"
    last = shown["ledger"][-1]
    assert (last["step"], last["appliance_id"]) == ("stopped", second.id)
    ((here,), (there,)) = await told(second), await told(appliance)
    assert not promotion.folded(here).holds(second.site_id, second.id)
    assert promotion.folded(there).holds(appliance.site_id, appliance.id)
    await learner.learn()
    assert len((await story(signed_in, promotion_id))["ledger"]) == len(shown["ledger"])


async def test_a_canary_in_which_nothing_is_proved_is_given_up(
    signed_in, appliance, heals, learner, later
):
    promotion_id = await canary(signed_in, learner, appliance)
    later.advance(merit.CANARY_MAX.total_seconds() + 1)
    await learner.learn()
    shown = await story(signed_in, promotion_id)
    assert (shown["stage"], shown["last_reason"]) == (
        "demoted",
        "nothing was proved in 14 days of its canary",
    )


async def test_what_a_person_turned_down_has_to_be_earned_anew(
    signed_in, appliance, heals, learner
):
    one = await candidate(signed_in, learner, appliance)
    said = await end(signed_in, one["id"], "reject", "we do that by hand")
    assert (said.status_code, said.json()["stage"]) == (200, "rejected")
    assert (await end(signed_in, one["id"], "reject")).status_code == 409
    assert (await approve(signed_in, one["id"], appliance.site_id)).status_code == 409
    await learner.learn()
    assert await listed(signed_in) == []


async def test_a_candidate_whose_runs_grow_old_lapses(signed_in, appliance, learner, later):
    one = await candidate(signed_in, learner, appliance)
    later.advance(timedelta(days=merit.HORIZON_DAYS).total_seconds())
    await learner.learn()
    shown = await story(signed_in, one["id"])
    assert shown["stage"] == "withdrawn"
    assert "0 of 5 incidents" in shown["last_reason"]


async def test_a_person_demotes_it_with_a_reason_and_only_who_may(
    signed_in, browser, appliance, heals, learner, owner, tenant
):
    promotion_id = await canary(signed_in, learner, appliance)
    said = await end(signed_in, promotion_id, "demote", "a template took its place")
    assert (said.status_code, said.json()["stage"]) == (200, "demoted")
    assert await told(appliance) == ()
    rows = await owner.fetch(
        "SELECT action, reason, actor_kind FROM audit_log WHERE subject = $1 ORDER BY id",
        promotion_id,
    )
    assert [row["action"] for row in rows] == ["promotion.approve", "promotion.demote"]
    assert tuple(rows[-1])[1:] == ("a template took its place", "user")
    await sign_in(browser, await make_user(owner, tenant.partner_id, Role.OPERATOR))
    assert (await end(browser, promotion_id, "demote")).status_code == 403


async def test_what_is_told_twice_counts_once_and_nobody_speaks_for_anothers_incident(
    signed_in, appliance, second, learner, owner
):
    heal, lasted = lasting()
    await tell(appliance, (heal,), (lasted,))
    await tell(appliance, (lasted,))
    await tell(second, lasting())
    ours = await owner.fetch(
        "SELECT mark, ended FROM pattern_runs WHERE site_id = $1", appliance.site_id
    )
    assert [tuple(row) for row in ours] == [("heal 1", "stable")]
    await learner.learn()
    assert (await patterns(signed_in))[0]["runbooks"][0]["runs"] == 2


async def test_a_ledger_only_grows(signed_in, appliance, learner, owner):
    one = await candidate(signed_in, learner, appliance)
    for change in (
        "UPDATE promotion_ledger SET reason = 'x' WHERE promotion_id = $1",
        "DELETE FROM promotion_ledger WHERE promotion_id = $1",
    ):
        with pytest.raises(asyncpg.RestrictViolationError):
            await owner.execute(change, one["id"])
