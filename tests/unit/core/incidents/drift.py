"""Results, remedies and runbooks to build incidents from."""

from datetime import UTC, datetime, timedelta

from wardline.core import canonical
from wardline.core.evidence.bundle import Outcome, Result, RunbookRef
from wardline.core.incidents.remedy import Remedy
from wardline.core.severity import Severity

AT = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
BOOK = RunbookRef("a.one", "1", "0" * 64, "low")


def result(outcome: Outcome) -> Result:
    """What failed was measured a second before what was found otherwise."""
    facts = {"failing": ["x"]} if outcome is Outcome.FAIL else {}
    return Result(
        check="a",
        outcome=outcome,
        severity=Severity.HIGH,
        summary="x is wrong",
        facts=facts,
        facts_digest=canonical.digest(facts),
        measured_at=AT - timedelta(seconds=outcome is Outcome.FAIL),
        duration_ms=1,
    )


def failed() -> Result:
    return result(Outcome.FAIL)


def remedy(runbook: str) -> Remedy:
    return Remedy("a", (), runbook, {}, 1)
