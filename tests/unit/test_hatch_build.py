"""The dashboard build: it runs when its sources changed, and never passes over a failure."""

from pathlib import Path

import pytest

import hatch_build


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with a dashboard; npm is replaced by one that writes what vite would."""
    dashboard = tmp_path / "dashboard"
    (dashboard / "src").mkdir(parents=True)
    for name in ("package.json", "package-lock.json", "src/main.tsx"):
        (dashboard / name).write_text(name)
    calls: list[str] = []

    def npm(folder: Path, *arguments: str) -> None:
        calls.append(arguments[0])
        (folder / "node_modules").mkdir(exist_ok=True)
        if arguments[0] == "run":
            static = tmp_path / hatch_build.STATIC
            static.mkdir(parents=True, exist_ok=True)
            (static / "index.html").write_text("built")

    monkeypatch.setattr(hatch_build, "npm", npm)
    monkeypatch.setattr(hatch_build, "calls", calls, raising=False)
    return tmp_path


def calls() -> list[str]:
    return hatch_build.calls  # type: ignore[attr-defined, no-any-return]


def test_a_second_build_of_the_same_sources_runs_nothing(root: Path) -> None:
    assert hatch_build.build(root)
    assert calls() == ["ci", "run"]
    assert hatch_build.build(root)
    assert calls() == ["ci", "run"]


def test_a_changed_source_builds_without_installing_again(root: Path) -> None:
    hatch_build.build(root)
    (root / "dashboard/src/main.tsx").write_text("other")
    hatch_build.build(root)
    assert calls() == ["ci", "run", "run"]


def test_a_changed_lock_installs_again(root: Path) -> None:
    hatch_build.build(root)
    (root / "dashboard/package-lock.json").write_text("other")
    hatch_build.build(root)
    assert calls() == ["ci", "run", "ci", "run"]


def test_removed_output_is_built_again(root: Path) -> None:
    hatch_build.build(root)
    (root / hatch_build.STATIC / "index.html").unlink()
    hatch_build.build(root)
    assert calls() == ["ci", "run", "run"]


def test_a_failing_build_is_an_error_and_is_tried_again(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    working = hatch_build.npm

    def failing(folder: Path, *arguments: str) -> None:
        raise hatch_build.DashboardFailed("vite: no")

    monkeypatch.setattr(hatch_build, "npm", failing)
    with pytest.raises(hatch_build.DashboardFailed, match="vite: no"):
        hatch_build.build(root)
    monkeypatch.setattr(hatch_build, "npm", working)
    assert hatch_build.build(root)
    assert calls() == ["ci", "run"]


def test_a_missing_dashboard_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert not hatch_build.build(tmp_path)
    assert "dashboard/package.json does not exist" in capsys.readouterr().err


def test_npm_failure_shows_the_end_of_its_output(tmp_path: Path) -> None:
    (tmp_path / "package.json").write_text('{"scripts": {"x": "echo the reason; exit 3"}}')
    with pytest.raises(hatch_build.DashboardFailed, match="the reason"):
        hatch_build.npm(tmp_path, "run", "x")
