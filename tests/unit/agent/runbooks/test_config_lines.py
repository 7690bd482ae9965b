"""Edits of config files as text, by examples."""

import pytest

from wardline.agent.runbooks.config_lines import Edit, Line, Placement, Syntax

EQUALS = Edit(Syntax.EQUALS, Placement.LAST, False, (Line("a.b", "a.b = 1"),))
PRESENT = Edit(Syntax.EQUALS, Placement.LAST, True, (Line("a.b", "a.b = 1"),))
WORDS = Edit(Syntax.WORDS, Placement.LAST, False, (Line("KEY", "KEY\t1"),))
SSHD = Edit(Syntax.SSHD, Placement.FIRST, False, (Line("Key", "Key no"), Line("Other", "Other 1")))


@pytest.mark.parametrize(
    ("edit", "before", "after"),
    [
        (EQUALS, "", "a.b = 1\n"),
        (EQUALS, "# a.b = 0", "# a.b = 0\na.b = 1\n"),
        (EQUALS, "x=1\n-a/b=0\ny=2\n", "x=1\na.b = 1\ny=2\n"),
        (EQUALS, "a.b=0\nx=1\na.b = 0\ny=2\n", "x=1\na.b = 1\ny=2\n"),
        (EQUALS, "a.b = 1", "a.b = 1"),
        (EQUALS, "x=1\r\n", "x=1\r\na.b = 1\n"),
        (EQUALS, "x=\x85\u2028\n", "x=\x85\u2028\na.b = 1\n"),
        (PRESENT, "x=1\n", "x=1\n"),
        (PRESENT, "a.b=0\n", "a.b = 1\n"),
        (WORDS, "KEYS 2\nkey 2\nKEY  2 # why\n", "KEYS 2\nkey 2\nKEY\t1\n"),
        (
            SSHD,
            "# top\n\nInclude x\nkey yes\nMatch all\n  Key yes\n",
            "# top\n\nOther 1\nKey no\nInclude x\nMatch all\n  Key yes\n",
        ),
        (SSHD, "Match all\nKey yes\n", "Other 1\nKey no\nMatch all\nKey yes\n"),
        (SSHD, "Port 22\nKey no\nOther 1\n", "Port 22\nKey no\nOther 1\n"),
        (SSHD, "Include x\nKey no\nOther 1\n", "Other 1\nKey no\nInclude x\n"),
    ],
)
def test_edit(edit: Edit, before: str, after: str) -> None:
    assert edit.apply(before) == after
    assert edit.apply(after) == after
