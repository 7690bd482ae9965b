"""An enrolled appliance whose loops are turned by hand, before a Central that is faked."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.agent.bench import Bench


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(tmp_path)
    yield made
    made.close()
