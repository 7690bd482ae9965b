"""What the tests of freezes do: throw the switch, lift it, read the list, check in and obey."""

from wardline.core import clock, mandate
from wardline.core.evidence.signing import Envelope, SigningKey

POLICY_KEY = SigningKey.from_seed(b"p" * 32)
WHY = "a runbook breaks the scanners"
SET_AT = "2026-01-05T10:00:00.123Z"


async def throw(browser, site_id=None, reason=WHY):
    path = "/api/v1/freeze" if site_id is None else f"/api/v1/sites/{site_id}/freeze"
    return await browser.post(path, json={"reason": reason})


async def thrown(browser, site_id=None):
    answer = await throw(browser, site_id)
    assert answer.status_code == 201, answer.text
    return answer.json()


async def lift(browser, freeze_id, reason="found and fixed"):
    return await browser.post(f"/api/v1/freezes/{freeze_id}/lift", json={"reason": reason})


async def lifted(browser, freeze_id):
    answer = await lift(browser, freeze_id)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def listed(browser, **query):
    answer = await browser.get("/api/v1/freezes", params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()["items"]


async def check_in(appliance, **said):
    answer = await appliance.check_in(**said)
    assert answer.status_code == 200, answer.text
    return answer.json()


def ordered(answer):
    """The mandate of a check-in's answer, verified as an appliance does."""
    return mandate.opened(Envelope.from_wire(answer["mandate"]), POLICY_KEY.verify_key)


async def obey(appliance):
    """A check-in that brings the mandate, and the one that says what it obeys."""
    held = ordered(await check_in(appliance))
    obeyed = [one.id for one in held.freezes]
    await check_in(appliance, obeyed=obeyed)
    return obeyed


def told(at=SET_AT, **changes):
    """A freeze that a person set at the appliance."""
    plain = {
        "frozen_at": at,
        "frozen_by": "appliance:ada",
        "reason": WHY,
        "lifted_at": None,
        "lifted_by": None,
        "lift_reason": None,
    }
    return {**plain, **changes}


def told_end(at=SET_AT):
    return told(
        at,
        lifted_at=clock.wire(clock.system()),
        lifted_by="appliance:bob",
        lift_reason="gone",
    )
