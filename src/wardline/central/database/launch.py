"""The steps between fork and postgres: die with the parent, hold the lock, never run as root.

Run as a script by `embedded`, standard library only, so that no import stands between the two:
`launch.py PARENT_PID AS PROGRAM ARGUMENT...`, AS one of self, namespace, nobody. Ends with 125 and
a line on standard error where a step fails. `launch.py probe` ends with 0 where user namespaces
work.
"""

import ctypes
import os
import signal
import sys
from pathlib import Path

PR_SET_PDEATHSIG = 1
CLONE_NEWUSER = 0x10000000
NOBODY = 65534
EXIT_FAILED = 125
PROBE_ARGUMENTS = 2
LIBC = ctypes.CDLL(None, use_errno=True)


def main() -> None:
    if len(sys.argv) == PROBE_ARGUMENTS and sys.argv[1] == "probe":
        _enter_namespace()
        return
    parent, identity, program, *arguments = sys.argv[1:]
    if identity == "namespace":
        _enter_namespace()
    elif identity == "nobody":
        os.setgroups([])
        os.setgid(NOBODY)
        os.setuid(NOBODY)
    # After the change of identity, which clears it.
    _check(LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGINT, 0, 0, 0), "prctl")
    if os.getppid() != int(parent):
        sys.exit(EXIT_FAILED)
    os.setsid()
    os.execv(program, [program, *arguments])


def _enter_namespace() -> None:
    """Become nobody inside, stay root outside: files keep their owner, postgres sees no root."""
    uid, gid = os.geteuid(), os.getegid()
    _check(LIBC.unshare(CLONE_NEWUSER), "unshare")
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"{NOBODY} {uid} 1")
    Path("/proc/self/gid_map").write_text(f"{NOBODY} {gid} 1")


def _check(result: int, call: str) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{call}: {os.strerror(number)}")


if __name__ == "__main__":
    try:
        main()
    except OSError as error:
        sys.stderr.write(f"launch: {error}\n")
        sys.exit(EXIT_FAILED)
