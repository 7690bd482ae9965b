"""What trials say for and against a runbook: when it may be promoted, and when it is demoted.

The thresholds stand here and nowhere else. Only trials whose watch is over count, and only of the
same runbook at the same digest.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from wardline.core.incidents.trial import End

OCCURRENCES_LEAST = 5
L2_LEAST = 3
SUCCESS_PCT_LEAST = 90
# A trial counts half as much for every month that it is old, and not at all beyond the horizon.
HALF_LIFE_DAYS = 30
HORIZON_DAYS = 90
WEIGHT_WHOLE = 1_000_000

SHADOW_DAYS = 14
CANARY = timedelta(hours=48)
# A canary in which nothing was proved ends here.
CANARY_MAX = timedelta(days=14)

DEMOTION_RUNS_LEAST = 3
DEMOTION_PCT_MAX = 20
RECENT_RUNS = 20
# Runs older than that are forgotten, but for those of a promotion that is still in use.
KEPT = timedelta(days=400)


@dataclass(frozen=True, slots=True)
class Merit:
    """Of one runbook for one pattern. `occurrences`: incidents on which it was tried and measured;
    `by_l2`: those of them that an L2 plan healed for good; `good` and `all` are weights."""

    occurrences: int
    by_l2: int
    good: int
    all: int

    @property
    def success_pct(self) -> float | None:
        """The weighted share of trials that were stable; None where there is none."""
        return round(100 * self.good / self.all, 1) if self.all else None


@dataclass(frozen=True, slots=True)
class Runs:
    """What a promotion's own trials came to: of `decided` ones `bad` failed or did not last, in the
    canary `canary_bad` of them; `recent` says so of the last ones, the newest last."""

    decided: int = 0
    bad: int = 0
    canary_bad: int = 0
    recent: tuple[bool, ...] = ()

    def and_one(self, end: End, *, canary: bool) -> "Runs":
        if not end.counts:
            return self
        return Runs(
            self.decided + 1,
            self.bad + end.bad,
            self.canary_bad + (end.bad and canary),
            (*self.recent, end.bad)[-RECENT_RUNS:],
        )


def weight(age: timedelta) -> int:
    """How much a trial of this age counts, in millionths; the same for all of one day."""
    days = max(age.days, 0)
    return round(WEIGHT_WHOLE * 0.5 ** (days / HALF_LIFE_DAYS)) if days < HORIZON_DAYS else 0


def lacking(merit: Merit) -> tuple[str, ...]:
    """What stands between a runbook and a promotion, in words; nothing where it may be proposed."""
    missing: list[str] = []
    if merit.occurrences < OCCURRENCES_LEAST:
        missing.append(f"{merit.occurrences} of {OCCURRENCES_LEAST} incidents")
    if merit.by_l2 < L2_LEAST:
        missing.append(f"{merit.by_l2} of {L2_LEAST} healed for good by an L2 plan")
    if 100 * merit.good < SUCCESS_PCT_LEAST * merit.all or not merit.all:
        pct = merit.success_pct
        said = "nothing measured" if pct is None else f"{pct} % verified success"
        missing.append(f"{said}, {SUCCESS_PCT_LEAST} % needed")
    return tuple(missing)


def ending(runs: Runs) -> str | None:
    """Why a promotion with these runs is over, in words; None while it is not.

    In its canary one run that went wrong is enough. Later it takes too many of all its runs, or of
    the last RECENT_RUNS: what has become bad must not live on what it once was. What was in flight
    when it was ended changes nothing any more: who asks keeps the first answer.
    """
    if runs.canary_bad:
        return "a run of its canary failed or did not last"
    for bad, of, which in (
        (runs.bad, runs.decided, "runs"),
        (sum(runs.recent), len(runs.recent), "last runs"),
    ):
        if of >= DEMOTION_RUNS_LEAST and 100 * bad > DEMOTION_PCT_MAX * of:
            return f"{bad} of {of} {which} failed or did not last, more than {DEMOTION_PCT_MAX} %"
    return None


def ended_at(
    trials: Iterable[tuple[End, bool]], before: Runs | None = None
) -> tuple[int, str] | None:
    """The first of these trials, each with whether it was a canary's, that ended the promotion for
    whoever made them in this order: its place and why. None where none did.

    `before` counts earlier ones that are not among them, none of which ended it: what the last runs
    come to is not known then until there are RECENT_RUNS of them."""
    runs = before or Runs()
    for place, (end, canary) in enumerate(trials):
        runs = runs.and_one(end, canary=canary)
        is_whole = before is None or len(runs.recent) == RECENT_RUNS
        if (why := ending(runs if is_whole else replace(runs, recent=()))) is not None:
            return place, why
    return None


@dataclass(frozen=True, slots=True)
class Canary:
    """How a canary stands: since when, and how many of its runs were stable."""

    since: datetime
    stable: int

    def passed(self, now: datetime) -> bool:
        """Over, and at least one run proved: a canary that did nothing shows nothing."""
        return now - self.since >= CANARY and self.stable > 0

    def idle(self, now: datetime) -> bool:
        """So old that it is given up."""
        return now - self.since >= CANARY_MAX and not self.stable


@dataclass(frozen=True, slots=True)
class Shadow:
    """What a promotion would have met with in the last SHADOW_DAYS: of `incidents` of its pattern
    the facts of `resolved` meet its preconditions and give its inputs, and of those the policy
    would let `allowed` run, at once or with a person's word. In `confirmed` its runbook did heal
    for good, in `contradicted` it went wrong and nothing of it lasted."""

    incidents: int
    resolved: int
    allowed: int
    confirmed: int
    contradicted: int


def against(shadow: Shadow) -> tuple[str, ...]:
    """What speaks against an approval, in words; nothing where a person may give it."""
    found: list[str] = []
    if not shadow.incidents:
        found.append(f"no incident of this pattern in the last {SHADOW_DAYS} days")
    elif 100 * shadow.resolved < SUCCESS_PCT_LEAST * shadow.incidents:
        missing = shadow.incidents - shadow.resolved
        found.append(
            f"its preconditions or inputs are missing in {missing} of {shadow.incidents} incidents"
        )
    elif not shadow.allowed:
        found.append("the policy would have blocked it every time")
    decided = shadow.confirmed + shadow.contradicted
    if 100 * shadow.confirmed < SUCCESS_PCT_LEAST * decided:
        found.append(
            f"it lasted in {shadow.confirmed} of {decided} incidents, {SUCCESS_PCT_LEAST} % needed"
        )
    return tuple(found)
