"""What is remembered of questions takes no more memory than it may, whoever asks whatever."""

import gc
import tracemalloc
from datetime import UTC, datetime

import pytest

from wardline.core.canonical import Json
from wardline.core.policy import compiled, limited, parse, questions
from wardline.core.policy.book import Book
from wardline.core.policy.compiled import Compiled
from wardline.core.policy.request import Principal
from wardline.core.policy.rule import Policy
from wardline.policy.decisions import asking
from wardline.policy.decisions.asking import Standing, Terms
from wardline.policy.simulation import Place

NOW = datetime(2026, 11, 26, 9, tzinfo=UTC)
STANDING: dict[str | None, Standing] = {None: Standing(Place("UTC"))}
WIDE = 0x20000
ALERT = {"id": "a", "kpiId": "disk", "title": "", "message": "", "severity": "warn"}


@pytest.fixture(autouse=True)
def forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(questions, "_shelves", type(questions._shelves)())
    monkeypatch.setattr(questions, "_pieces_kept", {})
    monkeypatch.setattr(limited, "_known", type(limited._known)())


def test_questions_of_the_longest_labels_take_no_more_than_they_are_counted_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(questions, "BYTES_MAX", 1 << 20)
    index = compiled.build(Policy((), 1, 1))
    decide(index, "p1", [wide(0, number) for number in range(100)])
    tracemalloc.start()
    try:
        held = []
        for batch in range(1, 9):
            decide(index, "p1", [wide(batch, number) for number in range(100)])
            held.append(tracemalloc.get_traced_memory()[0])
    finally:
        tracemalloc.stop()
    assert max(held) < 2 << 20, "what is remembered, and a batch"


def test_rules_of_owners_that_asked_long_ago_are_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(questions, "RULES_MAX", 50)
    monkeypatch.setattr(limited, "RULES_KEPT_MAX", 50)
    before = indexes()
    for number in range(20):
        decide(index_of(10), f"many-{number}", [ordinary()])
    assert indexes() - before == 5
    for number in range(2 * questions.OWNERS_MAX):
        decide(index_of(0), f"few-{number}", [ordinary()])
    assert indexes() - before == questions.OWNERS_MAX == limited.KEPT_MAX
    decide(index_of(60), "most", [ordinary()])
    assert indexes() - before == 1, "the one that is asked is held, however many rules it has"


def test_long_traces_are_not_kept_beside_their_answers() -> None:
    long = "},{" + "x" * 120
    rules = [rule(f"{long}{number:02}", priority=-number) for number in range(20)]
    index = compiled.build(Policy(tuple(parse.rule(each) for each in rules), 1, 1))
    decide(index, "p1", [ordinary()])
    kept = questions._pieces_kept
    assert kept
    assert max(map(len, kept)) <= questions.SHARED_BYTES_MAX


def decide(index: Compiled, owner: str, wanted: list[Json]) -> None:
    terms = Terms(NOW, owner, Principal("mia", frozenset()), actions)
    asked = parse.asked({"requests": wanted})
    asking.batch(index, asked, STANDING, terms, traced=True).settle(Book(NOW))


def actions(_: str | None) -> None:
    """Free text."""


def index_of(count: int) -> Compiled:
    rules = tuple(parse.rule(rule(f"r{number}")) for number in range(count))
    return compiled.build(Policy(rules, 1, 1))


def rule(rule_id: str, **more: object) -> Json:
    when = {"kpiId": "disk", "severity": ["warn"]}
    return {"id": rule_id, "when": when, "action": "fix", "autoExecute": True, **more}


def ordinary() -> Json:
    return {"alert": ALERT, "action": "fix"}


def wide(batch: int, number: int) -> Json:
    label = chr(WIDE + batch) + chr(WIDE + number) * 127
    alert = {**ALERT, "kpiId": label, "platform": label[::-1]}
    return {"alert": alert, "action": label[64:] + label[:64]}


def indexes() -> int:
    gc.collect()
    return sum(type(each) is Compiled for each in gc.get_objects())
