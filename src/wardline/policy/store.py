"""What the policy manager asks of a store of rules; PostgreSQL and a policy file are two of them.

A store is bound to whose rules it holds and to who asks; it is made for one request and used by one
task. What only some stores can do, or what a part of the manager adds, is a protocol of its own
beside this one (backups, revisions, decisions), so that a route asks for no more than it needs.
"""

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from wardline.core.canonical import Json
from wardline.core.errors import Conflict, NotFound
from wardline.core.policy.analysis.estate import Estate
from wardline.core.policy.compiled import Compiled
from wardline.core.policy.kept import Sheet
from wardline.core.policy.parse import RuleInvalid as RuleInvalid
from wardline.core.policy.request import ActionFacts
from wardline.core.policy.rule import Rule
from wardline.core.policy.wire import SimulationWire
from wardline.policy.simulation import Place, Simulated


class RuleUnknown(NotFound):
    """There is no rule with this id; the words are those that the contract's clients know."""

    def __init__(self) -> None:
        super().__init__("Policy not found")


class RuleExists(Conflict):
    """The rule is there, and the caller wanted to make a new one."""

    code = "rule_exists"


class RuleChanged(Conflict):
    """The rule is not in the revision that the caller has seen."""

    status = 412
    code = "rule_changed"


@dataclass(frozen=True, slots=True)
class Expectation:
    """What the caller believes of the rule that it writes.

    `absent`: there is none with this id. `revisions`: it is in one of these, None for any.
    """

    absent: bool = False
    revisions: frozenset[int] | None = None

    def check(self, rule_id: str, revision: int | None) -> None:
        """Against the revision that the rule is in, None where there is no such rule; raises
        RuleExists, RuleChanged."""
        if self.absent and revision is not None:
            raise RuleExists(f"rule {rule_id}: there is one with this id")
        if self.revisions is not None and revision not in self.revisions:
            now = "gone" if revision is None else f"in revision {revision}"
            raise RuleChanged(f"the rule is {now} by now; read it again before you change it")


ANY = Expectation()


@dataclass(frozen=True, slots=True)
class Past:
    """Which past decisions: about these kpis, from `since` on and before `until`."""

    kpi_ids: frozenset[str]
    since: datetime
    until: datetime
    site: str | None = None


class PolicyStore(Protocol):
    """The rules of one owner. Every write is one transaction: a new immutable revision with its
    author, instant and reason, and the row of the change log that tells of it."""

    @property
    def owner(self) -> str:
        """Whose rules they are, for what is counted of each owner."""

    async def rules(self) -> list[dict[str, Json]]:
        """Every rule in its public form with its stamp, by id."""

    async def export(self) -> list[dict[str, Json]]:
        """Every rule in the form in which it was written, by id: what `save_all` takes back."""

    async def save(
        self, rule: Rule, expected: Expectation = ANY, *, reason: str | None = None
    ) -> int:
        """Makes the rule, or replaces the one with its id; gives the revision. Raises RuleInvalid,
        RuleExists, RuleChanged."""

    async def update(
        self, rule: Rule, expected: Expectation = ANY, *, reason: str | None = None
    ) -> int:
        """Replaces a rule that is there; gives the revision. Raises RuleUnknown besides."""

    async def save_all(
        self, rules: Sequence[Rule], expected: Expectation = ANY, *, reason: str | None = None
    ) -> int:
        """Makes or replaces all of them in one revision, or none; gives how many."""

    async def delete(
        self, rule_id: str, expected: Expectation = ANY, *, reason: str | None = None
    ) -> None:
        """Takes a rule out of force; raises RuleUnknown, RuleChanged."""

    async def simulate(self, asked: SimulationWire) -> Simulated:
        """What the rules, or the draft rules in their place, would answer; reserves nothing."""

    async def rules_of(self, kpi_ids: Collection[str] | None) -> list[Rule]:
        """The rules in force about these kpis, None for all, with what this request has written."""

    async def estate(self, site_ids: Collection[str]) -> Estate:
        """What is known of where the rules apply; of sites, these at least if they are the
        caller's."""

    async def place(self, site_id: str | None) -> Place:
        """Zone and opening hours of a site, or of rules that name none; raises RuleInvalid for a
        site that the caller does not have."""

    def now(self) -> datetime:
        """The instant of the request."""

    def past(self, asked: Past) -> AsyncIterator[Sequence[Sheet]]:
        """Decisions that were made, some batches at a time, of each kind the newest first; those
        about other kpis and sites may be among them."""

    def actions(self, platform: str | None) -> Mapping[str, ActionFacts] | None:
        """What is known of the actions that there are; None = any text is one."""

    async def current(self) -> Compiled:
        """The rules in force, compiled. It must not be asked in a transaction that has written:
        what is compiled may be kept, so it has to be committed."""
