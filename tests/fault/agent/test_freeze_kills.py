"""An agent killed before any statement on its store while a freeze meets its run, then revived."""

import os
import random
import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.fault.agent.test_order_kills import KILLED, Counted
from tests.integration.agent.bench import BAD_MODE, GOOD_MODE, Bench
from tests.integration.agent.switch import freeze_here, healing, last, unfreeze_here
from tests.integration.agent.waiting import CHECK
from wardline.agent.hosts.host import Stat
from wardline.agent.store import database
from wardline.core.evidence.bundle import IncidentState

SAMPLED = 10
NAMES = ("group", "passwd")


@dataclass(frozen=True)
class Scene:
    """An appliance on which two files drifted, one step of a run each."""

    bench: Bench
    effects: Path

    def modes(self) -> list[int]:
        return [(self.bench.tree / "etc" / name).stat().st_mode & 0o777 for name in NAMES]

    def changed(self) -> list[str]:
        return self.effects.read_text().splitlines() if self.effects.exists() else []


def _scene(folder: Path) -> Scene:
    bench = Bench(folder)
    healing(bench)
    for name in NAMES:
        (bench.tree / "etc" / name).chmod(BAD_MODE)
    bench.observe(CHECK)
    bench.close()
    return Scene(bench, folder / "effects")


def _live(scene: Scene, ends_at: int) -> int:
    """One life in a forked child, in which everything is frozen behind the first change; the
    statements that it took, 0 where it was killed."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            _work(scene, ends_at)
            (scene.bench.folder / "statements").write_text(str(Counted.seen))
            code = 0
        finally:
            os._exit(code)
    ended = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert ended in (0, KILLED), f"killed before statement {ends_at}: ended with {ended}"
    return 0 if ended == KILLED else int((scene.bench.folder / "statements").read_text())


def _work(scene: Scene, ends_at: int) -> None:
    bench, connect = scene.bench, sqlite3.connect
    database.sqlite3.connect = lambda *a, **k: connect(*a, factory=Counted, **k)  # type: ignore[attr-defined]
    Counted.seen, Counted.ends_at = 0, ends_at
    bench.agent = bench.open()
    host = next(iter(bench.agent_roster)).host
    real = host.chmod

    def change(path: str, mode: int, found: Stat) -> None:
        real(path, mode, found)
        is_first = not scene.changed()
        with scene.effects.open("a") as file:
            file.write(f"{path}\n")
        if is_first:
            freeze_here(bench)

    host.chmod = change  # type: ignore[method-assign]
    for _ in range(2):
        bench.act()


def _revived(scene: Scene, at: int) -> None:
    """While it is frozen nothing more is begun; once that is lifted, everything is repaired."""
    bench, before = scene.bench, len(scene.changed())
    told: Any = None
    bench.agent = bench.open()
    try:
        if before:
            with bench.agent.ledger.reading() as tx:
                is_frozen = tx.row("SELECT 1 FROM freezes WHERE lifted_at IS NULL") is not None
            if not is_frozen:  # killed while the freeze itself was written
                freeze_here(bench)
            modes = scene.modes()
            bench.act()
            bench.act()
            assert scene.modes() == modes, f"killed before statement {at}: it went on frozen"
            told = last(bench)
            assert told.decision is not None
            assert told.decision["code"] == "freeze"
            unfreeze_here(bench)
        bench.until(lambda: scene.modes() == [GOOD_MODE, GOOD_MODE])
        assert last(bench).state in (IncidentState.HEALED, IncidentState.RESOLVED)
        seqs = bench.central.seqs()
        assert seqs == list(range(1, len(seqs) + 1))
    finally:
        bench.close()


def test_a_freeze_in_the_middle_of_a_run_survives_a_kill_before_a_statement(
    tmp_path: Path, seed: int
) -> None:
    whole = _scene(tmp_path / "whole")
    total = _live(whole, 0)
    assert total > 50, "the connection did not see the agent write"
    assert whole.modes() == [BAD_MODE, BAD_MODE]
    assert len(whole.changed()) == 2
    _revived(whole, 0)
    points = random.Random(seed).sample(range(1, total + 1), min(SAMPLED, total))
    for at in sorted(points):
        scene = _scene(tmp_path / f"life-{at}")
        _live(scene, at)
        _revived(scene, at)
