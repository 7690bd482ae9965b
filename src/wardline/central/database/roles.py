"""The logins of the application and jobs roles: generated passwords, set by whoever starts."""

import base64
import hashlib
import hmac
import json
import secrets
from dataclasses import asdict, dataclass
from pathlib import Path

import asyncpg

from wardline.central.database import owner
from wardline.central.database.engine import APP_ROLE, JOBS_ROLE
from wardline.central.settings import DataUnusable, write_private
from wardline.core.errors import WardlineError

PASSWORD_BYTES = 32
SCRAM_ITERATIONS = 4096
SALT_BYTES = 16


@dataclass(frozen=True, slots=True)
class Passwords:
    """One password per role; no role can log in with another's."""

    owner: str
    app: str
    jobs: str


def load_or_make(path: Path) -> Passwords:
    """The passwords stored at `path` (0600), made on first use; raises DataUnusable."""
    try:
        return Passwords(**json.loads(path.read_text()))
    except FileNotFoundError:
        made = Passwords(*(secrets.token_urlsafe(PASSWORD_BYTES) for _ in range(3)))
        write_private(path, json.dumps(asdict(made)).encode())
        return made
    except (OSError, ValueError, TypeError) as error:
        raise DataUnusable(
            f"{path} holds no database passwords ({error}); restore it from a backup"
        ) from error


class LoginsRefused(WardlineError):
    """The owner may not set the passwords of the serving roles."""

    code = "logins_refused"


async def allow_logins(dsn: str, passwords: Passwords) -> None:
    """Lets the two roles log in, each with its own password; `dsn` is the owner's.

    Raises LoginsRefused where another login of that server made the roles.
    """
    connection = await owner.connect(dsn)
    try:
        for role, password in ((APP_ROLE, passwords.app), (JOBS_ROLE, passwords.jobs)):
            # The verifier, made here: the password itself stands in no statement and no log.
            await connection.execute(f"ALTER ROLE {role} LOGIN PASSWORD '{verifier(password)}'")
    except asyncpg.InsufficientPrivilegeError as error:
        raise LoginsRefused(
            f"the login of DATABASE_URL may not set the password of {APP_ROLE} and {JOBS_ROLE},"
            " which another login of that server made: as a superuser, run"
            f" GRANT {APP_ROLE}, {JOBS_ROLE} TO <login> WITH ADMIN OPTION"
        ) from error
    finally:
        await connection.close()


def verifier(password: str) -> str:
    """What PostgreSQL stores for SCRAM-SHA-256 (RFC 5803)."""
    salt = secrets.token_bytes(SALT_BYTES)
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, SCRAM_ITERATIONS)
    client_key = hmac.digest(salted, b"Client Key", "sha256")
    stored_key = hashlib.sha256(client_key).digest()
    server_key = hmac.digest(salted, b"Server Key", "sha256")
    salt_text, stored_text, server_text = (
        base64.b64encode(part).decode() for part in (salt, stored_key, server_key)
    )
    return f"SCRAM-SHA-256${SCRAM_ITERATIONS}:{salt_text}${stored_text}:{server_text}"
