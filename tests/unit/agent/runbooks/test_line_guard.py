"""When a revert is called off, how often that is tried, and when the host has the last word."""

from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.unit.agent.live_host import Running
from wardline.agent.hosts.host import (
    Failed,
    HostError,
    LoginRefused,
    RevertFired,
    RevertUnknown,
    Unreachable,
)
from wardline.agent.hosts.revert import ArmedRevert, Revert
from wardline.agent.runbooks.line_guard import FIRING_S_MAX, LineGuard, Pace

REVERT = Revert(("/etc/ssh/sshd_config",), (), 60)
GONE = Unreachable("root@host", "no answer within 10 s")
FIRED = RevertFired("host", "the revert has put the host back")


@dataclass
class Time:
    now: float = 1000.0
    slept: list[float] = field(default_factory=list)

    def wait(self, seconds: float) -> None:
        self.now += seconds
        self.slept.append(seconds)

    @property
    def pace(self) -> Pace:
        return Pace(now=lambda: self.now, wait=self.wait)


class Answering(Running):
    """A host whose every attempt to call off ends as it is told, the last one for ever."""

    answers: list[HostError | None]
    closed = 0

    def disarm_revert(self, armed: ArmedRevert) -> None:
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if answer is not None:
            raise answer

    def close(self) -> None:
        self.closed += 1


def _guard(tmp_path: Path, *answers: HostError | None) -> tuple[LineGuard, Answering, Time]:
    host, time = Answering(tmp_path), Time()
    host.answers = list(answers)
    return LineGuard(host, REVERT, time.pace), host, time


def test_one_new_connection_is_enough(tmp_path: Path) -> None:
    guard, host, time = _guard(tmp_path, None)
    assert guard.ends == 1040.0
    guard.call_off()
    assert (guard.armed, time.slept, host.closed) == (False, [], 0)


def test_a_line_that_stumbles_is_tried_again_and_the_old_connection_is_let_go(
    tmp_path: Path,
) -> None:
    guard, host, time = _guard(tmp_path, GONE, Failed("host", "busy"), None)
    guard.call_off()
    assert (guard.armed, len(time.slept), host.closed) == (False, 2, 1)


def test_a_host_that_has_gone_back_is_believed(tmp_path: Path) -> None:
    guard, _, _ = _guard(tmp_path, GONE, FIRED)
    with pytest.raises(RevertFired):
        guard.call_off()
    assert not guard.armed


def test_an_account_that_is_refused_is_not_tried_until_it_is_locked(tmp_path: Path) -> None:
    refused = LoginRefused("root@host", "the host refuses the account's credential")
    guard, _, time = _guard(tmp_path, refused, refused, FIRED)
    time.now += 5
    with pytest.raises(RevertFired):
        guard.call_off()
    assert time.slept == [57.0, 15.0]


def test_an_answer_that_was_lost_is_no_failure(tmp_path: Path) -> None:
    unknown = RevertUnknown("host", "there is no revert")
    guard, _, _ = _guard(tmp_path, GONE, unknown)
    guard.call_off()
    assert not guard.armed
    guard, _, _ = _guard(tmp_path, unknown)
    with pytest.raises(RevertUnknown):
        guard.call_off()


def test_a_host_that_never_comes_back_is_given_up_long_after_its_time(tmp_path: Path) -> None:
    guard, _, time = _guard(tmp_path, GONE)
    with pytest.raises(Unreachable):
        guard.call_off()
    assert not guard.armed
    assert 60 + FIRING_S_MAX < time.now - 1000 < 60 + FIRING_S_MAX + 10


def test_what_could_not_be_undone_is_left_to_the_host(tmp_path: Path) -> None:
    guard, _, time = _guard(tmp_path, FIRED)
    time.now += 12
    with pytest.raises(RevertFired):
        guard.let_fire()
    assert time.slept == [48.0]


def test_what_is_not_armed_is_told_before_anything_changes(tmp_path: Path) -> None:
    class Refuses(Running):
        def arm_revert(self, revert: Revert) -> ArmedRevert:
            raise Failed("host", "the revert is not armed: it did not start within 5 s")

    with pytest.raises(Failed, match="not armed"):
        LineGuard(Refuses(tmp_path), REVERT, Time().pace)
