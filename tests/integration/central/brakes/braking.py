"""What the tests of the brake do: tell of runs, check in, read the list, and write a rule."""

from dataclasses import replace

from tests.harness import orders as making
from tests.harness.appliance import healed, incident
from tests.integration.central.uplink.test_checkin import POLICY_KEY
from wardline.core import clock, ids, mandate
from wardline.core.evidence.bundle import IncidentOutcome, IncidentState, ResolutionLevel
from wardline.core.evidence.signing import Envelope
from wardline.core.incidents import catalogue
from wardline.core.stops import Kind, Subject

RULE = "runbook.ssh_config.harden"
REVISION = 7
BUILT_IN = catalogue.runbooks()[making.RUNBOOK.id]
RUNBOOK = replace(making.RUNBOOK, digest=BUILT_IN.digest)
BOOK = Subject(Kind.RUNBOOK, RUNBOOK.id, RUNBOOK.digest)
WHY = "the template was wrong"


def failed(run_id=None, went_by=None, **changes):
    """The record of a run after which the check still fails; `went_by` is of its decision."""
    named = {"runId": run_id or ids.new("run"), "ruleRevision": REVISION, **(went_by or {})}
    decision = making.decision("run", code="allowed", **named)
    plain = incident(
        state=IncidentState.FAILED,
        outcome=IncidentOutcome.FAILED,
        resolution_level=ResolutionLevel.L1,
        decision=decision,
        runbook=RUNBOOK,
    )
    return replace(plain, **changes)


def went_well():
    """The record of a run after which the check passes."""
    fixed = healed(incident())
    told = {"runId": ids.new("run"), "ruleId": RULE, "ruleRevision": REVISION}
    return replace(fixed, decision={**fixed.decision, **told}, runbook=RUNBOOK)


async def tell(appliance, *records):
    at = clock.from_milliseconds(clock.milliseconds(clock.system()))
    sent = await appliance.send(appliance.seal(incidents=records, captured_at=at))
    assert sent.status_code == 200, sent.text


async def ordered(appliance, etag=None):
    """The mandate that a check-in brings, and its etag."""
    told = (await appliance.check_in("?mandate=2", etag=etag)).json()
    if told["mandate"] is None:
        return None, told["etag"]
    held = mandate.opened(Envelope.from_wire(told["mandate"]), POLICY_KEY.verify_key)
    return held, told["etag"]


async def listed(browser, **query):
    answer = await browser.get("/api/v1/brakes", params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()["items"]


async def write_rule(owner, partner_id, rule_id=RULE, revision=REVISION, body="{}"):
    """A version of a rule, as a revision of the partner's left it."""
    await owner.execute(
        "INSERT INTO policy_revisions (partner_id, revision, author) VALUES ($1, $2, 'user_1')"
        " ON CONFLICT DO NOTHING",
        *(partner_id, revision),
    )
    await owner.execute(
        "INSERT INTO policy_rule_versions (partner_id, rule_id, revision, body)"
        " VALUES ($1, $2, $3, CAST($4::text AS jsonb))",
        *(partner_id, rule_id, revision, body),
    )
