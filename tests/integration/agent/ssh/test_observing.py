"""The observing loop with hosts over SSH: each is measured beside the others, none waits."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.harness.openssh import Server
from tests.integration.agent.bench import BAD_MODE, DRIFT, GOOD_MODE, Bench, build_tree
from tests.integration.agent.ssh.conftest import Boxed
from wardline.agent.checks import check
from wardline.agent.hosts.ssh import line
from wardline.agent.settings import HostSettings, SshSettings
from wardline.agent.store import results
from wardline.agent.store.credentials import Credentials
from wardline.agent.workers import WORKERS_MAX, Workers
from wardline.core import ids
from wardline.core.evidence.bundle import IncidentState, Outcome, Result
from wardline.core.sealed import Credential, SecretType

WAIT_S_MAX = 120.0
CHECKS = len(check.registry())


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(tmp_path / "bench")
    yield made
    made.close()


@contextmanager
def _silent() -> Iterator[int]:
    """A port that accepts and never says a word."""
    with socket.create_server(("127.0.0.1", 0), backlog=50) as listener:
        yield int(listener.getsockname()[1])


def _declare(bench: Bench, servers: list[tuple[str, int, Server]]) -> dict[str, str]:
    """The hosts in the bench's settings, with their credentials sealed; ids by name."""
    hosts = list(bench.settings.hosts)
    credentials = Credentials(bench.layout, bench.settings.appliance.id)
    for name, port, server in servers:
        place = SshSettings(
            address="127.0.0.1", port=port, user=server.user, host_key=server.host_key
        )
        host = HostSettings(id=ids.host(), name=name, kind="ssh", ssh=place)
        credentials.keep(host, Credential(SecretType.PRIVATE_KEY, server.private_key))
        hosts.append(host)
    bench.settings = bench.settings.model_copy(update={"hosts": hosts})
    bench.restart()
    return {host.name: host.id for host in hosts}


def _results(bench: Bench, host_id: str) -> list[Result]:
    with bench.agent.ledger.reading() as tx:
        return results.all_of(tx, host_id)


def _turn_until(bench: Bench, holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WAIT_S_MAX
    while not holds():
        assert time.monotonic() < deadline
        bench.agent.bells.observe.wait(min(bench.agent.observer.turn(), 0.2))


def test_hosts_that_do_not_answer_delay_no_other_one(
    bench: Bench, boxed: Boxed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More silent hosts than there are threads, which stay silent for the whole test."""
    monkeypatch.setattr(line, "CONNECT_S", 300.0)
    (boxed.root / "etc/os-release").write_text("ID=debian\n")
    with _silent() as silent:
        dead = [(f"silent {n}", silent, boxed.server) for n in range(WORKERS_MAX + 4)]
        hosts = _declare(bench, [*dead, ("alive", boxed.server.port, boxed.server)])
        _turn_until(bench, lambda: len(_results(bench, hosts["alive"])) == CHECKS)
        assert not any(_results(bench, hosts[name]) for name, _, _ in dead)
        bench.agent.roster.close()
    assert any(one.outcome is not Outcome.UNKNOWN for one in _results(bench, hosts["alive"]))


def test_a_host_that_does_not_answer_is_unknown_with_the_reason_in_each_check(
    bench: Bench, boxed: Boxed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(line, "CONNECT_S", 1.0)
    with socket.create_server(("127.0.0.1", 0)) as closed:
        nobody = int(closed.getsockname()[1])
    with _silent() as silent:
        hosts = _declare(
            bench, [("silent", silent, boxed.server), ("nobody", nobody, boxed.server)]
        )
        says = {"silent": "no answer within 1 s", "nobody": "cannot be reached"}
        _turn_until(
            bench, lambda: all(len(_results(bench, hosts[name])) == CHECKS for name in says)
        )
    for name, words in says.items():
        for one in _results(bench, hosts[name]):
            assert (one.outcome, one.facts["reason_code"]) == (Outcome.UNKNOWN, "unreachable")
            assert words in str(one.facts["reason"])


def test_a_drift_on_a_host_over_ssh_is_repaired_measured_again_and_sealed_as_healed(
    bench: Bench, boxed: Boxed
) -> None:
    build_tree(boxed.root)
    hosts = _declare(bench, [("alive", boxed.server.port, boxed.server)])
    bench.central.healing = "heal"
    bench.check_in()
    member = bench.agent.roster.get(hosts["alive"])
    assert member is not None
    registry = check.registry()
    (boxed.root / DRIFT).chmod(BAD_MODE)
    (found,) = bench.agent.observer.cycle(member, [registry["file_permissions"]])
    assert found.outcome is Outcome.FAIL, found.summary
    bench.act()
    assert (boxed.root / DRIFT).stat().st_mode & 0o777 == GOOD_MODE
    bench.report()
    healed = bench.central.records("file_permissions")[-1]
    assert healed.state is IncidentState.HEALED
    assert healed.after is not None
    assert healed.after.outcome is Outcome.PASS
    assert boxed.server.private_key.split("\n")[2] not in str(bench.central.stored)


def test_work_for_hosts_is_bounded_and_its_errors_come_back() -> None:
    most, running, done = 0, 0, threading.Event()
    lock, go = threading.Lock(), threading.Event()
    workers = Workers(done.set, most=3)

    def work() -> None:
        nonlocal most, running
        with lock:
            running += 1
            most = max(most, running)
        go.wait(10)
        with lock:
            running -= 1

    started = [
        name for name in "abcde" if workers.can_start(name) and not workers.start(name, work)
    ]
    assert started == ["a", "b", "c"]
    assert not workers.can_start("a")
    go.set()
    _wait(lambda: not any(workers.is_busy(name) for name in started))
    assert (most, done.is_set()) == (3, True)

    def fail() -> None:
        raise ValueError("in the thread")

    workers.start("a", fail)
    _wait(lambda: not workers.is_busy("a"))
    with pytest.raises(ValueError, match="in the thread"):
        workers.check()
    workers.check()


def _wait(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.01)
