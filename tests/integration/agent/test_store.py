"""The SQLite file itself: pragmas, migrations, damage, and the document's tables."""

import sqlite3
import threading
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from tests.unit.core.incidents.drift import AT, BOOK, failed, result
from wardline.agent.scrub.scrubber import Scrubber
from wardline.agent.store import database, heals, incidents, outbox
from wardline.agent.store.database import Database, StoreDamaged, StoreFull, StoreUnusable
from wardline.core import canonical, clock
from wardline.core.evidence import bundle
from wardline.core.evidence.bundle import Action, Outcome
from wardline.core.incidents import incident
from wardline.core.incidents.ladder import Healed
from wardline.core.incidents.states import State
from wardline.core.incidents.watching import Attempt

BYTES_MAX = 8 << 20
DOCUMENT = {
    "incidents": "id site_id host_id incident_type severity raw_data pattern_signature created_at"
    " resolution_level outcome",
    "pattern_stats": "pattern_signature total_count l1_count l2_count l3_count success_count"
    " promotion_eligible",
    "flap_suppressions": "id site_id host_id incident_type suppressed_at reason cleared_at"
    " cleared_by",
    "queued_evidence": "id bundle_json retry_count next_retry_at uploaded_at created_at",
}


def _open(folder: Path, bytes_max: int = BYTES_MAX) -> Database:
    return Database(
        folder / "agent.db", bytes_max, clock.system, folder / "ballast", Scrubber.ephemeral()
    )


def test_the_documents_tables_columns_indexes_and_pragmas_are_there(tmp_path: Path) -> None:
    opened = _open(tmp_path)
    with opened.reading() as tx:
        for table, columns in DOCUMENT.items():
            found = {row["name"] for row in tx.rows(f"PRAGMA table_info({table})")}
            assert set(columns.split()) <= found, table
        indexes = {row["name"] for row in tx.rows("SELECT name FROM sqlite_master")}
    assert {"idx_incidents_pattern", "idx_incidents_type", "idx_incidents_site"} <= indexes
    assert opened.journal_mode() == "wal"
    assert opened.pragma("synchronous") == 2
    assert opened.pragma("foreign_keys") == 1
    assert (tmp_path / "agent.db").stat().st_mode & 0o077 == 0
    opened.close()


def test_migrations_apply_once_and_each_statement_can_be_repeated(tmp_path: Path) -> None:
    _open(tmp_path).close()
    connection = sqlite3.connect(tmp_path / "agent.db", isolation_level=None)
    connection.row_factory = sqlite3.Row
    for text in database.schema_files().values():
        for statement in database.statements(text):
            database.carry_out(connection, statement)
    connection.close()
    opened = _open(tmp_path)
    with opened.reading() as tx:
        applied = tx.rows("SELECT name, sha256 FROM schema_migrations ORDER BY name")
    assert [row["name"] for row in applied] == sorted(database.schema_files())
    opened.close()


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ("UPDATE schema_migrations SET sha256 = 'x' WHERE name LIKE '001%'", "not the one"),
        ("INSERT INTO schema_migrations VALUES ('999_later.sql', 'x', 'x')", "newer release"),
    ],
)
def test_a_database_of_another_release_is_refused(tmp_path: Path, change: str, says: str) -> None:
    _open(tmp_path).close()
    with sqlite3.connect(tmp_path / "agent.db") as connection:
        connection.execute(change)
    connection.close()
    with pytest.raises(StoreUnusable, match=says):
        _open(tmp_path)


def test_a_damaged_database_says_so_and_is_left_as_it_is(tmp_path: Path) -> None:
    _open(tmp_path).close()
    path = tmp_path / "agent.db"
    damaged = b"not a database" + path.read_bytes()[14:]
    path.write_bytes(damaged)
    with pytest.raises(StoreDamaged, match="Keep the file"):
        _open(tmp_path)
    assert path.read_bytes() == damaged


def test_a_damaged_page_is_named_when_it_is_met(tmp_path: Path) -> None:
    opened = _open(tmp_path)
    page = opened.pragma("page_size")
    with opened.transaction() as tx:
        for number in range(200):
            tx.execute("INSERT INTO facts VALUES (?, ?)", (f"n{number}", "v" * 200))
    opened.close()
    path = tmp_path / "agent.db"
    content = bytearray(path.read_bytes())
    content[page:] = b"\xff" * (len(content) - page)
    path.write_bytes(content)
    with pytest.raises(StoreDamaged):
        _open(tmp_path)


def test_the_quota_is_a_limit_of_sqlite_itself_and_what_is_there_stays(tmp_path: Path) -> None:
    opened = _open(tmp_path, 1 << 20)
    with opened.transaction() as tx:
        tx.execute("INSERT INTO facts VALUES ('kept', 'yes')")
    with pytest.raises(StoreFull):
        _fill(opened, 10_000)
    with opened.transaction() as tx:
        assert tx.rows("SELECT name FROM facts")[0]["name"] == "kept"
        tx.execute("UPDATE facts SET value = 'still'")
    opened.close()


def test_a_failed_block_leaves_nothing_behind(tmp_path: Path) -> None:
    opened = _open(tmp_path)
    with pytest.raises(StoreUnusable):
        _fail_after_a_write(opened)
    with opened.reading() as tx:
        assert tx.rows("SELECT * FROM facts") == []
    opened.close()


def test_threads_take_turns(tmp_path: Path) -> None:
    opened = _open(tmp_path)

    def count() -> None:
        for _ in range(25):
            with opened.transaction() as tx:
                row = tx.row("SELECT value FROM facts WHERE name = 'n'")
                number = int(row["value"]) if row else 0
                tx.execute(
                    "INSERT INTO facts VALUES ('n', ?) ON CONFLICT(name)"
                    " DO UPDATE SET value = excluded.value",
                    (str(number + 1),),
                )

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with opened.reading() as tx:
        assert tx.rows("SELECT value FROM facts")[0]["value"] == "100"
    opened.close()


def test_a_second_open_incident_of_one_drift_is_refused_by_the_database(tmp_path: Path) -> None:
    opened = _open(tmp_path)
    insert = (
        "INSERT INTO incidents (id, site_id, host_id, incident_type, severity, state, closed_at)"
        " VALUES (?, 's', 'h', 'c', 'low', 'open', ?)"
    )
    with opened.transaction() as tx:
        tx.execute(insert, ("a", "2026-11-21T09:00:00.000Z"))
        tx.execute(insert, ("b", None))
    with pytest.raises(StoreUnusable), opened.transaction() as tx:
        tx.execute(insert, ("c", None))
    opened.close()


def test_an_empty_queue_has_a_head_and_nothing_to_lease(tmp_path: Path) -> None:
    opened = _open(tmp_path)
    with opened.transaction() as tx:
        assert outbox.head(tx) == outbox.Head(1, 1, "0" * 64)
        assert outbox.lease(tx, 1000, 10) == []
    opened.close()


def _fill(opened: Database, rows: int) -> None:
    with opened.transaction() as tx:
        for number in range(rows):
            tx.execute("INSERT INTO facts VALUES (?, ?)", (f"n{number}", "v" * 1000))


def _fail_after_a_write(opened: Database) -> None:
    with opened.transaction() as tx:
        tx.execute("INSERT INTO facts VALUES ('a', 'b')")
        tx.execute("INSERT INTO facts VALUES ('a', 'again')")


def test_heals_of_a_release_that_did_not_watch_still_count_for_the_flap_rule(
    tmp_path: Path,
) -> None:
    """A database as the release before left it, with an incident that it had healed."""
    path = tmp_path / "agent.db"
    connection = sqlite3.connect(path, isolation_level=None)
    connection.row_factory = sqlite3.Row
    for name, text in sorted(database.schema_files().items()):
        if name < "007":
            for statement in database.statements(text):
                database.carry_out(connection, statement)
    opened = incident.opened("inc_" + "0" * 26, "site_x", "host_x", failed(), AT)
    moved = incident.started(opened, {"verdict": "run"}, BOOK)
    ran = Action("mode", "set_mode", "/etc/passwd", False, True, None, 3)
    attempt = Attempt(AT, timedelta(minutes=15))
    healed = incident.ended(moved, True, (ran,), result(Outcome.PASS), AT, attempt)
    told = bundle.unwatched_to_wire(replace(healed, watch=None).record())
    connection.execute(
        "INSERT INTO incidents (id, site_id, host_id, incident_type, severity, raw_data,"
        " pattern_signature, created_at, resolution_level, outcome, state, closed_at, runbook_id)"
        " VALUES (?, 'site_x', 'host_x', 'a', 'high', ?, 'p', ?, 'L1', 'success', 'healed', ?, ?)",
        (healed.id, canonical.dumps(told).decode(), clock.wire(AT), clock.wire(AT), BOOK.id),
    )
    connection.close()
    upgraded = _open(tmp_path)
    with upgraded.transaction() as tx:
        kept = incidents.get(tx, healed.id)
        assert kept is not None
        assert (kept.state, kept.watch, kept.closed_at) == (State.HEALED, None, AT)
        assert heals.last(tx, kept, BOOK.id, 2) == [Healed(AT)]
        assert incidents.watched_of(tx, "site_x", "host_x", "a") is None
        assert incidents.open_of(tx, "site_x", "host_x", "a") is None
        incidents.save(tx, kept)
        assert incidents.get(tx, healed.id) == kept
    upgraded.close()
