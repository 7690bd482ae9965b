"""A new PostgreSQL cluster: initdb, then the schema's owner, who is no superuser."""

import os
import subprocess
import sys
from pathlib import Path

from wardline.central.database import roles
from wardline.core.errors import WardlineError

# It makes the owner in single-user mode, has no password and cannot log in: who may act as it is
# who may read the files of the cluster.
SUPERUSER = "wardline_bootstrap"
LAUNCH = Path(__file__).with_name("launch.py")

_HBA = f"local all {SUPERUSER} reject\nlocal all all scram-sha-256\n"

Command = list[str | Path]


class StepFailed(WardlineError):
    """A program did not do its part; the message is what it printed."""


def make(
    programs: Path, directory: Path, identity: str, owner: str, password: str, *, sync: bool
) -> None:
    """A cluster in `directory`, empty but for the login `owner`; raises StepFailed."""
    first: Command = [
        programs / "initdb", "-D", directory, "-U", SUPERUSER, "-E", "UTF8",
        "--locale=C", "--auth=reject", *([] if sync else ["--no-sync"]),
    ]  # fmt: skip
    second: Command = [
        programs / "postgres", "--single", "-D", directory,
        "-c", "exit_on_error=on", *([] if sync else ["-F"]), "postgres",
    ]  # fmt: skip
    _run(first, identity, "")
    _run(second, identity, _statements(owner, password))
    (directory / "pg_hba.conf").write_text(_HBA)


def launcher(identity: str) -> Command:
    """What stands before a program of PostgreSQL's, so that it runs as `identity`."""
    return [sys.executable, "-I", "-S", LAUNCH, str(os.getpid()), identity]


def environment() -> dict[str, str]:
    """Nothing of ours: PG* variables would change the server's mind."""
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"}


def _statements(owner: str, password: str) -> str:
    """One to a line. The owner makes the database and the roles that serve, and no superuser."""
    return "".join(
        f"{statement}\n"
        for statement in (
            f"CREATE ROLE {owner} LOGIN NOSUPERUSER BYPASSRLS CREATEROLE CREATEDB"
            f" PASSWORD '{roles.verifier(password)}'",
            "REVOKE ALL ON DATABASE postgres, template1 FROM PUBLIC",
            f"GRANT CONNECT ON DATABASE postgres TO {owner}",
        )
    )


def _run(command: Command, identity: str, given: str) -> None:
    done = subprocess.run(
        [*launcher(identity), *command],
        input=given.encode(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=environment(),
        check=False,
    )
    if done.returncode != 0:
        raise StepFailed(done.stdout.decode(errors="replace"))
