"""JSON that says one thing twice is refused, whatever its keys look like."""

import orjson
import pytest

from wardline.policy import strict_json
from wardline.policy.strict_json import RepeatedKey

TAKEN = [
    b"{}",
    b"[]",
    b'{"a":1,"b":{"a":2},"c":[{"a":3},{"a":4}]}',
    b'{"a":"say \\"a\\":1, \\"a\\":2"}',
    b'{"a\\\\":"\\\\","a":"\\u0022"}',
    b'{"a":' + b"0." + b"9" * 5_000 + b',"b":"\\n"}',
    '{"é":1,"e\u0301":2}'.encode(),
]


@pytest.mark.parametrize("text", TAKEN)
def test_what_says_each_thing_once_is_read(text: bytes) -> None:
    assert strict_json.loads(text) == orjson.loads(text)


@pytest.mark.parametrize(
    "text, key",
    [
        (b'{"effect":"deny","effect":"allow"}', "effect"),
        (b'{"a":1,"a":1}', "a"),
        (b'{"rules":[{"id":"x"},{"when":{"a":1,"b":2,"a":3}}]}', "a"),
        (b'{"a":1,"\\u0061":2}', "a"),
        (b'{"a":1,"a":"\\u0022"}', "a"),
        (b'{"":1,"":2}', ""),
    ],
)
def test_what_says_one_thing_twice_is_refused(text: bytes, key: str) -> None:
    with pytest.raises(RepeatedKey) as repeated:
        strict_json.loads(text)
    assert repeated.value.key == key


@pytest.mark.parametrize(
    "text", [b"", b"NaN", b"Infinity", b'"\\ud800"', b'"\xff"', b"{", b'{"a":1,}']
)
def test_what_is_no_json_is_none(text: bytes) -> None:
    with pytest.raises(orjson.JSONDecodeError):
        strict_json.loads(text)
