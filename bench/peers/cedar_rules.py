"""The rules in Cedar: a permit or forbid each; kpi and action in the scope, the rest in `when`.

The policy set is parsed once and kept as a handle, as its documentation advises. Forbid beats
permit, as a deny beats an allow; Cedar has no rank, so it does not say which of several permits
won.
"""

from collections.abc import Sequence

import cedarpy

from peers.question import Answer, Ask, Question, Row, Span
from wardline.core.policy.rule import Hours


def ask(rows: Sequence[Row]) -> Ask:
    policies = cedarpy.PolicySet.from_str("\n".join(_policy(row) for row in rows))
    entities = cedarpy.Entities.from_json_str("[]")

    def answer(asked: Question) -> Answer:
        request = {
            "principal": f'Site::"{asked.site}"',
            "action": f'Action::"{asked.action}"',
            "resource": f'Kpi::"{asked.kpi}"',
            "context": {
                "severity": asked.severity,
                "day": asked.day,
                "minute": asked.minute,
                "staffed": asked.staffed,
            },
        }
        decided = cedarpy.is_authorized(request, policies, entities)
        return Answer(decided.allowed, None)

    return answer


def _policy(row: Row) -> str:
    principal = "principal" if row.site is None else f'principal == Site::"{row.site}"'
    words = ", ".join(f'"{word}"' for word in row.severities)
    tests = [f"[{words}].contains(context.severity)"]
    if row.spans:
        tests.append("(" + " || ".join(map(_span, row.spans)) + ")")
    if row.hours is not None:
        tests.append("context.staffed" if row.hours is Hours.INSIDE else "!context.staffed")
    return (
        f'@id("{row.id}") {"permit" if row.allows else "forbid"}({principal},'
        f' action == Action::"{row.action}", resource == Kpi::"{row.kpi}")'
        f" when {{ {' && '.join(tests)} }};"
    )


def _span(span: Span) -> str:
    days, first, last = span
    listed = ", ".join(map(str, days))
    within = f"context.minute >= {first} && context.minute <= {last}"
    return f"([{listed}].contains(context.day) && {within})"
