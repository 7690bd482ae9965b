"""What other rules would have made of the decisions that a store has kept."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import datetime, timedelta

from wardline.core import clock
from wardline.core.canonical import Json
from wardline.core.errors import WardlineError
from wardline.core.policy import kept, replay
from wardline.core.policy.compiled import Compiled
from wardline.core.policy.kept import Sheet
from wardline.core.policy.parse import RuleInvalid
from wardline.core.policy.replay import Replay
from wardline.core.policy.replay_body import ReplayAsked
from wardline.core.policy.rule import Rule
from wardline.policy import turns
from wardline.policy.store import Past, PolicyStore

DAYS_DEFAULT = 30
DECISIONS_MAX = kept.DECISIONS_MAX
SECONDS_MAX = 20.0
UNCOUNTED_MAX = 50
# What a write looks back on, so that it is not held up.
SAVED_DECISIONS_MAX = 20_000
SAVED_SECONDS_MAX = 0.25
# A bulk of more rules than these touches too much to look back on in passing.
SAVED_RULES_MAX = 1_000


class CallerGone(WardlineError):
    """Nobody waits for the answer any more, so that it is not looked for."""

    status = 408
    code = "caller_gone"


IsGone = Callable[[], Awaitable[bool]]


async def replayed(
    store: PolicyStore, asked: ReplayAsked, is_gone: IsGone | None = None
) -> dict[str, Json]:
    """The answer of POST /replay; raises RuleInvalid, Busy, and CallerGone as soon as that is
    seen."""
    until = asked.until or store.now()
    since = asked.since or until - timedelta(days=DAYS_DEFAULT)
    if since >= until:
        raise RuleInvalid([("since", "must be earlier than until")])
    if asked.site is not None:
        await store.place(asked.site)
    before = await store.current()
    with turns.REPLAYS.taken(store.owner):
        after = await asyncio.to_thread(_laid, before, asked)
        kpis = replay.touched(before, after)
        made = Replay(before, after, store.actions, kpis=kpis, site=asked.site)
        past = Past(kpis, since, until, asked.site)
        oldest = await _look(store, made, past, DECISIONS_MAX, SECONDS_MAX, is_gone)
        told = await asyncio.to_thread(made.tell)
    return {
        "since": clock.wire(since if oldest is None else oldest),
        "until": clock.wire(until),
        "complete": oldest is None,
        "uncountedRuleIds": replay.uncounted(before, after)[:UNCOUNTED_MAX],
        **told.to_wire(),
    }


async def of_saved(
    store: PolicyStore, before: Compiled, rules: Sequence[Rule], removed: Sequence[str] = ()
) -> dict[str, Json]:
    """What the answer of a write, of these rules in and those out, says of the past: nothing where
    no past denial would run."""
    if len(rules) + len(removed) > SAVED_RULES_MAX:
        return {}
    after = before.with_rules(rules, removed, revision=before.revision + 1, epoch=before.epoch)
    kpis = replay.touched(before, after)
    if not kpis:
        return {}
    now = store.now()
    made = Replay(before, after, store.actions, kpis=kpis)
    past = Past(kpis, now - timedelta(days=DAYS_DEFAULT), now + timedelta(minutes=1))
    await _look(store, made, past, SAVED_DECISIONS_MAX, SAVED_SECONDS_MAX)
    told = await asyncio.to_thread(made.tell)
    if not told.denied_to_run:
        return {}
    return {"deniedToRun": told.denied_to_run, "pastDecisions": told.judged}


async def of_restored(
    store: PolicyStore, before: Compiled, rules: Sequence[Rule]
) -> dict[str, Json]:
    """What the answer says of the past where these are all rules from now on."""
    changed, gone = await asyncio.to_thread(_exchanged, before, rules)
    return await of_saved(store, before, changed, gone)


async def _look(
    store: PolicyStore,
    made: Replay,
    past: Past,
    decisions_max: int,
    seconds_max: float,
    is_gone: IsGone | None = None,
) -> datetime | None:
    """Lets the replay take what is kept; the instant of the oldest if it stopped before the end."""
    if not past.kpi_ids:
        return None
    ends, oldest = time.monotonic() + seconds_max, past.until
    async for sheets in store.past(past):
        if made.looked_at >= decisions_max or time.monotonic() > ends:
            return oldest
        oldest = min([oldest, *(sheet.at for sheet in sheets)])
        await asyncio.to_thread(_take, made, sheets)
        if is_gone is not None and await is_gone():
            raise CallerGone("the caller did not wait for the replay")
    return None


def _take(made: Replay, sheets: Iterable[Sheet]) -> None:
    for sheet in sheets:
        made.take(sheet)


def _laid(before: Compiled, asked: ReplayAsked) -> Compiled:
    """The rules in force as the caller would have them; an id that is not there is refused."""
    revision, epoch = before.revision + 1, before.epoch
    unknown = [each for each in asked.removed if each not in before.plans]
    if unknown:
        raise RuleInvalid([("remove", f"there is no rule {unknown[0]}")])
    if asked.rules is None:
        return before.with_rules(asked.put, asked.removed, revision=revision, epoch=epoch)
    changed, gone = _exchanged(before, asked.rules)
    return before.with_rules(changed, gone, revision=revision, epoch=epoch)


def _exchanged(before: Compiled, rules: Sequence[Rule]) -> tuple[list[Rule], list[str]]:
    """What comes, new or other than now, and the ids of what goes where these are all rules."""
    ids = {rule.id for rule in rules}
    gone = [rule_id for rule_id in before.plans if rule_id not in ids]
    return [rule for rule in rules if not _is_held(before, rule)], gone


def _is_held(before: Compiled, rule: Rule) -> bool:
    """Whether the rule is in force as it is, but for its stamp."""
    held = before.plans.get(rule.id)
    return held is not None and replay.is_same(held.rule, rule)
