"""Central's own four Ed25519 keys: made at first start, one purpose each, named by a fingerprint.

The supervisor reads the secret halves and gives each process only its own.
"""

import base64
import hashlib
import shutil
from dataclasses import dataclass, field
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes

from wardline.central.settings import PRIVATE_DIRECTORY_MODE, DataUnusable, write_private
from wardline.core import ids, protocol
from wardline.core.errors import Malformed
from wardline.core.evidence.signing import KEY_BYTES, SigningKey, VerifyKey
from wardline.core.protocol import KeyPurpose

_NAMES = ("installation", *(f"{purpose.value}.key" for purpose in KeyPurpose))


@dataclass(frozen=True, slots=True)
class KeyFiles:
    """The secret seeds, 32 bytes each; held by the supervisor only."""

    installation_id: str
    uplink: bytes = field(repr=False)
    log: bytes = field(repr=False)
    policy: bytes = field(repr=False)
    order: bytes = field(repr=False)

    def log_public(self) -> bytes:
        return SigningKey.from_seed(self.log).verify_key.public


@dataclass(frozen=True, slots=True)
class ServerKeys:
    """What the web process holds: it signs for uplink, policies and orders, not the log."""

    installation_id: str
    uplink: SigningKey
    policy: SigningKey
    order: SigningKey
    log_public: bytes
    tls_ca_pem: str | None

    @classmethod
    def of(
        cls,
        installation_id: str,
        uplink: bytes,
        policy: bytes,
        order: bytes,
        log_public: bytes,
        ca: str | None,
    ) -> "ServerKeys":
        """From the seeds of the three secret keys and the log's public key."""
        return cls(
            installation_id,
            SigningKey.from_seed(uplink),
            SigningKey.from_seed(policy),
            SigningKey.from_seed(order),
            VerifyKey(log_public).public,
            ca,
        )

    def public_keys(self) -> list[protocol.ServerKey]:
        """The public half of each, in the form of the wire."""
        halves = {
            KeyPurpose.UPLINK: self.uplink.verify_key.public,
            KeyPurpose.LOG: self.log_public,
            KeyPurpose.POLICY: self.policy.verify_key.public,
            KeyPurpose.ORDER: self.order.verify_key.public,
        }
        return [
            protocol.ServerKey(purpose=purpose, public=base64.b64encode(public).decode())
            for purpose, public in halves.items()
        ]

    @property
    def fingerprint(self) -> str:
        """Hex SHA-256 over installation, keys and CA; it travels in every enrolment token."""
        text = protocol.fingerprint_text(
            self.installation_id, self.public_keys(), _ca_digest(self.tls_ca_pem)
        )
        return hashlib.sha256(text).hexdigest()

    def wire(self, nonce: str) -> protocol.ServerKeys:
        """The answer to GET /keys, signed over the caller's nonce."""
        message = protocol.KEYS_CONTEXT + nonce.encode() + self.fingerprint.encode()
        return protocol.ServerKeys(
            installation_id=self.installation_id,
            keys=self.public_keys(),
            tls_ca_pem=self.tls_ca_pem,
            signature=base64.b64encode(self.uplink.sign(message)).decode(),
        )


def load_or_make(directory: Path) -> KeyFiles:
    """The seeds under `directory` (0600 each), made together on first use; raises DataUnusable.

    A directory that lacks one is damaged: agents trust these keys, so they are never made anew.
    """
    paths = [directory / name for name in _NAMES]
    if not directory.exists():
        _make(directory)
    missing = [path.name for path in paths if not path.is_file()]
    if missing:
        raise DataUnusable(
            f"{directory} lacks {', '.join(missing)}: agents trust these keys, so they are not"
            " made anew; restore the files from a backup"
        )
    return _load(paths)


def _make(directory: Path) -> None:
    """Whole or not at all: made beside the final place, then renamed."""
    unfinished = directory.with_name(f"{directory.name}.new")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(mode=PRIVATE_DIRECTORY_MODE)
    write_private(unfinished / _NAMES[0], ids.new("inst").encode())
    for name in _NAMES[1:]:
        write_private(unfinished / name, SigningKey.generate().seed)
    unfinished.rename(directory)


def _load(paths: list[Path]) -> KeyFiles:
    installation, *seeds = (path.read_bytes() for path in paths)
    try:
        installation_id = ids.entity(installation.decode(), "inst", str(paths[0]))
    except (Malformed, UnicodeDecodeError) as error:
        raise DataUnusable(f"{error}; restore the file from a backup") from error
    for path, seed in zip(paths[1:], seeds, strict=True):
        if len(seed) != KEY_BYTES:
            raise DataUnusable(
                f"{path} is {len(seed)} bytes long and a key has {KEY_BYTES};"
                " restore the file from a backup"
            )
    by_name = dict(zip(KeyPurpose, seeds, strict=True))
    return KeyFiles(
        installation_id,
        uplink=by_name[KeyPurpose.UPLINK],
        log=by_name[KeyPurpose.LOG],
        policy=by_name[KeyPurpose.POLICY],
        order=by_name[KeyPurpose.ORDER],
    )


def _ca_digest(pem: str | None) -> str | None:
    """Hex SHA-256 of the certificate's DER form."""
    if pem is None:
        return None
    return x509.load_pem_x509_certificate(pem.encode()).fingerprint(hashes.SHA256()).hex()
