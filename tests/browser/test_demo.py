"""A visitor's way through the demo: fleet, site, a healed incident, its evidence."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.visit import SCREENS, OpenPage, sign_in
from tests.harness import product

pytestmark = pytest.mark.browser


def _signed_in(demo: product.Central, page: Page) -> Page:
    sign_in(page, *demo.login())
    expect(page.get_by_role("heading", name="Fleet", level=1)).to_be_visible()
    return page


def _overflow(page: Page) -> int:
    return int(page.evaluate("document.documentElement.scrollWidth - window.innerWidth"))


def test_a_healed_incident_is_told_from_first_to_second_measurement(
    demo: product.Central, open_page: OpenPage
) -> None:
    page = _signed_in(demo, open_page(demo))
    site = demo.status()["sites"][0]
    totals = page.get_by_role("region", name="Totals")
    expect(totals).to_contain_text(re.compile(r"[1-9]\d*\s*healed in 24 hours"))
    page.get_by_role("link", name=site["name"]).click()
    expect(page.get_by_role("heading", name=site["name"], level=1)).to_be_visible()
    matrix = page.get_by_role("region", name="Hosts and checks").last
    expect(matrix.get_by_role("rowheader")).to_have_count(site["hosts"])

    page.get_by_role("link", name=re.compile("^Incidents")).last.click()
    page.get_by_role("combobox", name="Incident state").click()
    page.get_by_role("option", name="Stable").click()
    expect(page).to_have_url(re.compile("state=stable"))
    table = page.get_by_role("region", name="Incidents").last
    table.get_by_role("row").nth(1).get_by_role("link").first.click()

    headline = page.get_by_role("heading", level=1)
    expect(headline).to_contain_text(re.compile(r"^\S+ passes on .+ repaired it, and that lasted"))
    before = page.get_by_role("region", name="What was measured", exact=True)
    expect(before.get_by_text("Fail", exact=True)).to_be_visible()
    decision = page.get_by_role("region", name="The decision")
    expect(decision.get_by_text("Run", exact=True).first).to_be_visible()
    trace = decision.get_by_role("list", name="Trace of the decision")
    assert trace.get_by_role("listitem").count() >= 8
    run = page.get_by_role("region", name="What was run")
    expect(run.get_by_role("figure").first).to_have_accessible_name(re.compile("^Change: "))
    after = page.get_by_role("region", name="What the second measurement said")
    expect(after.get_by_text("Pass", exact=True)).to_be_visible()

    page.get_by_role("region", name="The evidence").get_by_role("link").last.click()
    expect(page.get_by_role("heading", name=re.compile(r"^Log entry \d+"))).to_be_visible()
    expect(page.get_by_label("Payload", exact=True)).to_contain_text('"evidence.bundle/2"')
    expect(page.get_by_label("Checkpoint note")).to_contain_text("wardline.local/log/")
    expect(page.get_by_label("Command that verifies the site's export")).to_contain_text(
        "wardline evidence verify"
    )


def test_the_export_of_the_page_verifies(
    demo: product.Central, open_page: OpenPage, tmp_path: Path
) -> None:
    page = _signed_in(demo, open_page(demo))
    page.goto(f"/sites/{demo.status()['sites'][0]['id']}?tab=evidence")
    with page.expect_download() as download:
        page.get_by_role("link", name="Export the evidence").click()
    kit = tmp_path / "kit.zip"
    download.value.save_as(kit)
    verified = product.run("evidence", "verify", kit, expect=None)
    assert verified.returncode in (0, 10), verified.stdout + verified.stderr


@pytest.mark.parametrize(("viewport", "scheme"), SCREENS)
def test_no_page_of_the_evidence_scrolls_sideways(
    demo: product.Central,
    open_page: OpenPage,
    shots: Path,
    viewport: dict[str, int],
    scheme: str,
) -> None:
    page = _signed_in(demo, open_page(demo, viewport=viewport, scheme=scheme))
    status = demo.status()
    healed = status["healed"][0]
    site = f"/sites/{healed['site_id']}"
    pages = {
        "evidence": f"{site}?tab=evidence",
        "incident": f"{site}/incidents/{healed['incident_id']}",
        "entry": f"{site}/evidence/{healed['log_indexes'][-1]}",
        "enrol": f"{site}/enrol",
        "new-site": "/sites/new",
        "missing": "/no/such/page",
    }
    wide = []
    for name, address in pages.items():
        page.goto(address)
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        expect(page.get_by_role("status", name="Loading")).to_have_count(0)
        page.screenshot(path=shots / f"{name}-{viewport['width']}-{scheme}.png", full_page=True)
        if _overflow(page) > 0:
            wide.append(f"{address}: {_overflow(page)} px too wide")
    assert not wide, "\n".join(wide)


def test_what_does_not_exist_is_said_plainly(demo: product.Central, open_page: OpenPage) -> None:
    page = _signed_in(demo, open_page(demo))
    page.goto("/no/such/page")
    expect(page.get_by_role("heading", name="Page not found")).to_be_visible()
    page.get_by_role("link", name="Back to the fleet").click()
    expect(page.get_by_role("heading", name="Fleet")).to_be_visible()
