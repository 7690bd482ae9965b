"""The audit log as an auditor meets it: find a deed, see its proof, take the log along, verify it."""

import re
from pathlib import Path

from playwright.sync_api import expect

from tests.browser import axe
from tests.browser.visit import OpenPage, sign_in
from tests.harness import product
from wardline.core.audit import verify
from wardline.core.evidence.verdict import Exit
from wardline.formats import audit_kit

SIGNED_MS_MAX = 30_000


def test_a_deed_is_found_proved_exported_and_verified(
    demo: product.Central, open_page: OpenPage, shots: Path, tmp_path: Path
) -> None:
    page = open_page(demo)
    sign_in(page, *demo.login())
    page.get_by_role("link", name="Audit log").click()
    expect(page.get_by_role("heading", name="Audit log", level=1)).to_be_visible()
    page.get_by_label("Action").fill("session.open")
    page.get_by_role("button", name="Search").click()
    rows = page.get_by_role("region", name="Audit log").locator("tbody tr")
    # It appears by itself, and so does its proof.
    expect(rows.first).to_contain_text("session.open", timeout=SIGNED_MS_MAX)
    expect(rows.first).to_contain_text("Proved", timeout=SIGNED_MS_MAX)
    expect(page).to_have_url(re.compile("action=session.open"))
    rows.first.get_by_role("button").first.click()
    record = page.get_by_role("dialog")
    expect(record.get_by_text("Proof of inclusion")).to_be_visible()
    expect(record.get_by_label("Checkpoint note")).to_contain_text("wardline.local/audit/")
    assert axe.violations(page) == []
    page.screenshot(path=shots / "audit-record.png")
    record.get_by_role("button", name="Close the record").click()
    expect(record).to_have_count(0)
    with page.expect_download() as download:
        page.get_by_role("link", name="Export the audit log").click()
    file = tmp_path / "audit.zip"
    download.value.save_as(file)
    with file.open("rb") as stream:
        found = verify.verify(audit_kit.read(stream), None)
    assert found.exit_code is Exit.UNWITNESSED, found.findings
    assert found.entries > 0
