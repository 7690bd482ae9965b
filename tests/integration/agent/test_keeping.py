"""What is kept to undo runs by: for how long, in what room, and what is said when it is gone."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.integration.agent.bench import Bench
from tests.integration.agent.undone import BEFORE, CHECK, FILE, healed, kept, last, typed
from wardline.agent import agent
from wardline.agent.keeping import Keeper
from wardline.agent.store import before_states, undos
from wardline.agent.store.database import StoreFull, Transaction
from wardline.core.evidence.bundle import IncidentState

__all__ = ["healed"]


def test_the_oldest_give_way_to_the_newest_and_stray_files_go(
    healed: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = healed
    first = kept(bench).run_id
    monkeypatch.setattr(before_states, "FOLDER_BYTES_MAX", 1)
    (bench.tree / FILE).write_text(BEFORE)
    bench.observe(CHECK)
    bench.act()
    with bench.agent.ledger.reading() as tx:
        newer, older = undos.newest(tx)
    assert (older.run_id, older.gone) == (first, "newer runs took its room")
    assert newer.gone is None
    folder = bench.layout.root / "undo"
    (folder / ("run_" + "0" * 26 + ".sealed")).write_bytes(b"stray")
    files = agent.open_before_states(bench.layout, bench.settings, bench.agent.ledger)
    Keeper(bench.agent.ledger, files).sweep()
    assert [one.stem for one in folder.iterdir()] == [newer.run_id]


@pytest.mark.parametrize(("times", "kept_after_all"), [(1, True), (2, False)])
def test_a_store_without_room_gives_its_reserve_to_what_an_undo_needs(
    healed: Bench, monkeypatch: pytest.MonkeyPatch, times: int, kept_after_all: bool
) -> None:
    bench = healed
    folder, ballast = bench.layout.root / "undo", bench.layout.root / "ballast"
    first = kept(bench).run_id
    (bench.tree / FILE).write_text(BEFORE)
    bench.observe(CHECK)
    database, before = bench.agent.ledger.database, set(folder.iterdir())
    begin, refused = database.transaction, list[bool]()

    @contextmanager
    def full() -> Iterator[Transaction]:
        """As on a disk that the kept file has filled: the end of the transaction says so."""
        with begin() as tx:
            yield tx
            if set(folder.iterdir()) != before and len(refused) < times:
                refused.append(ballast.exists())
                raise StoreFull("the disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(before_states, "FOLDER_BYTES_MAX", 1)
        patch.setattr(database, "transaction", full)
        bench.act()
    assert refused == [True, False][:times]
    record = last(bench)
    assert record.state is IncidentState.HEALED
    assert record.decision is not None
    run = record.decision["run"]
    assert (run["undoUntil"] is not None) is kept_after_all
    # The file of the older one goes with its row, and no sooner.
    assert {one.stem for one in folder.iterdir()} == {run["id"] if kept_after_all else first}
    bench.close()
    words = f"until {run['undoUntil']}" if kept_after_all else "nothing is kept of it"
    assert words in typed(bench, "show", run["id"])
    older = "no longer: newer runs took its room" if kept_after_all else "until "
    assert older in typed(bench, "show", first)
    bench.agent = bench.open()
