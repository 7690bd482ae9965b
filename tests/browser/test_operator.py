"""An operator's shift: sees repairs arrive, gives leave to one, clears a hold; by hand and by key."""

import re
import time
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Locator, Page, Request, WebSocketRoute, expect

from tests.browser import axe
from tests.browser.visit import PHONE, SCREENS, OpenPage, sign_in
from tests.harness import product

pytestmark = pytest.mark.browser

# Within two minutes the demo has asked, healed and held; then one appliance has to act.
SHOWN_MS_MAX = 150_000
DONE_MS_MAX = 60_000
# Long enough for three rounds of the four seconds at which a page could poll.
SILENT_MS = 12_000
# The round that follows the first hello is over then.
SETTLED_MS = 4_000
LOOK_MS = 200
SESSION = "/api/v1/session"


@pytest.fixture
def page(demo: product.Central, open_page: OpenPage) -> Page:
    return _signed_in(demo, open_page(demo))


def _signed_in(demo: product.Central, page: Page) -> Page:
    sign_in(page, *demo.login())
    expect(page.get_by_role("heading", name="Fleet", level=1)).to_be_visible()
    expect(_line(page)).to_have_text("Live")
    return page


def _line(page: Page) -> Locator:
    return page.get_by_role("banner").get_by_role("status")


def _asked(page: Page) -> list[str]:
    """The paths that the page asks Central for from now on."""
    paths: list[str] = []

    def note(request: Request) -> None:
        path = urlsplit(request.url).path
        if path.startswith("/api/") and path != SESSION:
            paths.append(path)

    page.on("request", note)
    return paths


def test_a_repair_arrives_while_one_looks(page: Page) -> None:
    page.goto("/incidents")
    table = page.get_by_role("region", name="Incidents").last
    links = table.locator("tbody tr a[href*='/incidents/']")
    expect(links.first).to_be_visible()
    seen = set(links.evaluate_all("all => all.map(({href}) => href)"))
    page.evaluate("window.notReloaded = true")
    healed = table.locator("tbody tr", has_text="Healed").locator("a[href*='/incidents/']")
    deadline = time.monotonic() + DONE_MS_MAX / 1000
    while not set(healed.evaluate_all("all => all.map(({href}) => href)")) - seen:
        assert time.monotonic() < deadline, "no repair arrived on the open page"
        page.wait_for_timeout(LOOK_MS)
    assert page.evaluate("window.notReloaded") is True


def test_nothing_is_asked_for_while_nothing_changes(
    demo: product.Central, open_page: OpenPage
) -> None:
    page = open_page(demo)
    page.route_web_socket(re.compile("/api/v1/live"), _only_hello)
    _signed_in(demo, page)
    lasted = _lasted(page)
    tabs = {}
    for address in (
        "/",
        "/incidents",
        "/approvals",
        "/holds",
        lasted.partition("/incidents/")[0],
        lasted,
    ):
        # All at once: each has to be silent for as long as any polling could pause.
        tab = tabs[address] = page.context.new_page()
        tab.route_web_socket(re.compile("/api/v1/live"), _only_hello)
        tab.goto(address)
        expect(tab.get_by_role("heading", level=1)).to_be_visible()
        expect(_line(tab)).to_have_text("Live")
    page.wait_for_timeout(SETTLED_MS)
    asked = {address: _asked(tab) for address, tab in tabs.items()}
    page.wait_for_timeout(SILENT_MS)
    assert asked == {address: [] for address in tabs}
    for tab in tabs.values():
        expect(_line(tab)).to_have_text("Live")


def _lasted(page: Page) -> str:
    """The address of an incident whose heal was stable: nothing moves it any more by itself."""
    deadline = time.monotonic() + SHOWN_MS_MAX / 1000
    while True:
        said = page.request.get("/api/v1/incidents?state=stable&limit=1")
        if found := said.json()["items"]:
            return f"/sites/{found[0]['site_id']}/incidents/{found[0]['id']}"
        assert time.monotonic() < deadline, "no heal was stable"
        page.wait_for_timeout(LOOK_MS)


def _only_hello(route: WebSocketRoute) -> None:
    """The line stands and is silent: what the server tells of changes does not arrive."""
    server = route.connect_to_server()

    def pass_on(message: str | bytes) -> None:
        if '"type"' in str(message):
            route.send(message)

    server.on_message(pass_on)


def test_everything_can_be_done_with_keys(page: Page) -> None:
    page.keyboard.press("?")
    keys = page.get_by_role("dialog", name="Keys")
    expect(keys).to_be_visible()
    page.keyboard.press("g")
    page.keyboard.press("i")
    expect(keys).to_be_visible()
    page.keyboard.press("Escape")
    expect(keys).to_have_count(0)

    page.keyboard.press("g")
    page.keyboard.press("i")
    expect(page.get_by_role("heading", name="Incidents", level=1)).to_be_visible()
    expect(page.get_by_role("region", name="Incidents").last).to_be_visible()
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("k")
    first = page.locator("tbody tr").first.get_by_role("link").first
    expect(first).to_be_focused()

    page.keyboard.press("g")
    page.keyboard.press("a")
    expect(page.get_by_role("heading", name="Approvals", level=1)).to_be_visible()
    reject = page.get_by_role("button", name="Reject…").first
    expect(reject).to_be_visible(timeout=SHOWN_MS_MAX)
    reject.focus()
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_label("Reason")).to_be_focused()
    page.keyboard.type("g f ? j")
    expect(dialog.get_by_label("Reason")).to_have_value("g f ? j")
    for _ in range(8):
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.closest('[role=dialog]') !== null")
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    expect(reject).to_be_focused()


def test_one_approves_a_repair_and_sees_it_run_and_heal(page: Page) -> None:
    page.get_by_role("link", name=re.compile("^Approvals")).click()
    waiting = page.get_by_role("article").filter(
        has_text="reception-pc", has=page.get_by_role("button", name="Approve…")
    )
    card = waiting.filter(has_text="SSH server configuration").first
    expect(card).to_be_visible(timeout=SHOWN_MS_MAX)
    expect(card.get_by_role("figure")).to_have_accessible_name(re.compile("^Change: "))
    expect(card).to_contain_text("medium risk")
    expect(card).to_contain_text("expires in")
    story = card.get_by_role("heading").get_by_role("link")
    address = story.get_attribute("href") or ""
    # From here on it is told from others by its address; it stays where it was.
    here = page.get_by_role("article").filter(has=page.locator(f"a[href='{address}']"))

    card.get_by_role("button", name="Reject…").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("button", name="Reject", exact=True)).to_be_disabled()
    dialog.get_by_role("button", name="Cancel").click()
    expect(dialog).to_have_count(0)

    card.get_by_role("button", name="Approve…").click()
    dialog.get_by_label("Reason (optional)").fill("Agreed with the practice manager")
    dialog.get_by_role("button", name="Approve", exact=True).click()
    expect(dialog).to_have_count(0)
    answers = here.get_by_role("list", name="Answers").first
    expect(answers).to_contain_text("Agreed with the practice manager")
    progress = here.get_by_role("list", name="Progress of the order").first
    expect(progress).to_contain_text("Succeeded, done", timeout=DONE_MS_MAX)
    expect(here.get_by_role("link", name=re.compile(r"^Log entry \d+")).first).to_be_visible()

    page.goto(address)
    headline = page.get_by_role("heading", level=1)
    expect(headline).to_contain_text(
        re.compile(r"^\S+ passes on .+ repaired it, and "), timeout=DONE_MS_MAX
    )
    expect(page.get_by_role("list", name="Progress of the order").first).to_be_visible()
    site = address.split("/incidents/")[0]
    page.goto(f"{site}?tab=orders")
    orders = page.get_by_role("region", name="Orders").last
    expect(orders.get_by_role("row").nth(1)).to_contain_text("Agreed with the practice manager")


def test_one_clears_a_hold_with_a_reason_and_sees_it_cleared(page: Page) -> None:
    page.get_by_role("link", name=re.compile("^Holds")).click()
    card = page.get_by_role("article").filter(has_text="file-server").first
    expect(card).to_be_visible(timeout=SHOWN_MS_MAX)
    expect(card).to_contain_text("kernel_sysctl")
    ticket = card.get_by_role("link", name="The incident that it is about")
    expect(ticket).to_be_visible()
    card.get_by_role("button", name="Clear…").click()
    dialog = page.get_by_role("dialog")
    clear = dialog.get_by_role("button", name="Clear the hold")
    expect(clear).to_be_disabled()
    dialog.get_by_label("Reason").fill("The rival script is gone")
    clear.click()
    expect(dialog).to_have_count(0)
    expect(card.get_by_text(re.compile("^Clear(ing…|ed)$")).first).to_be_visible()
    expect(card.get_by_text("Cleared", exact=True)).to_be_visible(timeout=DONE_MS_MAX)
    expect(card).to_contain_text(re.compile(r"by \S.*: The rival script is gone"))
    ticket.click()
    expect(page.get_by_role("article").filter(has_text="The rival script is gone")).to_be_visible()


def test_one_looks_again_hands_over_and_sees_how_runbooks_last(page: Page) -> None:
    page.goto(_lasted(page))
    can = page.get_by_role("group", name="What you can do")
    can.get_by_role("button", name="Check again").click()
    order = page.get_by_role("region", name="Check again")
    expect(order).to_contain_text("Succeeded, done", timeout=DONE_MS_MAX)
    expect(order).to_contain_text(re.compile(r"(pass|fail): \S"))
    expect(page.get_by_role("region", name="What was undone")).to_contain_text("Stands")

    can.get_by_role("button", name="Hand over…").click()
    dialog = page.get_by_role("dialog")
    give = dialog.get_by_role("button", name="Hand over", exact=True)
    dialog.get_by_label("What they need to know").fill("The vendor calls back at nine")
    expect(give).to_be_disabled()
    dialog.get_by_label("To whom").click()
    page.get_by_role("option").first.click()
    give.click()
    expect(dialog).to_have_count(0)
    hands = page.get_by_role("region", name="In whose hands")
    expect(hands).to_contain_text("The vendor calls back at nine")

    page.get_by_role("link", name="Runbooks").click()
    proved = page.get_by_role("region", name="Runbooks").last
    expect(proved).to_contain_text(re.compile(r"(?<!\d)[1-9]\d* of [1-9]\d* stable"))


def test_the_line_says_when_there_is_none_and_comes_back(
    demo: product.Central, open_page: OpenPage
) -> None:
    page = open_page(demo)
    # No request is under way when the network goes.
    page.route_web_socket(re.compile("/api/v1/live"), _only_hello)
    _signed_in(demo, page)
    page.wait_for_timeout(SETTLED_MS)
    context = page.context
    page.evaluate("window.notReloaded = true")
    context.set_offline(True)
    expect(_line(page)).to_have_text("Offline")
    context.set_offline(False)
    expect(_line(page)).to_have_text("Live")
    assert page.evaluate("window.notReloaded") is True


@pytest.mark.parametrize(("viewport", "scheme"), SCREENS)
def test_every_page_fits_and_has_no_grave_barrier(
    demo: product.Central,
    open_page: OpenPage,
    shots: Path,
    viewport: dict[str, int],
    scheme: str,
) -> None:
    page = _signed_in(demo, open_page(demo, viewport=viewport, scheme=scheme))
    held = _first_held(page)
    pages = {
        "fleet": "/",
        "site": held.split("/incidents/")[0],
        "incident": held,
        "incidents": "/incidents",
        "approvals": "/approvals",
        "holds": "/holds",
        "runbooks": "/runbooks",
        "promotions": "/promotions",
        "deviations": "/deviations",
        "site-incidents": f"{held.split('/incidents/')[0]}?tab=incidents",
        "orders": f"{held.split('/incidents/')[0]}?tab=orders",
        "settings": f"{held.split('/incidents/')[0]}?tab=settings",
        "policy": "/policy",
        "audit": "/audit",
        "record": "/audit?record=1",
    }
    wrong = []
    for name, address in pages.items():
        page.goto(address)
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        expect(page.get_by_role("status", name="Loading")).to_have_count(0)
        if name == "settings":
            page.get_by_role("button", name="Change").click()
        page.screenshot(
            path=shots / f"operator-{name}-{viewport['width']}-{scheme}.png", full_page=True
        )
        wide = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
        if wide > 0:
            wrong.append(f"{address}: {wide} px too wide")
        wrong += [f"{address}: {found}" for found in axe.violations(page)]
    assert not wrong, "\n".join(wrong)


def _first_held(page: Page) -> str:
    """The address of an incident that a hold escalated; the hold may be over."""
    page.goto("/holds")
    found = page.get_by_role("main").locator("a[href*='/incidents/']").first
    expect(found).to_be_visible(timeout=SHOWN_MS_MAX)
    return found.get_attribute("href") or ""


def test_one_freezes_a_site_sees_who_obeys_and_lifts_it_with_a_reason(
    demo: product.Central, open_page: OpenPage, shots: Path
) -> None:
    page = _signed_in(demo, open_page(demo, viewport=PHONE, scheme="dark"))
    name = demo.status()["sites"][0]["name"]
    page.get_by_role("link", name=name).first.click()
    expect(page.get_by_role("heading", name=name, level=1)).to_be_visible()
    page.get_by_role("button", name="Freeze…").click()
    dialog = page.get_by_role("dialog")
    throw = dialog.get_by_role("button", name="Freeze", exact=True)
    expect(throw).to_be_disabled()
    dialog.get_by_label("Reason").fill("The scanners stopped after last night")
    throw.click()
    expect(dialog).to_have_count(0)
    banner = page.get_by_role("region", name=f"Frozen: {name}")
    expect(banner).to_contain_text("The scanners stopped after last night")
    expect(page.get_by_role("button", name="Freeze…")).to_have_count(0)
    page.evaluate("window.notReloaded = true")
    expect(banner.get_by_role("status")).to_have_text("1 of 1 appliance has confirmed.")
    assert page.evaluate("window.notReloaded") is True
    page.screenshot(path=shots / "operator-frozen-390-dark.png", full_page=True)
    assert page.evaluate("document.documentElement.scrollWidth - window.innerWidth") <= 0
    assert not axe.violations(page)

    fleet = _signed_in(demo, open_page(demo))
    frozen = fleet.get_by_role("region", name=f"Frozen: {name}")
    expect(frozen).to_be_visible()
    fleet.screenshot(path=shots / "operator-frozen-1440-light.png", full_page=True)
    assert not axe.violations(fleet)

    banner.get_by_role("button", name="Lift…").click()
    lift = dialog.get_by_role("button", name="Lift the freeze")
    expect(lift).to_be_disabled()
    dialog.get_by_label("Reason").fill("It was the scanner's own update")
    lift.click()
    expect(banner).to_have_count(0)
    # The other page heard of it by itself.
    expect(frozen).to_have_count(0)
