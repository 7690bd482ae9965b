"""From a refusal to the steps that might undo it; whether they do, the next decision says."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import islice

from wardline.core.canonical import Json
from wardline.core.policy import assess, budgets, exact, match, params, preview, steps, window
from wardline.core.policy.decision import Code, Decision
from wardline.core.policy.params import Unresolved
from wardline.core.policy.preview import Opening
from wardline.core.policy.request import HostUsage, State
from wardline.core.policy.rule import Effect, Mode, Rule
from wardline.core.policy.steps import Kind, Scene, Step
from wardline.core.policy.wire import QUORUM_MAX

RULES_TRIED_MAX = 5
WINDOWS_TRIED_MAX = 16
INSTANTS_TRIED_MAX = 3
NEAR, FAR = timedelta(days=2), timedelta(days=preview.PREVIEW_DAYS)

# When enough of a limit is free again, by rule id and limit.
Frees = Mapping[tuple[str, str], datetime]
Stride = tuple[Step, ...]


def towards(scene: Scene, decision: Decision, frees: Frees) -> Iterator[Stride]:
    """The strides that may lead on from a decision that is no run, each of one step or more."""
    code = decision.code
    if code in _LIFTED:
        yield (_LIFTED[code],)
    elif code in _BY_RULES:
        yield from _BY_RULES[code](scene, decision)
    elif code is Code.LIMIT_EXCEEDED:
        yield from _past_limits(scene, frees)


def _wait(scene: Scene, at: datetime, why: str) -> Stride:
    zone_name = scene.request.zone
    try:
        local = at.astimezone(window.zone(zone_name))
    except window.UnknownZone:
        local, zone_name = at.astimezone(UTC), "UTC"
    words = f"wait until {local:%A %Y-%m-%d %H:%M} ({zone_name}), when {why}"
    return (Step(Kind.WAIT, words, at=at),)


def _past_match(scene: Scene, decision: Decision) -> Iterator[Stride]:
    """Rules that would fit were they in force, or their conditions held; a new one if none."""
    allows = [rule for rule in scene.rules if rule.effect is Effect.ALLOW]
    strides = (_into_force(rule, scene) for rule in sorted(allows, key=lambda rule: rule.rank))
    found = list(islice(filter(None, strides), RULES_TRIED_MAX))
    yield from found
    if not found:
        request = scene.request
        about = f" and {request.action}" if request.action is not None else ""
        words = f"no rule of {request.alert.kpi_id}{about} fits this request: it needs one"
        yield (Step(Kind.ADD, words),)


def _into_force(rule: Rule, scene: Scene) -> Stride:
    request = scene.request
    stride = []
    if not rule.enabled:
        stride.append(Step(Kind.ENABLE, f"switch rule {rule.id} on", rule.id))
    if rule.expires_at is not None and rule.expires_at <= request.at:
        words = f"renew rule {rule.id}, which has expired"
        stride.append(Step(Kind.RENEW, words, rule.id))
    if rule.mode is Mode.LOG_ONLY:
        words = f"let rule {rule.id} decide, which only watches"
        stride.append(Step(Kind.ENFORCE, words, rule.id))
    if rule.when.condition is not None:
        words = f"the facts meet the condition of rule {rule.id}: {rule.when.condition}"
        stride.append(Step(Kind.MEET, words, rule.id))
    alone = scene._replace(rules=(rule,))
    for step in stride:
        alone = steps.apply(alone, step)
    return tuple(stride) if match.fits(alone.rules[0], request, request.action) else ()


def _past_deny(scene: Scene, decision: Decision) -> Iterator[Stride]:
    """The deny closes or ends, its condition does not hold, or it is switched off."""
    deny = next((rule for rule in scene.rules if rule.id == decision.rule_id), None)
    if deny is None:
        return
    end = _end(deny, scene)
    if end is not None:
        yield _wait(scene, end, f"rule {deny.id} no longer forbids it")
    if deny.when.condition is not None:
        words = f"the facts do not meet the condition of rule {deny.id}: {deny.when.condition}"
        yield (Step(Kind.ESCAPE, words, deny.id),)
    yield (Step(Kind.DISABLE, f"switch rule {deny.id} off, which forbids it", deny.id),)


def _end(deny: Rule, scene: Scene) -> datetime | None:
    """When a deny that is open now closes or ends; None = not within the days looked at."""
    request = scene.request
    if deny.opening_hours is not None and not request.opening_hours:
        return deny.expires_at
    found = _openings((deny,), scene)
    if not found or (found[0].is_cut and deny.expires_at != found[0].end):
        return deny.expires_at
    return found[0].end


def _past_window(scene: Scene, decision: Decision) -> Iterator[Stride]:
    """The rule that decides opens, with its floors, or another one does earlier."""
    request = scene.request
    found = match.survey(scene.rules, request, request.action)
    if found.winner is None:
        return
    instants: dict[datetime, str] = {}
    others = ((rule,) for rule in _closed(scene))
    for rules in ((found.winner, *found.floors), *islice(others, WINDOWS_TRIED_MAX)):
        opened = _openings(rules, scene)
        if opened and opened[0].begin > request.at:
            instants.setdefault(opened[0].begin, rules[0].id)
    for at, rule_id in sorted(instants.items())[:INSTANTS_TRIED_MAX]:
        yield _wait(scene, at, f"rule {rule_id} opens")


def _openings(rules: Sequence[Rule], scene: Scene) -> list[Opening]:
    """In the days to come: whatever the week holds has come by then, clock changes or not. None
    where the zone or the year is not one that clocks show."""
    request = scene.request
    if not preview.YEAR_FIRST < request.at.year < preview.YEAR_LAST:
        return []
    about = request.zone, request.opening_hours, request.at
    try:
        # Mostly the answer is near, and days that are not laid out cost nothing.
        soon = preview.openings(rules, *about, request.at + NEAR)
        if soon and not soon[0].is_cut:
            return soon
        return preview.openings(rules, *about, request.at + FAR)
    except window.UnknownZone:
        return []


def _closed(scene: Scene) -> Iterator[Rule]:
    """Allows that fit, the first of each window."""
    request = scene.request
    seen = set()
    for rule in sorted(scene.rules, key=lambda rule: rule.rank):
        times = rule.window, rule.opening_hours, rule.expires_at
        allows = rule.effect is Effect.ALLOW and rule.mode is Mode.ENFORCE
        if allows and times not in seen and match.fits(rule, request, request.action):
            seen.add(times)
            yield rule


def _past_cooldown(scene: Scene, decision: Decision) -> Iterator[Stride]:
    request = scene.request
    rule = match.survey(scene.rules, request, request.action).winner
    last = assess.host_usage(scene.state, request.action).last_run_at
    if rule is not None and rule.cooldown_minutes is not None and last is not None:
        at = last + timedelta(minutes=rule.cooldown_minutes)
        yield _wait(scene, at, f"the cooldown of rule {rule.id} is over")


def _past_limits(scene: Scene, frees: Frees) -> Iterator[Stride]:
    """Enough of every limit that is exceeded is free again, or the limit is raised."""
    request, state = scene.request, scene.state
    found = match.survey(scene.rules, request, request.action)
    if found.winner is None:
        return
    resolved = params.resolve(found.winner, request)
    usage = assess.host_usage(state, request.action)
    for rule in (found.winner, *found.floors):
        unused = _alone(rule, resolved)
        for name, used, limit in budgets.of(rule, state, usage, resolved):
            if used <= limit:
                continue
            told = f"{name} of rule {rule.id} ({exact.text(limit)})"
            if unused[name] > limit:
                words = f"raise {told}: this run alone uses {exact.text(unused[name])}"
                yield (Step(Kind.RAISE, words, rule.id, names=(name,)),)
                continue
            at = frees.get((rule.id, name))
            words = f"enough of {told} is free again"
            yield (Step(Kind.FREE, words, rule.id, at=at, names=(name,)),)


def _alone(rule: Rule, resolved: Mapping[str, Json]) -> dict[str, int | Decimal]:
    """What one run uses of every limit of a rule."""
    used_up = budgets.of(rule, State(), HostUsage(), resolved)
    return {name: used for name, used, _ in used_up}


def _past_inputs(scene: Scene, decision: Decision) -> Iterator[Stride]:
    """The facts that the parameters of the rule are filled from."""
    request = scene.request
    rule = match.survey(scene.rules, request, request.action).winner
    if rule is None:
        return
    missing = []
    for name in params.placeholders(rule.params or {}):
        try:
            params.resolve(replace(rule, params={name: f"{{{name}}}"}), request)
        except Unresolved:
            missing.append(name)
    if missing:
        words = f"the request says {{}}, which rule {rule.id} asks for"
        yield tuple(
            Step(Kind.FACTS, words.format(name), rule.id, names=(name,)) for name in missing
        )


def _past_approval(scene: Scene, decision: Decision) -> Iterator[Stride]:
    """As few more people approve as change the decision, or the rules are confirmed anew."""
    before = _asked(decision)
    rule = next((rule for rule in scene.rules if rule.id == decision.rule_id), None)
    fresh = Step(Kind.REFRESH, "the rules are fetched or confirmed again")
    if rule is not None and rule.max_stale_minutes is not None:
        if _asked(steps.decide(steps.apply(scene, fresh))) != before:
            yield (fresh,)
    roles = decision.approver_roles
    named = None if roles is None else " or ".join(roles)
    for count in range(1, QUORUM_MAX + 1):
        if count == 1:
            words = f"a person who {f'is {named}' if named else 'may approve'} approves it"
        else:
            words = f"{count} people who {f'are {named}' if named else 'may approve'} approve it"
        step = Step(Kind.APPROVE, words, decision.rule_id, roles=roles, count=count)
        if _asked(steps.decide(steps.apply(scene, step))) != before:
            yield (step,)
            return


def _asked(decision: Decision) -> Sequence[object]:
    """What a decision says of consent."""
    return decision.code, decision.approver_roles, decision.trace[-2:]


_START = Step(Kind.START, "a person starts it")
_LIFTED = {
    Code.FREEZE: Step(Kind.THAW, "a person lifts the freeze of the partner or site"),
    Code.OBSERVING: Step(Kind.HEAL, "a person switches the site or host from observing to healing"),
    Code.HOLD: Step(Kind.CLEAR, "a person clears the hold, with a reason"),
    Code.LOCKED: Step(Kind.FINISH, "the run in progress on this host ends"),
    Code.START_NEEDED: _START,
    Code.NOT_OFFERED: _START,
}
_BY_RULES: dict[Code, Callable[[Scene, Decision], Iterator[Stride]]] = {
    Code.NO_MATCH: _past_match,
    Code.DENIED: _past_deny,
    Code.UNRESOLVED_INPUT: _past_inputs,
    Code.OUTSIDE_WINDOW: _past_window,
    Code.COOLDOWN: _past_cooldown,
    Code.APPROVAL_NEEDED: _past_approval,
}
