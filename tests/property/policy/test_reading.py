"""What is read at once is what the parser reads; what it refuses is never read at once."""

import json
from decimal import Decimal
from random import Random

import orjson
import pytest

from wardline.core.policy import parse
from wardline.policy import strict_json
from wardline.policy.decisions import reading
from wardline.policy.store import RuleInvalid

BODIES = 3000
LABELS = ["disk", "a b", "ünï", "x" * 128, "{}", "a,b:c", "null", "\u3042"]
BAD_LABELS = ["", " a", "a ", "x" * 129, "a\u00a0", "a\tb", "\x7f", "a\u2028", 3, True, ["a"], {}]
TEXTS = ["", "It has drifted", "über 90 %: {}[],", "x" * 4000]
BAD_TEXTS = ["x" * 4001, None, 1, "a\x00"]
VALUES = ["web", "", 0, -3, True, False, None, 2**53 - 1]
CLOSER_VALUES = [1.5, -0.0, 3.0, 1e-7, [1, 2.5, {"deep": None}], {"a": {"b": []}}, [[[[[[]]]]]]]
BAD_VALUES = [2**53, -(2**60), 10**30, 1e300, {"$decimal": "x"}, {"ü": 1}, [[[[[[[[[]]]]]]]]]]
TAGGED = {"$decimal": "1.50"}


@pytest.fixture
def random(seed: int) -> Random:
    return Random(seed)


def test_what_is_read_at_once_is_what_the_parser_reads(random: Random) -> None:
    quick = refused = 0
    for _ in range(BODIES):
        sent = spelt(random, {"requests": [asked(random) for _ in range(random.randint(1, 4))]})
        found, wanted = reading.at_once(sent), parsed(sent)
        if wanted is None:
            assert found is None, sent
            refused += 1
        elif found is not None:
            assert [told(each) for each in found] == [told(each) for each in wanted], sent
            quick += 1
    assert quick > BODIES / 4
    assert refused > BODIES / 10


def test_an_ordinary_body_is_read_at_once(random: Random) -> None:
    for _ in range(BODIES // 10):
        given = {"requests": [ordinary(random) for _ in range(random.randint(1, 4))]}
        for sent in (orjson.dumps(given), json.dumps(given, ensure_ascii=False, indent=1).encode()):
            found = reading.at_once(sent)
            assert found is not None, sent
            assert [told(each) for each in found] == [told(each) for each in parsed(sent) or ()]


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"[]",
        b"{}",
        b'{"requests":[]}',
        b'{"requests":{}}',
        b'{"requests":[{}]}',
        b'{"requests":[' + b"[" * 100_000,
        b'{"requests":[],"requests":[]}',
        b'{"requests":[{"alert":\xff}]}',
    ],
)
def test_what_is_no_batch_is_left_to_the_parser(sent: bytes) -> None:
    assert reading.at_once(sent) is None


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('"id":"a"', '"id":"b","id":"a"'),
        ('"used":1', '"used":2,"used":1'),
        ('"used":1', '"used":"x","used":"y"'),
        ('"action":"fix"', '"action":null,"action":"fix"'),
        ('"action":"fix"', '"action":"fix","action":null'),
        ('"title":"null"', '"title":"null","title":""'),
        ('"facts":{"used":1}', '"facts":{"used":1},"facts":{}'),
        ('"facts":{"used":1}', '"facts":{},"facts":{"used":1}'),
        ('"facts":{"used":1}', '"facts":{"in":{"a":1,"a":2}}'),
    ],
)
def test_what_says_one_thing_twice_is_not_read_at_once(before: str, after: str) -> None:
    alert = {"id": "a", "kpiId": "disk", "title": "null", "message": "", "severity": "low"}
    one = {"alert": {**alert, "facts": {"used": 1}}, "action": "fix"}
    sent = orjson.dumps({"requests": [one, one]}).decode()
    assert reading.at_once(sent.encode()) is not None
    assert before in sent
    assert reading.at_once(sent.replace(before, after, 1).encode()) is None


def test_more_parts_than_are_taken_together_are_left_to_the_parser() -> None:
    facts = {f"fact_{number}": number for number in range(256)}
    alert = {"id": "a", "kpiId": "disk", "title": "", "message": "", "severity": "low"}
    few = [{"alert": {**alert, "facts": facts}}] * 100
    assert reading.at_once(orjson.dumps({"requests": few})) is not None
    short = {f"f{number}": 1 for number in range(110)}
    many = [{"alert": {**alert, "facts": short}}] * 900
    sent = orjson.dumps({"requests": many})
    assert len(sent) < reading.BYTES_MAX
    assert reading.at_once(sent) is None
    nested = [{"alert": {**alert, "facts": {"all": [1] * 220}}}] * 1000
    assert reading.at_once(orjson.dumps({"requests": nested})) is None


def parsed(sent: bytes):
    try:
        return parse.asked(strict_json.loads(sent))
    except (RuleInvalid, ValueError, RecursionError):
        return None


def told(each) -> tuple:
    alert = each.alert
    names = ("id", "kpi_id", "title", "message", "severity", "delta", "site_id", "host_id")
    values = [getattr(alert, name) for name in (*names, "platform")]
    types = type(alert.severity), type(each.initiator), type(alert.delta)
    facts = exact(alert.facts)
    return (*values, facts, each.action, each.site, each.host, each.initiator, *types)


def exact(value):
    """With the types of numbers, of which 1, 1.0 and True are equal."""
    if isinstance(value, dict):
        return [(key, exact(item)) for key, item in value.items()]
    if isinstance(value, list):
        return [exact(item) for item in value]
    return type(value), str(value) if isinstance(value, Decimal) else value


def ordinary(random: Random) -> dict:
    made = asked(random, spoilt=0)
    return {name: value for name, value in made.items() if value is not None}


def asked(random: Random, spoilt: float = 0.012) -> dict:
    """A request; of its parts so many are as they must not be, or take a closer look."""

    def one(good: list, bad: list):
        return random.choice(bad if random.random() < spoilt else good)

    alert = {
        "id": one(LABELS, BAD_LABELS),
        "kpiId": one(LABELS, BAD_LABELS),
        "title": one(TEXTS, BAD_TEXTS),
        "message": one(TEXTS, BAD_TEXTS),
        "severity": one(["ok", "low", "critical", "warn"], ["LOW", "", None, 1]),
    }
    beside = {
        "delta": one([0, 3, -1, 1.5, 3.0, -0.0, None], [2**53, True, "1", [], TAGGED, 1e300]),
        "siteId": one([*LABELS, None], BAD_LABELS),
        "hostId": one([*LABELS, None], BAD_LABELS),
        "platform": one([*LABELS, None], BAD_LABELS),
        "facts": facts(random, spoilt),
        "other": 1,
    }
    chances = {"other": spoilt}
    alert |= {k: v for k, v in beside.items() if random.random() < chances.get(k, 0.5)}
    made = {"alert": alert}
    around = {
        "action": one([*LABELS, None], BAD_LABELS),
        "site": one([*LABELS, None], BAD_LABELS),
        "host": one([*LABELS, None], BAD_LABELS),
        "initiator": one(["system", "plan", "person"], [None, "", "robot"]),
        "at": 1,
    }
    chances = {"at": spoilt}
    return made | {k: v for k, v in around.items() if random.random() < chances.get(k, 0.5)}


def facts(random: Random, spoilt: float):
    if random.random() < spoilt:
        return random.choice([None, [], "x", TAGGED, {f"f{n}": n for n in range(257)}])
    values = VALUES + CLOSER_VALUES if random.random() < 0.3 else VALUES
    made = {f"f{number}": random.choice(values) for number in range(random.randint(0, 4))}
    if random.random() < spoilt * 3:
        made["bad"] = random.choice([*BAD_VALUES, TAGGED])
    if random.random() < spoilt * 3:
        made[random.choice(["$x", "ü", "x" * 129, "a\x01"])] = 1
    return made


def spelt(random: Random, given: dict) -> bytes:
    """JSON in one of the ways in which it is written."""
    match random.randint(0, 3):
        case 0:
            return json.dumps(given).encode()
        case 1:
            return json.dumps(given, ensure_ascii=False, indent=2).encode()
        case _:
            return json.dumps(given, ensure_ascii=False, separators=(",", ":")).encode()
