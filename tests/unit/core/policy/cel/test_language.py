"""What the language says: cases of the CEL specification, and what we do otherwise on purpose."""

import math
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import cel
import pytest

from wardline.core.policy import condition, exact
from wardline.core.policy.cel import build, check, tree
from wardline.core.policy.cel.fault import Fault, Unreadable
from wardline.core.policy.condition import Condition, ConditionFailed
from wardline.core.policy.request import Alert, Request
from wardline.core.severity import Severity

FACTS = {
    "i": 3,
    "d": Decimal("1.5"),
    "s": "héllo",
    "b": True,
    "n": None,
    "l": [1, Decimal("2.5"), "x"],
    "m": {"a": 1, "b": {"c": "d"}, "x-y": 2},
}
# After the folders of cel-spec/tests/simple: each with its value, None where it has none.
SPECIFIED: list[tuple[str, Any]] = [
    # basic
    ("0x55555555", 1431655765),
    ("-9223372036854775808", -9223372036854775808),
    ("9223372036854775807", 9223372036854775807),
    ("-2.3e+1", -23.0),
    ('r"""hello"""', "hello"),
    (r'"\a\b\f\n\r\t\v\"\'\\"', "\a\b\f\n\r\t\v\"'\\"),
    (r'"\u270c"', "✌"),
    (r"'\U0001f431'", "🐱"),
    (r"'\303\277'", "Ã¿"),
    ("null", "null"),
    ("[false, true]", [False, True]),
    ('{"k": "v"}', {"k": "v"}),
    ("40 + 2", 42),
    # comparisons
    ("1 == 1.0", True),
    ('facts.i == "3"', False),
    ("[1, 2] == [1.0, 2.0]", True),
    ('{"a": 1} == {"a": 1.0}', True),
    ("[1, 2] != [2, 1]", True),
    ('"a" < "A"', False),
    ('"ab" < "abc"', True),
    ("false < true", True),
    ("3 in [1, 2, 4]", False),
    ('"key1" in {"key1": 1}', True),
    ("9007199254740993 > 9007199254740991", True),
    # integer and floating point arithmetic
    ("42 / -5", -8),
    ("-43 % 5", -3),
    ("43 % -5", 3),
    ("9223372036854775807 + 1", None),
    ("-9223372036854775808 - 1", None),
    ("5000000000 * 5000000000", None),
    ("(-9223372036854775807 - 1) / -1", None),
    ("1 / 0", None),
    ("1 % 0", None),
    ("1.0 / 0.0", math.inf),
    ("-1.0 / 0.0", -math.inf),
    ("1.0 / -0.0", -math.inf),
    ("1e308 * 10.0", math.inf),
    ("-0.0 == 0.0", True),
    # logic: an error on one side does not matter where the other decides
    ("true || 1 / 0 > 1", True),
    ("1 / 0 > 1 || true", True),
    ("1 / 0 > 1 || false", None),
    ("false && 1 / 0 > 1", False),
    ("1 / 0 > 1 && false", False),
    ("1 / 0 > 1 && true", None),
    ("1 / 0 > 1 || facts.absent || true", True),
    ("facts.i || true", True),
    ("true ? 1 : 1 / 0", 1),
    ("false ? 1 / 0 : 2", 2),
    ("facts.i ? 1 : 2", None),
    ("!facts.i", None),
    # fields
    ("facts.m.b.c", "d"),
    ("facts.m['x-y']", 2),
    ("facts.absent", None),
    ("facts.i.x", None),
    ("has(facts.m)", True),
    ("has(facts.absent)", False),
    ("has(facts.n)", True),
    ("has(facts.absent.x)", None),
    ("has(facts.s.x)", None),
    ("facts.l[0]", 1),
    ("facts.l[1] == 2.5", True),
    ("facts.l[-1]", None),
    ("facts.l[3]", None),
    ("facts.l[facts.d]", None),
    # lists and strings
    ("[1] + [2] == [1, 2]", True),
    ("size([])", 0),
    ("size({})", 0),
    ("'four'.size()", 4),
    ('"hello".contains("ell")', True),
    ('"hello".contains("")', True),
    ('"foobar".startsWith("foo")', True),
    ('"foobar".endsWith("foo")', False),
    ('"hubba".matches("ubb")', True),
    ('"cows".matches("")', True),
    ('"abcd".matches("bc")', True),
    ('"grey".matches("gr(a|e)y")', True),
    ('"banana".matches("ba(na)*")', True),
    ('"yuck".matches("y.ck$") && !"yuck".matches("^uck")', True),
    ("facts.i.startsWith('3')", None),
    # conversions
    ("int(42.9)", 42),
    ("int(-42.9)", -42),
    ("int('-987')", -987),
    ("int('1.5')", None),
    ("int(1e99)", None),
    ("int(double('nan'))", None),
    ("double(1000000000000)", 1e12),
    ("double('-987.654')", -987.654),
    ("double('x')", None),
    ("string(123)", "123"),
    ("string(123.456)", "123.456"),
    ("string(-4.5e-3)", "-0.0045"),
    ("int(facts.n)", None),
    # precedence
    ("2 + 3 * 4 == 14 && -2 * 3 == -6", True),
    ("1 - 2 - 3", -4),
    ("100 / 10 / 5", 2),
    ("true || false && false", True),
    ("1 < 2 == true", True),
    ("!facts.b == false", True),
    ("false ? 1 : false ? 2 : 3", 3),
    # white space and comments
    ("1 // one\n  +\t2 // two", 3),
]
# Each with ours and the binding's: None = no value, Unreadable = refused when it is saved.
DIFFERENT: list[tuple[str, Any, Any]] = [
    ("size(facts.s)", 5, 6),  # characters, as the specification says, not bytes
    ("9007199254740993 == 9007199254740992.0", False, True),  # compared exactly
    ("string(true)", "true", None),  # in the specification
    ("matches('ab', 'b')", True, None),  # in the specification, as a function too
    ("-facts.b", None, False),  # a bool has no sign
    ("!!facts.i", None, 3),  # an even number of signs hides no wrong type
    ("-(-9223372036854775808)", None, -9223372036854775808),  # overflows
    ("facts.l + {'a': 1}", Unreadable, [1, 2.5, "x", "a"]),  # list and map have no sum
    ("facts.i == 1u", Unreadable, False),
    ("b'a' == b'a'", Unreadable, True),
    ("{1: 2} == {1: 2}", Unreadable, True),
    ("[,] == []", Unreadable, True),
    ("facts.l.exists(x, x == 1)", Unreadable, True),
    ("timestamp('2026-01-01T00:00:00Z') == facts.s", Unreadable, False),
    ("type(facts.i) == 'int'", Unreadable, False),
    ("severity == 1", Unreadable, False),
    ("1 == true", Unreadable, False),
    ("'x' in [1]", Unreadable, False),
    ("false && 1", Unreadable, False),
    ("facts.s.matches(facts.s)", Unreadable, True),
    (r"facts.s.matches('\\bh')", Unreadable, True),
]


def request(**changed: Any) -> Request:
    delta = changed.pop("delta", None)
    alert = Alert("a", "disk", "", "", changed.pop("severity", Severity.HIGH), delta)
    at = datetime(2026, 11, 20, tzinfo=UTC)
    return Request(alert, at, "UTC", "d", **{"facts": FACTS} | changed)


def ours(text: str) -> Any:
    """The value in public JSON, None where there is none; null itself is told by its name."""
    try:
        node = tree.read(text)
        check.check(node, condition.VARIABLES)
        found = build.function(node, condition._READERS)(request())
    except Unreadable:
        return Unreadable
    except Fault:
        return None
    return "null" if found is None else exact.plain(found)


def theirs(text: str) -> Any:
    try:
        found = cel.evaluate(text, {"facts": FACTS, "severity": "high"})
    except (TypeError, ValueError, RuntimeError, KeyError, IndexError, ArithmeticError):
        return None
    return "null" if found is None else found


@pytest.mark.parametrize("text, value", SPECIFIED)
def test_specified(text: str, value: Any) -> None:
    assert (ours(text), type(ours(text))) == (value, type(value))
    assert theirs(text) == value


@pytest.mark.parametrize("text, here, there", DIFFERENT)
def test_differences(text: str, here: Any, there: Any) -> None:
    assert (ours(text), theirs(text)) == (here, there)


@pytest.mark.parametrize(
    "text, place",
    [
        ("", "line 1, column 1: a value should stand here, not end of the condition"),
        ("delta >", "line 1, column 8: a value should stand here"),
        ("delta > 1 1", "line 1, column 11: the condition should end here, not 1"),
        ("(delta > 1", "line 1, column 11: ) should stand here"),
        ("delta = 1", "line 1, column 7: = alone is no operator; did you mean ==?"),
        ("kpiId == 'disk", "line 1, column 10: this text does not end"),
        ("kpiId == 'di\nsk'", "line 1, column 10: this text does not end"),
        ("kpiId == '\\q'", "line 1, column 11: no such escape"),
        ("kpiId == '\\ud800'", "line 1, column 11: no character has this code"),
        ("delta > 9223372036854775808", "line 1, column 9: a whole number beyond 64 bits"),
        ("delta > --9223372036854775808", "line 1, column 11: a whole number beyond 64 bits"),
        ("delta > 1e999", "line 1, column 9: a number beyond what a double holds"),
        ("delta > 12ab", "line 1, column 11: a number ends here"),
        ("delta > 1u", "line 1, column 9: unsigned numbers"),
        ("facts.`a-b`", "line 1, column 7: quoted field names are not supported"),
        ("facts.a ?: true", "line 1, column 10: a value should stand here, not :"),
        ("true ? false", "line 1, column 13: : should stand here"),
        ("!-delta", "line 1, column 2: ! and - do not follow each other"),
        ("delta in", "line 1, column 9: a value should stand here"),
        ("facts.in", "line 1, column 7: the name of a field should stand here"),
        ("for > 1", "line 1, column 1: for is a reserved word"),
        ("facts.l.all(x, x > 1)", "line 1, column 9: the macro all is not supported"),
        ("facts.l.exists_one(x, x)", "line 1, column 9: the macro exists_one is not supported"),
        ("facts.l.map(x, x)", "line 1, column 9: the macro map is not supported"),
        ("facts.l.filter(x, x)", "line 1, column 9: the macro filter is not supported"),
        ("all(facts.l, x, x)", "line 1, column 1: the macro all is not supported"),
        ("has(facts)", "line 1, column 1: has takes one field"),
        ("has(facts['a'])", "line 1, column 1: has takes one field"),
        ("has(facts.a, facts.b)", "line 1, column 1: has takes one field"),
        ("has(has(facts.a))", "line 1, column 1: has takes one field"),
        ("open('x')", "line 1, column 1: there is no function open; there are has, contains"),
        ("kpiId.__class__ == 'x'", "line 1, column 7: string has no field __class__"),
        ("__import__ == 'x'", "line 1, column 1: there is no variable __import__"),
        ("contains(kpiId, 'a')", "line 1, column 1: contains is written text.contains(…)"),
        ("delta.int() > 1", "line 1, column 7: int is written int(…)"),
        ("kpiId.contains()", "line 1, column 7: contains takes 1 arguments here"),
        ("kpiId.contains(1)", "line 1, column 16: int cannot be given to contains"),
        ("size(delta) > 1", "line 1, column 6: null or int or double cannot be given to size"),
        ("kpiId.matches(kpiId)", "line 1, column 15: the pattern of matches is a literal text"),
        ("kpiId.matches('(a')", "line 1, column 15: the pattern, near its character 2: a group"),
        ("1 + 1.5 > delta", "line 1, column 3: no such overload: int + double; make both"),
        ("kpiId > 1", "line 1, column 7: no such overload: string > int"),
        ("kpiId == 1", "line 1, column 7: string never equals int"),
        ("severity == 'worst'", "line 1, column 10: 'worst' is never one of 'crit', 'critical'"),
        ("severity in ['high', 'worst']", "line 1, column 22: 'worst' is never one of"),
        ("1 in tags", "line 1, column 3: int is never in a list of string"),
        ("delta in delta", "line 1, column 7: null or int or double has nothing in it"),
        ("1 in facts", "line 1, column 3: int is no key of a map"),
        ("!delta", "line 1, column 1: null or int or double cannot have ! before it"),
        ("-kpiId == '-'", "line 1, column 1: string cannot have - before it"),
        ("delta && true", "line 1, column 1: null or int or double cannot stand beside &&"),
        ("delta ? true : false", "line 1, column 7: null or int or double cannot stand before ?"),
        ("tags['a'] == 'a'", "line 1, column 6: string is no place in a list"),
        ("kpiId[0] == 'a'", "line 1, column 6: string has no items"),
        ('{"a": 1, "a": 2} == facts', "line 1, column 10: this key stands in the map twice"),
        ("{kpiId: 1} == facts", "line 1, column 2: a key of a map is a literal text, not kpiId"),
        ("delta", "line 1, column 1: comes to null or int or double; a condition comes to"),
        ("(" * 40 + "true" + ")" * 40, "line 1, column 33: nested deeper than 32 levels"),
        ("1" + "+1" * 60 + ">1", "line 1, column 100: more than 50 operations upon each other"),
        ("facts" + ".a" * 60, "line 1, column 105: more than 50 operations upon each other"),
        ("true" + " " * 509, "line 1, column 1: longer than 512 bytes"),
    ],
)
def test_a_condition_is_refused_when_it_is_saved(text: str, place: str) -> None:
    why = condition.problem(text)
    assert why is not None
    assert why.startswith(place)
    with pytest.raises(ConditionFailed, match="line 1"):
        condition.holds(text, request())


@pytest.mark.parametrize(
    "text, changed, holds",
    [
        ("severity == 'high'", {}, True),
        ("severity in ['crit', 'critical']", {}, False),
        ("kpiId == 'disk'", {}, True),
        ("delta > 1", {"delta": Decimal("1.25")}, True),
        ("delta > 1", {"delta": 1}, False),
        ("delta == 0.1", {"delta": Decimal("0.1")}, True),
        ("delta == null", {}, True),
        ("double(delta) * 2.0 >= 6.0", {"delta": 3}, True),
        ("siteId == 's1' && hostId.startsWith('db-')", {"site": "s1", "host": "db-2"}, True),
        ("hostId == null", {}, True),
        ("platform.matches('^linux/(debian|ubuntu)$')", {"platform": "linux/ubuntu"}, True),
        ("'lab' in tags", {"tags": frozenset({"lab", "x"})}, True),
        ("size(tags) == 0", {}, True),
        ("!has(facts.z) || facts.z > 1", {}, True),
        ("facts.b", {}, True),
        ("{'high': 1.0, 'critical': 5.0}[severity] < facts.d", {}, True),
        ("true", {}, True),
    ],
)
def test_a_condition_asks_the_request(text: str, changed: dict[str, Any], holds: bool) -> None:
    assert condition.problem(text) is None
    assert condition.holds(text, request(**changed)) is holds


@pytest.mark.parametrize(
    "text, why",
    [
        ("delta > 1", "line 1, column 7: no such overload: null > int"),
        ("facts.z > 1", "line 1, column 7: no such key: z"),
        ("facts.m['z'] > 1", "line 1, column 8: no such key"),
        ("facts.i", "comes to int, not to bool"),
        ("facts.i > 1 && facts.i", "line 1, column 22: int is no bool"),
        ("facts.d * 2 > 1", "line 1, column 9: no such overload: double * int"),
        (
            "platform.startsWith('l')",
            "line 1, column 10: no such overload: null.startsWith(string)",
        ),
        ("double('nan') > 1", "line 1, column 15: NaN has no order"),
        (
            "facts.s in facts.l || 1 in facts.s",
            "line 1, column 25: no such overload: int in string",
        ),
    ],
)
def test_a_condition_without_an_answer_says_where(text: str, why: str) -> None:
    assert condition.problem(text) is None
    with pytest.raises(ConditionFailed) as failed:
        condition.holds(text, request())
    assert str(failed.value) == why


@pytest.mark.parametrize(
    "text, facts",
    [
        ("1 in facts.l", {"l": [0] * 10_001}),
        ("'a' in facts.l", {"l": [0] * 10_001}),
        ("facts.l == facts.l", {"l": [[0] * 200] * 100}),
        ("size(facts.l + facts.l) > 1", {"l": [0] * 6_000}),
        ("size(facts.s + facts.s) > 1", {"s": "a" * 40_000}),
        ("facts.s.matches('a')", {"s": "b" * 4_097}),
        ("int(facts.s) > 1", {"s": "1" * 65}),
    ],
)
def test_a_fact_that_is_too_large_is_no_answer_and_no_wait(text: str, facts: Any) -> None:
    with pytest.raises(ConditionFailed):
        condition.holds(text, request(facts=facts))


def test_a_rule_s_condition_is_read_once() -> None:
    assert condition.ready("delta > 12345") is condition.ready("delta > 12345")
    assert isinstance(condition.ready("delta >"), Condition)


def test_there_is_no_way_to_python() -> None:
    """Nothing of an expression becomes an attribute, a global or code: a name is a variable of the
    schema, a field is a key of a map."""
    for text in ("facts.__class__", "facts['__class__']", "facts.keys", "facts.s.__len__"):
        with pytest.raises(ConditionFailed):
            condition.holds(f"{text} == 1", request())
    for text in ("facts.keys()", "facts.__class__()", "facts.s.format('x')", "eval('1')"):
        assert condition.problem(text) is not None
