"""The before-states of runs: one sealed file each, beside the database and never in it (ADR 8).

A file is a line that names its format and XChaCha20-Poly1305 (nonce, then ciphertext and tag) under
a key of the appliance, bound to the appliance, the host and the run: any of it may hold a secret,
and nobody can hand the file of one run to another.
"""

from dataclasses import dataclass
from pathlib import Path

import nacl.exceptions
import nacl.secret

from wardline.agent.store import keys
from wardline.agent.store.keys import Keyring
from wardline.core import canonical, ids
from wardline.core.errors import WardlineError

FORMAT = b"wardline-before-state/1\n"
FOLDER_MODE = 0o700
# A run changes a few files of some KiB; beyond this it cannot be undone, and says so.
RUN_BYTES_MAX = 16 << 20
FOLDER_BYTES_MAX = 256 << 20
SUFFIX = ".sealed"


class BeforeStateLost(WardlineError):
    """The before-state of a run cannot be read, or not kept; the message says why."""

    code = "before_state_lost"


@dataclass(frozen=True, slots=True)
class BeforeStates:
    """The sealed files of one appliance."""

    folder: Path
    keyring: Keyring
    appliance_id: str

    def keep(self, host_id: str, run_id: str, data: bytes) -> int:
        """Durable before this returns; how many bytes it takes. Raises BeforeStateLost and
        KeyUnusable."""
        if len(data) > RUN_BYTES_MAX:
            raise BeforeStateLost(f"what it changed takes {len(data)} bytes, too many to keep")
        try:
            sealed = FORMAT + self._box().encrypt(data, self._purpose(host_id, run_id))
            self.folder.mkdir(mode=FOLDER_MODE, exist_ok=True)
            keys.replace_secret(self._path(run_id), sealed)
        except OSError as error:
            raise BeforeStateLost(f"it could not be kept: {error.strerror}") from None
        return len(sealed)

    def open(self, host_id: str, run_id: str) -> bytes:
        """Raises BeforeStateLost and KeyUnusable."""
        try:
            sealed = self._read(run_id)
        except OSError as error:
            raise BeforeStateLost(f"its file cannot be read: {error.strerror}") from None
        try:
            if not sealed.startswith(FORMAT):
                raise ValueError("another format")
            return self._box().decrypt(sealed[len(FORMAT) :], self._purpose(host_id, run_id))
        except (nacl.exceptions.CryptoError, ValueError):
            raise BeforeStateLost(
                "its file is damaged, of another run, or sealed with another key"
            ) from None

    def drop(self, run_id: str) -> None:
        self._path(run_id).unlink(missing_ok=True)

    def names(self) -> set[str]:
        """The runs whose files are here."""
        try:
            return {one.stem for one in self.folder.iterdir() if one.suffix == SUFFIX}
        except FileNotFoundError:
            return set()

    def _read(self, run_id: str) -> bytes:
        with self._path(run_id).open("rb") as file:
            return file.read(2 * RUN_BYTES_MAX)

    def _box(self) -> nacl.secret.Aead:
        return nacl.secret.Aead(self.keyring.undo())

    def _purpose(self, host_id: str, run_id: str) -> bytes:
        return canonical.dumps({"appliance": self.appliance_id, "host": host_id, "run": run_id})

    def _path(self, run_id: str) -> Path:
        return self.folder / f"{ids.entity(run_id, 'run', 'run')}{SUFFIX}"
