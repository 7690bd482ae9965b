"""What the ladder offers a drift now: the remedies of L1, then the plans of L2, then nothing."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from wardline.agent import judge
from wardline.agent.judge import Case, Judged
from wardline.agent.planner import planner
from wardline.agent.planner.planner import Planner, Proposal, Question
from wardline.agent.runbooks import runbook
from wardline.agent.store import attempts
from wardline.agent.store.database import Transaction
from wardline.core.incidents import ladder, remedy
from wardline.core.incidents.remedy import Remedy
from wardline.core.policy import assess


@dataclass(frozen=True, slots=True)
class Offered:
    """Either remedies or proposals; `exhausted` says why it is a person's turn, None while one of
    them is left. `choices` are what a person may pick, whatever else there is."""

    remedies: tuple[Remedy, ...]
    proposals: tuple[Proposal, ...]
    exhausted: str | None
    choices: tuple[Remedy, ...] = ()

    def best(self, tx: Transaction, case: Case) -> Judged | None:
        return judge.best(tx, case, self.remedies, self.proposals)


class Levels:
    """Each level is asked once the one before it has nothing left to try."""

    def __init__(self, remedies: tuple[Remedy, ...], planners: Sequence[Planner]) -> None:
        self._remedies = remedies
        self._planners = planners

    def offered(self, tx: Transaction, case: Case) -> Offered:
        """As the facts of the case are now."""
        candidates = judge.candidates(self._remedies, case)
        untried = ladder.untried(candidates, case.incident)
        braked = tuple(one for one in untried if judge.judge(tx, case, one).is_braked)
        planned = () if len(braked) < len(untried) else self._proposals(tx, case)
        proposals = tuple(
            one for one in planned if not judge.judge(tx, case, one.remedy, one).is_braked
        )
        exhausted = ladder.exhausted(
            candidates, case.incident, is_planned=bool(proposals), braked=braked
        )
        return Offered(untried, proposals, exhausted, self._choices(case))

    def has_released(self, tx: Transaction, case: Case) -> bool:
        """Whether something that no version of is stopped any more answers a drift that was left to
        a person for that; not while everything is frozen anyhow."""
        if case.standing.frozen_by is not None:
            return False
        candidates = judge.candidates(self._remedies, case)
        untried = ladder.untried(candidates, case.incident)
        stopped = tuple(one for one in untried if judge.judge(tx, case, one).stopped)
        planned = self._proposals(tx, case)
        is_planned = any(not judge.judge(tx, case, one.remedy, one).stopped for one in planned)
        why = ladder.exhausted(candidates, case.incident, is_planned=is_planned, braked=stopped)
        return why is None

    def _proposals(self, tx: Transaction, case: Case) -> tuple[Proposal, ...]:
        books = runbook.registry()
        question = Question(
            incident_id=case.incident.id,
            check=case.latest.check,
            pattern=case.incident.pattern_signature,
            facts=case.latest.facts,
            offers=self._allowed(case),
            digests={book.id: book.digest for book in books.values()},
            past=attempts.past(tx, case.latest.check, case.incident.id),
        )
        return planner.propose(self._planners, question)

    def _choices(self, case: Case) -> tuple[Remedy, ...]:
        """Those that fit these facts and this platform and were not tried for this drift."""
        books, platform = runbook.registry(), case.member.host.platform
        return tuple(
            one
            for one in remedy.choices(self._remedies, case.latest.check, case.latest.facts)
            if not ladder.is_tried(one, case.incident)
            and assess.is_admissible(books[one.runbook].platforms, platform)
        )

    def _allowed(self, case: Case) -> tuple[Remedy, ...]:
        """The allow-list: this check's runbooks that may run with these facts, are for this
        platform and were not tried; of several remedies of one, those that these facts choose."""
        books, platform = runbook.registry(), case.member.host.platform
        known = [one for one in self._remedies if one.check == case.latest.check]
        counted = Counter(one.runbook for one in known)
        return tuple(
            one
            for one in known
            if not ladder.is_tried(one, case.incident)
            and remedy.suits(
                one, case.latest.facts, is_chosen=one.is_open or counted[one.runbook] > 1
            )
            and assess.is_admissible(books[one.runbook].platforms, platform)
        )
