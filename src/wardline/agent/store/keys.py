"""The appliance's secret files: signing and sealing keys, its credential; each 0600 and synced."""

import contextlib
import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from wardline.core import sealed
from wardline.core.errors import WardlineError
from wardline.core.evidence import signing
from wardline.core.evidence.signing import SigningKey
from wardline.core.sealed import SealingKey

EVIDENCE = "evidence.key"
WITNESS = "witness.key"
SEALING = "sealing.key"
CREDENTIAL = "credential"
SCRUBBING = "scrubbing.key"
SCRUBBING_BYTES = 32
UNDO = "undo.key"
UNDO_BYTES = 32
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

    def sealing(self) -> SealingKey:
        """The key that credentials of hosts are sealed to."""
        return SealingKey(self._seed(SEALING))

    def sealing_made(self) -> SealingKey:
        """As `sealing`; the first host over SSH makes it."""
        if not (self.folder / SEALING).exists():
            write_secret(self.folder / SEALING, secrets.token_bytes(sealed.KEY_BYTES))
        return self.sealing()

    def scrubbing(self) -> bytes:
        """The key of the marks that stand for what was scrubbed; made where there is none yet. It
        never leaves this folder."""
        return self._made(SCRUBBING, SCRUBBING_BYTES)

    def undo(self) -> bytes:
        """The key that before-states of runs are sealed with; made where there is none yet. It
        never leaves this folder: without it no run that was made before can be undone."""
        return self._made(UNDO, UNDO_BYTES)

    def credential(self) -> str:
        """The bearer credential; raises KeyUnusable."""
        return self._read(CREDENTIAL).decode("ascii", errors="replace").strip()

    def central_ca(self) -> Path | None:
        """Central's own authority, pinned at enrolment; None where the system's trust decides."""
        path = self.folder / CENTRAL_CA
        return path if path.exists() else None

    def _made(self, name: str, size: int) -> bytes:
        path = self.folder / name
        if not path.exists():
            with contextlib.suppress(FileExistsError):
                write_secret(path, secrets.token_bytes(size))
        key = self._read(name)
        if len(key) != size:
            raise KeyUnusable(f"{path} holds {len(key)} bytes, not {size}: move it away")
        return key

    def _key(self, name: str) -> SigningKey:
        return SigningKey.from_seed(self._seed(name))

    def _seed(self, name: str) -> bytes:
        seed = self._read(name)
        if len(seed) != signing.KEY_BYTES:
            raise KeyUnusable(
                f"{self.folder / name} holds {len(seed)} bytes, not {signing.KEY_BYTES}:"
                " restore it from a backup or enrol this appliance again"
            )
        return seed

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


def replace_secret(path: Path, data: bytes) -> None:
    """As `write_secret`, in place of a file that may be there: the old or the new one, whole."""
    fresh = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        write_secret(fresh, data)
        fresh.replace(path)
    finally:
        fresh.unlink(missing_ok=True)
    sync_directory(path.parent)
