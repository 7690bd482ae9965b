"""The queue against every kind of answer: nothing is lost, nothing arrives twice, streams hold."""

import base64
import json
import shutil
from datetime import timedelta
from typing import Any

import pytest

from tests.harness.fake_central import Answer, on, problem, refusal
from tests.integration.agent.bench import Bench
from wardline.agent.settings import OutboxSettings
from wardline.agent.store import backoff
from wardline.agent.store.database import StoreFull
from wardline.core.evidence.bundle import Kind


def _rested(bench: Bench) -> int:
    with bench.agent.ledger.reading() as tx:
        return backoff.remaining_ms(tx, bench.agent.ledger.moment())


def _wake(bench: Bench) -> None:
    """The delay is over."""
    with bench.agent.ledger.transaction() as tx:
        backoff.end(tx)


def _whole(bench: Bench, sealed: int) -> None:
    """Everything arrived once and in order, and its inclusion was proved."""
    assert bench.central.seqs() == list(range(1, sealed + 1))
    assert len({one.index for one in bench.central.stored}) == sealed
    counts = bench.counts()
    assert (counts.pending, counts.unproved, counts.quarantined) == (0, 0, 0)
    assert counts.acknowledged == sealed


def test_everything_sealed_arrives_in_order_and_is_proved(bench: Bench) -> None:
    bench.seal(7)
    bench.report()
    _whole(bench, 7)


def test_a_bundle_is_not_acknowledged_before_its_inclusion_is_proved(bench: Bench) -> None:
    bench.seal(3)
    bench.check_in()
    for _ in range(2):
        bench.central.odd.append(on("/proofs", problem(503, "later")))
    bench.agent.reporter.turn()
    assert len(bench.central.stored) == 3
    assert bench.counts().acknowledged == 0
    assert bench.counts().unproved == 3
    bench.central.odd.clear()
    bench.report()
    _whole(bench, 3)


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504, 408])
def test_a_temporary_refusal_keeps_everything_and_rests(bench: Bench, status: int) -> None:
    bench.seal(2)
    bench.check_in()
    bench.central.odd.append(on("/evidence", problem(status, "later")))
    bench.agent.reporter.turn()
    assert bench.counts().pending == 2
    assert 30_000 <= _rested(bench) <= 60_000
    bench.agent.reporter.turn()
    assert bench.central.stored == [], "it was sent while it should rest"
    _wake(bench)
    bench.report()
    _whole(bench, 2)


def test_retry_after_only_ever_lengthens_the_rest(bench: Bench) -> None:
    bench.seal(1)
    bench.check_in()
    bench.central.odd.append(on("/evidence", problem(429, "slow", retry_after="1800")))
    bench.agent.reporter.turn()
    assert 1_799_000 <= _rested(bench) <= 1_800_000
    _wake(bench)
    bench.central.odd.append(on("/evidence", problem(429, "slow", retry_after="1")))
    bench.agent.reporter.turn()
    assert _rested(bench) >= 59_000, "the second failure rests at least a minute"


def test_the_rest_is_over_when_central_answers_again_after_it_was_away(bench: Bench) -> None:
    bench.seal(1)
    bench.check_in()
    bench.central.odd.append(on("/evidence", problem(503, "down")))
    bench.agent.reporter.turn()
    bench.check_in()
    assert _rested(bench) >= 29_000, "one check-in between does not mean that it was away"
    bench.central.odd.append(on("/checkin", problem(503, "down")))
    assert not bench.check_in()
    assert bench.check_in()
    assert _rested(bench) == 0
    bench.report()
    _whole(bench, 1)


def test_the_rest_survives_a_restart_and_a_clock_that_jumps(bench: Bench) -> None:
    bench.seal(1)
    bench.check_in()
    bench.central.odd.append(on("/evidence", problem(503, "later")))
    bench.agent.reporter.turn()
    for hours in (-48, 48):
        bench.clock.offset = timedelta(hours=hours)
        bench.restart()
        assert 29_000 <= _rested(bench) <= 60_000


def test_after_a_reboot_the_rest_is_never_longer_than_it_was_drawn(bench: Bench) -> None:
    bench.seal(1)
    bench.check_in()
    bench.central.odd.append(on("/evidence", problem(503, "later")))
    bench.agent.reporter.turn()
    with bench.agent.ledger.transaction() as tx:
        tx.execute("UPDATE backoff SET boot_id = 'another', due_monotonic_ms = 0")
    bench.clock.offset = timedelta(days=-400)
    assert _rested(bench) <= 60_000
    bench.clock.offset = timedelta(days=400)
    assert _rested(bench) == 0


def test_a_refused_credential_keeps_everything_alarms_and_resumes_by_itself(bench: Bench) -> None:
    bench.seal(2)
    bench.check_in()
    bench.central.odd.append(on("/evidence", problem(401, "not signed in")))
    bench.agent.reporter.turn()
    assert bench.counts().pending == 2
    assert _rested(bench) >= 30 * 60_000
    assert "refused" in bench.alarms()
    _wake(bench)
    bench.report()
    _whole(bench, 2)
    assert "refused" not in bench.alarms()


def test_a_refused_batch_without_a_position_is_bisected_to_the_one_record(bench: Bench) -> None:
    bench.seal(9)
    poison = 5

    def refuse(name: str, sent: dict[str, Any]) -> Answer | None:
        if name == "/evidence" and poison in _seqs(sent):
            bench.central.odd.append(refuse)
            return problem(422, "something in here is wrong")
        return None

    bench.central.odd.append(refuse)
    bench.report()
    assert bench.counts().quarantined == 5, "the poison, and what only a gap record can follow"
    assert [alarm.subject for alarm in bench.alarms().values()] == ["1/5"]
    assert bench.central.seqs()[:4] == [1, 2, 3, 4]


def test_a_conflict_that_says_nothing_more_quarantines_nothing(bench: Bench) -> None:
    bench.seal(1)
    bench.check_in()
    bench.central.odd.append(on("/evidence", problem(409, "try again")))
    bench.agent.reporter.turn()
    assert (bench.counts().pending, bench.counts().quarantined) == (1, 0)
    assert _rested(bench) >= 30 * 60_000


def test_a_central_that_lost_its_newest_entries_gets_them_again(bench: Bench) -> None:
    bench.seal(6)
    bench.report()
    bench.central.forget_after(3)
    bench.report()
    assert bench.central.seqs() == [1, 2, 3, 4, 5, 6]
    assert "log_forked" in bench.alarms(), "the shorter log contradicts what was witnessed"


def test_a_batch_ahead_of_central_rewinds_to_what_is_expected(bench: Bench) -> None:
    bench.seal(3)
    bench.check_in()
    bench.agent.reporter.turn()
    bench.central.forget_after(1)
    bench.seal(1)
    bench.agent.reporter.turn()
    assert bench.central.seqs() == [1, 2, 3, 4]


def test_a_batch_that_is_too_large_goes_in_parts(bench: Bench) -> None:
    bench.seal(8)
    largest = 3

    def refuse(name: str, sent: dict[str, Any]) -> Answer | None:
        if name == "/evidence":
            bench.central.odd.append(refuse)
            if len(sent["envelopes"]) > largest:
                return problem(413, "too large")
            bench.central.odd.remove(refuse)
        return None

    bench.central.odd.append(refuse)
    bench.report()
    _whole(bench, 8)


def test_a_lost_answer_gives_the_same_receipt_again(bench: Bench) -> None:
    bench.seal(3)
    bench.check_in()

    def lose(name: str, sent: dict[str, Any]) -> Answer | None:
        if name != "/evidence":
            return None
        for position, wire in enumerate(sent["envelopes"]):
            bench.central._take(position, wire)
        return problem(504, "the answer was lost on the way")

    bench.central.odd.append(lose)
    bench.agent.reporter.turn()
    _wake(bench)
    bench.report()
    _whole(bench, 3)
    assert {one.times for one in bench.central.stored} == {2}


def test_other_bytes_under_a_place_are_kept_alarmed_and_the_next_epoch_begins(
    bench: Bench,
) -> None:
    bench.seal(2)
    bench.check_in()
    bench.central.odd.append(on("/evidence", refusal("conflict", 1, "other bytes are stored")))
    bench.report()
    assert "conflict" in bench.alarms()
    bench.report()
    assert bench.central.epoch == 2
    first = next(one.bundle for one in bench.central.stored if one.bundle.epoch == 2)
    assert first.kind is Kind.EPOCH
    assert first.note is not None
    assert (first.note["last_epoch"], first.note["last_seq"]) == (1, 2)


def test_an_appliance_restored_from_an_old_backup_begins_a_new_epoch(bench: Bench) -> None:
    bench.seal(2)
    bench.report()
    bench.agent.close()
    backup = bench.folder / "backup"
    shutil.copytree(bench.layout.root, backup)
    bench.agent = bench.open()
    bench.seal(3)
    bench.report()
    bench.agent.close()
    shutil.rmtree(bench.layout.root)
    shutil.copytree(backup, bench.layout.root)
    bench.agent = bench.open()
    bench.check_in()
    assert "stream_behind" in bench.alarms()
    bench.seal(2)
    bench.check_in()
    bench.report()
    assert bench.central.seqs(1) == [1, 2, 3, 4, 5], "nothing of the first epoch was overwritten"
    assert bench.central.seqs(2) == [1, 2, 3]
    assert bench.counts().pending == 0


def test_a_receipt_for_other_bytes_is_no_receipt(bench: Bench) -> None:
    bench.seal(1)
    bench.check_in()

    def lie(name: str, sent: dict[str, Any]) -> Answer | None:
        if name != "/evidence":
            return None
        status, body, headers = bench.central._evidence(sent)
        body["receipts"][0]["leaf_hash"] = "ab" * 32
        return status, body, headers

    bench.central.odd.append(lie)
    bench.agent.reporter.turn()
    assert bench.counts().pending == 1
    assert "receipt_wrong" in bench.alarms()


def test_a_wrong_inclusion_proof_acknowledges_nothing(bench: Bench) -> None:
    bench.seal(3)
    bench.check_in()
    wrong = [[base64.b64encode(b"\x01" * 32).decode()]] * 3
    bench.central.odd.append(on("/proofs", (200, {"v": 1, "proofs": wrong}, {})))
    bench.agent.reporter.turn()
    assert bench.counts().acknowledged == 0
    assert bench.counts().unproved == 3
    assert "receipt_wrong" in bench.alarms()


def test_an_answer_that_is_not_the_protocol_loses_nothing(bench: Bench) -> None:
    bench.seal(2)
    bench.check_in()
    bench.central.odd.append(on("/evidence", (200, {"hello": "I am a captive portal"}, {})))
    bench.agent.reporter.turn()
    assert bench.counts().pending == 2
    _wake(bench)
    bench.report()
    _whole(bench, 2)


def test_acknowledged_bundles_stay_thirty_days_and_unsent_ones_for_ever(bench: Bench) -> None:
    bench.seal(2)
    bench.report()
    bench.seal(1)
    bench.clock.offset = timedelta(days=29)
    bench.restart()
    bench.central.odd += [on("/checkin", problem(503, "down")) for _ in range(9)]
    bench.agent.reporter.turn()
    assert (bench.counts().acknowledged, bench.counts().pending) == (2, 1)
    bench.clock.offset = timedelta(days=31)
    bench.restart()
    bench.agent.reporter.turn()
    assert (bench.counts().acknowledged, bench.counts().pending) == (0, 1)


def test_thirty_days_offline_lose_nothing_and_catch_up_in_order(bench: Bench) -> None:
    bench.central.odd += [on("/checkin", problem(503, "down")) for _ in range(30)]
    for day in range(30):
        bench.clock.offset = timedelta(days=day)
        bench.seal(2)
        bench.check_in()
    bench.central.odd.clear()
    bench.report()
    assert bench.central.seqs() == list(range(1, len(bench.central.seqs()) + 1))
    assert bench.counts().pending == 0
    assert len(bench.central.seqs()) >= 60


def test_a_full_quota_stops_behind_one_signed_gap_record_and_resumes(tmp_path: Any) -> None:
    bench = Bench(tmp_path, outbox=OutboxSettings(bytes_max=4 << 20))
    try:
        database = bench.agent.ledger.database
        database.bytes_max = database.bytes_used() + (1 << 20)  # the reserve is all that is left
        _seal_until_full(bench)
        sealed = bench.counts().pending
        for _ in range(3):
            assert not _turn_observer(bench)
        assert bench.counts().pending == sealed, "one gap record, not one per turn"
        bench.report()
        assert bench.counts().pending == 0
        gap = bench.central.stored[-1].bundle
        assert gap.kind is Kind.GAP
        assert "store_full" in bench.alarms()
        database.bytes_max = 4 << 20
        bench.seal(2)
        bench.report()
        assert [one.bundle.kind for one in bench.central.stored[-2:]] == [Kind.GAP, Kind.CYCLE]
        assert "store_full" not in bench.alarms()
        _whole(bench, len(bench.central.stored))
    finally:
        bench.close()


def _turn_observer(bench: Bench) -> bool:
    try:
        bench.observe()
    except StoreFull:
        bench.agent.ledger.begin_gap("full")
        return False
    return True


def _seal_until_full(bench: Bench) -> None:
    for _ in range(400):
        try:
            bench.seal(1)
        except StoreFull:
            bench.agent.ledger.begin_gap("full")
            return
    raise AssertionError("the quota was never reached")


def _seqs(sent: dict[str, Any]) -> list[int]:
    return [json.loads(base64.b64decode(one["payload"]))["seq"] for one in sent["envelopes"]]
