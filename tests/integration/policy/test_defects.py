"""The defects that show on the first rules and their limits: what the engine makes of them.

The others are in `tests/harness/policy_defects.py`, over both stores; the event loop, readers and
copies of the file are in `test_file.py`.
"""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from wardline.core.policy import params
from wardline.core.policy.compiled import Compiled
from wardline.core.policy.decision import Decision
from wardline.core.policy.request import (
    Alert,
    ApprovalFact,
    Counters,
    Initiator,
    Principal,
    Request,
    RuleUsage,
    State,
)
from wardline.core.severity import Severity
from wardline.policy import seed
from wardline.policy.file.book import Book
from wardline.policy.file.store import FileStore, Terms

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)  # a Friday, inside the window
PRICING = "pricing.auto.adjust"


@pytest.fixture
async def index(tmp_path: Path) -> AsyncIterator[Compiled]:
    """The seeded rules, as the store has them in force."""
    book = Book(tmp_path / "policies.db")
    store = FileStore(book, Terms(), "seed")
    await seed.plant(store)
    yield await store.current()
    await book.close()


def _request(severity: Severity, **changes: object) -> Request:
    given: dict[str, object] = {
        "alert": Alert("a", "margin", "Margin", "Margin", severity),
        "at": NOW,
        "zone": "UTC",
        "decision_id": "dec",
        "action": "pricing.adjust",
    }
    return Request(**given | changes)  # type: ignore[arg-type]


def _outcome(decision: Decision) -> tuple[str, str]:
    return decision.verdict.value, decision.code.value


async def test_09_the_daily_and_the_weekly_limit_are_counted(index: Compiled) -> None:
    """On crit the rule wants 3 %; the day has 3, the week 7."""
    found = []
    for day, week in ((0, 0), (1, 1), (0, 4), (0, 5)):
        usage = RuleUsage(pct_24h=day, pct_7d=week)
        state = State(counters=Counters(rules={PRICING: usage}))
        found.append(_outcome(index.evaluate(_request(Severity.CRIT), state)))
    offered, exceeded = ("offer", "start_needed"), ("block", "limit_exceeded")
    assert found == [offered, exceeded, offered, exceeded]


async def test_10_the_pricing_rule_asks_on_a_warning_and_then_runs(index: Compiled) -> None:
    asked = index.evaluate(_request(Severity.WARN), State())
    assert _outcome(asked) == ("ask", "approval_needed")
    assert asked.approver_roles == ("manager", "admin")
    approval = ApprovalFact(
        rule_id=PRICING,
        rule_revision=index.plans[PRICING].rule.stamp.revision,
        action="pricing.adjust",
        params_digest=params.digest(asked.params),
        approvers={"ann": frozenset({"manager"})},
        requested_by=None,
        granted_at=NOW,
        expires_at=NOW + timedelta(hours=1),
    )
    run = index.evaluate(_request(Severity.WARN, approval=approval), State())
    assert _outcome(run) == ("run", "allowed")
    assert run.params == {"deltaPct": 1}


async def test_10_on_crit_it_is_offered_and_runs_when_a_person_starts_it(index: Compiled) -> None:
    offered = index.evaluate(_request(Severity.CRIT), State())
    assert _outcome(offered) == ("offer", "start_needed")
    person = {
        "initiator": Initiator.PERSON,
        "principal": Principal("ann", frozenset({"admin"})),
    }
    run = index.evaluate(_request(Severity.CRIT, **person), State())
    assert _outcome(run) == ("run", "allowed")
    assert run.params == {"deltaPct": 3}
