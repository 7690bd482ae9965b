"""Snapshots: a schema that the appliance reads, cases in it, and what an appliance says of it."""

from typing import Any

import orjson
import pytest

from tests.integration.central.uplink.test_checkin import POLICY_KEY
from wardline.agent.store import policies
from wardline.agent.store.policies import Active, Fault, PolicyRefused
from wardline.core import canonical, clock, protocol
from wardline.core.evidence import signing
from wardline.core.evidence.signing import Envelope
from wardline.core.protocol import EnvelopeWire

REFUSAL = {
    "digest": "a" * 64,
    "code": "drift",
    "reason": "conformance case 3: Central decides run, this appliance block",
    "refused_at": "2026-11-26T03:00:00.000Z",
}


async def check_in(appliance: Any, snapshot: int, etag: str | None = None) -> dict[str, Any]:
    body = {
        "v": 1,
        "agent_version": "0.1.0",
        "etag": etag,
        "hosts": appliance.reports(),
        "stream": {"epoch": 1, "next_seq": appliance.seq + 1, "prev": appliance.prev},
        "queue": {"pending": 0, "quarantined": 0, "oldest_at": None},
        "witnessed_size": 0,
    }
    answer = await appliance.post(f"/checkin?snapshot={snapshot}", orjson.dumps(body))
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


async def taken(appliance: Any, query: str = "?snapshot=2") -> tuple[Active, str]:
    """The snapshot as the agent takes it, and its payload type."""
    wire = EnvelopeWire.model_validate((await appliance.get(f"/policy{query}")).json())
    held = policies.verified(wire, POLICY_KEY.verify_key, appliance.site_id, clock.system())
    return held, wire.payloadType


@pytest.fixture
async def rules(signed_in):
    for number in range(3):
        rule = {
            "id": f"rule-{number}",
            "when": {"kpiId": "ssh_config", "severity": ["high", "medium"]},
            "action": "ssh_config.harden",
            "priority": number,
            "autoExecute": number == 1,
            "window": {"days": [number, 6], "start": "08:00", "end": "18:00"},
        }
        made = await signed_in.post("/api/mcp/policy/create", json=rule)
        assert made.status_code == 200, made.text


async def test_who_reads_schema_2_gets_cases_that_its_own_evaluator_decides_alike(appliance, rules):
    head = (await check_in(appliance, 2))["policy"]
    held, payload_type = await taken(appliance)
    assert payload_type == protocol.POLICY_PAYLOAD_TYPES[2]
    assert held.digest == head["digest"]
    cases = held.snapshot.cases
    assert cases is not None
    deciding = {row[6] for row in cases.rows}
    assert deciding >= {0, 1, 2}
    assert cases.without == 0
    again, _ = await taken(appliance)
    assert again.digest == held.digest, "the same state gives the same bytes"


async def test_who_says_nothing_gets_schema_1_without_cases(appliance, rules):
    head = (await appliance.check_in()).json()["policy"]
    held, payload_type = await taken(appliance, "")
    assert payload_type == protocol.POLICY_PAYLOAD_TYPE
    assert (held.digest, held.snapshot.cases) == (head["digest"], None)


async def test_who_reads_more_than_central_writes_gets_what_there_is(appliance):
    held, _ = await taken(appliance, "?snapshot=99")
    assert held.snapshot.version == protocol.POLICY_SCHEMA_NEWEST
    assert (await appliance.get("/policy?snapshot=0")).status_code == 422


async def test_an_upgraded_agent_is_told_of_the_newer_schema(appliance):
    before = await check_in(appliance, 1)
    again = await check_in(appliance, 1, before["etag"])
    assert again["policy"] is None
    upgraded = await check_in(appliance, 2, before["etag"])
    assert upgraded["policy"] is not None
    assert upgraded["policy"]["digest"] != before["policy"]["digest"]


async def test_a_case_that_was_altered_before_signing_is_found_by_the_agent(appliance, rules):
    wire = (await appliance.get("/policy?snapshot=2")).json()
    payload = Envelope.from_wire(wire, payload_bytes_max=1 << 20).payload
    told = canonical.loads(payload, bytes_max=1 << 20)
    told["cases"]["rows"][0][4:6] = ["block", "hold"]
    forged = signing.sign(POLICY_KEY, wire["payloadType"], canonical.dumps(told))
    envelope = EnvelopeWire.model_validate(forged.to_wire())
    with pytest.raises(PolicyRefused, match="conformance case 0:") as found:
        policies.verified(envelope, POLICY_KEY.verify_key, appliance.site_id, clock.system())
    assert found.value.fault is Fault.DRIFT


async def test_central_shows_what_is_in_force_and_what_was_refused(appliance, signed_in, owner):
    async def report(refused: dict[str, Any] | None) -> None:
        body = {"v": 1, "epoch": 1, "revision": 7, "refused": refused}
        answer = await appliance.post("/policy/report", orjson.dumps(body))
        assert answer.status_code == 200, answer.text

    async def shown() -> dict[str, Any]:
        answer = await signed_in.get(f"/api/v1/sites/{appliance.site_id}")
        (one,) = answer.json()["appliance_list"]
        return {key: value for key, value in one.items() if key.startswith("policy_")}

    await report(REFUSAL)
    await report(REFUSAL)
    assert await shown() == {
        "policy_epoch": 1,
        "policy_revision": 7,
        "policy_refused_code": "drift",
        "policy_refused_reason": REFUSAL["reason"],
        "policy_refused_at": "2026-11-26T03:00:00Z",
    }
    audited = await owner.fetch(
        "SELECT reason, after FROM audit_log WHERE action = 'appliance.policy-refuse'"
        " AND site_id = $1",
        appliance.site_id,
    )
    assert [row["reason"] for row in audited] == [REFUSAL["reason"]], "told once"
    await report(None)
    assert (await shown())["policy_refused_code"] is None


async def test_a_report_that_is_none_is_refused(appliance):
    for wrong in (
        {"v": 1, "epoch": 1, "revision": 7},
        {"v": 1, "epoch": 1, "revision": 7, "refused": REFUSAL | {"refused_at": "today"}},
        {"v": 1, "epoch": 1, "revision": 7, "refused": REFUSAL | {"reason": "x" * 1001}},
        {"v": 1, "epoch": 1, "revision": 7, "refused": REFUSAL | {"who": "me"}},
    ):
        answer = await appliance.post("/policy/report", orjson.dumps(wrong))
        assert answer.status_code == 422, answer.text


async def test_a_declared_restore_raises_the_epoch_and_no_appliance_is_stranded(
    appliance, signed_in, owner, rules
):
    before, _ = await taken(appliance)
    raised = []
    for _ in range(2):
        # Central as a backup knew it: an earlier revision in the first epoch.
        await owner.execute(
            "UPDATE policy_heads SET epoch = 1, revision = 1 WHERE partner_id ="
            " (SELECT partner_id FROM sites WHERE id = $1)",
            appliance.site_id,
        )
        answer = await signed_in.post(
            "/api/v1/policies/epoch", json={"reason": "the disk died; backup of Monday"}
        )
        assert answer.status_code == 200, answer.text
        raised.append(answer.json()["epoch"])
    assert raised[0] > before.version[0]
    shown = await signed_in.get("/api/v1/policies/epoch")
    assert shown.json() == {"epoch": raised[-1], "revision": 1}
    after, _ = await taken(appliance)
    assert after.version[:2] == (raised[-1], 1)
    audited = await owner.fetch(
        "SELECT reason FROM audit_log WHERE action = 'policy.epoch' AND partner_id ="
        " (SELECT partner_id FROM sites WHERE id = $1)",
        appliance.site_id,
    )
    assert [row["reason"] for row in audited] == ["the disk died; backup of Monday"] * 2
    for body in ({}, {"reason": " "}, {"reason": "x", "epoch": 9}, {"reason": "x" * 501}):
        assert (await signed_in.post("/api/v1/policies/epoch", json=body)).status_code == 422


async def test_an_epoch_is_above_the_one_before_also_where_the_clock_is_behind(
    appliance, signed_in, owner, rules
):
    ahead = 5_000_000_000
    await owner.execute(
        "UPDATE policy_heads SET epoch = $2 WHERE partner_id ="
        " (SELECT partner_id FROM sites WHERE id = $1)",
        *(appliance.site_id, ahead),
    )
    answer = await signed_in.post("/api/v1/policies/epoch", json={"reason": "again"})
    assert answer.json()["epoch"] == ahead + 1
    assert (await check_in(appliance, 2))["policy"]["epoch"] == ahead + 1
