"""The audit log read back: searched, proved record by record, and exported whole."""

import asyncio
import io
from datetime import timedelta

import pytest

from tests.harness.appliance import Appliance, issue_token
from tests.integration.central.conftest import (
    LOG_KEY,
    browser_of,
    make_user,
    sign_in,
    web_settings,
)
from wardline.central.audit import service
from wardline.central.identity.permissions import Role
from wardline.central.jobs import sequencer
from wardline.central.jobs.checkpoints import Signer
from wardline.core import canonical, clock
from wardline.core.audit import verify
from wardline.core.evidence import checkpoint, log
from wardline.core.evidence.trust import Trust
from wardline.core.evidence.verdict import Exit
from wardline.formats import audit_kit

SITE = {"zone": "UTC", "opening_hours": []}


@pytest.fixture
def catch_up(jobs_engine, tmp_path):
    """What the jobs process does in a second: append, and sign."""
    signer = Signer(
        jobs_engine, LOG_KEY, web_settings().installation_id, tmp_path / "x.json", clock.system
    )

    async def done():
        await sequencer.append_waiting(jobs_engine, clock.system)
        await signer.sign_grown()

    return done


async def search(signed_in, **wanted):
    answer = await signed_in.get("/api/v1/audit", params=wanted)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def add_site(signed_in, name):
    made = await signed_in.post("/api/v1/sites", json={"name": name, **SITE})
    assert made.status_code == 201, made.text
    return made.json()["id"]


async def planted(owner, partner_id, count, **columns):
    names = "".join(f", {name}" for name in columns)
    holes = "".join(f", ${at}" for at in range(3, len(columns) + 3))
    await owner.execute(
        f"INSERT INTO audit_log (partner_id, actor_kind, actor_id, subject{names})"
        f" SELECT $1, 'user', 'user_x', 's' || n{holes} FROM generate_series(1, $2) AS n",
        *(partner_id, count, *columns.values()),
    )


async def test_a_deed_is_found_by_who_what_where_when_and_its_words(
    signed_in, catch_up, moment, owner, tenant
):
    site_id = await add_site(signed_in, "Practice Dr Zoë Weiß")
    await catch_up()
    (deed,) = (await search(signed_in, action="site.add"))["items"]
    assert (deed["subject"], deed["site_id"], deed["proved"]) == (site_id, site_id, True)
    assert (deed["actor_name"], deed["site_name"]) == ("Somebody", "Practice Dr Zoë Weiß")
    email = await owner.fetchval("SELECT email FROM users WHERE id = $1", deed["actor"])
    day = timedelta(days=1)
    hits = [
        {"actor": deed["actor"]}, {"actor": email.upper()}, {"subject": site_id},
        {"site": site_id}, {"text": "zoë weiß"},
        {"from": (moment() - day).isoformat(), "until": (moment() + day).isoformat()},
        {"text": "utc", "action": "site.add", "site": site_id},
    ]  # fmt: skip
    for wanted in hits:
        found = (await search(signed_in, **wanted))["items"]
        assert deed["seq"] in [item["seq"] for item in found], wanted
    for wanted in (
        {"actor": "user_nobody"}, {"actor": "x@example.com"}, {"site": tenant.site_id},
        {"action": "site"}, {"text": "no such words"}, {"from": (moment() + day).isoformat()},
        {"until": (moment() - day).isoformat()},
    ):  # fmt: skip
        found = (await search(signed_in, **wanted))["items"]
        assert deed["seq"] not in [item["seq"] for item in found], wanted


@pytest.mark.parametrize(
    "wanted", [{"from": "2026-01-01T00:00:00"}, {"actor": ""}, {"text": "\x00"}, {"limit": 201}]
)
async def test_a_search_that_means_nothing_is_refused(signed_in, wanted):
    assert (await signed_in.get("/api/v1/audit", params=wanted)).status_code == 422


async def test_pages_go_on_by_key_while_the_log_grows(signed_in, catch_up, owner, tenant):
    await planted(owner, tenant.partner_id, 25, action="hold.clear")
    await catch_up()
    seen, cursor = [], {}
    while True:
        found = await search(signed_in, action="hold.clear", limit=10, **cursor)
        seen += [item["seq"] for item in found["items"]]
        await planted(owner, tenant.partner_id, 3, action="hold.clear")
        await catch_up()
        if found["next_cursor"] is None:
            break
        cursor = {"cursor": found["next_cursor"]}
    assert len(seen) == 25
    assert seen == sorted(set(seen), reverse=True)


async def test_a_text_is_looked_for_piece_by_piece(signed_in, catch_up, owner, tenant, monkeypatch):
    monkeypatch.setattr(service, "LOOKED_AT_MAX", 20)
    await planted(owner, tenant.partner_id, 1, action="hold.clear", reason="the needle")
    await planted(owner, tenant.partner_id, 50, action="hold.clear")
    await catch_up()
    first = await search(signed_in, text="NEEDLE")
    assert first["items"] == []
    found, pages = first, 1
    while not found["items"]:
        assert found["next_cursor"] is not None
        found = await search(signed_in, text="NEEDLE", cursor=found["next_cursor"])
        pages += 1
    assert [item["reason"] for item in found["items"]] == ["the needle"]
    assert pages == 3


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('say "why"', True), ("back\\slash", True), ('"healing":"heal"', True), ("HEAL", True),
        ("100%", True), ("_%", False), ("reason", False), ("at_ms", False),
    ],
)  # fmt: skip
async def test_words_are_those_of_the_record_and_not_of_its_form(
    signed_in, catch_up, owner, tenant, text, found
):
    await planted(
        owner, tenant.partner_id, 1, action="hold.clear", after='{"healing": "heal"}',
        reason='he did say "why", back\\slash, 100%',
    )  # fmt: skip
    await catch_up()
    items = (await search(signed_in, text=text, action="hold.clear"))["items"]
    assert bool(items) is found


async def test_a_record_comes_with_a_proof_that_holds(signed_in, catch_up, owner, tenant):
    await planted(
        owner, tenant.partner_id, 12, action="hold.clear", after='{"token": "x", "n": 1.5}'
    )
    await catch_up()
    said = (await signed_in.get("/api/v1/audit/7")).json()
    head = checkpoint.parse_note(said["checkpoint"]).checkpoint()
    leaf = log.leaf_hash(said["leaf"].encode())
    assert leaf.hex() == said["leaf_hash"]
    path = [bytes.fromhex(item) for item in said["proof"]["path"]]
    assert log.verify_inclusion(leaf, 6, head.size, path, head.root)
    assert said["after"] == {"token": "[redacted]", "n": "1.5"}
    assert said["row_stands"] is True
    assert (await signed_in.get("/api/v1/audit/5000")).status_code == 404


async def test_a_row_that_was_altered_behind_the_log_is_told(signed_in, catch_up, owner, tenant):
    await planted(owner, tenant.partner_id, 1, action="hold.clear")
    await catch_up()
    (deed,) = (await search(signed_in, action="hold.clear"))["items"]
    await owner.execute("ALTER TABLE audit_log DISABLE TRIGGER USER")
    await owner.execute(
        "UPDATE audit_log SET actor_id = 'user_y' WHERE partner_id = $1 AND action = 'hold.clear'",
        tenant.partner_id,
    )
    await owner.execute("ALTER TABLE audit_log ENABLE TRIGGER USER")
    said = (await signed_in.get(f"/api/v1/audit/{deed['seq']}")).json()
    assert (said["actor"], said["row_stands"]) == ("user_x", False)


async def test_what_waits_is_counted_and_not_shown(signed_in, catch_up, owner, tenant):
    await catch_up()
    await planted(owner, tenant.partner_id, 4, action="hold.clear")
    found = await search(signed_in)
    assert found["log"]["waiting"] == 4
    assert "hold.clear" not in [item["action"] for item in found["items"]]
    assert found["log"]["origin"].startswith("wardline.local/audit/")


async def test_the_export_verifies_and_is_recorded(signed_in, catch_up, owner, tenant, monkeypatch):
    monkeypatch.setattr(service, "ROWS_PER_READ", 7)
    assert (await signed_in.get("/api/v1/audit/export")).status_code == 409
    for count in (3, 20):
        await planted(owner, tenant.partner_id, count, action="hold.clear")
        await catch_up()
    answer = await signed_in.get("/api/v1/audit/export")
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/zip"
    found = await search(signed_in)
    note = (await signed_in.get("/api/v1/audit/1")).json()["checkpoint"]
    kept = checkpoint.parse_note(note).checkpoint()
    clinic = checkpoint.log_origin(web_settings().installation_id, tenant.site_id)
    trust = Trust(logs={clinic: frozenset({LOG_KEY.public})}).holding(kept)
    verdict = verify.verify(audit_kit.read(io.BytesIO(answer.content)), trust)
    assert verdict.exit_code is Exit.VERIFIED, verdict.findings
    assert verdict.entries == found["log"]["checkpoint_size"]
    assert verdict.checkpoints == 2
    await catch_up()
    (recorded,) = (await search(signed_in, action="audit.export"))["items"]
    assert recorded["subject"] == tenant.partner_id


async def test_reading_evidence_is_recorded_once_in_a_while_for_each_reader(
    web, browser, owner, tenant, catch_up, moment
):
    appliance = Appliance(browser)
    assert (await appliance.enrol(await issue_token(owner, tenant))).status_code == 200
    await appliance.send(appliance.seal())
    address = f"/api/v1/sites/{tenant.site_id}/evidence"
    async with browser_of(web) as reader, browser_of(web) as boss:
        await sign_in(reader, await make_user(owner, tenant.partner_id, Role.AUDITOR))
        await sign_in(boss, await make_user(owner, tenant.partner_id))
        for _ in range(2):
            for path in (address, f"{address}/1", f"{address}/0"):
                assert (await reader.get(path)).status_code == 200
        moment.advance(16 * 60)
        assert (await reader.get(address)).status_code == 200
        assert (await boss.get(f"{address}/1")).status_code == 200
        await catch_up()
        found = (await search(boss, site=tenant.site_id))["items"]
    read = sorted(
        (item["action"], item["subject"].partition("/")[2])
        for item in found
        if item["action"].startswith("evidence.")
    )
    assert read == [
        ("evidence.list", ""), ("evidence.list", ""),
        ("evidence.read", "0"), ("evidence.read", "1"), ("evidence.read", "1"),
    ]  # fmt: skip


async def test_many_readers_and_a_growing_log_see_whole_pages(signed_in, catch_up, owner, tenant):
    await planted(owner, tenant.partner_id, 600, action="hold.clear")

    async def read():
        found = await search(signed_in, limit=200)
        seqs = [item["seq"] for item in found["items"]]
        assert seqs == list(range(found["log"]["size"], found["log"]["size"] - len(seqs), -1))

    await asyncio.gather(catch_up(), *(read() for _ in range(6)))
    assert (await search(signed_in))["log"]["waiting"] == 0


async def test_the_leaf_is_canonical(signed_in, catch_up, owner, tenant):
    await planted(owner, tenant.partner_id, 1, action="hold.clear", after='{"ä": [1e300, 9e18]}')
    await catch_up()
    leaf = (await signed_in.get("/api/v1/audit/1")).json()["leaf"].encode()
    assert canonical.dumps(canonical.loads(leaf, bytes_max=10**5)) == leaf
