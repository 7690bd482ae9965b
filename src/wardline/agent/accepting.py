"""Brings incidents in line with what people have accepted: told as accepted, or judged once more.

A state that is accepted is not repaired and is nobody's ticket, until its date, until a person
revokes it, or until something else fails there: that is alarmed, and judged like any other drift.
"""

from dataclasses import dataclass, field
from datetime import datetime

from wardline.agent.bell import Bells
from wardline.agent.standing import Standing
from wardline.agent.store import alarms, deviations, incidents, results
from wardline.agent.store.alarms import Code
from wardline.agent.store.database import Transaction
from wardline.agent.store.ledger import Ledger
from wardline.agent.store.outbox import Draft
from wardline.core import clock, deviation
from wardline.core.deviation import Deviation, End
from wardline.core.evidence.bundle import Kind, Outcome, Result
from wardline.core.incidents import incident, states
from wardline.core.incidents.incident import Incident
from wardline.core.incidents.states import State

_OPEN = (*states.TO_JUDGE, State.ESCALATED)


@dataclass(slots=True)
class _Changes:
    """What is not yet as it should be: deviations that expired, incidents with what they are to
    say, and alarms that are to sound, by their subject, or to be over."""

    expired: list[Deviation] = field(default_factory=list)
    moved: list[Incident] = field(default_factory=list)
    changed: dict[str, str] = field(default_factory=dict)
    calm: list[str] = field(default_factory=list)

    @property
    def any(self) -> bool:
        return bool(self.expired or self.moved or self.changed or self.calm)


class Acceptances:
    """Follows the accepted deviations of the mandate, beside the ladder."""

    def __init__(self, ledger: Ledger, bells: Bells) -> None:
        self._ledger = ledger
        self._bells = bells

    def turn(self, standing: Standing) -> None:
        """One look; writes only where something has changed. A mandate that is not to be believed
        accepts nothing and ends nothing."""
        if standing.problem is not None:
            return
        now = self._ledger.now()
        with self._ledger.reading() as tx:
            changes = self._look(tx, standing, now)
        if not changes.any:
            return
        with self._ledger.transaction() as tx:
            self._apply(tx, self._look(tx, standing, now), now)
        self._bells.report.ring()

    def _look(self, tx: Transaction, standing: Standing, now: datetime) -> _Changes:
        changes = _Changes([one for one in standing.deviations if one.is_over(now)])
        in_force = [one for one in standing.deviations if not one.is_over(now)]
        for one in in_force:
            for state in one.states:
                self._accept(tx, changes, one, state.host_id)
        sounding = {one.subject for one in alarms.sounding(tx) if one.code is _CHANGED}
        changes.calm = sorted(sounding - changes.changed.keys())
        changes.changed = {
            subject: said for subject, said in changes.changed.items() if subject not in sounding
        }
        over = deviations.over(tx).union(one.id for one in changes.expired)
        for known in incidents.accepted_ones(tx):
            how = self._end(tx, known, in_force, over, now)
            if how is not None:
                told = deviation.ended_decision(known.decision or {}, how)
                changes.moved.append(incident.judged(known, State.OPEN, told, None, ()))
        return changes

    def _accept(self, tx: Transaction, changes: _Changes, one: Deviation, host_id: str) -> None:
        """What this deviation makes of the drift of one host, if there is any."""
        latest = results.latest(tx, host_id, one.check)
        state = one.of_host(host_id)
        if latest is None or state is None or latest.outcome is not Outcome.FAIL:
            return
        if not deviation.matches(state, latest):
            changes.changed[f"{host_id} {one.check}"] = _otherwise(one, latest)
            return
        known = incidents.open_of(tx, self._ledger.site_id, host_id, one.check)
        if known is None or known.state not in _OPEN or _says(known, one):
            return
        changes.moved.append(incident.accepted(known, deviation.decision(one)))

    def _end(
        self,
        tx: Transaction,
        known: Incident,
        in_force: list[Deviation],
        over: frozenset[str],
        now: datetime,
    ) -> End | None:
        """Why an incident that says to be accepted is that no more; None while it is, also while
        nobody can see what the host is like."""
        found = deviation.concerning(in_force, known.host_id, known.check)
        if found is not None:
            latest = results.latest(tx, known.host_id, known.check)
            state = found.of_host(known.host_id)
            if latest is None or state is None or latest.outcome is not Outcome.FAIL:
                return None
            return None if deviation.matches(state, latest) else End.CHANGED
        name, until = _told(known)
        return End.EXPIRED if name in over or now >= until else End.REVOKED

    def _apply(self, tx: Transaction, changes: _Changes, now: datetime) -> None:
        if changes.expired:
            deviations.end(tx, changes.expired, now)
        for moved in changes.moved:
            incidents.save(tx, moved)
            incidents.count_pattern(tx, moved)
            incidents.set_judgement(tx, moved.id, None, None, now)
            self._ledger.seal(tx, Draft(Kind.INCIDENT, moved.host_id, (), (moved.record(),)))
        for subject, said in changes.changed.items():
            alarms.sound(tx, _CHANGED, subject, said, now)
        for subject in changes.calm:
            alarms.over(tx, _CHANGED, subject, now)


_CHANGED = Code.DEVIATION_CHANGED


def _says(known: Incident, one: Deviation) -> bool:
    """Whether the incident tells of exactly this acceptance already."""
    if not deviation.is_accepted(known.decision):
        return False
    wanted = deviation.decision(one)["deviation"]
    told = (known.decision or {}).get("deviation", {})
    return (told.get("id"), told.get("until")) == (wanted["id"], wanted["until"])


def _told(known: Incident) -> tuple[str, datetime]:
    """The acceptance that an incident tells of, and until when it was."""
    told = (known.decision or {})["deviation"]
    return told["id"], clock.parse(told["until"])


def _otherwise(one: Deviation, latest: Result) -> str:
    return f"not the state that was accepted ({one.id}, owner {one.owner}): {latest.summary}"
