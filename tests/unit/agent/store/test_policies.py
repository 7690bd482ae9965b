"""How old the policy is, by a clock that nobody sets."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from wardline.agent.scrub.scrubber import Scrubber
from wardline.agent.store import policies
from wardline.agent.store.backoff import Moment
from wardline.agent.store.database import Database
from wardline.core import clock

AT = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
CONFIRMED = Moment(AT, 1_000_000, "boot")
HOUR = timedelta(hours=1)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    made = Database(
        tmp_path / "agent.db", 64 << 20, clock.system, tmp_path / "ballast", Scrubber.ephemeral()
    )
    yield made
    made.close()


@pytest.mark.parametrize(
    ("now", "age"),
    [
        (CONFIRMED, timedelta(0)),
        (Moment(AT + HOUR, 4_600_000, "boot"), HOUR),
        # Set back, and forward: only ever older than it is.
        (Moment(AT - 5 * HOUR, 4_600_000, "boot"), HOUR),
        (Moment(AT + 5 * HOUR, 4_600_000, "boot"), 5 * HOUR),
        # Another boot: the wall clock alone, and what it says of the future is not mended here.
        (Moment(AT + HOUR, 5, "next"), HOUR),
        (Moment(AT - HOUR, 5, "next"), -HOUR),
    ],
)
def test_the_age_of_a_confirmation(database: Database, now: Moment, age: timedelta) -> None:
    with database.transaction() as tx:
        policies.confirm(tx, CONFIRMED)
        found = policies.confirmed_at(tx, now)
    assert found is not None
    assert now.at - found == age


def test_without_a_boot_id_the_wall_clock_counts(database: Database) -> None:
    nameless = Moment(AT, 1_000_000, "")
    with database.transaction() as tx:
        policies.confirm(tx, nameless)
        assert policies.confirmed_at(tx, Moment(AT + HOUR, 0, "")) == AT


def test_what_was_never_confirmed_has_no_age(database: Database) -> None:
    with database.reading() as tx:
        assert policies.confirmed_at(tx, CONFIRMED) is None
