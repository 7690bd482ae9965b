"""The gate: it passes only when every stage did, and says which did not."""

import sys

import httpx2
import pytest

from bench import __main__ as bench
from tests import gate


@pytest.mark.parametrize(("code", "wanted"), [(0, 0), (3, 1)])
def test_the_gate_passes_only_when_every_stage_passes(
    code: int,
    wanted: int,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    good = gate.Stage("good", (sys.executable, "-c", "print('hidden')"))
    other = gate.Stage("other", (sys.executable, "-c", f"print('shown'); raise SystemExit({code})"))
    monkeypatch.setitem(gate.STATIC, "check", (good, other))
    assert gate.main("check", []) == wanted
    said = capsys.readouterr().out
    assert "hidden" not in said
    assert ("shown" in said) == (code != 0)
    assert ("other failed" in said) == (code != 0)


def test_every_gate_covers_what_it_promises() -> None:
    names = {name: {stage.name for stage in stages} for name, stages in gate.STATIC.items()}
    assert names["quick"] == {"format", "lint", "types"}
    assert names["check"] >= {"format", "lint", "types", "imports", "tidy"}
    assert names["test"] >= {"format", "lint", "types", "imports"}
    assert gate.SUITES["test"] == gate.SUITES["soak"] == ("tests",)


@pytest.mark.parametrize(("name", "long"), [("test", []), ("quick", []), ("soak", ["--full"])])
def test_only_a_soak_runs_the_long_forms_and_it_does(
    name: str, long: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[list[str]] = []

    def note(_: list[str], arguments: list[str]) -> int:
        started.append(arguments)
        return 0

    monkeypatch.setitem(gate.STATIC, name, ())
    monkeypatch.setattr(gate, "_dashboard", tuple)
    monkeypatch.setattr(gate, "_pytest", note)
    assert gate.main(name, ["-k", "x"]) == 0
    assert started == [[*long, "-k", "x"]]


def test_what_a_test_asks_beyond_this_machine_goes_nowhere() -> None:
    with httpx2.Client(timeout=5) as client, pytest.raises(httpx2.ConnectError):
        client.get("http://example.com/")


@pytest.mark.parametrize(
    ("value", "wanted"), [(10.0, []), (9.0, ["speed.per_s: 9 is below 10"]), (11.0, [])]
)
def test_a_figure_below_its_budget_is_named(value: float, wanted: list[str]) -> None:
    budgets = {"per_s": bench.Budget(at_least=10.0)}
    assert bench._judge("speed", {"per_s": value}, budgets, complete=True) == wanted


def test_a_figure_that_was_not_measured_is_named() -> None:
    budgets = {"p99_ms": bench.Budget(at_most=10.0)}
    assert bench._judge("speed", {}, budgets, complete=True) == ["speed.p99_ms was not measured"]
    assert bench._judge("speed", {}, budgets, complete=False) == []
