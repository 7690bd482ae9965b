"""The agent loses power, or is killed, at every file operation of a short life: nothing is lost."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parents[2]
# The quick form looks at a drawn share of all operations; the full form at every one.
STRIDES = {"drop": 23, "tear": 17, "kill": 17}
SECONDS_MAX = 600


@pytest.fixture(scope="module")
def shim(tmp_path_factory: pytest.TempPathFactory) -> Path:
    compiler = shutil.which("cc")
    assert compiler is not None, "no C compiler (cc): install one (Debian: gcc), or run .ci/run"
    built = tmp_path_factory.mktemp("shim") / "powercut.so"
    subprocess.run(
        [
            *(compiler, "-O1", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", "-pthread"),
            *("-o", built, HERE / "powercut" / "powercut.c", "-ldl"),
        ],
        check=True,
    )
    return built


def _run(shim: Path, folder: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    mode, stride, seed, *careless = arguments
    driver = HERE / "powercut" / "driver.py"
    return subprocess.run(
        [sys.executable, driver, mode, stride, seed, folder, *careless],
        env={**os.environ, "LD_PRELOAD": str(shim), "PYTHONPATH": f"{ROOT}:{ROOT / 'src'}"},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=SECONDS_MAX,
    )


def _cut(shim: Path, mode: str, stride: int, seed: int, folder: Path) -> dict[str, int]:
    done = _run(shim, folder, mode, str(stride), str(seed % 1_000_000))
    assert done.returncode == 0, done.stderr[-6000:]
    counted: dict[str, int] = json.loads(done.stdout)
    return counted


@pytest.mark.parametrize("mode", ["drop", "tear", "kill"])
def test_no_cut_loses_doubles_or_breaks_anything(
    shim: Path, mode: str, seed: int, tmp_path: Path
) -> None:
    counted = _cut(shim, mode, STRIDES[mode], seed, tmp_path)
    assert counted["operations"] > 50, "the shim did not see the agent write"
    assert counted["cuts"] >= counted["operations"] // STRIDES[mode]


@pytest.mark.full
@pytest.mark.parametrize("mode", ["drop", "tear", "kill"])
def test_no_cut_at_any_operation_loses_doubles_or_breaks_anything(
    shim: Path, mode: str, seed: int, tmp_path: Path
) -> None:
    counted = _cut(shim, mode, 1, seed, tmp_path)
    assert counted["cuts"] == counted["operations"]


def test_the_model_finds_a_store_that_does_not_wait_for_the_disk(
    shim: Path, seed: int, tmp_path: Path
) -> None:
    done = _run(shim, tmp_path, "drop", "5", str(seed % 1_000_000), "careless")
    assert done.returncode != 0
    assert "a committed bundle is gone" in done.stderr
