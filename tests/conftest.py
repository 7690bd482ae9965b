"""What every test shares: one printed seed, the order of the suites, and the `--full` switch."""

import gc
import os
import random
import shutil
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

TESTS = Path(__file__).parent
# Cheap suites first: what is broken at the bottom is seen before what stands on it.
SUITES = ("tidy", "unit", "property", "integration", "fault", "browser")
SEED_BITS = 32
SUITE_SECONDS = pytest.StashKey["SuiteSeconds"]()
CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome")

# The discard port, on which nothing listens.
NOWHERE = "http://127.0.0.1:9"
EXAMPLES_FULL = 2000

settings.register_profile(
    "wardline", deadline=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile("full", settings.get_profile("wardline"), max_examples=EXAMPLES_FULL)
settings.load_profile("wardline")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--full", action="store_true", help="also run the long form of the tests")


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("--hypothesis-seed") is None:
        given = os.environ.get("WARDLINE_TEST_SEED")
        config.option.hypothesis_seed = given or str(random.SystemRandom().getrandbits(SEED_BITS))
    if config.getoption("--full"):
        settings.load_profile("full")
    random.seed(int(config.option.hypothesis_seed))
    _stay_here()
    config.stash[SUITE_SECONDS] = SuiteSeconds(config.rootpath)
    config.pluginmanager.register(config.stash[SUITE_SECONDS])


def _stay_here() -> None:
    """Tests speak to this machine alone: whatever asks beyond it is led to a proxy that is not
    there. They trust no authorities of the system, which each client would have read anew (40 ms)."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        os.environ[name] = os.environ[name.lower()] = NOWHERE
    os.environ["NO_PROXY"] = os.environ["no_proxy"] = "127.0.0.1,localhost,::1"
    os.environ.pop("SSL_CERT_FILE", None)
    os.environ["SSL_CERT_DIR"] = os.devnull


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    # The longest files of a suite first: at the end of one of them the other processes would wait.
    sizes = Counter(item.path for item in items)
    items.sort(key=lambda item: (SUITES.index(_suite(item.path)), -sizes[item.path]))
    if not config.getoption("--full"):
        kept = [item for item in items if item.get_closest_marker("full") is None]
        config.hook.pytest_deselected(items=[item for item in items if item not in kept])
        items[:] = kept
    if not _chromium():
        missing = pytest.mark.skip(reason="no chromium on this machine")
        for item in items:
            if _suite(item.path) == "browser":
                item.add_marker(missing)


def pytest_collection_finish() -> None:
    """What is collected lives to the end. Frozen, no pass of the garbage collector goes through it:
    one took up to half a second of whichever test's processor time it fell into."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """Coroutine tests run on asyncio, which is what the product runs on."""
    return "asyncio"


@pytest.fixture(scope="session")
def seed(pytestconfig: pytest.Config) -> int:
    """The seed of this run, for a test that draws its own numbers."""
    return int(pytestconfig.getoption("--hypothesis-seed"))


class SuiteSeconds:
    """How long the tests of each suite took, whichever process ran them."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self.spent: dict[str, float] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        suite = _suite(self._root / report.nodeid.partition("::")[0])
        self.spent[suite] = self.spent.get(suite, 0.0) + report.duration


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    config = terminalreporter.config
    if seconds := config.stash[SUITE_SECONDS].spent:
        shares = ", ".join(f"{suite} {spent:.1f} s" for suite, spent in seconds.items())
        terminalreporter.write_line(f"time by suite: {shares}")
    seed = config.getoption("--hypothesis-seed")
    terminalreporter.write_line(f"seed: {seed} (the same again: WARDLINE_TEST_SEED={seed})")
    if "browser" in seconds and not _chromium():
        terminalreporter.section("CHROMIUM IS MISSING", sep="!", red=True, bold=True)
        terminalreporter.write_line(
            "The browser tests did not run: no chromium on this machine. Install it"
            " (Debian: apt-get install chromium) or run .ci/run, which does.",
            red=True,
        )


def _suite(path: Path) -> str:
    return path.relative_to(TESTS).parts[0]


def _chromium() -> str | None:
    return next(filter(None, map(shutil.which, CHROMIUM_NAMES)), None)
