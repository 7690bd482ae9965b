"""Takes up the policy snapshot that a check-in named, or keeps the one before and says why."""

from dataclasses import dataclass
from enum import Enum, auto

import orjson

from wardline import __version__
from wardline.agent.store import alarms, facts, policies
from wardline.agent.store.alarms import Code
from wardline.agent.store.database import Transaction
from wardline.agent.store.ledger import Ledger
from wardline.agent.store.policies import PolicyRefused
from wardline.agent.uplink import CentralUnavailable, CredentialRefused, RequestRefused, Uplink
from wardline.core import clock
from wardline.core.evidence.signing import VerifyKey
from wardline.core.protocol import PolicyHead
from wardline.core.snapshot import PolicyRefusal, PolicyReport

SUBJECT = "policy"
REASON_CHARS_MAX = 1000


class Intake(Enum):
    """What became of a snapshot that was named."""

    NEW = auto()
    HELD = auto()
    REFUSED = auto()


@dataclass(frozen=True, slots=True)
class _Kept:
    """A refusal as it is remembered; `version` is the agent's, None where the snapshot did not
    come as it was named and may come better."""

    refusal: PolicyRefusal
    version: str | None

    def dump(self) -> dict[str, object]:
        return {"refusal": self.refusal.model_dump(), "version": self.version}


class PolicyIntake:
    """The policy's part of a check-in, by the one thread that reports."""

    def __init__(self, ledger: Ledger, uplink: Uplink, key: VerifyKey) -> None:
        self._ledger = ledger
        self._uplink = uplink
        self._key = key
        self._said: PolicyReport | None = None

    def take(self, named: PolicyHead) -> Intake:
        """Fetches what was named unless it is in force; what was refused once is not fetched again
        by the same agent. Raises what the uplink does."""
        with self._ledger.reading() as tx:
            held, kept = policies.digest(tx), _kept(tx)
        if held == named.digest:
            self._settle()
            return Intake.HELD
        if kept is not None and (kept.refusal.digest, kept.version) == (named.digest, __version__):
            return Intake.REFUSED
        wire = self._uplink.policy()
        now = self._ledger.now()
        try:
            # Before the transaction: nobody else writes to the store in one.
            new = policies.verified(wire, self._key, self._ledger.site_id, now)
            with self._ledger.transaction() as tx:
                policies.replace(tx, wire, new)
        except PolicyRefused as error:
            came_whole = policies.digest_of(wire) == named.digest
            self._refuse(error, named, __version__ if came_whole else None)
            return Intake.REFUSED
        self._settle()
        return Intake.NEW

    def tell(self) -> None:
        """Says which snapshot is in force and which was refused, when it is not what was said
        last. A Central that does not know the question is not asked again until there is news."""
        with self._ledger.reading() as tx:
            row, kept = policies.version(tx), _kept(tx)
        report = PolicyReport(
            epoch=None if row is None else row[0],
            revision=None if row is None else row[1],
            refused=None if kept is None else kept.refusal,
        )
        if report == self._said:
            return
        try:
            self._uplink.report_policy(report)
        except (CentralUnavailable, CredentialRefused):
            return  # the next check-in says it again
        except RequestRefused:
            # A Central that does not know the question.
            pass
        self._said = report

    def _refuse(self, error: PolicyRefused, named: PolicyHead, version: str | None) -> None:
        now = self._ledger.now()
        refusal = PolicyRefusal(
            digest=named.digest,
            code=error.fault.value,
            reason=str(error)[:REASON_CHARS_MAX],
            refused_at=clock.wire(now),
        )
        with self._ledger.transaction() as tx:
            facts.put(tx, facts.Name.POLICY_REFUSED, tx.json(_Kept(refusal, version).dump()))
            alarms.sound(tx, Code.POLICY_REFUSED, SUBJECT, str(error), now)

    def _settle(self) -> None:
        with self._ledger.transaction() as tx:
            facts.drop(tx, facts.Name.POLICY_REFUSED)
            alarms.over(tx, Code.POLICY_REFUSED, SUBJECT, self._ledger.now())


def _kept(tx: Transaction) -> _Kept | None:
    told = facts.get(tx, facts.Name.POLICY_REFUSED)
    if told is None:
        return None
    value = orjson.loads(told)
    return _Kept(PolicyRefusal.model_validate(value["refusal"]), value["version"])
