"""What is a person's, looked at again: what may run once more, and which choices they have now."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime

from wardline.agent import choices
from wardline.agent.checks.protocol import Check
from wardline.agent.judge import Case
from wardline.agent.levels import Levels
from wardline.agent.repair import Repairs
from wardline.agent.roster import Member, Roster
from wardline.agent.store import incidents, results
from wardline.agent.store.database import Transaction
from wardline.agent.store.ledger import Ledger
from wardline.core.evidence.bundle import Outcome, Result
from wardline.core.incidents import choice, incident
from wardline.core.incidents.incident import Incident
from wardline.core.incidents.states import State
from wardline.core.policy.decision import Code

CaseOf = Callable[[Transaction, Incident, Member, Result], Case]


class Tickets:
    """Gives a ticket back to the ladder once that has an answer, and keeps its choices current."""

    def __init__(
        self,
        ledger: Ledger,
        roster: Roster,
        checks: Mapping[str, Check],
        levels: Levels,
        repairs: Repairs,
    ) -> None:
        self._ledger = ledger
        self._roster = roster
        self._checks = checks
        self._levels = levels
        self._repairs = repairs

    def turn(
        self,
        digest: str,
        at: datetime,
        is_due: Callable[[Transaction, Incident], bool],
        case_of: CaseOf,
    ) -> None:
        """`digest` names what is judged under at this time, `case_of` makes the case of it."""
        with self._ledger.reading() as tx:
            left = [one for one in incidents.open_ones(tx, State.ESCALATED) if _is_looked_at(one)]
            due = [one for one in left if is_due(tx, one)]
        for one in due:
            member = self._roster.get(one.host_id)
            if member is None or one.check not in self._checks:
                continue
            with self._ledger.transaction() as tx:
                if incidents.get(tx, one.id) != one:
                    continue
                moved = incident.reopened(one, one.decision or {})
                latest = results.latest(tx, one.host_id, one.check) or one.before
                case = case_of(tx, moved, member, latest)
                is_given_back = self._is_given_back(tx, one, case)
                if is_given_back:
                    incidents.save(tx, moved)
                    incidents.count_pattern(tx, moved)
                incidents.set_judgement(tx, one.id, None, None if is_given_back else digest, at)

    def _is_given_back(self, tx: Transaction, one: Incident, case: Case) -> bool:
        if _is_for_a_stop(one):
            return self._levels.has_released(tx, case)
        if case.observing or case.latest.outcome is not Outcome.FAIL:
            return False
        offered = self._levels.offered(tx, case)
        if offered.exhausted is None:
            return True
        found = choices.judged(tx, case, offered.choices, offered.exhausted)
        if any(each.flapping for each in found):
            return True
        told = choices.wire(case, found, self._ledger.scrubber)
        told = choice.none_now(dict(one.decision or {})) if told is None else told
        if choice.news(told) != choice.news(one.decision):
            self._repairs.record(tx, replace(one, decision=told))
        return False


def _is_looked_at(known: Incident) -> bool:
    return _is_for_a_stop(known) or choice.are_told(known.decision)


def _is_for_a_stop(known: Incident) -> bool:
    """Whether it is a person's because every version that would repair it is stopped."""
    stopped = (known.decision or {}).get("code") == Code.BRAKE.value
    return stopped and not choice.are_told(known.decision)
