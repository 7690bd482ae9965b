"""Which parts of a request two sets of rules can see at all, so that what looks alike to both is
decided once.

The instant counts only through what is open at it: every window, with or without opening hours,
and every expiry of the rules is a watch, and what the watches of a lens show stands for the time.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from wardline.core.policy import opening
from wardline.core.policy.compiled import Compiled
from wardline.core.policy.request import Request
from wardline.core.policy.rule import ANY_ACTION, Hours, Mode, Window
from wardline.core.policy.slices import Bucket, Plan
from wardline.core.policy.window import UnknownZone

# An open and a closed watch, one that nobody can read, and one whose clock cannot tell.
_OPEN, _CLOSED, _UNKNOWN, _BROKEN = range(4)
_BITS = 2


@dataclass(frozen=True, slots=True)
class Watch:
    """A window and opening hours, or an expiry."""

    window: Window | None = None
    opening_hours: Hours | None = None
    expires_at: datetime | None = None

    def read(self, request: Request) -> int:
        """What it shows at the request's instant and place."""
        if self.expires_at is not None:
            return _OPEN if request.at < self.expires_at else _CLOSED
        try:
            is_open = opening.is_open(self, request)
        except (UnknownZone, OverflowError):
            return _BROKEN
        return _UNKNOWN if is_open is None else _OPEN if is_open else _CLOSED


@dataclass(frozen=True, slots=True)
class Lens:
    """What the rules of a kpi and an action see: `watches` by number, whether the host, and
    whether what was measured. `is_same`: both sets hold the very same rules."""

    number: int
    watches: tuple[int, ...]
    host: bool
    measured: bool
    is_same: bool


class Lenses:
    """Those of two sets of rules, made as they are asked for."""

    def __init__(self, before: Compiled, after: Compiled) -> None:
        self._sets = before, after
        self._numbers: dict[Watch, int] = {}
        self._made: dict[tuple[str, str | None], Lens] = {}
        self.watches: list[Watch] = []

    def of(self, kpi_id: str, action: str | None) -> Lens:
        made = self._made.get((kpi_id, action))
        if made is None:
            made = self._made[kpi_id, action] = self._lens(kpi_id, action)
        return made

    def _lens(self, kpi_id: str, action: str | None) -> Lens:
        before, after = (self._buckets(each, kpi_id, action) for each in self._sets)
        plans = list(_plans([*before, *after]))
        return Lens(
            number=len(self._made),
            watches=tuple(sorted({self._number(each) for each in _watches(plans)})),
            host=any(plan.rule.scope.host is not None for plan in plans),
            measured=any(plan.constants is None or plan.condition is not None for plan in plans),
            is_same=len(before) == len(after)
            and all(one is other for one, other in zip(before, after, strict=True)),
        )

    def _buckets(self, index: Compiled, kpi_id: str, action: str | None) -> Sequence[Bucket]:
        """Those that speak to an action, of a request that names none those of all of the kpi's."""
        actions = (action,) if action is not None else index.actions.get(kpi_id, ())
        keys = dict.fromkeys((kpi_id, each) for each in (*actions, ANY_ACTION))
        return [index.buckets[key] for key in keys if key in index.buckets]

    def _number(self, watch: Watch) -> int:
        number = self._numbers.setdefault(watch, len(self.watches))
        if number == len(self.watches):
            self.watches.append(watch)
        return number


class Reading:
    """What the watches show at one instant and place, each read at most once."""

    __slots__ = ("_probe", "_seen", "_shown", "_watches")

    def __init__(self, watches: Sequence[Watch], probe: Request) -> None:
        self._watches = watches
        self._probe = probe
        self._seen: dict[int, int] = {}
        self._shown: dict[int, int] = {}

    def of(self, lens: Lens) -> int:
        """All that a lens sees of the time, as one number."""
        shown = self._shown.get(lens.number)
        if shown is None:
            shown = self._shown[lens.number] = self._read(lens)
        return shown

    def _read(self, lens: Lens) -> int:
        shown, seen = 0, self._seen
        for number in lens.watches:
            if number not in seen:
                seen[number] = self._watches[number].read(self._probe)
            shown = shown << _BITS | seen[number]
        return shown


def _plans(buckets: Iterable[Bucket]) -> Iterator[Plan]:
    """The plans that may have a say in a decision."""
    for bucket in buckets:
        for places in (bucket.hosts, bucket.sites, bucket.partners, bucket.everywhere):
            for part in places.values():
                for plan in part.plans:
                    if plan.rule.enabled and plan.rule.mode is Mode.ENFORCE:
                        yield plan


def _watches(plans: Iterable[Plan]) -> Iterator[Watch]:
    for plan in plans:
        terms = plan.clauses
        if terms.timed:
            yield Watch(terms.window, terms.opening_hours)
        if plan.rule.expires_at is not None:
            yield Watch(expires_at=plan.rule.expires_at)
