"""Columns as one parameter: PostgreSQL reads back exactly what was given, or it is refused here."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from wardline.central.database import arrays

AWKWARD = [
    "",
    " ",
    "NULL",
    "null",
    "{}",
    "a,b",
    'a"b',
    "a\\b",
    '\\"',
    "{a}",
    "ä\n\t",
    '{"x":["\\u0001"]}',
]
PLAIN = ["", " ", "NULL", "{}", "a,b", "{a}", "ä\n\t", "ssh_config"]


@pytest.mark.parametrize("items", [[], ["NULL"], [""], AWKWARD, ["\\"] * 3])
async def test_texts_of_any_kind_come_back(owner, items):
    assert await owner.fetchval("SELECT $1::text::text[]", arrays.texts(items)) == items


@pytest.mark.parametrize("items", [[], ["NULL"], [""], PLAIN])
async def test_words_come_back(owner, items):
    assert await owner.fetchval("SELECT $1::text::text[]", arrays.words(items)) == items


@pytest.mark.parametrize("word", ['a"b', '"', "\\", 'x","y'])
def test_a_word_that_would_end_its_own_quotes_is_refused(word):
    with pytest.raises(ValueError, match="a quote or a backslash"):
        arrays.words(["a", word])
    with pytest.raises(ValueError, match="a quote or a backslash"):
        arrays.words_or_null([None, word])


@pytest.mark.parametrize("items", [[], [None], ["a", None, "NULL"], ["a"]])
async def test_what_is_missing_comes_back_as_null(owner, items):
    assert await owner.fetchval("SELECT $1::text::text[]", arrays.words_or_null(items)) == items


async def test_numbers_truths_and_times_come_back(owner):
    numbers = [0, -1, 2**53 - 1, -(2**63)]
    assert await owner.fetchval("SELECT $1::text::bigint[]", arrays.numbers(numbers)) == numbers
    truths = [True, False, True]
    assert await owner.fetchval("SELECT $1::text::boolean[]", arrays.truths(truths)) == truths
    times = [
        datetime(2026, 11, 21, 9, 0, 0, 123000, tzinfo=UTC),
        datetime(1, 1, 1, tzinfo=UTC),
        datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC),
        datetime(2026, 11, 21, 9, tzinfo=timezone(timedelta(hours=5, minutes=30))),
    ]
    assert await owner.fetchval("SELECT $1::text::timestamptz[]", arrays.times(times)) == times
