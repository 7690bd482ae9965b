"""The product as a person meets it: `wardline up` in its own process, and chromium in front of it.

Every page is watched: an error on the console, a page error, a refused resource of the content
policy or a failed request for one of our files fails the test that caused it.
"""

import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    expect,
    sync_playwright,
)

from tests.browser.visit import DESKTOP, OpenPage
from tests.harness import product

FLAGS = [
    "--headless",
    # The hosts of these tests are made up, and are all this machine.
    "--no-proxy-server",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome")
WAIT_MS_MAX = 20_000
Launch = Callable[..., Browser]
expect.set_options(timeout=WAIT_MS_MAX)
STATIC = Path("src/wardline/central/static/index.html")
# chromium reports the 401 of "who am I" before the sign-in; nothing else may be refused.
EXPECTED = "api/v1/session"


@dataclass
class Watch:
    """What the pages of one test complained of."""

    complaints: list[str] = field(default_factory=list)
    expected: set[str] = field(default_factory=lambda: {EXPECTED})

    def console(self, message: ConsoleMessage) -> None:
        where = urlsplit(message.location.get("url", "")).path
        if message.type in ("error", "warning") and not where.endswith(tuple(self.expected)):
            self.complaints.append(f"{message.type}: {message.text} ({where})")

    def attach(self, page: Page) -> None:
        page.on("console", self.console)
        page.on("pageerror", lambda error: self.complaints.append(f"page error: {error}"))


@pytest.fixture(scope="session")
def launch() -> Iterator[Launch]:
    """Starts a chromium with more flags than the usual ones."""
    path = next(filter(None, map(shutil.which, CHROMIUM_NAMES)))
    with sync_playwright() as playwright:
        yield lambda *flags: playwright.chromium.launch(executable_path=path, args=[*FLAGS, *flags])


@pytest.fixture(scope="session")
def chromium(launch: Launch) -> Iterator[Browser]:
    browser = launch()
    yield browser
    browser.close()


@pytest.fixture(scope="session", autouse=True)
def dashboard(pytestconfig: pytest.Config) -> None:
    """Central serves what was built; without a build these tests say so, not 503."""
    built = pytestconfig.rootpath / STATIC
    assert built.exists(), f"{STATIC} is missing: run `make dashboard` first"


@pytest.fixture(scope="session")
def shots(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the pictures of this run land."""
    return tmp_path_factory.mktemp("screenshots")


@pytest.fixture
def open_page(chromium: Browser) -> Iterator[OpenPage]:
    """Opens pages of a Central; at the end of the test none of them may have complained."""
    watch = Watch()
    contexts: list[BrowserContext] = []

    def open_one(
        central: product.Central,
        *,
        viewport: dict[str, int] = DESKTOP,
        scheme: str = "light",
        refused: Sequence[str] = (),
    ) -> Page:
        # Ends of addresses that the test has refused on purpose: chromium reports each of them.
        watch.expected.update(refused)
        context = chromium.new_context(
            base_url=central.address["url"],
            viewport=viewport,  # type: ignore[arg-type]
            color_scheme=scheme,  # type: ignore[arg-type]
            reduced_motion="reduce",
        )
        context.set_default_timeout(WAIT_MS_MAX)
        contexts.append(context)
        page = context.new_page()
        watch.attach(page)
        return page

    yield open_one
    for context in contexts:
        context.close()
    assert not watch.complaints, "\n".join(watch.complaints)


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[product.Central]:
    """The demo, once one of its incidents is stable and in the log."""
    central = product.Central(tmp_path_factory.mktemp("demo"), "--demo").start()
    try:

        def lasted() -> int:
            return int(central.status()["totals"]["incidents"]["stable"])

        product.wait_for(lasted, "a heal of the demo lasts", 90)
        yield central
    finally:
        central.stop()


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[product.Central]:
    """A Central at its first start: no site, and a one-time password."""
    central = product.Central(tmp_path_factory.mktemp("real")).start()
    yield central
    central.stop()
