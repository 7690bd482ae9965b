"""What the history asks of a store of rules, and what it says in answer.

A rule's body is its wire form without what only the store says of it. A `Pair` is a rule on either
side of a difference, None where it was not in force.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, Protocol

from wardline.core.errors import Conflict, NotFound, WardlineError
from wardline.core.policy import diff, parse
from wardline.core.policy.diff import Body, Change, RuleChange, Rules
from wardline.core.policy.parse import RuleInvalid
from wardline.core.policy.rule import Rule

ITEMS_MAX = 200
ITEMS_DEFAULT = 50


class RevisionUnknown(NotFound):
    """There is no such revision, or no such rule in any."""

    code = "revision_unknown"


class RevisionNotKept(NotFound):
    """The revision was before this store's history, so that its rules are not known."""

    code = "revision_not_kept"


class PolicyChanged(Conflict):
    """The policy, or the rule, is not in the revision that the caller has seen."""

    status = 412
    code = "policy_changed"


class UnseenRollback(WardlineError):
    """A roll back that does not say what it replaces: send the ETag that you saw in If-Match."""

    status = 428
    code = "if_match_missing"


class NothingToRollBack(Conflict):
    """What is in force is already what it would be rolled back to."""

    code = "nothing_to_roll_back"


class Counts(NamedTuple):
    """How many rules a difference has of each kind."""

    added: int = 0
    changed: int = 0
    removed: int = 0


class Pair(NamedTuple):
    rule_id: str
    before: Body | None
    after: Body | None


@dataclass(frozen=True, slots=True)
class Revision:
    """Who wrote a revision, when, why and how much; `counts` None where nobody knows any more."""

    number: int
    author: str
    at: datetime
    reason: str | None
    counts: Counts | None


@dataclass(frozen=True, slots=True)
class History:
    """Revisions, newest first, and the one in force; 0 before the first."""

    head: int
    revisions: Sequence[Revision]


@dataclass(frozen=True, slots=True)
class Version:
    """A rule as a revision left it; `body` None = that revision removed it."""

    revision: int
    author: str
    at: datetime
    reason: str | None
    body: Body | None


@dataclass(frozen=True, slots=True)
class Versions:
    """Of one rule, newest first; `newest` is the revision that last touched it."""

    newest: int
    items: Sequence[Version]


@dataclass(frozen=True, slots=True)
class Difference:
    """How much differs in all, and a page of what does, by rule id."""

    counts: Counts
    pairs: Sequence[Pair]


@dataclass(frozen=True, slots=True)
class Going:
    """What a roll back writes and what it takes out of force."""

    changes: tuple[RuleChange, ...]
    rules: tuple[Rule, ...]
    removed: tuple[str, ...]

    @property
    def counts(self) -> Counts:
        kinds = [each.change for each in self.changes]
        return Counts(
            *(kinds.count(kind) for kind in (Change.ADDED, Change.CHANGED, Change.REMOVED))
        )


@dataclass(frozen=True, slots=True)
class RolledBack:
    """The revision that a roll back made, and what it put in force and took out of it."""

    revision: int
    going: Going

    @property
    def counts(self) -> Counts:
        return self.going.counts


class Seen(NamedTuple):
    """The revisions of which one must be in force; None takes any."""

    revisions: frozenset[int] | None

    def check(self, now: int, what: str) -> None:
        """Raises PolicyChanged."""
        if self.revisions is not None and now not in self.revisions:
            raise PolicyChanged(
                f"{what} is in revision {now} by now; look at it again before you roll it back"
            )


class RevisionStore(Protocol):
    """The history of one owner's policy, for one caller; every revision of it is immutable."""

    async def history(self, before: int | None, limit: int) -> History:
        """Revisions under `before`, newest first."""

    async def revision(self, number: int) -> Revision:
        """Raises RevisionUnknown."""

    async def rules(self, number: int) -> list[Rule]:
        """All rules as a revision left them; raises RevisionUnknown, RevisionNotKept."""

    async def difference(self, before: int, after: int, start: str, limit: int) -> Difference:
        """Between the rules of two revisions, of rules with an id beyond `start`; revision 0 has
        none. Raises RevisionUnknown, RevisionNotKept."""

    async def versions(self, rule_id: str, before: int | None, limit: int) -> Versions:
        """Under revision `before`; raises RevisionUnknown where no revision ever had the rule."""

    async def roll_back(self, number: int, seen: Seen, reason: str) -> RolledBack:
        """Puts exactly the rules of a revision in force, as a new one, in one transaction with the
        event `restored` and the audit record. A rule that is the same stays as it is. `seen` is
        about the revision in force. Raises RevisionUnknown, RevisionNotKept, PolicyChanged,
        NothingToRollBack, and RuleInvalid where an old rule may not be in force any more."""

    async def roll_back_rule(
        self, rule_id: str, number: int, seen: Seen, reason: str
    ) -> RolledBack:
        """The same for one rule: the event is what becomes of it, `created`, `updated` or
        `deleted`; `seen` is about the revision that last touched it."""


def restored(number: int) -> str:
    """What the event of a roll back says that the rules were restored from."""
    return f"revision {number}"


def why(number: int, reason: str) -> str:
    """The reason that a revision is kept with."""
    return f"rolled back to revision {number}: {reason}"


def going(now: Rules, then: Rules) -> Going:
    """From the rules in force to those of an older revision; raises NothingToRollBack,
    RuleInvalid."""
    changes = diff.outline(now, then)
    if not changes:
        raise NothingToRollBack("what is in force is the same already")
    rules = tuple(_parsed(each.rule_id, each.after) for each in changes if each.after is not None)
    removed = tuple(each.rule_id for each in changes if each.after is None)
    return Going(changes, rules, removed)


def read(bodies: Rules) -> list[Rule]:
    """The rules of a set; raises RuleInvalid for one that no rule may be any more."""
    return [_parsed(rule_id, body) for rule_id, body in bodies.items()]


def _parsed(rule_id: str, body: Body) -> Rule:
    try:
        return parse.rule(body)
    except RuleInvalid as invalid:
        raise RuleInvalid(parse.nested(f"rules[{rule_id}]", invalid.problems)) from None
