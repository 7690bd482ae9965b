"""What a pattern of `matches` may be, and what is refused."""

import pytest

from wardline.core.policy.cel import pattern
from wardline.core.policy.cel.fault import Unreadable


@pytest.mark.parametrize(
    "written, found, missed",
    [
        ("", ["", "x"], []),
        ("b", ["abc"], ["", "ac"]),
        ("^a", ["ab"], ["ba"]),
        ("b$", ["ab"], ["ba", "b\n"]),
        ("^$", [""], ["a"]),
        ("^a*$", ["", "aa"], ["ab"]),
        ("^(ab|cd)$", ["ab", "cd"], ["abcd", ""]),
        ("^a.c$", ["abc", "aéc"], ["a\nc", "ac"]),
        ("^[^a-c]+$", ["xyz", "é"], ["xaz", ""]),
        (r"^\d{2,3}$", ["12", "123"], ["1", "1234", "٣٣"]),
        (r"^a{2}{$", ["aa{"], ["aa"]),
        (r"a\.b", ["a.b"], ["axb"]),
        (r"^[\]\\-]+$", ["]\\-"], ["a"]),
        ("^x{,2}$", ["x{,2}"], ["x", "xx"]),
        ("é|ü", ["über"], ["uber"]),
        ("^(a?){3}$", ["", "aaa"], ["aaaa"]),
    ],
)
def test_a_pattern_matches(written: str, found: list[str], missed: list[str]) -> None:
    made = pattern.read(written, 0)
    assert [text for text in found + missed if made.found_in(text)] == found


@pytest.mark.parametrize(
    "written, why",
    [
        ("(a", "near its character 2: a group is not closed"),
        ("a)", "unmatched )"),
        ("[a", "a class is not closed"),
        ("[]a]", "a ] that begins a class is written \\]"),
        ("[b-a]", "a range that does not go up"),
        ("[[:alpha:]]", "a [ inside a class is written \\["),
        ("*a", "* has nothing to repeat"),
        ("{2}", "{ has nothing to repeat"),
        ("a**", "a repetition of a repetition"),
        ("a{3,2}", "the second count is below the first"),
        ("a{65}", "at most 64 repetitions"),
        ("(a{64}){64}", "longer than 128 characters"),
        ("(((){64}){64}){64}", "more than 1024 parts"),
        ("(?i)a", "flags, names and look-around are not supported"),
        ("(?P<x>a)", "flags, names and look-around are not supported"),
        ("(?=a)", "flags, names and look-around are not supported"),
        (r"(a)\1", "\\1 is not supported"),
        (r"\bx", "\\b is not supported"),
        (r"\pL", "\\p is not supported"),
        ("a\\", "\\ is not supported"),
        ("a^b", "^ is supported at the ends of the pattern only"),
        ("a$b", "$ is supported at the ends of the pattern only"),
        ("^a|b$", "put what stands between ^ and $ into a group"),
        ("(" * 17 + ")" * 17, "groups nested deeper than 16"),
    ],
)
def test_a_pattern_is_refused(written: str, why: str) -> None:
    with pytest.raises(Unreadable) as refused:
        pattern.read(written, 5)
    assert why in refused.value.why
    assert refused.value.offset == 5
