"""Real decisions of a partner: one index, one transaction, and locks on what shares a budget."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from wardline.central.database.session import Session
from wardline.central.decisions.repository import Repository
from wardline.central.freezes import service as freezes
from wardline.central.holds import service as holds
from wardline.central.policies import service as policies
from wardline.central.policies.ground import ZONE_WITHOUT_SITE
from wardline.central.policies.shelf import Shelf
from wardline.central.tenancy import service as tenancy
from wardline.central.tenancy.service import Healing
from wardline.core.clock import Now
from wardline.core.policy.batch import Batch, Wanted
from wardline.core.policy.book import Book
from wardline.core.policy.request import Principal
from wardline.policy.decisions import asking, reservation
from wardline.policy.decisions.asking import Standing, Terms
from wardline.policy.decisions.reservation import Reservation, ReservationUnknown
from wardline.policy.decisions.store import KEY_KEPT, KeptBatch, Key, Step, Use
from wardline.policy.simulation import Place
from wardline.policy.store import RuleInvalid

KEPT_PER_CALL_MAX = 1_000


@dataclass(frozen=True, slots=True)
class PartnerDecisions:
    """A DecisionStore over PostgreSQL, for one request of one caller."""

    session: Session
    shelf: Shelf
    caller: Principal
    now: Now

    async def decide(
        self, asked: Sequence[Wanted], key: Key | None, *, traced: bool = True
    ) -> bytes:
        repository, who = Repository(self.session), self.caller.user_id
        if key is not None:
            await repository.lock_key(who, key)
            held = await repository.answer(who, key, self.now() - KEY_KEPT)
            if held is not None:
                return held
        batch, version = await self._batch(asked, traced=traced)
        now = batch.at
        counted = Book(now)
        if batch.needs.sites:
            await repository.lock(batch.needs.sites)
            counted = await repository.count(
                now, sorted(batch.needs.rules), sorted(batch.needs.hosts)
            )
        runs = batch.settle(counted)
        if runs:
            await repository.reserve(runs, now, reservation.expiry(now), who)
        await repository.keep(now, version, len(asked), batch.kpis(), batch.kept())
        await repository.add_uses(now, batch.uses())
        answer = asking.answer(batch, runs, now)
        if key is not None:
            await repository.put_answer(who, key, answer, now)
        return answer

    async def step(self, decision_id: str, step: Step) -> tuple[Reservation, datetime]:
        repository = Repository(self.session)
        site = await repository.site_of(decision_id)
        if site is None:
            raise ReservationUnknown
        # Whoever decides about the site either sees this, or has not begun to count.
        await repository.lock([site])
        now = self.now()
        held = await repository.get(decision_id)
        found = step(held, now, self.caller.user_id)
        if found != held:
            await repository.put(found)
        return found, now

    async def uses(self) -> list[Use]:
        return await Repository(self.session).uses()

    async def kept(
        self, kpi_ids: Sequence[str] | None = None, *, before: int | None = None, limit: int
    ) -> list[KeptBatch]:
        limit = min(limit, KEPT_PER_CALL_MAX)
        return await Repository(self.session).kept(kpi_ids, before, limit)

    async def _batch(
        self, asked: Sequence[Wanted], *, traced: bool
    ) -> tuple[Batch, tuple[int, int]]:
        """The decisions that nothing counts for, and the revision and epoch they were made on."""
        asking.check(asked)
        standing = await self._standing(asked)
        named = sorted({site for each in asked if (site := asking.site(each)) is not None})
        held = await holds.active(self.session, named) if named else {}
        index = await policies.current(self.session, self.shelf)
        terms = Terms(self.now(), self.session.scope.owner, self.caller, policies.actions, held)
        made = asking.batch(index, asked, standing, terms, traced=traced)
        return made, (index.revision, index.epoch)

    async def _standing(self, asked: Sequence[Wanted]) -> dict[str | None, Standing]:
        """What holds at the sites that are named; raises RuleInvalid for one that is not there."""
        named = {asking.site(each) for each in asked} - {None}
        sites = await tenancy.named(self.session, sorted(map(str, named))) if named else {}
        problems = []
        for position, each in enumerate(asked):
            site = asking.site(each)
            if site is None and asking.host(each) is not None:
                problems.append((f"requests[{position}].host", "name the site of the host too"))
            elif site is not None and site not in sites:
                problems.append((f"requests[{position}].site", "you have no site with this id"))
        if problems:
            raise RuleInvalid(problems)
        frozen = await freezes.frozen_by_site(self.session, list(sites))
        nowhere = Standing(Place(ZONE_WITHOUT_SITE), frozen.get(None, ""))
        found: dict[str | None, Standing] = {None: nowhere}
        for site_id, known in sites.items():
            observing = known.healing is Healing.OBSERVE
            found[site_id] = Standing(policies.place_of(known), frozen.get(site_id, ""), observing)
        return found
