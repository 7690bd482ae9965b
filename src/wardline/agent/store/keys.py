"""The appliance's secret files: its signing keys and its credential, each 0600 and synced."""

import contextlib
import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from wardline.core.errors import WardlineError
from wardline.core.evidence import signing
from wardline.core.evidence.signing import SigningKey

EVIDENCE = "evidence.key"
WITNESS = "witness.key"
CREDENTIAL = "credential"
SCRUBBING = "scrubbing.key"
SCRUBBING_BYTES = 32
CENTRAL_CA = "central-ca.pem"
SECRET_MODE = 0o600
FOREIGN_BITS = 0o077


class KeyUnusable(WardlineError):
    """A key file is missing, damaged or open to others; the message names it."""

    code = "key_unusable"


@dataclass(frozen=True, slots=True)
class Keyring:
    """The folder of the key files."""

    folder: Path

    def evidence(self) -> SigningKey:
        """The key that signs bundles, in every epoch."""
        return self._key(EVIDENCE)

    def witness(self) -> SigningKey:
        return self._key(WITNESS)

    def scrubbing(self) -> bytes:
        """The key of the marks that stand for what was scrubbed; made where there is none yet. It
        never leaves this folder."""
        path = self.folder / SCRUBBING
        if not path.exists():
            with contextlib.suppress(FileExistsError):
                write_secret(path, secrets.token_bytes(SCRUBBING_BYTES))
        key = self._read(SCRUBBING)
        if len(key) != SCRUBBING_BYTES:
            raise KeyUnusable(f"{path} holds {len(key)} bytes, not {SCRUBBING_BYTES}: move it away")
        return key

    def credential(self) -> str:
        """The bearer credential; raises KeyUnusable."""
        return self._read(CREDENTIAL).decode("ascii", errors="replace").strip()

    def central_ca(self) -> Path | None:
        """Central's own authority, pinned at enrolment; None where the system's trust decides."""
        path = self.folder / CENTRAL_CA
        return path if path.exists() else None

    def _key(self, name: str) -> SigningKey:
        seed = self._read(name)
        if len(seed) != signing.KEY_BYTES:
            raise KeyUnusable(
                f"{self.folder / name} holds {len(seed)} bytes, not {signing.KEY_BYTES}:"
                " restore it from a backup or enrol this appliance again"
            )
        return SigningKey.from_seed(seed)

    def _read(self, name: str) -> bytes:
        path = self.folder / name
        try:
            if path.stat().st_mode & FOREIGN_BITS:
                raise KeyUnusable(f"{path} is open to other accounts: chmod 600 {path}")
            return path.read_bytes()
        except FileNotFoundError:
            raise KeyUnusable(
                f"{path} is missing: restore it from a backup, or move {self.folder.parent} away"
                " and enrol this appliance again"
            ) from None
        except OSError as error:
            raise KeyUnusable(
                f"{path} cannot be read ({error.strerror}): run as the account that enrolled, or"
                " restore it from a backup"
            ) from None


def write_secret(path: Path, data: bytes) -> None:
    """Write a new file that only its owner reads, durable before this returns."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, SECRET_MODE)
    try:
        with os.fdopen(descriptor, "wb", closefd=False) as file:
            file.write(data)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    sync_directory(path.parent)


def sync_directory(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
