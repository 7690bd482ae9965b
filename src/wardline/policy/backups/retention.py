"""Which backups are no longer kept."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from wardline.policy.backups.names import Kind, Name
from wardline.policy.backups.note import Note

KEEP_DEFAULT = 30
DAYS_DEFAULT = 365
SAFETY_DAYS_MIN = 30


class Kept(Protocol):
    """A backup as far as this needs to know it."""

    @property
    def name(self) -> Name: ...

    @property
    def note(self) -> Note | None: ...


@dataclass(frozen=True, slots=True)
class Retention:
    """The newest `keep` of each kind are kept, and none for longer than `days`."""

    keep: int = KEEP_DEFAULT
    days: int = DAYS_DEFAULT


DEFAULT = Retention()


def due(
    newest_first: Sequence[Kept], now: datetime, rules: Retention, last_sound: Name | None
) -> list[Name]:
    """What may go. Never the last backup that was verified, one that was downloaded, a safety
    backup of the last SAFETY_DAYS_MIN days, nor a file that somebody put there."""
    kept: Counter[Kind] = Counter()
    gone = []
    for one in newest_first:
        if one.note is None:
            continue
        kind = one.name.kind
        age = now - one.name.at
        is_young = kind is Kind.SAFETY and age < timedelta(days=SAFETY_DAYS_MIN)
        is_held = one.name == last_sound or one.note.downloaded_at is not None or is_young
        is_over = kept[kind] >= rules.keep or age > timedelta(days=rules.days)
        if is_over and not is_held:
            gone.append(one.name)
        elif one.note.fault is None:
            kept[kind] += 1
    return gone
