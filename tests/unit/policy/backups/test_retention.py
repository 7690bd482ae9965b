"""Which backups go: by number and age, and never the ones that somebody may still need."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from wardline.policy.backups import retention
from wardline.policy.backups.names import Kind, Name
from wardline.policy.backups.note import Note
from wardline.policy.backups.retention import Retention

NOW = datetime(2026, 1, 1, tzinfo=UTC)
NOTE = Note("0" * 64, 1, 1, 1, "0" * 64, "asked for", "usr_1", "2025", "2025")


@dataclass(frozen=True)
class One:
    name: Name
    note: Note | None = NOTE


def aged(days: float, kind: Kind = Kind.BACKUP) -> One:
    return One(Name(kind, NOW - timedelta(days=days)))


def due(held: list[One], *, keep: int = 2, days: int = 100, last: One | None = None) -> list[One]:
    newest_first = sorted(held, key=lambda one: one.name.at, reverse=True)
    gone = retention.due(
        newest_first, NOW, Retention(keep, days), None if last is None else last.name
    )
    return [one for one in newest_first if one.name in gone]


def test_the_newest_are_kept() -> None:
    held = [aged(days) for days in (1, 2, 3, 4)]
    assert due(held) == held[2:]


def test_the_old_go_however_few_there_are() -> None:
    held = [aged(1), aged(101)]
    assert due(held) == held[1:]


def test_each_kind_is_counted_by_itself() -> None:
    held = [aged(1), aged(2), aged(40, Kind.SAFETY), aged(41, Kind.SAFETY)]
    assert due(held) == []


def test_a_safety_backup_of_the_last_30_days_stays() -> None:
    held = [aged(days, Kind.SAFETY) for days in (1, 2, 29.9, 30.1)]
    assert due(held) == held[3:]


def test_one_that_was_downloaded_stays() -> None:
    taken = replace(aged(99_999 / 100), note=replace(NOTE, downloaded_at="2025"))
    assert due([aged(1), aged(2), aged(3), taken]) == [aged(3)]


def test_the_last_one_that_was_verified_stays() -> None:
    held = [aged(1), aged(2), aged(500)]
    assert due(held, last=held[2]) == []


def test_a_damaged_one_takes_nobodys_place() -> None:
    damaged = replace(aged(1), note=replace(NOTE, fault="is damaged"))
    held = [damaged, aged(2), aged(3), aged(4)]
    assert due(held) == held[3:]


def test_what_somebody_put_there_is_not_ours_to_remove() -> None:
    assert due([replace(aged(500), note=None)]) == []
