"""An agent killed before any statement on its store while it carries an order out, then revived."""

import os
import pickle
import random
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.harness import ordering
from tests.integration.agent.bench import DRIFT, GOOD_MODE, Bench
from tests.integration.agent.waiting import CHECK, waiting
from wardline.agent.hosts.host import Stat
from wardline.agent.store import database
from wardline.core.orders import Order

KILLED = 86
SAMPLED = 12
ENDINGS = {
    *{("succeeded", "healed"), ("succeeded", "already_passes"), ("failed", "interrupted")},
    *{("succeeded", "cleared"), ("succeeded", "already_cleared")},
}


class Counted(sqlite3.Connection):
    """Counts the statements that reach SQLite and ends the process before the one it is told."""

    seen = 0
    ends_at = 0

    def execute(self, *arguments: Any) -> sqlite3.Cursor:
        Counted.seen += 1
        if Counted.seen == Counted.ends_at:
            os._exit(KILLED)
        return super().execute(*arguments)


@dataclass(frozen=True)
class Scene:
    """An enrolled appliance in which an order waits at Central."""

    bench: Bench
    order: Order
    effects: Path


def _live(scene: Scene, ends_at: int) -> int:
    """One life in a forked child: fetch the order, carry it out, tell of it. The statements that
    it took, 0 where it was killed; what Central knows outlives it."""
    bench = scene.bench
    told = bench.folder / "central"
    child = os.fork()
    if child == 0:
        code = 1
        try:
            _work(scene, told, ends_at)
            (bench.folder / "statements").write_text(str(Counted.seen))
            code = 0
        finally:
            os._exit(code)
    ended = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert ended in (0, KILLED), f"killed before statement {ends_at}: ended with {ended}"
    if told.exists():
        bench.central.__dict__.update(pickle.loads(told.read_bytes()).__dict__)
    return 0 if ended == KILLED else int((bench.folder / "statements").read_text())


def _work(scene: Scene, told: Path, ends_at: int) -> None:
    bench, answer = scene.bench, scene.bench.central.answer

    def telling(*arguments: Any) -> Any:
        given = answer(*arguments)
        told.with_suffix(".new").write_bytes(pickle.dumps(bench.central))
        told.with_suffix(".new").replace(told)
        return given

    object.__setattr__(bench.central, "answer", telling)
    connect = sqlite3.connect
    database.sqlite3.connect = lambda *a, **k: connect(*a, factory=Counted, **k)  # type: ignore[attr-defined]
    Counted.seen, Counted.ends_at = 0, ends_at
    bench.agent = bench.open()
    member = next(iter(bench.agent.roster))
    real = member.host.chmod

    def change(path: str, mode: int, found: Stat) -> None:
        real(path, mode, found)
        with scene.effects.open("a") as file:
            file.write(f"{path}\n")

    member.host.chmod = change  # type: ignore[method-assign]
    bench.report()
    bench.act()
    bench.report()


def _run_scene(bench: Bench) -> Scene:
    order = waiting(bench)
    ordering.issue(bench.central, order)
    return Scene(bench, order, bench.folder / "effects")


def _clear_scene(bench: Bench) -> Scene:
    bench.central.healing = "heal"
    bench.check_in()
    for _ in range(4):
        bench.drift()
        bench.observe(CHECK)
        bench.act()
    bench.check_in()
    order = ordering.clear_order(bench.central, bench.central.holds[-1])
    ordering.issue(bench.central, order)
    return Scene(bench, order, bench.folder / "effects")


def _killed_at(scene: Scene, at: int) -> None:
    """Killed once, then a life without an end; Central hands out again what it heard nothing of."""
    _live(scene, at)
    for _ in range(2):
        scene.bench.central.orders.expire_leases()
        _live(scene, 0)
    central, order = scene.bench.central, scene.order
    assert central.orders.last(order.id) in ENDINGS, f"killed before statement {at}"
    effects = scene.effects.read_text().splitlines() if scene.effects.exists() else []
    assert effects.count(f"/{DRIFT}") <= 1, (
        f"killed before statement {at}: run {len(effects)} times"
    )
    final = [one for one in central.orders.reports[order.id] if one["status"] != "running"]
    assert len({(one["status"], one["code"], one["seq"]) for one in final}) == 1
    seqs = central.seqs()
    assert seqs == list(range(1, len(seqs) + 1))
    telling = [one.bundle for one in central.stored if one.bundle.seq == final[-1]["seq"]]
    assert len(telling) == 1
    assert telling[0].incidents


def _points(total: int, seed: int, count: int) -> Iterable[int]:
    return sorted(random.Random(seed).sample(range(1, total + 1), min(count, total)))


@pytest.mark.parametrize("make", [_run_scene, _clear_scene])
def test_an_order_survives_a_kill_before_a_statement(make: Any, tmp_path: Path, seed: int) -> None:
    _sweep(make, tmp_path, seed, SAMPLED)


@pytest.mark.full
@pytest.mark.parametrize("make", [_run_scene, _clear_scene])
def test_an_order_survives_a_kill_before_every_statement(
    make: Any, tmp_path: Path, seed: int
) -> None:
    _sweep(make, tmp_path, seed, 10_000)


def _sweep(make: Any, tmp_path: Path, seed: int, count: int) -> None:
    whole = make(Bench(tmp_path / "whole"))
    whole.bench.close()
    total = _live(whole, 0)
    assert total > 50, "the connection did not see the agent write"
    assert whole.bench.mode == GOOD_MODE
    for at in _points(total, seed, count):
        scene = make(Bench(tmp_path / f"life-{at}"))
        scene.bench.close()
        _killed_at(scene, at)
