"""Severities: the wire's words, their one order, and which word a rule's word meets."""

from enum import StrEnum


class Severity(StrEnum):
    """Both scales of the wire: the alert scale (ok, warn, crit) and the compliance scale."""

    OK = "ok"
    LOW = "low"
    MEDIUM = "medium"
    WARN = "warn"
    HIGH = "high"
    CRIT = "crit"
    CRITICAL = "critical"


_RANK = {
    Severity.OK: 0,
    Severity.LOW: 1,
    Severity.MEDIUM: 2,
    Severity.WARN: 2,
    Severity.HIGH: 3,
    Severity.CRIT: 4,
    Severity.CRITICAL: 4,
}
_ALSO_MEETS = {
    Severity.OK: frozenset({Severity.OK, Severity.LOW}),
    Severity.WARN: frozenset({Severity.WARN, Severity.MEDIUM}),
    Severity.CRIT: frozenset({Severity.CRIT, Severity.HIGH, Severity.CRITICAL}),
}


def rank(severity: Severity) -> int:
    """Position in the one order ok < low < medium = warn < high < crit = critical."""
    return _RANK[severity]


def meets(listed: Severity, actual: Severity) -> bool:
    """Whether a rule that lists `listed` covers an alert of `actual`.

    The coarse words cover the finer ones beneath them; a finer word covers only itself.
    """
    return actual in _ALSO_MEETS.get(listed, frozenset({listed}))
