"""Runs under the shim: one short life of an agent, cut off at every file operation in turn.

Each life is a forked child in a copy of an enrolled directory. What it had sealed, and what Central
had accepted, is told through files outside the cut. The parent then starts an agent on what the
cut left, lets it finish, and checks that nothing is lost, double or broken. Prints JSON.
"""

import ctypes
import json
import os
import pickle
import random
import shutil
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.harness.fake_central import FakeCentral
from tests.integration.agent.bench import DRIFT, GOOD_MODE, Bench
from wardline.agent.store import database, outbox
from wardline.core.evidence import bundle
from wardline.core.evidence.bundle import IncidentState, Outcome

DROP, TEAR, KILL = 1, 2, 3
EXIT_CUT = 86
CHECK = "file_permissions"


@dataclass(frozen=True)
class Life:
    """One cut: how, and at which file operation."""

    mode: int
    at: int
    seed: int


class Broken(AssertionError):
    """What the cut left is not whole."""


def main() -> None:
    mode = {"drop": DROP, "tear": TEAR, "kill": KILL}[sys.argv[1]]
    if sys.argv[5:] == ["careless"]:
        # A store that does not wait for the disk: the model must find what it loses.
        database.PRAGMAS = {**database.PRAGMAS, "synchronous": 0}
    stride, seed = int(sys.argv[2]), int(sys.argv[3])
    shim = ctypes.CDLL(os.environ["LD_PRELOAD"])
    with tempfile.TemporaryDirectory(prefix="powercut-", dir=sys.argv[4]) as name:
        template = Bench(Path(name) / "template")
        template.central.healing = "heal"
        template.check_in()
        template.agent.close()
        total = _live(shim, template, Path(name) / "whole", Life(mode, 0, seed))
        cuts = 0
        for at in _points(total, stride, seed):
            life = Life(mode, at, seed + at)
            folder = Path(name) / f"life-{at}"
            _live(shim, template, folder, life)
            try:
                _recover(template, folder, mode)
            except Exception as error:
                raise Broken(f"{sys.argv[1]} at operation {at} of {total}, seed {seed}") from error
            shutil.rmtree(folder)
            cuts += 1
        print(json.dumps({"operations": total, "cuts": cuts}))


def _points(total: int, stride: int, seed: int) -> Iterator[int]:
    """Every `stride`-th operation, from one that the seed draws."""
    yield from range(1 + random.Random(seed).randrange(stride), total + 1, stride)


def _live(shim: ctypes.CDLL, template: Bench, folder: Path, life: Life) -> int:
    """One life in a child; the number of file operations that it had, 0 when it was cut."""
    (folder / "told").mkdir(parents=True)
    shutil.copytree(template.layout.root, folder / "home" / "agent")
    shutil.copytree(template.tree, folder / "home" / "host")
    shutil.copytree(folder / "home" / "agent", folder / "disk" / "agent")
    child = os.fork()
    if child == 0:
        code = 1
        try:
            counted = folder / "home" if life.mode == KILL else folder / "home" / "agent"
            image = folder / "disk" if life.mode == KILL else folder / "disk" / "agent"
            bench = _bench(template, folder / "home", template.central)
            shim.powercut_arm(
                str(counted).encode(), str(image).encode(), life.mode, ctypes.c_long(life.at),
                ctypes.c_uint64(life.seed),
            )  # fmt: skip
            _work(bench, folder / "told")
            (folder / "told" / "operations").write_text(str(shim.powercut_events()))
            code = 0
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    ended = os.waitstatus_to_exitcode(status)
    if ended != (EXIT_CUT if life.at else 0):
        raise Broken(f"the life that was to be cut at {life.at} ended with {ended}")
    return 0 if life.at else int((folder / "told" / "operations").read_text())


def _work(bench: Bench, told: Path) -> None:
    """Two drifts, found, repaired, sealed, sent and proved, with a restart between them."""
    answer = bench.central.answer

    def telling(*arguments: object) -> object:
        """Central keeps what it has accepted, whatever becomes of the agent."""
        given = answer(*arguments)  # type: ignore[arg-type]
        _keep(told / "central", pickle.dumps(bench.central))
        return given

    object.__setattr__(bench.central, "answer", telling)
    bench.agent = bench.open()
    for _ in range(2):
        bench.drift()
        bench.observe(CHECK)
        _tell(bench, told)
        bench.act()
        _tell(bench, told)
        bench.report()
        _tell(bench, told)
        bench.restart()


def _tell(bench: Bench, told: Path) -> None:
    """The stream's head as it was committed: nothing before it may ever be missing again."""
    with bench.agent.ledger.reading() as tx:
        next_seq = outbox.head(tx).next_seq
    _keep(told / "next_seq", str(next_seq).encode())


def _recover(template: Bench, folder: Path, mode: int) -> None:
    """A new agent on what is left finishes the work; Central is the one that lived on."""
    told = folder / "told"
    committed = int((told / "next_seq").read_text()) if (told / "next_seq").exists() else 1
    central: FakeCentral = template.central
    if (told / "central").exists():
        central = pickle.loads((told / "central").read_bytes())
    else:
        central = pickle.loads(pickle.dumps(central))
    home = folder / "home"
    if mode != KILL:
        shutil.rmtree(home / "agent")
        (folder / "disk" / "agent").rename(home / "agent")
    bench = _bench(template, home, central)
    bench.agent = bench.open()
    try:
        with bench.agent.ledger.reading() as tx:
            next_seq = outbox.head(tx).next_seq
            check = tx.rows("PRAGMA integrity_check")[0][0]
        assert check == "ok", check
        assert next_seq >= committed, "a committed bundle is gone"
        _finish(bench)
        _whole(bench)
    finally:
        bench.close()


def _finish(bench: Bench) -> None:
    for _ in range(3):
        bench.act()
        bench.observe()
    for _ in range(3):
        bench.report()


def _whole(bench: Bench) -> None:
    """Every stream unbroken, every bundle there once and proved, every story told as it was."""
    counts = bench.counts()
    assert (counts.pending, counts.unproved, counts.quarantined) == (0, 0, 0), counts
    prev = bundle.NO_PREV
    for seq, one in enumerate(bench.central.stored, 1):
        assert (one.bundle.seq, one.bundle.epoch, one.bundle.prev) == (seq, 1, prev)
        prev = bundle.chain_hash(bundle.PAYLOAD_TYPE, one.envelope.payload)
    with bench.agent.ledger.reading() as tx:
        rows = tx.rows("SELECT seq, chain_hash FROM queued_evidence ORDER BY seq")
        still_open = tx.rows("SELECT state FROM incidents WHERE closed_at IS NULL AND"
                             " incident_type = ?", (CHECK,))  # fmt: skip
    assert [row["seq"] for row in rows] == [one.bundle.seq for one in bench.central.stored]
    assert not rows or rows[-1]["chain_hash"] == prev
    assert bench.alarms() == {}, bench.alarms()
    assert bench.mode == GOOD_MODE, f"{DRIFT} is still drifted"
    assert still_open == []
    for record in bench.central.records(CHECK):
        if record.state is IncidentState.HEALED:
            assert record.after is not None
            assert record.after.outcome is Outcome.PASS


def _bench(template: Bench, folder: Path, central: FakeCentral) -> Bench:
    """The enrolled appliance of the template, as if it had always stood in `folder`."""
    bench = object.__new__(Bench)
    bench.folder, bench.central, bench.clock = folder, central, template.clock
    bench.flap, bench.outbox = template.flap, template.outbox
    bench.said = []
    bench.tree = folder / "host"
    bench.layout = type(template.layout)(folder / "agent")
    host = template.host.model_copy(update={"root": bench.tree})
    bench.host = host
    bench.settings = template.settings.model_copy(update={"hosts": [host]})
    return bench


def _keep(path: Path, data: bytes) -> None:
    """Outside the cut: complete or not there."""
    beside = path.with_suffix(".new")
    beside.write_bytes(data)
    beside.replace(path)


if __name__ == "__main__":
    main()
