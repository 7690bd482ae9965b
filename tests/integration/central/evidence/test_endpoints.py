"""Evidence read back: the list, an entry with its proof, and a kit that an auditor can verify."""

import io

import pytest

from tests.harness.appliance import result
from tests.integration.central.conftest import (
    LOG_KEY,
    browser_of,
    make_user,
    sign_in,
)
from wardline.central.identity.permissions import Role
from wardline.core.evidence import audit, checkpoint, log
from wardline.core.evidence.bundle import Kind, Outcome
from wardline.core.evidence.trust import Trust
from wardline.core.evidence.verdict import Exit
from wardline.formats import frame, kit


def address(appliance, path=""):
    return f"/api/v1/sites/{appliance.site_id}/evidence{path}"


async def test_the_list_is_newest_first_and_pages_by_key(appliance, signed_in, signer):
    passed = result(check="patching", outcome=Outcome.PASS)
    await appliance.send(*appliance.seals(3), appliance.seal(results=(result(), passed)))
    await signer.sign_grown()
    first = (await signed_in.get(address(appliance), params={"limit": 2})).json()
    assert [item["log_index"] for item in first["items"]] == [4, 3]
    assert first["items"][0]["outcomes"] == {"fail": 1, "pass": 1}
    assert first["log"]["size"] == first["log"]["checkpoint_size"] == 5
    more = {"limit": 2, "cursor": first["next_cursor"]}
    second = (await signed_in.get(address(appliance), params=more)).json()
    assert [item["log_index"] for item in second["items"]] == [2, 1]
    last = {"limit": 2, "cursor": second["next_cursor"]}
    third = (await signed_in.get(address(appliance), params=last)).json()
    assert [item["kind"] for item in third["items"]] == ["key-enrol"]
    assert third["next_cursor"] is None


@pytest.mark.parametrize(
    "cursor", ["x", "WzFd!", "eyJhIjoxfQ", "WyJhIl0", "WzE4NDQ2NzQ0MDczNzA5NTUxNjE1XQ", "Wy0xXQ"]
)
async def test_a_foreign_cursor_is_refused(appliance, signed_in, cursor):
    answer = await signed_in.get(address(appliance), params={"cursor": cursor})
    assert (answer.status_code, answer.json()["code"]) == (422, "cursor_invalid")


async def test_an_entry_comes_with_a_proof_that_holds(appliance, signed_in, signer):
    await appliance.send(*appliance.seals(6))
    await signer.sign_grown()
    said = (await signed_in.get(address(appliance, "/4"))).json()
    head = checkpoint.parse_note(said["checkpoint"]).checkpoint()
    path = [bytes.fromhex(item) for item in said["proof"]["path"]]
    leaf = bytes.fromhex(said["leaf_hash"])
    assert log.verify_inclusion(leaf, 4, head.size, path, head.root)
    assert said["payload"]["seq"] == said["entry"]["seq"] == 4
    assert (await signed_in.get(address(appliance, "/7"))).status_code == 404


async def test_an_entry_above_the_checkpoint_says_so(appliance, signed_in):
    await appliance.send(appliance.seal())
    said = (await signed_in.get(address(appliance, "/1"))).json()
    assert (said["proof"], said["checkpoint"]) == (None, None)


async def test_the_export_verifies_and_a_flipped_bit_does_not(appliance, signed_in, signer, owner):
    await appliance.send(*appliance.seals(5))
    await signer.sign_grown()
    note = (await appliance.check_in()).json()["log"]["checkpoint"]
    size = checkpoint.parse_note(note).checkpoint().size
    now_s = await owner.fetchval("SELECT extract(epoch FROM now())::bigint")
    line = appliance.cosign(note, now_s)
    await appliance.check_in(witnessed_size=size, cosignatures=[line])
    # What comes after the newest checkpoint is not in the kit, and not missed.
    await appliance.send(appliance.seal())
    answer = await signed_in.get(address(appliance, "/export"))
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/zip"
    trust = Trust(
        logs={checkpoint.parse_note(note).checkpoint().origin: frozenset({LOG_KEY.public})},
        appliances={appliance.id: frozenset({appliance.key.public})},
        witnesses={appliance.id: frozenset({appliance.witness.public})},
    )
    verdict = audit.verify(kit.read(io.BytesIO(answer.content)), trust)
    assert verdict.exit_code == Exit.VERIFIED, verdict.findings
    assert (verdict.entries, verdict.bundles) == (6, 5)
    again = await signed_in.get(address(appliance, "/export"))
    assert again.content == answer.content
    flipped = bytearray(answer.content)
    flipped[len(flipped) // 3] ^= 1
    with pytest.raises(frame.KitBroken):
        kit.read(io.BytesIO(bytes(flipped)))


async def test_a_long_log_streams_whole(appliance, signed_in, signer, monkeypatch):
    monkeypatch.setattr("wardline.central.evidence.reading.ROWS_PER_READ", 3)
    for _ in range(3):
        await appliance.send(*appliance.seals(4))
        await signer.sign_grown()
    answer = await signed_in.get(address(appliance, "/export"))
    verdict = audit.verify(kit.read(io.BytesIO(answer.content)), None)
    assert verdict.exit_code == Exit.UNWITNESSED, verdict.findings
    assert (verdict.entries, verdict.checkpoints) == (13, 3)


async def test_nothing_signed_is_nothing_to_export(appliance, signed_in):
    assert (await signed_in.get(address(appliance, "/export"))).status_code == 409


async def test_another_partner_sees_no_evidence(appliance, web, owner, other_tenant):
    await appliance.send(appliance.seal(kind=Kind.HEARTBEAT))
    async with browser_of(web) as browser:
        await sign_in(browser, await make_user(owner, other_tenant.partner_id))
        for path in ("", "/1", "/export"):
            assert (await browser.get(address(appliance, path))).status_code == 404


async def test_a_reader_may_not_read_evidence(appliance, web, owner, tenant):
    async with browser_of(web) as browser:
        await sign_in(browser, await make_user(owner, tenant.partner_id, Role.READER))
        assert (await browser.get(address(appliance))).status_code == 403
