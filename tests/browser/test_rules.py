"""An author's day: makes a rule, meets a colleague in it, tries it, and takes it all back."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, WebSocketRoute, expect

from tests.browser import axe
from tests.browser.visit import PASSWORD, SCREENS, OpenPage, sign_in
from tests.harness import product
from wardline.cli.client import Client

pytestmark = pytest.mark.browser

# Both widths and both schemes, in two pairs of the four to save time.
# As many rules as one body of a request takes.
BULK = 1_980
RULE_ID = "night-updates"
NIGHT: dict[str, Any] = {
    "id": RULE_ID,
    "name": "Night updates",
    "when": {"kpiId": "patching", "severity": ["high", "critical"]},
    "action": "patching.enable_automatic",
    "window": {
        "days": [0, 1, 2, 3, 4, 5, 6],
        "start": "22:00",
        "end": "05:00",
        "timezone": "Europe/Zurich",
    },
    "approval": {"required": True, "roles": ["manager", "admin"]},
}
# Ends with 23:59:59, so that no test is sooner or later than it.
ALWAYS = {**NIGHT["window"], "start": "00:00", "end": "23:59"}
SITE = {"name": "Harbour Clinic", "zone": "Europe/Zurich", "opening_hours": []}


@pytest.fixture(scope="module")
def client(real: product.Central) -> Iterator[Client]:
    """The owner on the command line, with one site."""
    client = real.owner(PASSWORD)
    client.post("/sites", SITE)
    yield client
    client.close()


@pytest.fixture(scope="module")
def session(real: product.Central, client: Client, chromium: Browser) -> Any:
    """The owner's cookies: one sign-in serves every page of this file."""
    context = chromium.new_context(base_url=real.address["url"])
    page = context.new_page()
    sign_in(page, real.login()[0], PASSWORD)
    expect(page.get_by_role("heading", name="Fleet", level=1)).to_be_visible()
    cookies = context.cookies()
    context.close()
    return cookies


def _signed_in(page: Page, session: Any) -> Page:
    page.context.add_cookies(session)
    return page


def _decided(client: Client, count: int) -> None:
    """So many decisions by the rules of now, for a replay to look back on."""
    alert = {"id": "a", "kpiId": "patching", "title": "t", "message": "m", "severity": "high"}
    asked = [{"alert": alert, "action": NIGHT["action"]}] * count
    client.post("/policies/decide", {"requests": asked})


def _turned(place: Page | Locator) -> Locator:
    return place.get_by_role("list", name="What would have come out otherwise")


def _put(client: Client, **parts: Any) -> None:
    client.policy("create", NIGHT | parts)


def _held(client: Client) -> dict[str, Any]:
    (rule,) = [rule for rule in client.policy("list")["data"] if rule["id"] == RULE_ID]
    held: dict[str, Any] = rule
    return held


def _rules(page: Page) -> Locator:
    return page.get_by_role("region", name="Policy rules")


def _choose(page: Page, label: str, typed: str, option: str | re.Pattern[str]) -> None:
    page.get_by_role("combobox", name=label).fill(typed)
    page.get_by_role("option", name=option).click()


def _save(page: Page, button: str, reason: str, confirm: str) -> None:
    page.get_by_role("button", name=button).click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("button", name=confirm)).to_be_disabled()
    dialog.get_by_label("Reason").fill(reason)
    dialog.get_by_role("button", name=confirm).click()
    expect(dialog).to_have_count(0)


def test_a_rule_is_made_in_words_and_arrives_in_a_second_window(
    real: product.Central, client: Client, session: Any, open_page: OpenPage
) -> None:
    author = _signed_in(open_page(real, refused=["/policies/analyse"]), session)
    other = _signed_in(open_page(real), session)
    other.goto("/policy?q=night")
    expect(other.get_by_role("heading", name="No rule fits")).to_be_visible()
    other.evaluate("window.notReloaded = true")

    author.goto("/policy")
    author.get_by_role("link", name="New rule").click()
    author.get_by_label("Name", exact=True).fill("Night updates")
    expect(author.get_by_label("Id", exact=True)).to_have_value(RULE_ID)
    # What is missing is said only once somebody wants to save.
    author.get_by_role("button", name="Make the rule…").click()
    expect(author.get_by_text("Say which check")).to_be_visible()
    _choose(author, "This check fails", "security", "Security updates")
    _choose(author, "Runbook", "security", re.compile("Install security updates"))
    author.get_by_label("And this is true of what was measured").fill("facts.pending >")
    expect(author.get_by_text(re.compile("line 1, column"))).to_be_visible()
    author.get_by_label("And this is true of what was measured").fill("facts.pending > 0")
    expect(author.get_by_text(re.compile("line 1, column"))).to_have_count(0)
    author.get_by_label("Only at certain days and times").check(force=True)
    strip = author.get_by_role("list", name=re.compile("Open in the next 14 days"))
    expect(strip).to_have_accessible_name(re.compile("Europe/Zurich"))
    expect(strip.get_by_role("listitem").nth(1)).to_contain_text("00:00–05:01, 22:00–24:00")

    author.get_by_role("link", name="Fleet", exact=True).click()
    leave = author.get_by_role("dialog", name="Leave without saving?")
    leave.get_by_role("button", name="Stay").click()
    expect(author.get_by_label("Id", exact=True)).to_have_value(RULE_ID)
    _save(author, "Make the rule…", "Agreed with the practice", "Make it")
    expect(_rules(author)).to_be_visible()

    row = _rules(other).get_by_role("row", name=re.compile("Night updates"))
    expect(row).to_contain_text("Ask first: Install security updates automatically")
    expect(row).to_contain_text("every day 22:00–05:00 next day")
    assert other.evaluate("window.notReloaded") is True
    assert _held(client)["when"]["condition"] == "facts.pending > 0"


def test_two_people_in_one_rule_lose_nothing(
    real: product.Central, client: Client, session: Any, open_page: OpenPage
) -> None:
    _put(client, limits={"maxRunsPerHostPerDay": 3}, maxStaleMinutes=90)
    page = open_page(real, refused=["/policy/update"])
    # Nobody tells this page of the colleague: it learns of them when it saves.
    page.route_web_socket(re.compile("/api/v1/live"), _silent)
    _signed_in(page, session).goto(f"/policy/rule?id={RULE_ID}")
    page.get_by_label("Runs per site in an hour").fill("2")
    page.get_by_label("Name", exact=True).fill("Mine")
    _put(client, name="Theirs", limits={"maxRunsPerHostPerDay": 1}, maxStaleMinutes=90)
    page.get_by_role("button", name="Save…").click()
    page.get_by_role("dialog").get_by_label("Reason").fill("Fewer at once")
    page.get_by_role("dialog").get_by_role("button", name="Save it").click()

    both = page.get_by_role("dialog", name="Somebody else changed this rule")
    expect(both.get_by_role("list", name="Taken from them")).to_contain_text(
        "Runs per host in 24 h"
    )
    expect(both.get_by_role("button", name="Go on with both")).to_be_disabled()
    both.get_by_label("Yours: Mine").check()
    both.get_by_role("button", name="Go on with both").click()
    expect(page.get_by_label("Runs per host in 24 h")).to_have_value("1")
    _save(page, "Save…", "Fewer at once", "Save it")
    expect(_rules(page)).to_be_visible()
    held = _held(client)
    assert held["name"] == "Mine"
    assert held["limits"] == {"maxRunsPerHostPerDay": 1, "maxRunsPerSitePerHour": 2}
    assert (held["maxStaleMinutes"], held["approval"]) == (90, NIGHT["approval"])


def _silent(route: WebSocketRoute) -> None:
    """The line stands, and what the server tells of changes does not arrive."""
    server = route.connect_to_server()
    server.on_message(lambda message: route.send(message) if '"type"' in str(message) else None)


def test_what_would_be_decided_is_told_with_what_would_unlock_it(
    real: product.Central, client: Client, session: Any, open_page: OpenPage
) -> None:
    _put(client)
    page = _signed_in(open_page(real), session)
    page.goto("/policy/try")
    _choose(page, "Check that fails", "security", "Security updates")
    page.get_by_label("At", exact=True).fill("2026-11-20T12:00")
    page.get_by_label("What was measured (facts in JSON)").fill("{")
    expect(page.get_by_role("button", name="Try it")).to_be_disabled()
    page.get_by_label("What was measured (facts in JSON)").fill('{"pending": 3}')
    page.get_by_role("button", name="Try it").click()
    answer = page.get_by_role("region", name="What would be decided")
    expect(answer.get_by_role("status")).to_have_text(re.compile("^(Ask|Block|Offer)"))
    trace = answer.get_by_role("list", name="Trace of the decision")
    expect(trace.get_by_role("listitem").first).to_contain_text("freeze")
    expect(trace.get_by_role("listitem").last).to_contain_text("verdict")
    ways = answer.get_by_role("list", name="What would unlock it")
    expect(ways.get_by_role("listitem").first).to_be_visible()


def test_one_goes_back_to_a_revision_and_sees_what_that_changes(
    real: product.Central, client: Client, session: Any, open_page: OpenPage
) -> None:
    _put(client, window=ALWAYS)
    before = _held(client)["revision"]
    _put(client, name="A mistake", effect="deny", window=ALWAYS)
    _decided(client, 3)
    page = _signed_in(open_page(real), session)
    page.goto("/policy/history")
    latest = page.get_by_role("list", name="Revisions").get_by_role("listitem").first
    expect(latest).to_contain_text("1 changed")
    latest.get_by_role("button", name=re.compile("^What changed")).click()
    expect(latest.get_by_role("list", name=f"Fields of {RULE_ID}")).to_contain_text("A mistake")
    page.get_by_role("button", name=f"Go back to revision {before}", exact=True).click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("list", name=f"Fields of {RULE_ID}")).to_contain_text("Night updates")
    expect(_turned(dialog)).to_have_text(re.compile("^Block→Ask3"))
    dialog.get_by_label("Reason").fill("Nobody meant that")
    dialog.get_by_role("button", name="Go back", exact=True).click()
    expect(dialog).to_have_count(0)
    expect(page.get_by_role("list", name="Revisions")).to_contain_text("Nobody meant that")
    held = _held(client)
    assert (held["name"], held.get("effect", "allow")) == (NIGHT["name"], "allow")
    assert held["revision"] > before


def test_a_restore_names_what_it_replaced(
    real: product.Central, client: Client, session: Any, open_page: OpenPage
) -> None:
    _put(client)
    page = _signed_in(open_page(real), session)
    page.goto("/policy/backups")
    page.get_by_role("button", name="Make a backup…").click()
    page.get_by_role("dialog").get_by_label("Reason (optional)").fill("Before the change")
    page.get_by_role("dialog").get_by_role("button", name="Make it").click()
    backups = page.get_by_role("region", name="Backups").last
    expect(backups).to_contain_text("Before the change")
    client.policy("delete", {"id": RULE_ID})
    backups.get_by_role("button", name=re.compile("^Check ")).first.click()
    expect(page.get_by_text(re.compile("is whole and could be restored"))).to_be_visible()
    with page.expect_download() as download:
        backups.get_by_role("link", name=re.compile("^Download ")).first.click()
    assert Path(download.value.path()).read_bytes().startswith(b"SQLite format 3")
    backups.get_by_role("button", name=re.compile("^Restore ")).first.click()
    dialog = page.get_by_role("dialog", name="Restore the rules")
    expect(dialog.get_by_text(re.compile("of the last 30 days"))).to_be_visible()
    dialog.get_by_label("Reason").fill("The rule is needed after all")
    dialog.get_by_role("button", name="Restore them").click()
    expect(page.get_by_text(re.compile(r"pre-restore-.*\.db"))).not_to_have_count(0)
    page.get_by_role("link", name="Rules").click()
    expect(_rules(page)).to_contain_text("Night updates")


@pytest.mark.parametrize(("viewport", "scheme"), SCREENS)
def test_every_policy_page_fits_and_has_no_grave_barrier(
    real: product.Central,
    client: Client,
    session: Any,
    open_page: OpenPage,
    shots: Path,
    viewport: dict[str, int],
    scheme: str,
) -> None:
    _put(client, effect="deny", window=ALWAYS)
    _put(client, window=ALWAYS)
    _decided(client, 2)
    page = _signed_in(open_page(real, viewport=viewport, scheme=scheme), session)
    pages = {
        "list": "/policy",
        "rule": f"/policy/rule?id={RULE_ID}",
        "try": "/policy/try",
        "history": "/policy/history",
        "backups": "/policy/backups",
    }
    wrong = []

    def look(name: str, *, whole: bool = True) -> None:
        file = shots / f"rules-{name}-{viewport['width']}-{scheme}.png"
        page.screenshot(path=file, full_page=whole)
        wide = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
        if wide > 0:
            wrong.append(f"{name}: {wide} px too wide")
        wrong.extend(f"{name}: {found}" for found in axe.violations(page))

    for name, address in pages.items():
        page.goto(address)
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        expect(page.get_by_role("status", name="Loading")).to_have_count(0)
        if name == "rule":
            page.get_by_label("Somebody has to approve it first").uncheck(force=True)
            expect(page.get_by_role("list", name="Changed fields")).to_be_visible()
            expect(_turned(page)).to_contain_text("Ask→Offer")
            _turned(page).get_by_text("Examples").first.click()
            expect(page.get_by_role("list", name=re.compile("Open in the next"))).to_be_visible()
        look(name)
        if name == "history":
            page.get_by_role("button", name=re.compile("^Go back to revision")).first.click()
            dialog = page.get_by_role("dialog")
            expect(_turned(dialog)).to_contain_text("Ask→Block")
            look("go-back", whole=False)
    assert not wrong, "\n".join(wrong)


def test_ten_thousand_rules_are_found_in_a_moment(
    real: product.Central, client: Client, session: Any, open_page: OpenPage
) -> None:
    rules = [NIGHT | {"id": f"many-{number}", "name": f"Many {number}"} for number in range(9_900)]
    for first in range(0, len(rules), BULK):
        client.policy("create", {"rules": rules[first : first + BULK]})
    page = _signed_in(open_page(real), session)
    page.goto("/policy")
    expect(_rules(page).get_by_role("row")).to_have_count(51)
    page.get_by_role("searchbox", name="Search the rules").fill("8765")
    expect(_rules(page).get_by_role("row")).to_have_count(2)
    expect(page).to_have_url(re.compile("q=.*8765"))
    page.reload()
    expect(_rules(page)).to_contain_text("Many 8765")
