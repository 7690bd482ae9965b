"""What a rule alone, or with the floors that bind it, can never do."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from wardline.core import severity
from wardline.core.canonical import Json
from wardline.core.policy import budgets, exact, params, preview
from wardline.core.policy.analysis import clocks, week
from wardline.core.policy.analysis.estate import Estate, SiteFacts
from wardline.core.policy.analysis.finding import Finding, Flaw, Level, named
from wardline.core.policy.analysis.grounds import Standing
from wardline.core.policy.params import Unresolved
from wardline.core.policy.request import HostUsage, RuleUsage, covers
from wardline.core.policy.rule import ANY_ACTION, Approval, Effect, Rule
from wardline.core.severity import Severity

# A week and a clock change later, whatever opens has opened.
HORIZON = timedelta(days=15)

_AMOUNTS = ("deltaPct", "qty")
_OF_AMOUNTS = frozenset({"maxDailyPct", "maxWeeklyPct", "maxDailyQty"})
_NO_APPROVAL = Approval()

# Why a rule cannot run at one severity: path, words, the other rules that are in the way.
Obstacle = tuple[str, str, tuple[str, ...]]


def dead(rule: Rule, estate: Estate, now: datetime) -> Iterator[Finding]:
    """A rule that is switched off or over, or about things that are not there."""

    def finding(path: str, words: str) -> Finding:
        return Finding(Flaw.DEAD, Level.WARNING, rule.id, path, words)

    if not rule.enabled:
        yield finding("enabled", "the rule is switched off")
    if rule.expires_at is not None and rule.expires_at <= now:
        yield finding("expiresAt", "the rule has expired")
    if estate.kpis is not None and rule.when.kpi_id not in estate.kpis:
        yield finding("when.kpiId", f"nothing measures {rule.when.kpi_id}")
    if estate.actions is None or rule.action == ANY_ACTION:
        return
    facts = estate.actions.get(rule.action)
    if facts is None:
        yield finding("action", f"no action is registered as {rule.action}")
    elif facts.platforms and not _can_be_on(rule.scope.platform, facts.platforms):
        wanted = ", ".join(facts.platforms)
        words = f"{rule.action} is for {wanted}, the rule for {rule.scope.platform}"
        yield finding("scope.platform", words)


def never_open(
    one: Standing, floors: Sequence[Standing], estate: Estate, now: datetime
) -> Iterator[Finding]:
    """A rule whose window, with the opening hours and the floors that bind it, lets nothing in."""
    place = clocks.here(one.ground, estate)
    rule = one.rule

    def is_closed(*others: Standing) -> bool:
        return not any(clocks.is_ever_open((one, *others), word, place) for word in one.words)

    def finding(path: str, told: str, others: tuple[str, ...] = ()) -> Finding:
        return Finding(Flaw.NEVER_OPEN, Level.WARNING, rule.id, path, told, others)

    if is_closed():
        yield finding("openingHours", _shut(rule, estate))
    elif is_closed(*floors):
        binding = _needed(floors, is_closed)
        told = f"it is never open together with {named(binding)}, which binds it as a floor"
        yield finding("window" if rule.window is not None else "openingHours", told, binding)
    elif _ends_first(rule, estate, now):
        yield finding("expiresAt", "it expires before it opens for the first time")


def unsatisfiable(one: Standing, floors: Sequence[Standing], estate: Estate) -> Iterator[Finding]:
    """A rule that limits or approvals keep from ever running, at some severities or at all."""
    rule, words = one.rule, [word for word in Severity if word in one.words]
    if rule.effect is Effect.DENY:
        return
    found: dict[tuple[str, tuple[str, ...]], dict[str, list[Severity]]] = {}
    blocked = set()
    for word in words:
        for path, told, others in _obstacles(rule, floors, word, estate):
            found.setdefault((path, others), {}).setdefault(told, []).append(word)
            blocked.add(word)
    level = Level.WARNING if len(blocked) == len(words) else Level.NOTICE
    for (path, others), reasons in found.items():
        text = "; ".join(
            told if len(at) == len(words) else f"{told} at {', '.join(at)}"
            for told, at in reasons.items()
        )
        yield Finding(Flaw.UNSATISFIABLE, level, rule.id, path, text, others)
    alone = None if found else _only_each_other(rule, words, estate)
    if alone is not None:
        path = "approval.selfApprove"
        yield Finding(Flaw.UNSATISFIABLE, Level.NOTICE, rule.id, path, alone)


def _can_be_on(platform: str | None, wanted: Sequence[str]) -> bool:
    return platform is None or any(
        covers(prefix, platform) or covers(platform, prefix) for prefix in wanted
    )


def _shut(rule: Rule, estate: Estate) -> str:
    site = estate.sites.get(rule.scope.site or "")
    if site is None or site.opening_hours:
        return f"its window and the time {rule.opening_hours} opening hours never overlap"
    return f"it is for {rule.opening_hours} opening hours, and site {rule.scope.site} has none"


def _needed(floors: Sequence[Standing], is_closed: Callable[..., bool]) -> tuple[str, ...]:
    """Floors that suffice to close the rule, none of them dispensable."""
    kept = list(floors)
    for floor in floors:
        fewer = [each for each in kept if each is not floor]
        if is_closed(*fewer):
            kept = fewer
    return tuple(each.rule.id for each in kept)


def _ends_first(rule: Rule, estate: Estate, now: datetime) -> bool:
    """Whether a rule that is open some time is over before the first time of it."""
    end = rule.expires_at
    timed = rule.window is not None or rule.opening_hours is not None
    if end is None or not timed or not now < end <= now + HORIZON:
        return False
    site = estate.sites.get(rule.scope.site or "")
    if site is not None:
        return not _opens(rule, site, now, end)
    # Where it applies is not known, and so neither are zone and hours: its minutes must not come
    # anywhere on earth.
    if rule.window is None:
        return False
    if rule.window.timezone is not None:
        bare = replace(rule, opening_hours=None)
        return not _opens(bare, SiteFacts(rule.window.timezone), now, end)
    return not week.minutes(rule.window) & week.anywhere(now, end)


def _opens(rule: Rule, site: SiteFacts, now: datetime, end: datetime) -> bool:
    """Whether the rule acts at a site before it ends."""
    if rule.effect is Effect.DENY and rule.opening_hours is not None and not site.opening_hours:
        rule = replace(rule, opening_hours=None)
    return bool(preview.openings((rule,), site.zone, site.opening_hours, now, end))


def _obstacles(
    rule: Rule, floors: Sequence[Standing], word: Severity, estate: Estate
) -> Iterator[Obstacle]:
    """What always refuses at one severity, on an unused host and with every consent there is."""
    resolved = _resolved(rule, word)
    facts = (estate.actions or {}).get(rule.action)
    if facts is not None and facts.inputs is not None:
        for foreign in sorted(_names(rule, word) - facts.inputs):
            yield f"params.{foreign}", f"{rule.action} takes no input {foreign}", ()
    binding = [each.rule for each in floors if word in each.words]
    for each in (rule, *binding):
        others = () if each is rule else (each.id,)
        for path, told in (*_over_limits(each, resolved), *_consent(each, word, estate)):
            words = told if each is rule else f"{told}, says {named(others)}, a floor"
            yield path, words, others


def _resolved(rule: Rule, word: Severity) -> Mapping[str, Json] | None:
    """The amounts that limits count, as far as no request has a say in them."""
    given: Mapping[str, Json] = rule.params or {}
    if params.is_choice(given):
        chosen = {name: _amounts(given[name]) for name in given}
    else:
        chosen = _amounts(given)
    found = params.constants(replace(rule, params=chosen))
    return None if found is None else found[word]


def _amounts(given: Mapping[str, Json]) -> dict[str, Json]:
    return {name: given[name] for name in _AMOUNTS if name in given}


def _names(rule: Rule, word: Severity) -> set[str]:
    """The names of the parameters at a severity."""
    given: Mapping[str, Json] = rule.params or {}
    if params.is_choice(given):
        is_high = severity.rank(word) >= severity.rank(Severity.HIGH)
        return set(given["crit" if is_high else "warn"])
    return set(given)


def _over_limits(rule: Rule, resolved: Mapping[str, Json] | None) -> Iterator[tuple[str, str]]:
    """The limits of a rule that one run alone exceeds; amounts that are not known exceed none."""
    for name, used, cap in budgets.caps(rule.limits):
        if resolved is None and name in _OF_AMOUNTS:
            continue
        try:
            alone = used(RuleUsage(), HostUsage(), resolved or {})
        except Unresolved as error:
            yield "params", str(error)
            continue
        if alone > cap:
            told = f"one run uses {exact.text(alone)} of {name}, which is {exact.text(cap)}"
            yield f"limits.{name}", told


def _consent(rule: Rule, word: Severity, estate: Estate) -> Iterator[tuple[str, str]]:
    """An approval that a rule needs and nobody could give."""
    spec = rule.approval or _NO_APPROVAL
    if not _is_asked(spec, word):
        return
    if spec.roles is not None and not spec.roles:
        yield "approval.roles", "needs an approval that no role may give"
        return
    people = _able(spec, estate)
    if people is None or len(people) >= spec.quorum:
        return
    who = "anybody" if spec.roles is None else " or ".join(spec.roles)
    if not people:
        yield "approval.roles", f"needs the approval of {who}, and nobody is that"
    else:
        told = f"needs {spec.quorum} people who are {who}, and there are only {len(people)}"
        yield "approval.quorum", told


def _is_asked(spec: Approval, word: Severity) -> bool:
    bypass = spec.bypass_if_severity
    return spec.required and not (bypass is not None and severity.meets(bypass, word))


def _able(spec: Approval, estate: Estate) -> set[str] | None:
    """Who may approve; None = not known."""
    if estate.holders is None:
        return None
    roles = estate.holders if spec.roles is None else spec.roles
    return {user for role in roles for user in estate.holders.get(role, ())}


def _only_each_other(rule: Rule, words: Sequence[Severity], estate: Estate) -> str | None:
    """Where everybody who may approve is needed, none of them may be the one who asks."""
    spec = rule.approval or _NO_APPROVAL
    people = _able(spec, estate)
    if people is None or spec.self_approve or len(people) != spec.quorum:
        return None
    if not any(_is_asked(spec, word) for word in words):
        return None
    if len(people) == 1:
        return "only one person may approve: what that person asks for nobody can approve"
    return (
        f"all {len(people)} people who may approve must: what one of them asks for nobody can "
        "approve"
    )
