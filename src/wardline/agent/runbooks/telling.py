"""What a run tells of itself, as the actions of its evidence."""

import time

from wardline.agent.hosts.host import HostError
from wardline.agent.hosts.revert import Revert
from wardline.agent.runbooks import diff
from wardline.agent.runbooks.operations import Change, CommandFailed, Operation
from wardline.core.evidence.bundle import ERROR_BYTES_MAX, OUTPUT_BYTES_MAX, Action

COMMANDS_SHOWN_MAX = 16


def done(operation: Operation, change: Change, started: float, *, dry_run: bool) -> Action:
    """An operation that was carried out, or looked at."""
    return Action(
        step=operation.step,
        type=operation.type,
        target=operation.target,
        dry_run=dry_run,
        changed=change.changed,
        exit_code=change.exit_code,
        duration_ms=_milliseconds_since(started),
        output=change.output,
        diff=change.diff,
    )


def failed(operation: Operation, error: HostError, started: float, *, changed: bool) -> Action:
    """An operation that ended with an error; `changed` whether it had begun to change something."""
    return Action(
        step=operation.step,
        type=operation.type,
        target=operation.target,
        dry_run=False,
        changed=changed,
        exit_code=error.exit_code if isinstance(error, CommandFailed) else None,
        duration_ms=_milliseconds_since(started),
        output=error.output if isinstance(error, CommandFailed) else "",
        error=_fit(str(error)),
    )


def armed(host: str, revert: Revert, started: float) -> Action:
    """What the host would do by itself."""
    lines = [f"unless it is called off, the host goes back after {revert.after_s} s:"]
    programs = [" ".join(argv) for argv in (*revert.commands, *revert.reloads)]
    lines += [f"file {path}" for path in revert.files]
    lines += [f"mode of {path}" for path in revert.modes]
    lines += [f"run {one}" for one in programs]
    if len(lines) > COMMANDS_SHOWN_MAX:
        more = len(lines) - COMMANDS_SHOWN_MAX
        lines = [*lines[:COMMANDS_SHOWN_MAX], f"and {more} more"]
    text = "".join(f"{line}\n" for line in lines)
    output = diff.fit(text, OUTPUT_BYTES_MAX, from_end=False)
    return _own("arm a revert", host, started, output)


def called_off(host: str, started: float) -> Action:
    """A new connection was let in."""
    output = "the host can still be entered: called off over a new connection\n"
    return _own("call off the revert", host, started, output)


def reboot(host: str) -> Action:
    """What was changed does not count yet."""
    return _own("reboot", host, time.monotonic(), "counts from the next start of the host on\n")


def told(step: str, target: str, error: str, started: float | None = None) -> Action:
    """An action that did nothing but say what is wrong."""
    return _own(step, target, time.monotonic() if started is None else started, "", _fit(error))


def _own(step: str, target: str, started: float, output: str, error: str | None = None) -> Action:
    return Action(
        step=step,
        type=step.replace(" ", "_"),
        target=target,
        dry_run=False,
        changed=False,
        exit_code=None,
        duration_ms=_milliseconds_since(started),
        output=output,
        error=error,
    )


def _fit(error: str) -> str:
    return error.replace("\x00", "\\x00").encode()[:ERROR_BYTES_MAX].decode("utf-8", "ignore")


def _milliseconds_since(started: float) -> int:
    return round((time.monotonic() - started) * 1000)
