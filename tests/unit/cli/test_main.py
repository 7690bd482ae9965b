"""The wardline command as a whole: one exit code for every line that it cannot take."""

import runpy
import sys
from pathlib import Path

import pytest

from wardline.cli import main as cli

TOKEN = f"wl1.tok.{'s' * 43}.{'0' * 64}"


def ends_with(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> object:
    monkeypatch.setattr(sys, "argv", ["wardline", *arguments])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    return ended.value.code


@pytest.mark.parametrize(
    "line",
    [
        "",
        "nonsense",
        "up --nonsense",
        "up surplus",
        "up --port http",
        "up --port 70000",
        "up --tls-key alone.key",
        "up --behind-proxy 10.0.0.5",
        "status surplus",
        "status --data",
        "agent",
        "agent nonsense",
        "agent enrol",
        "agent freeze",
        "agent unfreeze surplus",
        "freeze",
        "freeze --partner --site site_x --reason why",
        "freeze lift --partner",
        "freeze surplus",
        "agent enrol http://127.0.0.1:1 no-token --no-local",
        f"agent enrol not-an-address {TOKEN}",
        f"agent enrol http://127.0.0.1:1 {TOKEN} --no-local",
        "agent run --nonsense",
        "agent once --tree nameless",
        "agent once --tree name=/nowhere/at/all",
        "evidence",
        "audit",
        "evidence nonsense",
        "evidence export",
        "evidence verify",
        "evidence verify a b",
        "evidence verify --nonsense a",
        "evidence verify a --trust",
    ],
)
def test_every_line_that_cannot_be_taken_ends_with_64_and_a_reason(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    line: str,
) -> None:
    monkeypatch.setenv("WARDLINE_DATA", str(tmp_path / "central"))
    monkeypatch.setenv("WARDLINE_AGENT_DATA", str(tmp_path / "agent"))
    assert ends_with(monkeypatch, *line.split()) == cli.EXIT_USAGE
    said = capsys.readouterr()
    assert said.err or said.out
    assert "Traceback" not in said.err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("line", ["--help", "--version", "up --help", "agent run --help"])
def test_asking_for_help_is_no_mistake(monkeypatch: pytest.MonkeyPatch, line: str) -> None:
    assert ends_with(monkeypatch, *line.split()) == 0


def test_what_is_refused_or_missing_is_no_mistake_of_usage(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert ends_with(monkeypatch, "status", "--data", str(tmp_path)) == cli.EXIT_FAILED
    assert ends_with(monkeypatch, "agent", "run", "--data", str(tmp_path)) == cli.EXIT_FAILED


@pytest.mark.parametrize("line", ["", "nonsense", "once --tree nameless", "run --nonsense"])
def test_the_agents_own_command_says_the_same(monkeypatch: pytest.MonkeyPatch, line: str) -> None:
    monkeypatch.setattr(sys, "argv", ["wardline agent", *line.split()])
    monkeypatch.delitem(sys.modules, "wardline.agent.__main__", raising=False)
    with pytest.raises(SystemExit) as ended:
        runpy.run_module("wardline.agent", run_name="__main__")
    assert ended.value.code == cli.EXIT_USAGE
