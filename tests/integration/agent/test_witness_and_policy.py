"""What an appliance believes of Central: a log that only grows, a policy that only rises."""

import base64
from typing import Any

import pytest

from tests.harness.fake_central import Answer, on, problem
from tests.integration.agent.bench import Bench
from wardline.agent.store import policies, witness
from wardline.core import ids
from wardline.core.evidence.signing import SigningKey


def _held(bench: Bench) -> witness.Witnessed:
    with bench.agent.ledger.reading() as tx:
        return witness.kept(tx, bench.central.origin)


def _revision(bench: Bench) -> int | None:
    key = policies.public_key(bench.settings.central.policy_key)
    with bench.agent.ledger.reading() as tx:
        active = policies.load(tx, key, bench.settings.site.id)
    return None if active is None else active.snapshot.revision


def _log_answer(bench: Bench, note: str, proof: list[str]) -> Any:
    def answer(name: str, sent: dict[str, Any]) -> Answer | None:
        if name != "/checkin":
            return None
        status, body, headers = bench.central._checkin(sent)
        return status, {**body, "log": {"checkpoint": note, "proof": proof}}, headers

    return answer


def test_every_verified_checkpoint_is_kept_and_cosigned(bench: Bench) -> None:
    bench.observe()
    bench.report()
    assert _held(bench).size == len(bench.central.leaves)
    bench.check_in()
    assert bench.central.cosigned[-1][0] == len(bench.central.leaves)
    assert bench.central.refused_cosignatures == []


def test_a_smaller_log_is_an_alarm_and_never_overwrites_what_was_witnessed(bench: Bench) -> None:
    bench.observe()
    bench.report()
    held = _held(bench)
    smaller = bench.central.note(bench.central.leaves[:1])
    bench.central.odd.append(_log_answer(bench, smaller, []))
    bench.check_in()
    assert _held(bench) == held
    alarm = bench.alarms()["log_forked"]
    assert bench.central.origin in alarm.detail, "the alarm keeps the note that proves it"


def test_a_log_with_another_history_is_an_alarm(bench: Bench) -> None:
    bench.observe()
    bench.report()
    held = _held(bench)
    forged = [b"\x07" * 32, *bench.central.leaves[1:], b"\x08" * 32]
    bench.central.odd.append(_log_answer(bench, bench.central.note(forged), []))
    bench.check_in()
    assert _held(bench) == held
    assert "log_forked" in bench.alarms()


def test_a_checkpoint_by_another_key_is_not_believed(bench: Bench) -> None:
    bench.check_in()
    held = _held(bench)
    bench.central.keys["log"], kept = SigningKey.generate(), bench.central.keys["log"]  # type: ignore[index]
    bench.observe()
    bench.report()
    assert _held(bench) == held
    assert "log_invalid" in bench.alarms()
    bench.central.keys["log"] = kept  # type: ignore[index]
    bench.check_in()
    assert "log_invalid" not in bench.alarms()


def test_a_newer_policy_is_fetched_once_and_kept_over_a_restart(bench: Bench) -> None:
    bench.check_in()
    bench.check_in()
    assert [name for name, _ in bench.central.requests].count("/policy") == 1
    bench.central.revision = 2
    bench.check_in()
    assert _revision(bench) == 2
    bench.restart()
    assert _revision(bench) == 2


@pytest.mark.parametrize(
    ("change", "value"), [("revision", 1), ("policy_epoch", 1), ("settings_revision", 1)]
)
def test_an_older_policy_is_refused_and_the_old_set_stays(
    bench: Bench, change: str, value: int
) -> None:
    bench.central.revision = bench.central.policy_epoch = bench.central.settings_revision = 5
    bench.check_in()
    setattr(bench.central, change, value)
    bench.check_in()
    assert "policy_refused" in bench.alarms()
    assert _revision(bench) == 5


def test_a_policy_signed_by_another_key_is_refused(bench: Bench) -> None:
    bench.check_in()
    bench.central.revision = 2
    forged = bench.central.sealed(bench.central.snapshot(healing="heal"), SigningKey.generate())
    bench.central.odd.append(on("/policy", (200, forged, {})))
    bench.check_in()
    assert "policy_refused" in bench.alarms()
    assert _revision(bench) == 1


def test_a_policy_of_another_site_is_refused(bench: Bench) -> None:
    other = bench.central.sealed(bench.central.snapshot(site_id=ids.site()))
    bench.central.odd.append(on("/policy", (200, other, {})))
    bench.check_in()
    assert _revision(bench) is None
    bench.check_in()
    assert _revision(bench) == 1, "a refused snapshot is asked for again"


def test_a_rule_that_cannot_be_read_leaves_the_old_set_in_force(bench: Bench) -> None:
    bench.check_in()
    bench.central.revision = 2
    broken = bench.central.sealed(bench.central.snapshot(rules=[{"id": "x", "colour": "red"}]))
    bench.central.odd.append(on("/policy", (200, broken, {})))
    bench.check_in()
    assert "policy_refused" in bench.alarms()
    assert _revision(bench) == 1


def test_a_check_in_that_is_not_answered_changes_nothing(bench: Bench) -> None:
    bench.central.odd.append(on("/checkin", problem(503, "down")))
    assert not bench.check_in()
    assert bench.check_in()


def test_the_clock_is_compared_with_centrals(bench: Bench) -> None:
    bench.clock.offset = bench.clock.offset.__class__(minutes=-10)
    bench.check_in()
    bench.observe()
    bench.report()
    offset = bench.central.stored[0].bundle.clock.offset_ms
    assert offset is not None
    assert abs(offset - 600_000) < 5_000


def test_hosts_are_declared_before_their_evidence_is_sent(bench: Bench) -> None:
    bench.observe()
    bench.agent.reporter.turn()
    names = [name for name, _ in bench.central.requests]
    assert names.index("/checkin") < names.index("/evidence")
    sent = next(body for name, body in bench.central.requests if name == "/evidence")
    told = base64.b64decode(sent["envelopes"][0]["payload"])
    assert bench.host.id.encode() in told
