"""The credentials of hosts over SSH: one sealed file each, opened when a line is, and then gone."""

from dataclasses import dataclass
from pathlib import Path

from wardline.agent.settings import HostSettings, Layout
from wardline.agent.store import keys
from wardline.agent.store.keys import Keyring
from wardline.core import sealed
from wardline.core.errors import WardlineError
from wardline.core.sealed import Credential, Purpose

FOLDER_MODE = 0o700


class CredentialMissing(WardlineError):
    """A host over SSH whose credential was never given here, or is lost."""

    code = "credential_missing"


@dataclass(frozen=True, slots=True)
class Credentials:
    """The sealed files of one appliance."""

    layout: Layout
    appliance_id: str

    def open(self, host: HostSettings) -> Credential:
        """Raises CredentialMissing, KeyUnusable, and what `sealed.unseal` raises."""
        path = self._path(host.id)
        try:
            envelope = path.read_bytes()
        except OSError as error:
            why = "there is none" if isinstance(error, FileNotFoundError) else error.strerror
            raise CredentialMissing(
                f"the credential of {host.name} cannot be read ({why}): give it with"
                f" `wardline agent hosts credential {host.name}`"
            ) from None
        return sealed.unseal(self._keyring.sealing(), envelope, self.purpose(host))

    def keep(self, host: HostSettings, credential: Credential) -> None:
        """Seal it to this appliance's key and keep that."""
        envelope = sealed.seal(self._keyring.sealing_made().public, self.purpose(host), credential)
        self.layout.credentials.mkdir(mode=FOLDER_MODE, exist_ok=True)
        keys.replace_secret(self._path(host.id), envelope)

    def forget(self, host: HostSettings) -> None:
        self._path(host.id).unlink(missing_ok=True)

    def purpose(self, host: HostSettings) -> Purpose:
        """What a credential of this host is bound to."""
        assert host.ssh is not None
        return Purpose(
            appliance_id=self.appliance_id,
            host_id=host.id,
            address=host.ssh.address,
            port=host.ssh.port,
            user=host.ssh.user,
            host_key=host.ssh.host_key,
        )

    @property
    def _keyring(self) -> Keyring:
        return Keyring(self.layout.keys)

    def _path(self, host_id: str) -> Path:
        return self.layout.credentials / f"{host_id}.sealed"
