"""What appliances tell of runs, and what people do with the promotions that come of it."""

from dataclasses import replace
from datetime import timedelta

from tests.harness.appliance import healed, incident, recurred, result, stable, watched
from tests.harness.appliance import undone as undone_by_a_person
from tests.integration.central.freezes.switch import ordered
from wardline.core import clock, ids
from wardline.core.evidence.bundle import (
    IncidentOutcome,
    IncidentState,
    Kind,
    Outcome,
    ResolutionLevel,
    RunbookRef,
)
from wardline.core.evidence.watch import WatchEnd
from wardline.core.incidents import catalogue, signature, trial
from wardline.core.incidents.remedy import Earned

CHECK, BOOK = "ssh_config", "ssh_config.harden"
PATTERN = signature.signature(CHECK, ["PermitRootLogin"])
FACTS = {
    "failing": ["PermitRootLogin"],
    "failing_default": ["PermitRootLogin"],
    "loosened_by_match": [],
    "effective": {"Protocol": {"found": "2"}},
}
ENTRY = catalogue.runbooks()[BOOK]
MINUTE = timedelta(minutes=1)
RULE = {
    "id": "harden",
    "when": {"kpiId": CHECK, "severity": ["high"]},
    "action": BOOK,
    "autoExecute": True,
}


def opened(ago=timedelta(hours=5)):
    at = clock.parse(clock.wire(clock.system() - ago))
    before = result(facts=FACTS, measured_at=at)
    return incident(opened_at=at, before=before, pattern_signature=PATTERN)


def ran(record, level=ResolutionLevel.L2, earned=None, digest=ENTRY.digest, run_id=None):
    """As told of a run of the built-in runbook, chosen by L2 or by a promotion."""
    said = {"type": "allow", "verdict": "run", "code": "allowed", "runId": run_id or ids.new("run")}
    decision = trial.with_earned(said, earned)
    book = RunbookRef(BOOK, str(ENTRY.version), digest, "medium")
    level = level if earned is None else ResolutionLevel.L1
    return replace(record, resolution_level=level, decision=decision, runbook=book)


def by(promotion_id, *, canary=False):
    return Earned(promotion_id, canary)


def lasting(ago=timedelta(hours=5), **how):
    """The records of an incident that a run healed for good."""
    one = opened(ago)
    heal = ran(watched(one, at=one.opened_at + MINUTE), **how)
    return heal, stable(heal)


def undone(**how):
    """Of one whose heal did not last."""
    one = opened()
    heal = ran(watched(one, at=one.opened_at + MINUTE), **how)
    return heal, recurred(heal, one.opened_at + 3 * MINUTE)


def put_back(heal, run_id, state="undone"):
    """The heal's incident, in which it is told that a person had that run undone."""
    at = heal.opened_at + timedelta(hours=2)
    told = {"run": run_id, "state": state, "at": clock.wire(at)}
    own = run_id == heal.decision["runId"]
    over = undone_by_a_person(heal, at)
    watch = replace(over.watch, ended=WatchEnd.UNDONE if own else WatchEnd.UNPROVED)
    return replace(over, decision={**over.decision, "undo": told}, watch=watch)


def failing(**how):
    """Of one whose run did not help."""
    one = opened()
    at = one.opened_at + MINUTE
    after = result(CHECK, outcome=Outcome.FAIL, measured_at=at)
    states = {"state": IncidentState.FAILED, "outcome": IncidentOutcome.FAILED}
    return (ran(replace(healed(one, at), **states, after=after, closed_at=None), **how),)


async def tell(appliance, *stories):
    """Each story's records in bundles of their own, all of them in one batch."""
    records = [record for story in stories for record in story]
    sealed = [appliance.seal(kind=Kind.INCIDENT, incidents=(one,)) for one in records]
    answer = await appliance.send(*sealed)
    assert answer.status_code == 200, answer.text


async def permit(browser):
    """A rule under which the runbook runs."""
    made = await browser.post("/api/mcp/policy/create", json=RULE)
    assert made.status_code == 200, made.text


async def listed(browser, **query):
    said = await browser.get("/api/v1/promotions", params=query)
    assert said.status_code == 200, said.text
    return said.json()["items"]


async def story(browser, promotion_id):
    said = await browser.get(f"/api/v1/promotions/{promotion_id}")
    assert said.status_code == 200, said.text
    return said.json()


async def approve(browser, promotion_id, site_id):
    body = {"site_id": site_id, "reason": "it always helps"}
    return await browser.post(f"/api/v1/promotions/{promotion_id}/approve", json=body)


async def end(browser, promotion_id, how, reason="not here"):
    return await browser.post(f"/api/v1/promotions/{promotion_id}/{how}", json={"reason": reason})


async def candidate(browser, learner, appliance):
    """The promotion that five heals by L2 earn."""
    await permit(browser)
    await tell(appliance, *(lasting() for _ in range(5)))
    await learner.learn()
    (one,) = await listed(browser)
    return one


async def canary(browser, learner, appliance):
    """The same, in its canary on the appliance's site."""
    one = await candidate(browser, learner, appliance)
    said = await approve(browser, one["id"], appliance.site_id)
    assert said.status_code == 200, said.text
    return one["id"]


async def told(appliance):
    """The promotions of the mandate that an appliance is given."""
    answer = await appliance.check_in("?mandate=2")
    assert answer.status_code == 200, answer.text
    return ordered(answer.json()).promotions


async def patterns(browser):
    """What `GET /patterns` lists."""
    said = await browser.get("/api/v1/patterns")
    assert said.status_code == 200, said.text
    return said.json()["items"]
