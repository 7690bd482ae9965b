"""The preparation of a checkout: what it takes from the lock, and when it does its work again."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import bootstrap


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout with a .venv whose stamp fits; installing is counted instead of done."""
    for name in bootstrap.STAMPED:
        (tmp_path / name).write_text(name)
    monkeypatch.setattr(bootstrap, "ROOT", tmp_path)
    monkeypatch.setattr(bootstrap, "TOOLS", tmp_path / ".bootstrap")
    monkeypatch.setattr(bootstrap, "STAMP", tmp_path / ".venv" / ".wardline.json")
    monkeypatch.setattr(bootstrap, "PYTHON", tmp_path / ".venv" / "bin" / "python")
    bootstrap.PYTHON.parent.mkdir(parents=True)
    bootstrap.PYTHON.symlink_to(sys.executable)
    bootstrap.STAMP.write_text(json.dumps(bootstrap._wanted()))
    installed: list[dict[str, str]] = []
    monkeypatch.setattr(bootstrap, "_install", installed.append)
    monkeypatch.setattr(bootstrap, "installed", installed, raising=False)
    return tmp_path


def installs() -> int:
    bootstrap.setup()
    return len(bootstrap.installed)  # type: ignore[attr-defined]


def test_a_fitting_stamp_means_nothing_to_do(checkout: Path) -> None:
    assert installs() == 0


@pytest.mark.parametrize("name", bootstrap.STAMPED)
def test_a_changed_input_installs_again(checkout: Path, name: str) -> None:
    (checkout / name).write_text("other")
    assert installs() == 1


@pytest.mark.parametrize("content", ["", "{", "[]", '{"python": "3.1.0"}'])
def test_a_damaged_stamp_installs_again(checkout: Path, content: str) -> None:
    bootstrap.STAMP.write_text(content)
    assert installs() == 1


def test_a_python_that_is_gone_installs_again(checkout: Path) -> None:
    bootstrap.PYTHON.unlink()
    bootstrap.PYTHON.symlink_to(checkout / "gone")
    assert installs() == 1


def test_a_missing_lock_is_named(checkout: Path) -> None:
    (checkout / "requirements.lock").unlink()
    with pytest.raises(bootstrap.Failed, match=r"requirements\.lock is missing in .*"):
        bootstrap.setup()


def test_uv_is_installed_from_the_lock_with_its_hashes() -> None:
    requirement = bootstrap._requirement("uv")
    assert re.match(r"uv==\d+\.\d+\.\d+ \\\n    --hash=sha256:[0-9a-f]{64}", requirement)
    assert "==" not in requirement.removeprefix("uv==")


def test_every_pin_has_a_hash_and_no_address() -> None:
    text = bootstrap.LOCK.read_text()
    pins = re.findall(r"^\S+==\S+.*?(?=^\S|\Z)", text, re.MULTILINE | re.DOTALL)
    assert len(pins) > 50
    assert all("--hash=sha256:" in pin for pin in pins)
    assert "://" not in text


@pytest.mark.parametrize(
    ("said", "following"),
    [
        ("failed to write: No space left on device (os error 28)", "disk is full"),
        ("dns error: failed to lookup address information", "cannot be reached"),
        ("invalid peer certificate: UnknownIssuer", "TLS certificate"),
        ("/usr/bin/python3: No module named pip", "has no pip"),
        ("something else", "resumes where it stopped"),
    ],
)
def test_a_failed_step_says_what_next(checkout: Path, said: str, following: str) -> None:
    command = [sys.executable, "-c", f"print({said!r}); raise SystemExit(1)"]
    with pytest.raises(bootstrap.Failed, match=following) as caught:
        bootstrap._run("a step", command)
    assert said in str(caught.value)


def test_an_old_python_is_told_which_one_is_needed() -> None:
    too_old = "import sys; sys.version_info = (3, 9, 0); sys.argv = ['x']\n"
    source = f"exec(compile(open({str(bootstrap.__file__)!r}).read(), 'bootstrap.py', 'exec'))"
    done = subprocess.run(
        [sys.executable, "-c", too_old + source],
        env=os.environ | {"PATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "needs 3.11 or newer" in done.stderr
