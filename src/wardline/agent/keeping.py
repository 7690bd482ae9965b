"""Keeps what a run can be undone by, for as long as anybody may want that, and lets it go then."""

from dataclasses import replace
from datetime import datetime

from wardline.agent.hosts.host import Host
from wardline.agent.runbooks import before_state
from wardline.agent.runbooks.runner import RunReport
from wardline.agent.store import before_states, undos
from wardline.agent.store.before_states import BeforeStates
from wardline.agent.store.database import StoreFull, Transaction
from wardline.agent.store.ledger import Ledger
from wardline.agent.store.runs import Run
from wardline.agent.store.undos import Kept
from wardline.core import clock
from wardline.core.errors import WardlineError
from wardline.core.incidents.incident import Incident

EXPIRED = "it was kept for 30 days"
CROWDED = "newer runs took its room"


class Keeper:
    """The before-states of one appliance, files and rows together."""

    def __init__(self, ledger: Ledger, files: BeforeStates) -> None:
        self._ledger = ledger
        self._files = files

    def keep(self, run: Run, repairing: Incident, report: RunReport, host: Host) -> Incident:
        """The incident, whose decision names the run and until when it can be undone; as it was
        where the run left nothing to undo. What cannot be kept is said by the run's row, and by
        the decision where there is no room for that either.
        """
        if not report.undos:
            return repairing
        until = run.started_at + undos.KEPT
        size, gone = 0, None
        try:
            before = before_state.dump(before_state.taken(report, host))
            size = self._files.keep(run.host_id, run.id, before)
        except WardlineError as error:
            gone = str(error)
        kept = Kept(
            *(run.id, run.incident_id, run.host_id, repairing.check, run.runbook_id),
            *(run.started_at, until, size, gone, None),
        )
        is_kept = self._note(kept) and gone is None
        told = {"id": run.id, "undoUntil": clock.wire(until) if is_kept else None}
        return replace(repairing, decision={**(repairing.decision or {}), "run": told})

    def tidy(self, now: datetime) -> None:
        """Let go of what was kept for long enough, and of files that no row tells of."""
        with self._ledger.reading() as tx:
            over = undos.over(tx, now)
        if over:
            with self._ledger.transaction() as tx:
                for one in over:
                    undos.lose(tx, one.run_id, EXPIRED)
                undos.forget(tx, now)
            for one in over:
                self._files.drop(one.run_id)

    def sweep(self) -> None:
        """Files of runs that died before their row was written."""
        with self._ledger.reading() as tx:
            known = {one.run_id for one in undos.all_there(tx)}
        for run_id in self._files.names() - known:
            self._files.drop(run_id)

    def _note(self, kept: Kept) -> bool:
        """The row of a file, out of the reserve if need be: a run that cannot be told of cannot be
        undone either. False where not even that has room for it, nor then for the file."""
        try:
            crowded = self._store(kept)
        except StoreFull:
            try:
                if not self._ledger.database.drop_ballast():
                    raise
                crowded = self._store(kept)
            except StoreFull:
                self._files.drop(kept.run_id)
                return False
        # Not before the rows say so for good: what is gone is never told as kept.
        for one in crowded:
            self._files.drop(one.run_id)
        return True

    def _store(self, kept: Kept) -> list[Kept]:
        """The row, and those that give way to it."""
        with self._ledger.transaction() as tx:
            undos.keep(tx, kept)
            return self._crowded_out(tx)

    def _crowded_out(self, tx: Transaction) -> list[Kept]:
        """The oldest go first; the row stays and says so."""
        there = undos.all_there(tx)
        used, crowded = sum(one.bytes for one in there), list[Kept]()
        for one in there[:-1]:
            if used <= before_states.FOLDER_BYTES_MAX:
                break
            undos.lose(tx, one.run_id, CROWDED)
            crowded.append(one)
            used -= one.bytes
        return crowded
