"""Hosts over SSH in agent.toml: added once their key is confirmed, tried, trusted anew, removed."""

import secrets
import tomllib
from collections.abc import Callable
from dataclasses import dataclass

from wardline.agent import roster
from wardline.agent import settings as settings_file
from wardline.agent.hosts import platforms
from wardline.agent.hosts.ssh import login as logins
from wardline.agent.settings import HostSettings, Layout, Settings, SshSettings
from wardline.agent.store import keys
from wardline.agent.store.credentials import Credentials
from wardline.core import ids, protocol
from wardline.core.errors import Conflict, NotFound, Refused
from wardline.core.sealed import Credential


class KeyNotConfirmed(Refused):
    """The key that a host shows was not confirmed, or is another one than was named."""

    code = "key_not_confirmed"


class TooManyHosts(Refused):
    """An appliance looks after so many hosts and no more."""

    code = "too_many_hosts"


# Whether this is the host's own key; it is shown as `type` and fingerprint.
Confirm = Callable[[str, str], bool]


@dataclass(frozen=True, slots=True)
class Wanted:
    """A host as it is to be added; `login` is user@address, with a port where it is not 22."""

    name: str
    login: str
    sudo: bool
    observed: bool


@dataclass(frozen=True, slots=True)
class Tried:
    """What a host turned out to be when it was entered."""

    host: HostSettings
    platform: str
    is_root: bool


def named(settings: Settings, name: str) -> HostSettings:
    """The host over SSH that is called so; raises NotFound."""
    for host in settings.hosts:
        if host.ssh is not None and name in (host.name, host.id):
            return host
    raise NotFound(f"there is no host {name} over SSH; `wardline agent hosts list` shows them")


def declare(settings: Settings, wanted: Wanted, confirm: Confirm) -> HostSettings:
    """The host with the key that it shows now, once that is confirmed; nothing is written yet."""
    user, address, port = logins.parse(wanted.login)
    if any(host.name == wanted.name for host in settings.hosts):
        raise Conflict(f"there is a host {wanted.name} already")
    if len(settings.hosts) >= protocol.HOSTS_PER_APPLIANCE_MAX:
        raise TooManyHosts(f"an appliance has at most {protocol.HOSTS_PER_APPLIANCE_MAX} hosts")
    host_key = _confirmed(address, port, confirm)
    return HostSettings(
        id=ids.host(),
        name=wanted.name,
        kind="ssh",
        observed=wanted.observed,
        ssh=SshSettings(address=address, port=port, user=user, sudo=wanted.sudo, host_key=host_key),
    )


def add(
    layout: Layout, settings: Settings, host: HostSettings, credential: Credential, *, untried: bool
) -> Tried | None:
    """Seal the credential, enter the host with it, then write it into agent.toml.

    `untried` leaves out entering, for a key that the host does not know yet. Raises Unreachable
    with nothing left of the host.
    """
    credentials = Credentials(layout, settings.appliance.id)
    credentials.keep(host, credential)
    try:
        tried = None if untried else enter(host, credentials)
        write(layout, _with(settings, tried.host if tried else host))
    except BaseException:
        credentials.forget(host)
        raise
    return tried


def enter(host: HostSettings, credentials: Credentials) -> Tried:
    """Log in, read, run a program; raises Unreachable and what opening the credential raises."""
    opened = roster.open_remote(host, credentials)
    try:
        opened.connect()
        told = opened.run(("id", "-u"), 10, 64).stdout.strip()
        platform = opened.platform
    finally:
        opened.close()
    assert host.ssh is not None
    known = host.ssh.model_copy(
        update={"platform": platform if platform != platforms.UNKNOWN else host.ssh.platform}
    )
    return Tried(host.model_copy(update={"ssh": known}), platform, told == b"0")


def trust(layout: Layout, settings: Settings, host: HostSettings, confirm: Confirm) -> bool:
    """Pin the key that the host shows now, once it is confirmed; False where it is the pinned one.

    The credential is sealed anew, because it is bound to the key.
    """
    assert host.ssh is not None
    credentials = Credentials(layout, settings.appliance.id)
    host_key = _confirmed(host.ssh.address, host.ssh.port, confirm, but=host.ssh.host_key)
    if host_key == host.ssh.host_key:
        return False
    credential = credentials.open(host)
    trusted = host.model_copy(update={"ssh": host.ssh.model_copy(update={"host_key": host_key})})
    credentials.keep(trusted, credential)
    write(layout, _with(settings, trusted))
    return True


def remove(layout: Layout, settings: Settings, host: HostSettings) -> None:
    """Its credential first: what is left of a host without one can do nothing."""
    Credentials(layout, settings.appliance.id).forget(host)
    left = [one for one in settings.hosts if one.id != host.id]
    write(layout, settings.model_copy(update={"hosts": left}))


def write(layout: Layout, settings: Settings) -> None:
    """agent.toml anew, the old one or the new one at any moment; comments in it are not kept."""
    text = settings_file.to_toml(settings)
    assert Settings.model_validate(tomllib.loads(text)) == settings
    keys.replace_secret(layout.settings, text.encode())


def _with(settings: Settings, host: HostSettings) -> Settings:
    """With the host in the place of the one with its id, or at the end."""
    if any(one.id == host.id for one in settings.hosts):
        hosts = [host if one.id == host.id else one for one in settings.hosts]
    else:
        hosts = [*settings.hosts, host]
    return settings.model_copy(update={"hosts": hosts})


def _confirmed(address: str, port: int, confirm: Confirm, but: str | None = None) -> str:
    host_key: str = roster.speaking_ssh().shown_key(address, port)
    if but is not None and secrets.compare_digest(but, host_key):
        return host_key
    if not confirm(host_key.split()[0], logins.fingerprint(host_key)):
        raise KeyNotConfirmed(
            f"{address}:{port} shows {host_key.split()[0]} {logins.fingerprint(host_key)}, which"
            " was not confirmed: compare it at the host's own console with"
            " `ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub`"
        )
    return host_key
