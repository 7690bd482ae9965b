"""The rules in ZEN (GoRules): one decision table, a row each, hit policy `first`.

Rows stand in deciding order, so the first one that fits decides; an empty cell fits anything. The
decision is created once, which compiles it.
"""

import json
from collections.abc import Sequence
from typing import Any

import zen

from peers.question import Answer, Ask, Question, Row, Span
from wardline.core.policy.rule import Hours

INPUTS = ("kpi", "action", "severity", "site", "staffed", "")
OUTPUTS = ("allowed", "rule")


def ask(rows: Sequence[Row]) -> Ask:
    decision = zen.ZenEngine().create_decision(json.dumps(_graph(rows)))

    def answer(asked: Question) -> Answer:
        context = {
            "kpi": asked.kpi,
            "action": asked.action,
            "severity": asked.severity,
            "site": asked.site,
            "staffed": asked.staffed,
            "day": asked.day,
            "minute": asked.minute,
        }
        result = decision.evaluate(context)["result"] or {}
        return Answer(bool(result.get("allowed")), result.get("rule"))

    return answer


def _graph(rows: Sequence[Row]) -> dict[str, Any]:
    inputs = [{"id": f"i{i}", "name": name, "field": name} for i, name in enumerate(INPUTS)]
    outputs = [{"id": f"o{i}", "name": name, "field": name} for i, name in enumerate(OUTPUTS)]
    table = {
        "hitPolicy": "first",
        "inputs": inputs,
        "outputs": outputs,
        "rules": [_rule(row) for row in rows],
    }
    return {
        "nodes": [
            {"id": "in", "type": "inputNode", "name": "request"},
            {"id": "table", "type": "decisionTableNode", "name": "rules", "content": table},
            {"id": "out", "type": "outputNode", "name": "response"},
        ],
        "edges": [
            {"id": "e1", "type": "edge", "sourceId": "in", "targetId": "table"},
            {"id": "e2", "type": "edge", "sourceId": "table", "targetId": "out"},
        ],
    }


def _rule(row: Row) -> dict[str, str]:
    return {
        "_id": row.id,
        "i0": f'"{row.kpi}"',
        "i1": f'"{row.action}"',
        "i2": ", ".join(f'"{word}"' for word in row.severities),
        "i3": "" if row.site is None else f'"{row.site}"',
        "i4": "" if row.hours is None else str(row.hours is Hours.INSIDE).lower(),
        "i5": " or ".join(map(_span, row.spans)),
        "o0": str(row.allows).lower(),
        "o1": f'"{row.id}"',
    }


def _span(span: Span) -> str:
    days, first, last = span
    return f"(day in [{', '.join(map(str, days))}] and minute >= {first} and minute <= {last})"
