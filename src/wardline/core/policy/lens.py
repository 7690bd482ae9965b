"""Which parts of a request two sets of rules see at all: what looks alike to both is decided once.

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
from wardline.core.policy.slices import Bucket, Plan, Slice
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
    """What the rules of a kpi and an action see at a site: `watches` by number, whether a host is
    another one, whether what was measured. `is_same`: both sets hold the very same rules."""

    number: int
    watches: tuple[int, ...]
    hosts: frozenset[str | None]
    measured: bool
    is_same: bool


Buckets = Sequence[Bucket]
Key = tuple[str, str | None, str | None]


class Lenses:
    """Those of two sets of rules, made as they are asked for."""

    def __init__(self, before: Compiled, after: Compiled) -> None:
        self._sets = before, after
        self._numbers: dict[Watch, int] = {}
        self._count = 0
        self.watches: list[Watch] = []
        self.made: dict[Key, Lens] = {}

    def of(self, kpi_id: str, action: str | None, site: str | None) -> Lens:
        """Sites that no rule names share one; it is in `made` afterwards."""
        key = kpi_id, action, site
        made = self.made.get(key)
        if made is None:
            before, after = (self._buckets(each, kpi_id, action) for each in self._sets)
            if site is None or any(site in bucket.sites for bucket in (*before, *after)):
                made = self._lens(before, after, site)
            else:
                made = self.of(kpi_id, action, None)
            self.made[key] = made
        return made

    def _lens(self, before: Buckets, after: Buckets, site: str | None) -> Lens:
        olds, news = _parts(before, site), _parts(after, site)
        plans = list(_plans([*olds, *news]))
        self._count += 1
        return Lens(
            number=self._count,
            watches=tuple(sorted({self._number(each) for each in _watches(plans)})),
            hosts=frozenset(host for bucket in (*before, *after) for host in bucket.hosts),
            measured=any(plan.constants is None or plan.condition is not None for plan in plans),
            is_same=len(olds) == len(news)
            and all(one is other for one, other in zip(olds, news, strict=True)),
        )

    def _buckets(self, index: Compiled, kpi_id: str, action: str | None) -> Buckets:
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

    __slots__ = ("_probe", "_seen", "_watches", "shown")

    def __init__(self, watches: Sequence[Watch], probe: Request) -> None:
        self._watches = watches
        self._probe = probe
        self._seen: dict[int, int] = {}
        self.shown: dict[int, int] = {}

    def of(self, lens: Lens) -> int:
        """All that a lens sees of the time, as one number; it is in `shown` afterwards."""
        shown, seen = 0, self._seen
        for number in lens.watches:
            if number not in seen:
                seen[number] = self._watches[number].read(self._probe)
            shown = shown << _BITS | seen[number]
        self.shown[lens.number] = shown
        return shown


def _parts(buckets: Buckets, site: str | None) -> list[Slice]:
    """The slices that speak to a site, of all partners and hosts."""
    found: list[Slice] = []
    for bucket in buckets:
        found += bucket.hosts.values()
        if (part := bucket.sites.get(site)) is not None:
            found.append(part)
        found += bucket.partners.values()
        found += bucket.everywhere.values()
    return found


def _plans(parts: Iterable[Slice]) -> Iterator[Plan]:
    """The plans that may have a say in a decision."""
    for part in parts:
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
