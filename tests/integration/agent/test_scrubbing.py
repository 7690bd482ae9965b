"""Canaries in a host's files, outputs and errors: none may reach a table, a file or the outbox."""

import base64
import json
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.harness.fake_central import FakeCentral
from tests.integration.agent.bench import Bench
from wardline.agent import agent, name_commands
from wardline.agent.hosts.host import Failed, Output
from wardline.agent.hosts.revert import ArmedRevert
from wardline.agent.runbooks import runbook
from wardline.agent.settings import Layout
from wardline.agent.store import alarms, backoff, holds, incidents, orders, outbox, results, runs
from wardline.agent.store.orders import Ending
from wardline.agent.store.outbox import Draft
from wardline.agent.store.runs import Run
from wardline.core import canonical, clock, ids
from wardline.core.evidence.bundle import Action, IncidentState, Kind, Outcome, Result
from wardline.core.incidents import incident
from wardline.core.incidents.states import State
from wardline.core.policy import parse, seeds
from wardline.core.severity import Severity

CHECK = "ssh_config"
NAME, SURNAME = "Okonkwo-Smythe", "Vandermolen"
CANARIES = (
    "Hunter2-Prod!",
    "12345678",
    "219-09-9999",
    "jane.roe@clinic.example.org",
    "4111 1111 1111 1111",
    "ghp_" + "a1B2" * 9,
    "212-555-0147",
    "1EG4-TE5-MK73",
    "02/29/1980",
    "1200 Lindenhurst Avenue",
    "W987654321",
    "MIIEowIBAAKCAQEA7bq",
    "s3cr3tDsn",
    "eyJzdWIiOiJqYW5lIn0",
    NAME,
    SURNAME,
    SURNAME.lower(),
)
SPOKEN = (
    f"root password={CANARIES[0]} patient MRN: {CANARIES[1]} ssn {CANARIES[2]} mail {CANARIES[3]}"
    f" card {CANARIES[4]} use {CANARIES[5]} call {CANARIES[6]} mbi {CANARIES[7]} DOB {CANARIES[8]}"
    f" at {CANARIES[9]} member id {CANARIES[10]} postgres://app:{CANARIES[12]}@db/x"
    f" jwt eyJhbGciOiJIUzI1NiJ9.{CANARIES[13]}.c2lnbmF0dXJl Adaeze {NAME} /scans/{SURNAME.lower()}.pdf"
    f" -----BEGIN RSA PRIVATE KEY-----\\n{CANARIES[11]}\\n-----END RSA PRIVATE KEY-----"
)
CONFIG = Path("etc/ssh/sshd_config")
WRITTEN = (
    f"# break-glass: {SPOKEN}\nPermitRootLogin yes # {SPOKEN}\n# {SPOKEN}\nX11Forwarding yes\n"
)


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    """A site where everything that is no high risk runs unasked, on a host full of canaries."""
    books = runbook.registry().values()
    rules = seeds.rules_for_runbooks([(book.id, book.check, "low") for book in books])
    name_commands.put(Layout(tmp_path / "agent"), [f"Adaeze {NAME}", SURNAME])
    central = FakeCentral(rules=[parse.to_wire(rule) for rule in rules])
    made = Bench(tmp_path, central, name=f"room of {SURNAME}")
    (made.tree / CONFIG).write_text(WRITTEN)
    yield made
    made.close()


def _heal(bench: Bench) -> None:
    bench.central.healing = "heal"
    bench.central.settings_revision += 1
    bench.check_in()


def _told(bench: Bench) -> Iterator[str]:
    """Everything that is stored or was sent, in the form in which a reader could find it."""
    with sqlite3.connect(bench.layout.database) as connection:
        names = [row[0] for row in connection.execute("SELECT name FROM sqlite_master")]
        tables = [name for name in names if not name.startswith(("sqlite_", "idx_"))]
        assert {"incidents", "results", "runs", "alarms", "queued_evidence"} <= set(tables)
        for table in tables:
            for row in connection.execute(f"SELECT * FROM {table}"):
                yield from (_text(cell) for cell in row)
        for (envelope,) in connection.execute("SELECT bundle_json FROM queued_evidence"):
            yield base64.b64decode(json.loads(envelope)["payload"]).decode()
    connection.close()
    for path in bench.layout.root.glob("agent.db*"):
        yield path.read_bytes().decode("latin-1")
    for one in bench.central.stored:
        yield one.envelope.payload.decode()
    # What the process says goes to the log; what is sent beside evidence goes to Central.
    yield from bench.said
    yield from _sent(bench)


def _sent(bench: Bench) -> Iterator[str]:
    for path, body in bench.central.requests:
        yield f"{path} {json.dumps(body, ensure_ascii=False)}"


def _text(cell: object) -> str:
    return cell.decode("latin-1") if isinstance(cell, bytes) else str(cell)


def _no_canary(bench: Bench) -> None:
    bench.report()
    seen = 0
    for told in _told(bench):
        seen += 1
        for canary in CANARIES:
            assert canary not in told, f"{canary} in {told[:200]}"
    assert seen > 20
    assert bench.counts().pending == 0


def test_a_dry_run_tells_what_would_change_and_no_secret(bench: Bench) -> None:
    bench.check_in()
    bench.observe()
    bench.act()
    _no_canary(bench)
    last = bench.central.records(CHECK)[-1]
    assert last.state is IncidentState.OBSERVING
    assert "+PermitRootLogin no" in last.actions[0].diff
    assert "[secret:" in last.actions[0].diff
    assert (bench.tree / CONFIG).read_text() == WRITTEN


def test_a_real_run_tells_what_it_changed_and_no_secret(bench: Bench) -> None:
    _heal(bench)
    bench.observe()
    bench.act()
    _no_canary(bench)
    last = bench.central.records(CHECK)[-1]
    assert last.state is IncidentState.HEALED
    assert "+PermitRootLogin no" in last.actions[0].diff
    assert SPOKEN in (bench.tree / CONFIG).read_text(), "the host's own file keeps what it had"


def _fails(path: str, *_: Any) -> None:
    raise Failed(path, f"No space left on device; {SPOKEN}")


def _dies(*_: Any) -> None:
    raise SystemExit


def test_the_error_of_a_failed_run_holds_no_secret(bench: Bench) -> None:
    _heal(bench)
    bench.observe()
    host: Any = next(iter(bench.agent.roster)).host
    host.replace_file = _fails
    bench.act()
    _no_canary(bench)
    failed = bench.central.records(CHECK)[1]
    assert failed.state is IncidentState.FAILED
    assert "No space left on device" in (failed.actions[0].error or "")


def test_the_output_of_a_failed_command_holds_no_secret(bench: Bench) -> None:
    _heal(bench)
    bench.observe()
    host: Any = next(iter(bench.agent.roster)).host
    host.runs_commands = True
    host.arm_revert = lambda revert: ArmedRevert("0" * 16, revert)
    host.disarm_revert = lambda _: None
    host.run = lambda *_: Output(1, SPOKEN.encode(), f"{SPOKEN}\n".encode(), False, 1)
    bench.act()
    _no_canary(bench)
    failed = bench.central.records(CHECK)[1]
    assert failed.state is IncidentState.FAILED
    assert any("[secret:" in action.output for action in failed.actions)


def test_an_interrupted_run_leaves_no_secret_behind(bench: Bench) -> None:
    _heal(bench)
    bench.observe()
    host: Any = next(iter(bench.agent.roster)).host
    host.replace_file = _dies
    with pytest.raises(SystemExit):
        bench.act()
    bench.restart()
    bench.act()
    _no_canary(bench)


@pytest.mark.parametrize("turn", [lambda bench: bench.observe(), lambda bench: bench.act()])
def test_what_was_scrubbed_is_no_news_the_next_time(
    bench: Bench, turn: Callable[[Bench], object]
) -> None:
    bench.check_in()
    for _ in range(2):
        bench.observe()
        bench.act()
    bench.report()
    sealed = len(bench.central.stored)
    for _ in range(3):
        bench.central.settings_revision += 1
        bench.check_in()
        turn(bench)
    bench.report()
    assert len(bench.central.stored) == sealed


def test_the_latest_result_is_stored_with_the_digest_of_its_scrubbed_facts(bench: Bench) -> None:
    found = {one.check: one for one in bench.observe()}
    with bench.agent.ledger.reading() as tx:
        for name, result in found.items():
            kept = results.latest(tx, bench.host.id, name)
            assert kept is not None
            assert kept.facts_digest == result.facts_digest


def test_the_names_of_hosts_reach_central_as_marks(bench: Bench) -> None:
    bench.check_in()
    bodies = [body for body in _sent(bench) if "room of [name:" in body]
    assert len(bodies) >= 2, "at enrolment and at the check-in"
    _no_canary(bench)


def test_the_log_holds_no_secret(bench: Bench) -> None:
    _heal(bench)

    def fails() -> None:
        bench.agent.bells.stop()
        raise OverflowError(SPOKEN)

    broken = replace(bench.agent, observer=SimpleNamespace(run=fails))
    broken.reporter.introduced.set()
    agent._work(replace(broken, uplink=SimpleNamespace(close=lambda: None)), bench.said.append)
    assert any("Traceback" in line and "[ssn:" in line for line in bench.said)
    bench.agent = bench.open()
    _no_canary(bench)


def test_what_an_earlier_release_sealed_is_sent_as_it_is(bench: Bench) -> None:
    """The gate stands before sealing: signed bytes are never touched again."""
    with bench.agent.ledger.transaction() as tx:
        queued = bench.agent.ledger.seal(tx, Draft(Kind.GAP, None, note={"reason": "x"}))
        stored = tx.row("SELECT bundle_json FROM queued_evidence WHERE id = ?", (queued.id,))
    assert stored is not None
    assert stored["bundle_json"] == queued.envelope


def _raw(bench: Bench) -> Result:
    facts = {"failing": ["x"], "said": [SPOKEN], SPOKEN: 1}
    now = clock.parse(clock.wire(bench.clock()))
    digest = canonical.digest(facts)
    return Result("made_up", Outcome.FAIL, Severity.HIGH, SPOKEN, facts, digest, now, 1)


def test_no_door_of_the_store_lets_a_secret_in(bench: Bench) -> None:
    """Each way in by itself, with what a careless caller might hand over."""
    ledger, raw = bench.agent.ledger, _raw(bench)
    told = Action("x", "x", SPOKEN, True, True, 1, 1, SPOKEN, SPOKEN, SPOKEN)
    opened = incident.opened(ids.incident(), bench.central.site, bench.host.id, raw, bench.clock())
    decision: dict[str, object] = {"verdict": "block", "trace": [{"detail": SPOKEN}]}
    drift = incident.judged(opened, State.OPEN, decision, None, (told,))
    run = Run("run_1", drift.id, bench.host.id, "a.b", None, bench.clock(), False, {"x": SPOKEN})
    bench.check_in()
    with ledger.transaction() as tx:
        results.save(tx, bench.host.id, raw)
        incidents.save(tx, drift)
        runs.reserve(tx, run, decision)
        holds.suppress(tx, drift, "a.b", bench.clock(), SPOKEN)
        holds.clear(tx, holds.active(tx)[0].id, "user_1", SPOKEN, bench.clock())
        orders.refuse(tx, "order_1", Ending(orders.State.FAILED, "x", SPOKEN), bench.clock())
        alarms.sound(tx, alarms.Code.QUARANTINED, "x", SPOKEN, bench.clock())
        ledger.seal(tx, Draft(Kind.CYCLE, bench.host.id, (raw,), (drift.record(),)))
        ledger.seal(tx, Draft(Kind.GAP, None, note={"reason": SPOKEN}))
        kept = results.latest(tx, bench.host.id, raw.check)
        backoff.rest(tx, ledger.moment(), 0, SPOKEN)
    assert kept is not None
    assert kept.facts_digest == canonical.digest(kept.facts) != raw.facts_digest
    bench.observe()
    _no_canary(bench)
    with ledger.transaction() as tx:
        backoff.rest(tx, ledger.moment(), 60_000, SPOKEN)
        last = ledger.seal(tx, Draft(Kind.CYCLE, bench.host.id))
        outbox.quarantine(tx, last.id, SPOKEN)
    for text in _told(bench):
        assert not [canary for canary in CANARIES if canary in text]
    sealed = bench.central.stored[0].bundle.results[0]
    assert sealed.facts_digest == canonical.digest(sealed.facts)
