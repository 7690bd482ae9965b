"""How an incident's host stands now, as every page and the command line say it.

Apart from the service because it reads what other domains keep beside an incident: the newest
result, an active hold, when its appliance was last heard of.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import RowMapping

from wardline.central.fleet import freshness
from wardline.core import clock
from wardline.core.evidence import bundle, watch
from wardline.core.evidence.bundle import Outcome
from wardline.core.incidents import situation
from wardline.core.incidents.situation import Aftermath, Latest, Situation
from wardline.core.incidents.states import State


@dataclass(frozen=True, slots=True)
class Now:
    """`silent`: its appliance missed its check-ins, so that this is how things stood at
    `heard_at`."""

    sentence: str
    latest: Latest
    aftermath: Aftermath
    silent: bool
    heard_at: datetime | None


def read(row: RowMapping, now: datetime) -> Now:
    """Of a row of an incident."""
    actions = [bundle.action_from_wire(action) for action in row["actions"]]
    silent = not freshness.is_online(row["last_checkin"], now)
    latest = _latest(row)
    said = Situation(
        check=row["incident_type"],
        host=row["host_name"] or row["host_id"],
        state=State(row["state"]),
        latest=latest,
        runbook=(row["runbook"] or {}).get("id"),
        decision=row["decision"],
        actions=actions,
        watch=None if row["watch"] is None else watch.from_wire(row["watch"]),
        held=row["held"],
        observed=bool(row["observed"]),
        silent=silent,
    )
    sentence = situation.sentence(said, now)
    left = situation.aftermath(actions, row["decision"])
    return Now(sentence, latest, left, silent, row["last_checkin"])


def _latest(row: RowMapping) -> Latest:
    """The newest result, which may have come later than what the incident tells."""
    if row["latest_outcome"] is not None:
        return Latest(Outcome(row["latest_outcome"]), row["latest_summary"], row["latest_at"])
    told = row["after"] or row["before"]
    return Latest(Outcome(told["outcome"]), told["summary"], clock.parse(told["measured_at"]))
