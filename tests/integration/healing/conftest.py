"""What the stories stand on: a healthy host to copy, and one sshd that enters each scenario's tree."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.harness import openssh
from tests.integration.healing.stage import Box
from tests.unit.agent import host_trees


@pytest.fixture(scope="session")
def healthy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clinic's host on which every check passes; only to be copied."""
    return host_trees.clinic(tmp_path_factory.mktemp("healthy") / "host")


@pytest.fixture(scope="session")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Box]:
    folder = tmp_path_factory.mktemp("box")
    toolbox, root = openssh.furnish(folder / "toolbox"), folder / "root"
    with openssh.serving(folder / "sshd", root=root) as server:
        yield Box(server, root, toolbox)
