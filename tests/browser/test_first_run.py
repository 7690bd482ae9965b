"""The first run: a one-time password, an empty fleet, a site, a line to paste, what arrives."""

import re
import shlex
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.visit import PASSWORD, OpenPage, sign_in
from tests.harness import product
from wardline.demo import trees

pytestmark = pytest.mark.browser

ARRIVAL_MS_MAX = 60_000


def _by_keyboard(page: Page, *keys: str) -> None:
    for key in keys:
        page.keyboard.press(key) if key in ("Tab", "Enter") else page.keyboard.type(key)


def test_first_visit_with_the_keyboard_alone_ends_on_the_empty_fleet(
    real: product.Central, open_page: OpenPage
) -> None:
    email, once = real.login()
    page = open_page(real)
    page.goto("/")
    expect(page.get_by_label("E-mail address")).to_be_focused()
    _by_keyboard(page, email, "Tab", once, "Enter")
    expect(page.get_by_role("heading", name="Choose your password")).to_be_visible()
    expect(page.get_by_label("Current password")).to_be_focused()
    page.goto("/incidents")
    expect(page.get_by_role("heading", name="Choose your password")).to_be_visible()
    expect(page.get_by_label("Current password")).to_be_focused()
    _by_keyboard(page, once, "Tab", PASSWORD, "Tab", PASSWORD, "Enter")
    expect(page.get_by_role("heading", name="No site yet")).to_be_visible()


def test_a_site_is_added_and_a_tree_arrives(
    real: product.Central, open_page: OpenPage, tmp_path: Path
) -> None:
    page = open_page(real)
    sign_in(page, real.login()[0], PASSWORD)
    page.get_by_role("link", name="Add a site").click()
    page.get_by_label("Name").fill("Larkspur Family Practice")
    page.get_by_role("combobox", name="Time zone").fill("zurich")
    page.get_by_role("option", name="Europe/Zurich").click()
    page.get_by_role("switch", name="Saturday").check(force=True)
    page.get_by_label("Saturday closes at").fill("12:00")
    page.get_by_role("button", name="Add hours on Friday").click()
    page.get_by_label("Friday, span 2, opens at").fill("17:00")
    page.get_by_label("Friday, span 2, closes at").fill("02:00")
    expect(page.get_by_role("alert")).to_have_text("Two of its times overlap at 17:00")
    expect(page.get_by_role("button", name="Add the site")).to_be_disabled()
    page.get_by_label("Friday, span 2, opens at").fill("20:00")
    expect(page.get_by_role("alert")).to_have_count(0)
    page.get_by_role("button", name="Add the site").click()

    line = page.get_by_label("Line to paste")
    expect(line).to_contain_text(re.compile(r"^wardline agent enrol \S+ wl1\."))
    expect(page.get_by_role("heading", name="Waiting for it to enrol")).to_be_visible()

    root = tmp_path / "frontdesk"
    trees.build(root, "reception-pc")
    data = tmp_path / "agent"
    _, *pasted = shlex.split(line.inner_text())
    product.run(*pasted, "--data", data, "--tree", f"frontdesk={root}", "--no-local")
    agent = product.Process(tmp_path / "agent.log", "agent", "run", "--data", data)
    try:
        arrived = page.get_by_role("heading", name=re.compile(" arrived$"))
        expect(arrived).to_be_visible(timeout=ARRIVAL_MS_MAX)
        expect(page.get_by_text("It looks after 1 host: frontdesk.")).to_be_visible()
        found = page.get_by_role("heading", name="First results are in")
        expect(found).to_be_visible(timeout=ARRIVAL_MS_MAX)
        page.get_by_role("link", name="Open Larkspur Family Practice").click()
        expect(page.get_by_text("Observing", exact=True).first).to_be_visible()
        expect(page.get_by_role("rowheader", name="frontdesk")).to_be_visible()
        page.get_by_role("link", name="Settings").click()
        expect(page.get_by_text("Fri 20:00–02:00 (next day)")).to_be_visible()
    finally:
        agent.stop()


def test_the_healing_switch_shows_what_would_run_and_wants_a_reason(
    real: product.Central, open_page: OpenPage
) -> None:
    page = open_page(real)
    sign_in(page, real.login()[0], PASSWORD)
    page.get_by_role("link", name="Larkspur Family Practice").click()
    page.get_by_role("button", name="Let it heal…").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("heading", name="What would have run here")).to_be_visible()
    expect(dialog.get_by_role("button", name="Let it heal")).to_be_disabled()
    dialog.get_by_label("Reason").fill("The owner agreed on the phone")
    dialog.get_by_role("button", name="Let it heal").click()
    expect(page.get_by_text("Healing", exact=True).first).to_be_visible()


def test_a_wrong_password_is_refused_in_words(real: product.Central, open_page: OpenPage) -> None:
    page = open_page(real)
    sign_in(page, real.login()[0], "not the password")
    expect(page.get_by_role("alert")).not_to_be_empty()
    expect(page).to_have_url(re.compile("/login"))
