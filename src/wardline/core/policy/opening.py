"""Whether a rule is open: its own window, and the opening hours of the site it is asked for."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from functools import lru_cache
from typing import Protocol

from wardline.core.canonical import Json
from wardline.core.policy import window
from wardline.core.policy.request import Request
from wardline.core.policy.rule import Hours, Rule, Window
from wardline.core.protocol import OpeningHours

WORDS_KEPT_MAX = 1024
# How often during a run it is looked whether a window is still open: shorter gaps are not seen.
LOOK_EVERY = timedelta(minutes=5)
LASTS_MAX = timedelta(hours=12)


def hours(told: Iterable[OpeningHours]) -> tuple[Window, ...]:
    """Opening hours as windows in the site's zone; one that ends when it starts is a whole day."""
    return tuple(
        Window(
            tuple(sorted(set(each.days))),
            window.clock_minute(each.start),
            window.clock_minute(each.end),
        )
        for each in told
    )


def wire(span: Window) -> dict[str, Json]:
    """One span of opening hours as the wire has it."""
    start, end = window.clock_text(span.start), window.clock_text(span.end)
    return {"days": list(span.days), "start": start, "end": end}


class Timed(Protocol):
    """A rule, or what stands for it, as far as it says when it is open."""

    @property
    def window(self) -> Window | None: ...

    @property
    def opening_hours(self) -> Hours | None: ...


def is_open(timed: Timed, request: Request) -> bool | None:
    """Whether both let the rule in; None = the site's hours would decide and are not known.

    Raises UnknownZone.
    """
    own = timed.window
    if own is not None:
        today, minute = window.wall_clock(request.at, own.timezone or request.zone)
        if not window.holds(own, today, minute):
            return False
    if timed.opening_hours is None:
        return True
    staffed = is_staffed(request)
    return None if staffed is None else fits(timed.opening_hours, staffed=staffed)


def in_window(rule: Rule, request: Request) -> bool:
    """Whether its own window lets the rule in. Raises UnknownZone."""
    return window.contains(rule.window, request.at, request.zone)


def is_staffed(request: Request) -> bool | None:
    """Whether people work at the site at the instant; None = no opening hours are known, which
    is neither inside nor outside of them. Raises UnknownZone."""
    if not request.opening_hours:
        return None
    today, minute = window.wall_clock(request.at, request.zone)
    return any(window.holds(hours, today, minute) for hours in request.opening_hours)


def fits(hours: Hours, *, staffed: bool) -> bool:
    """Whether a rule for these hours is open while people work there, or while nobody does."""
    return (hours is Hours.INSIDE) is staffed


def closed_by(rule: Rule, request: Request) -> str | None:
    """What keeps the rule closed, in words for a person; None = it is open. Raises UnknownZone."""
    if rule.window is not None:
        zone_name = rule.window.timezone or request.zone
        today, minute = window.wall_clock(request.at, zone_name)
        if not window.holds(rule.window, today, minute):
            # Where opening hours have a say too, the window alone does not open the rule.
            opens = (
                ""
                if rule.opening_hours is not None
                else _opens(rule.window, today, minute, zone_name)
            )
            return f"the window of rule {rule.id} is closed{opens}"
    if rule.opening_hours is None:
        return None
    staffed = is_staffed(request)
    if staffed is None:
        return f"rule {rule.id} is for {rule.opening_hours} opening hours, and none are known here"
    if fits(rule.opening_hours, staffed=staffed):
        return None
    now = "open" if staffed else "closed"
    return f"rule {rule.id} is for {rule.opening_hours} opening hours, and the site is {now}"


def too_short(rule: Rule, request: Request, lasts: timedelta) -> str | None:
    """Why an open rule closes before a run that may last so long has to be over, in words; None =
    it does not, or is never closed. Raises UnknownZone."""
    if not lasts or (rule.window is None and rule.opening_hours is None):
        return None
    lasts = min(lasts, LASTS_MAX)
    looks = [LOOK_EVERY * number for number in range(1, lasts // LOOK_EVERY + 1)]
    for after in (*looks, lasts):
        if is_open(rule, replace(request, at=request.at + after)) is not True:
            seconds = int(lasts.total_seconds())
            return f"a run may take {seconds} s, and rule {rule.id} closes before it would be over"
    return None


def _opens(closed: Window, today: int, minute: int, zone_name: str) -> str:
    """When a window opens next, on the wall clock that it is read by."""
    return _opens_at(*window.next_start(closed, today, minute), zone_name)


@lru_cache(maxsize=WORDS_KEPT_MAX)
def _opens_at(day: int, start: int, zone_name: str) -> str:
    return f" and opens on {_DAYS[day]} at {window.clock_text(start)} ({zone_name})"


_DAYS = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")
