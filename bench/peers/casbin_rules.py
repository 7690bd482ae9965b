"""The rules in casbin: one policy line each, in deciding order, so that the first match decides.

The model is the one of its documentation for ordered rules (effect `priority`): evaluation stops at
the first line that matches. Its lines hold text only, so lists are looked into with `in`, and
minutes have leading zeros.
"""

import logging
from collections.abc import Sequence

import casbin  # type: ignore[import-untyped]

from peers.question import Answer, Ask, Question, Row
from wardline.core.policy.rule import Hours

MODEL = """
[request_definition]
r = kpi, action, severity, site, day, minute, staffed

[policy_definition]
p = kpi, action, severities, site, days, first, last, hours, eft, id

[policy_effect]
e = priority(p.eft) || deny

[matchers]
m = r.kpi == p.kpi and r.action == p.action and r.severity in p.severities and \
(p.site == '*' or r.site == p.site) and r.day in p.days and \
r.minute >= p.first and r.minute <= p.last and (p.hours == '*' or r.staffed == p.hours)
"""
ALWAYS = ((0, 1, 2, 3, 4, 5, 6), 0, 24 * 60 - 1)


def ask(rows: Sequence[Row]) -> Ask:
    logging.getLogger("casbin").setLevel(logging.ERROR)  # or every refusal is a line on the screen
    model = casbin.Model()
    model.load_model_from_text(MODEL)
    # Its own way in looks for each line among all before it: 18 s for 10,000.
    model.model["p"]["p"].policy = _lines(rows)
    enforcer = casbin.Enforcer(model)

    def answer(asked: Question) -> Answer:
        allowed, line = enforcer.enforce_ex(*_values(asked))
        return Answer(allowed, line[-1] if line else None)

    return answer


def _values(asked: Question) -> tuple[str, ...]:
    return (
        asked.kpi,
        asked.action,
        f",{asked.severity},",
        asked.site,
        str(asked.day),
        f"{asked.minute:04}",
        "inside" if asked.staffed else "outside",
    )


def _lines(rows: Sequence[Row]) -> list[list[str]]:
    """One line per rule and span."""
    return [
        [
            row.kpi,
            row.action,
            f",{',,'.join(row.severities)},",
            row.site or "*",
            "".join(map(str, days)),
            f"{first:04}",
            f"{last:04}",
            "*" if row.hours is None else "inside" if row.hours is Hours.INSIDE else "outside",
            "allow" if row.allows else "deny",
            row.id,
        ]
        for row in rows
        for days, first, last in row.spans or (ALWAYS,)
    ]
