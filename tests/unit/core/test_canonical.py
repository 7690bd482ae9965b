"""The strict profile of canonical JSON: what it gives, what it refuses, and where it says so."""

from enum import StrEnum

import orjson
import pytest
import rfc8785

from wardline.core import canonical
from wardline.core.errors import Malformed

BYTES_MAX = 10_000


class Colour(StrEnum):
    RED = "red"


def test_the_text_sample_of_rfc_8785_comes_out_as_the_rfc_prints_it() -> None:
    value = {
        "string": "\u20ac$\u000f\u000aA'\u0042\u0022\u005c\\\"/",
        "literals": [None, True, False],
    }
    expected = '{"literals":[null,true,false],"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}'
    assert canonical.dumps(value) == expected.encode()


@pytest.mark.parametrize(
    "value",
    [
        {},
        [],
        "",
        None,
        True,
        0,
        -1,
        {"1": {"f": {"f": "hi", "F": 5}, "\n": 56}, "10": {}, "": "empty", "a": {}, "111": []},
        {"controls": "".join(map(chr, range(1, 0x20))) + "\x7f\x80\u2028\ud7ff\ue000\U0001f600"},
        dict.fromkeys(map(chr, range(1, 0x80)), 1),
        [canonical.INTEGER_MAX, -canonical.INTEGER_MAX],
    ],
)
def test_profile_values_have_the_bytes_of_rfc_8785(value: object) -> None:
    data = canonical.dumps(value)
    assert data == rfc8785.dumps(value)  # type: ignore[arg-type]
    assert canonical.loads(data, bytes_max=BYTES_MAX) == value


def nested(levels: int) -> object:
    value: object = 1
    for _ in range(levels):
        value = [value]
    return value


def test_containers_nest_as_deep_as_the_limit_and_no_deeper() -> None:
    deepest = canonical.dumps(nested(canonical.DEPTH_MAX))
    assert canonical.loads(deepest, bytes_max=BYTES_MAX) == nested(canonical.DEPTH_MAX)
    for value in (nested(canonical.DEPTH_MAX + 1), [nested(canonical.DEPTH_MAX)]):
        with pytest.raises(Malformed, match="nested deeper"):
            canonical.dumps(value)
    with pytest.raises(Malformed, match="nested deeper"):
        canonical.loads(b"[" * 33 + b"]" * 33, bytes_max=BYTES_MAX)


@pytest.mark.parametrize(
    ("value", "where"),
    [
        ({"a": [1, {"b": 1.5}]}, "$.a[1].b"),
        (float("nan"), "$"),
        ({"a": 2**53}, "$.a"),
        ([-(2**53)], "$[0]"),
        (2**200, "$"),
        ({"ключ": 1}, "$"),
        ({"a\x00": 1}, "$"),
        ({1: 1}, "$"),
        (["\x00"], "$[0]"),
        (["\ud800"], "$[0]"),
        ({"\ud800": 1}, "$"),
        ({"a": b"bytes"}, "$.a"),
        ({"a": {1, 2}}, "$.a"),
        ({"a": orjson.Fragment(b"1.5")}, "$.a"),
    ],
)
def test_what_leaves_the_profile_is_refused_where_it_stands(value: object, where: str) -> None:
    with pytest.raises(Malformed) as caught:
        canonical.dumps(value)
    assert caught.value.where == where


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{",
        b"nul",
        b'{"b":1,"a":2}',
        b'{"a":1,"a":1}',
        b'{"a": 1}',
        b'{"a":1}\n',
        b'\xef\xbb\xbf{"a":1}',
        b'{"a":1.0}',
        b'{"a":1e2}',
        b'{"a":-0}',
        b'{"a":01}',
        b'{"a":9007199254740992}',
        b'{"a":99999999999999999999999}',
        b'{"a":NaN}',
        b'{"a":"\\u0041"}',
        b'{"a":"\\/"}',
        b'{"a":"\\u0000"}',
        b'{"a":"\\ud800"}',
        b'{"a":"\xff"}',
        b'{"a":"\xed\xa0\x80"}',
        '{"é":1}'.encode(),
        b'{"a":1}{}',
    ],
)
def test_bytes_that_are_not_canonical_are_refused(data: bytes) -> None:
    with pytest.raises(Malformed):
        canonical.loads(data, bytes_max=BYTES_MAX)


def test_an_escaped_backslash_before_u0000_is_no_nul() -> None:
    data = canonical.dumps(["\\u0000"])
    assert canonical.loads(data, bytes_max=BYTES_MAX) == ["\\u0000"]


def test_too_many_bytes_are_refused_before_they_are_parsed() -> None:
    with pytest.raises(Malformed, match="at most 3"):
        canonical.loads(b"not json", bytes_max=3)


def test_enumerations_of_texts_are_texts() -> None:
    assert canonical.dumps({"c": Colour.RED, "t": (1, 2)}) == b'{"c":"red","t":[1,2]}'


def test_equal_values_have_equal_digests() -> None:
    assert canonical.digest({"a": 1, "b": 2}) == canonical.digest({"b": 2, "a": 1})
    assert canonical.digest({"a": 1}) != canonical.digest({"a": "1"})


def test_texts_of_many_are_those_of_each() -> None:
    values = [{"a": ',\n,"'}, "\n", [], {}, 1, None, [1, ",", "\n,"], "", "ü"]
    assert canonical.texts(values) == [orjson.dumps(value) for value in values]
    assert canonical.texts([]) == []


def test_of_many_each_is_canonical() -> None:
    inner = orjson.Fragment(canonical.dumps({"b": 1, "a": [True]}))
    assert canonical.dumps_each([{"z": inner, "id": "x"}, {"id": "\\u0000"}]) == [
        canonical.dumps({"z": {"b": 1, "a": [True]}, "id": "x"}),
        canonical.dumps({"id": "\\u0000"}),
    ]


@pytest.mark.parametrize("text", ["a\x00", "\ud800"])
def test_of_many_none_leaves_the_profile(text: str) -> None:
    with pytest.raises(Malformed):
        canonical.dumps_each([{"id": "x"}, {"id": text}])
