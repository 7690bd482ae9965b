"""Rules of a partner: read, write as one immutable revision, simulate."""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from functools import cache
from typing import Any

from sqlalchemy import RowMapping

from wardline.central.database.session import Session
from wardline.central.freezes import service as freezes
from wardline.central.identity import service as identity
from wardline.central.policies import ground
from wardline.central.policies.ground import ZONE_WITHOUT_SITE
from wardline.central.policies.repository import Repository
from wardline.central.policies.shelf import Shelf
from wardline.central.tenancy import service as tenancy
from wardline.central.tenancy.service import Site
from wardline.core import clock, ids
from wardline.core.canonical import Json
from wardline.core.errors import NotFound
from wardline.core.incidents import catalogue
from wardline.core.policy import compiled, exact, opening, parse, seeds, written
from wardline.core.policy.analysis.estate import Estate, SiteFacts
from wardline.core.policy.compiled import Compiled
from wardline.core.policy.request import (
    ActionFacts,
    Risk,
    State,
)
from wardline.core.policy.rule import ANY_ACTION, Policy, Rule, Stamp
from wardline.core.policy.wire import SimulationWire
from wardline.policy import admission, events, simulation
from wardline.policy.simulation import Place, Simulated
from wardline.policy.store import ANY, Expectation, RuleInvalid, RuleUnknown

RULES_PER_PARTNER_MAX = 20_000
KPIS_ASKED_MAX = 4
SITES_ASKED_MAX = 200
ANY_PLATFORM = ""
AUDITED_IDS_MAX = 200
# More rules than these are worked on in a thread, so that others are answered.
FEW = 32
PLANTED = "one rule for each built-in runbook"

Problems = list[tuple[str, str]]


async def page(session: Session) -> list[dict[str, Json]]:
    """Every rule in its public form, by id; there are at most RULES_PER_PARTNER_MAX."""
    return [_public(row) for row in await Repository(session).all()]


async def save(
    session: Session, rule: Rule, expected: Expectation = ANY, reason: str | None = None
) -> int:
    """Makes the rule, or replaces the one with its id; gives the revision."""
    _refuse(_foreign(session, rule))
    return await _write_one(session, rule, expected, reason)


async def update(
    session: Session, rule: Rule, expected: Expectation = ANY, reason: str | None = None
) -> int:
    """Replaces a rule that is there; raises RuleUnknown, RuleChanged."""
    _refuse(_foreign(session, rule))
    return await _write_one(session, rule, expected, reason, must_exist=True)


async def save_all(
    session: Session,
    rules: Sequence[Rule],
    expected: Expectation = ANY,
    reason: str | None = None,
) -> int:
    """Makes or replaces all of them in one revision, or none; gives how many."""
    await asyncio.to_thread(check, session, rules)
    if rules:
        repository = Repository(session)
        head = await repository.lock_head()
        held = await repository.held(rule.id for rule in rules)
        for rule_id, held_revision in held:
            expected.check(rule_id, held_revision)
        await check_room(repository, len(rules) - len(held))
        revision = await _put(session, repository, head, rules, reason)
        told = {"count": len(rules), "ids": [rule.id for rule in rules[:AUDITED_IDS_MAX]]}
        after = told | {"revision": revision}
        await session.record("policy.bulk-create", "policies", after=after, reason=reason)
        await _announce(session, events.BULK_CREATED, "policies", len(rules))
    return len(rules)


def check(session: Session, rules: Sequence[Rule]) -> None:
    """Raises RuleInvalid for what these rules name and this partner does not have."""
    problems = [
        problem
        for position, rule in enumerate(rules)
        for problem in parse.nested(f"rules[{position}]", _foreign(session, rule))
    ]
    _refuse(problems)


async def delete(
    session: Session, rule_id: str, expected: Expectation = ANY, reason: str | None = None
) -> None:
    """Takes a rule out of force; raises RuleUnknown, RuleChanged."""
    repository = Repository(session)
    head = await repository.lock_head()
    held = await _held(repository, rule_id)
    if held is None:
        raise RuleUnknown
    expected.check(rule_id, held["revision"])
    revision = head["revision"] + 1
    await repository.begin_revision(revision, session.actor.id, reason)
    await repository.remove(revision, [rule_id])
    await session.record("policy.delete", rule_id, before=held["body"], reason=reason)
    await _announce(session, events.DELETED, rule_id, rule_id)


async def of_action(session: Session, kpi_id: str, action: str) -> list[Rule]:
    """The rules in force that are about this action as an answer to this check."""
    rows = await Repository(session).of_kpi(kpi_id)
    rules = (parse.rule(row["body"]) for row in rows)
    return [rule for rule in rules if rule.action in (action, ANY_ACTION)]


async def simulate(
    session: Session, shelf: Shelf, asked: SimulationWire, user_id: str
) -> Simulated:
    """What the policy, or the draft rules in its place, would answer; reserves nothing."""
    named = simulation.site(asked)
    path = "site" if asked.site is not None else "alert.siteId"
    found = await ground.look(session, named, path)
    frozen_by = await freezes.frozen_by(session, named) if found.is_frozen else None
    request = simulation.request(
        asked,
        found.place,
        now=session.now,
        decision_id=ids.new("dec"),
        partner=session.scope.owner,
        user_id=user_id,
    )
    state = State(
        freeze=frozen_by is not None,
        observing=found.is_observing,
        actions=actions(asked.alert.platform),
        confirmed_at=request.at,
        frozen_by=frozen_by or "",
    )
    revision, epoch = found.revision, found.epoch
    if asked.rules is None:
        index = await _at(session, shelf, revision, epoch)
        return simulation.in_force(index, request, state)
    about = (asked, request, state)
    return await asyncio.to_thread(simulation.on_draft, *about, revision=revision, epoch=epoch)


async def rules_of(session: Session, kpi_ids: Collection[str] | None) -> list[Rule]:
    """The rules in force about these checks, None for all, as the session's transaction has
    them."""
    repository = Repository(session)
    if kpi_ids is None or len(kpi_ids) > KPIS_ASKED_MAX:
        rows = await repository.all()
    else:
        rows = [row for kpi_id in kpi_ids for row in await repository.of_kpi(kpi_id)]
    return await asyncio.to_thread(lambda: parse.kept([row["body"] for row in rows]))


async def estate(session: Session, site_ids: Collection[str]) -> Estate:
    """What is known of the partner's sites, people and runbooks."""
    sites = {}
    for site_id in sorted(site_ids)[:SITES_ASKED_MAX]:
        try:
            sites[site_id] = _facts(await tenancy.get(session, site_id))
        except NotFound:
            continue
    return Estate(
        partner=session.scope.owner,
        sites=sites,
        actions=actions(ANY_PLATFORM),
        kpis=frozenset(catalogue.checks()),
        holders=await identity.approvers(session),
    )


async def place(session: Session, site_id: str | None) -> Place:
    """Zone and opening hours of a site; raises RuleInvalid."""
    if site_id is None:
        return place_of(None)
    try:
        return place_of(await tenancy.get(session, site_id))
    except NotFound:
        raise RuleInvalid([("site", "you have no site with this id")]) from None


async def current(session: Session, shelf: Shelf) -> Compiled:
    """The partner's rules in force, compiled: from the shelf, or made of what has changed since.

    Rules of a revision never change, so that the versions between two are all that differs. It
    must not be asked in a transaction that writes: what is kept has to be committed.
    """
    return await _at(session, shelf, *await _version(session))


async def _at(session: Session, shelf: Shelf, revision: int, epoch: int) -> Compiled:
    owner = session.scope.owner
    held = shelf.take(owner)
    if held is not None and (held.epoch, held.revision) == (epoch, revision):
        return held
    if held is None or held.epoch != epoch or held.revision > revision:
        held = compiled.build(Policy((), 0, epoch))
    rows = await Repository(session).changed(held.revision, revision)
    made = await asyncio.to_thread(_compiled, held, rows, revision, epoch)
    shelf.put(owner, made)
    return made


def _compiled(held: Compiled, rows: Sequence[RowMapping], revision: int, epoch: int) -> Compiled:
    changed = parse.kept([row["body"] for row in rows if row["body"] is not None])
    removed = [row["rule_id"] for row in rows if row["body"] is None]
    return held.with_rules(changed, removed, revision=revision, epoch=epoch)


async def _version(session: Session) -> tuple[int, int]:
    """Revision and epoch of the rules in force."""
    head = await Repository(session).head()
    return (0, 1) if head is None else (head["revision"], head["epoch"])


async def export(session: Session) -> list[dict[str, Json]]:
    """Every rule in the form in which it was written, by id: what `save_all` takes back. That it
    was taken out is recorded."""
    rows = await Repository(session).all()
    await session.record("policy.export", "policies", after={"rules": len(rows)})
    return [exact.plain(authored(row["body"])) for row in rows]


async def plant(session: Session) -> int:
    """Gives a partner that never wrote a rule one per built-in runbook; gives how many."""
    repository = Repository(session)
    head = await repository.lock_head()
    if head["revision"] > 0:
        return 0
    runbooks = catalogue.runbooks().values()
    rules = seeds.rules_for_runbooks(
        ((each.id, each.check, each.risk) for each in runbooks),
        {each.id for each in runbooks if each.noticed},
    )
    await _put(session, repository, head, rules, PLANTED)
    await session.record("policy.plant", "policies", after={"ids": [rule.id for rule in rules]})
    await _announce(session, events.BULK_CREATED, "policies", len(rules))
    return len(rules)


async def _write_one(
    session: Session,
    rule: Rule,
    expected: Expectation,
    reason: str | None,
    *,
    must_exist: bool = False,
) -> int:
    repository = Repository(session)
    head = await repository.lock_head()
    held = await _held(repository, rule.id)
    if held is None and must_exist:
        raise RuleUnknown
    expected.check(rule.id, None if held is None else held["revision"])
    await check_room(repository, 0 if held is not None else 1)
    revision = await _put(session, repository, head, [rule], reason)
    action, kind = ("create", events.CREATED) if held is None else ("update", events.UPDATED)
    before = None if held is None else held["body"]
    after = stored(rule, revision)
    await session.record(f"policy.{action}", rule.id, before=before, after=after, reason=reason)
    await _announce(session, kind, rule.id, rule.id)
    return revision


async def _put(
    session: Session,
    repository: Repository,
    head: RowMapping,
    rules: Sequence[Rule],
    reason: str | None,
) -> int:
    revision: int = head["revision"] + 1
    await repository.begin_revision(revision, session.actor.id, reason)
    few = len(rules) <= FEW
    bodies = texts(rules, revision) if few else await asyncio.to_thread(texts, rules, revision)
    await repository.put(revision, session.actor.id, bodies)
    return revision


async def _held(repository: Repository, rule_id: str) -> RowMapping | None:
    rows = await repository.named([rule_id])
    return rows[0] if rows else None


async def check_room(repository: Repository, added: int) -> None:
    """Raises RuleInvalid where that many more rules are too many."""
    if added and await repository.count() + added > RULES_PER_PARTNER_MAX:
        raise RuleInvalid([("$", f"a partner has at most {RULES_PER_PARTNER_MAX} rules")])


def _foreign(session: Session, rule: Rule) -> Problems:
    """What a rule names that this partner does not have."""
    return admission.problems(rule, catalogue.runbooks(), session.scope.owner)


def _refuse(problems: Problems) -> None:
    if problems:
        raise RuleInvalid(problems)


def stored(rule: Rule, revision: int) -> dict[str, Json]:
    """The body as it is kept: authors and times stand in columns, the revision in it too, because
    approvals are bound to it wherever the rule is evaluated."""
    return parse.to_wire(rule.stamped(Stamp(revision=revision)))


def texts(rules: Sequence[Rule], revision: int) -> list[bytes]:
    """The JSON of what is `stored` of each."""
    return written.texts(rules, Stamp(revision=revision))


def authored(body: dict[str, Json]) -> dict[str, Json]:
    """A kept body without what only the store says of it."""
    return {key: value for key, value in body.items() if key != "revision"}


def _public(row: RowMapping) -> dict[str, Json]:
    body: dict[str, Any] = exact.plain(row["body"])
    return {
        **body,
        "revision": row["revision"],
        "createdBy": row["created_by"],
        "createdAt": clock.wire(row["created_at"]),
        "updatedBy": row["updated_by"],
        "updatedAt": clock.wire(row["updated_at"]),
    }


async def _announce(session: Session, kind: str, subject: str, told: object) -> None:
    """The change-log row of an event of the contract."""
    await session.announce(kind, subject, events.event(kind, told))


def place_of(site: Site | None) -> Place:
    """What a decision asks of a site."""
    if site is None:
        return Place(ZONE_WITHOUT_SITE)
    return Place(site.zone, opening.hours(site.opening_hours))


def _facts(site: Site) -> SiteFacts:
    found = place_of(site)
    return SiteFacts(found.zone, found.opening_hours)


def actions(platform: str | None) -> Mapping[str, ActionFacts]:
    """The registered actions; without a platform to judge by, all are admissible."""
    return _registered(by_platform=platform is not None)


@cache
def _registered(*, by_platform: bool) -> Mapping[str, ActionFacts]:
    return {
        each.id: ActionFacts(
            Risk(each.risk), each.platforms if by_platform else (), noticed=each.noticed
        )
        for each in catalogue.runbooks().values()
    }
