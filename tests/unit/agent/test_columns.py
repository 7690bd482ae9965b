"""Tables of the agent's commands: aligned, and wrapped where the terminal is narrow."""

import pytest

from wardline.agent import columns, run_commands


def test_columns_are_as_wide_as_their_widest_cell() -> None:
    shown = columns.table(("host", "why"), [("a", "short"), ("longer", "x")])
    assert shown.splitlines() == ["host    why", "a       short", "longer  x"]


def test_the_last_column_is_wrapped_under_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "30")
    shown = columns.table(("", ""), [("host", "one two three four five six seven")])
    first, *more = shown.splitlines()
    assert first == "host  one two three four five"
    assert more == ["      six seven"]


def test_nothing_is_an_empty_table() -> None:
    assert columns.table(("", ""), []) == ""
    assert columns.table(("only",), [("",), ("x",)]).splitlines() == ["only", "", "x"]


HOSTILE = "\x1b]0;owned\x07\x1b[2J\rall is well\u202e\tx\ny"


def test_nothing_that_a_host_says_is_obeyed_by_the_terminal(
    capsys: pytest.CaptureFixture[str],
) -> None:
    told = {"step": "set", "target": HOSTILE, "error": HOSTILE, "diff": HOSTILE, "output": HOSTILE}
    run_commands._say_end({"state": "refused", "detail": HOSTILE, "actions": [told]})
    shown = columns.table(("host", "why"), [(HOSTILE, HOSTILE)]) + capsys.readouterr().out
    assert all(letter.isprintable() for line in shown.split("\n") for letter in line)
    assert shown.count("all is well") == 7
