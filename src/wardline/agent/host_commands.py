"""`wardline agent hosts`: the hosts of this appliance; add one over SSH, try it, trust it anew."""

import getpass
import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from wardline.agent import columns, remote_hosts, roster
from wardline.agent import settings as settings_file
from wardline.agent.hosts.ssh import login as logins
from wardline.agent.remote_hosts import Tried, Wanted
from wardline.agent.settings import HostSettings, Layout
from wardline.agent.store.credentials import Credentials
from wardline.agent.store.keys import Keyring
from wardline.core.errors import WrongUsage
from wardline.core.sealed import Credential, SecretType

KEY_BYTES_MAX = 16 * 1024
RESTART = "A running agent knows it after a restart."

app = typer.Typer(
    no_args_is_help=True, add_completion=False, help="The hosts of this appliance; add one by SSH."
)

Data = Annotated[Path | None, typer.Option("--data", help="The appliance's directory.")]
Name = Annotated[str, typer.Argument(help="The host, as `hosts list` names it.")]
KeyFile = Annotated[
    Path | None, typer.Option("--key", help="Enter with this private key; it is sealed and kept.")
]
Password = Annotated[
    bool, typer.Option("--password", help="Enter with a password: asked, or one line of stdin.")
]
NewKey = Annotated[
    bool, typer.Option("--new-key", help="Make a key here; its public half is printed.")
]
Fingerprint = Annotated[
    str | None,
    typer.Option(help="The host key that you know it has (SHA256:…); asked where left out."),
]


class OneSecret(WrongUsage):
    """A credential is one of a key file, a password and a new key."""

    code = "one_secret"


@app.command("list")
def show(
    data: Data = None,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """Show the hosts of this appliance, and by which key each one over SSH is known."""
    hosts = settings_file.load(_layout(data)).hosts
    if as_json:
        typer.echo(json.dumps({"hosts": [_wire(host) for host in hosts]}, indent=2))
        return
    rows = [(host.name, host.kind, _rights(host), _place(host)) for host in hosts]
    typer.echo(columns.table(("host", "kind", "", "where"), rows))


@app.command()
def add(
    name: Annotated[str, typer.Argument(help="What the host is to be called.")],
    ssh: Annotated[str, typer.Option(help="user@address or user@address:port.")],
    key: KeyFile = None,
    fingerprint: Fingerprint = None,
    data: Data = None,
    *,
    password: Password = False,
    new_key: NewKey = False,
    sudo: Annotated[bool, typer.Option("--sudo", help="Do everything by `sudo -n`.")] = False,
    observe: Annotated[
        bool, typer.Option("--observe", help="The host is measured, never changed.")
    ] = False,
) -> None:
    """Add a host over SSH: its key is shown and confirmed, then it is entered."""
    layout = _layout(data)
    settings = settings_file.load(layout)
    _one_secret(key, password=password, new_key=new_key)
    wanted = Wanted(name, ssh, sudo, observe)
    host = remote_hosts.declare(settings, wanted, _asking(ssh, fingerprint))
    credential = _credential(key, password=password, name=name)
    tried = remote_hosts.add(layout, settings, host, credential, untried=new_key)
    if tried is None:
        typer.echo(f"{name} is added. When it knows the key: wardline agent hosts test {name}")
    else:
        typer.echo(f"{name} is added: {_said(tried)}.")
    typer.echo(RESTART)


@app.command("test")
def try_it(name: Name, data: Data = None) -> None:
    """Enter a host over SSH, read and run something there."""
    layout = _layout(data)
    settings = settings_file.load(layout)
    host = remote_hosts.named(settings, name)
    tried = remote_hosts.enter(host, Credentials(layout, settings.appliance.id))
    if tried.host != host:
        changed = [tried.host if one.id == host.id else one for one in settings.hosts]
        remote_hosts.write(layout, settings.model_copy(update={"hosts": changed}))
    typer.echo(f"{host.name} answers: {_said(tried)}.")


@app.command()
def trust(name: Name, fingerprint: Fingerprint = None, data: Data = None) -> None:
    """Pin the key that a host shows now, after it got a new one and you have compared it."""
    layout = _layout(data)
    settings = settings_file.load(layout)
    host = remote_hosts.named(settings, name)
    if remote_hosts.trust(layout, settings, host, _asking(_place(host), fingerprint)):
        typer.echo(f"{host.name} is known by its new key. {RESTART}")
    else:
        typer.echo(f"{host.name} shows the key that is pinned already.")


@app.command()
def credential(
    name: Name,
    key: KeyFile = None,
    data: Data = None,
    *,
    password: Password = False,
    new_key: NewKey = False,
) -> None:
    """Give a host over SSH another key or password."""
    layout = _layout(data)
    settings = settings_file.load(layout)
    host = remote_hosts.named(settings, name)
    _one_secret(key, password=password, new_key=new_key)
    given = _credential(key, password=password, name=host.name)
    Credentials(layout, settings.appliance.id).keep(host, given)
    typer.echo(f"Kept, sealed to this appliance's key. Try it: wardline agent hosts test {name}")


@app.command()
def remove(name: Name, data: Data = None) -> None:
    """Forget a host over SSH and its credential; its evidence stays."""
    layout = _layout(data)
    settings = settings_file.load(layout)
    host = remote_hosts.named(settings, name)
    remote_hosts.remove(layout, settings, host)
    typer.echo(f"{host.name} and its credential are forgotten. {RESTART}")


@app.command("key")
def sealing_key(data: Data = None) -> None:
    """Print the key that credentials for this appliance are sealed to, and its fingerprint."""
    layout = _layout(data)
    settings_file.load(layout)
    made = Keyring(layout.keys).sealing_made()
    typer.echo(f"{made.public.hex()}\n{made.fingerprint}")


def _layout(data: Path | None) -> Layout:
    return Layout(settings_file.data_directory(data))


def _one_secret(key: Path | None, *, password: bool, new_key: bool) -> None:
    if sum((key is not None, password, new_key)) != 1:
        raise OneSecret("give one of --key FILE, --password and --new-key")


def _credential(key: Path | None, *, password: bool, name: str) -> Credential:
    if password:
        return Credential(SecretType.PASSWORD, _asked(f"Password for {name}: "))
    ssh = roster.speaking_ssh()
    if key is None:
        private, public = ssh.new_key("wardline")
        typer.echo(f"Put this line into the account's ~/.ssh/authorized_keys on {name}:\n{public}")
        return Credential(SecretType.PRIVATE_KEY, private)
    try:
        with key.open(encoding="ascii", errors="replace") as file:
            text = file.read(KEY_BYTES_MAX)
    except OSError as error:
        raise OneSecret(f"{key} cannot be read: {error.strerror}") from None
    plain = ssh.plain_key(text, None)
    if plain is None:
        plain = ssh.plain_key(text, _asked(f"Passphrase of {key}: "))
    if plain is None:
        raise OneSecret(f"{key}: that is not its passphrase")
    return Credential(SecretType.PRIVATE_KEY, plain)


def _asked(question: str) -> str:
    """What a person types unseen; where nobody types, one line of the input."""
    said = getpass.getpass(question) if sys.stdin.isatty() else sys.stdin.readline().rstrip("\n")
    if not said:
        raise OneSecret("it is empty")
    return said


def _asking(where: str, known: str | None) -> remote_hosts.Confirm:
    """A host key is right where it is the one that was named, or where a person says yes."""

    def confirm(kind: str, fingerprint: str) -> bool:
        if known is not None:
            return known == fingerprint
        typer.echo(f"{where} shows the host key {kind} {fingerprint}.")
        if not sys.stdin.isatty():
            return False
        return bool(typer.confirm("Is that the key that the host itself names?"))

    return confirm


def _said(tried: Tried) -> str:
    rights = "as root" if tried.is_root else "not as root, so that much will stay unknown"
    return f"{tried.platform}, {rights}"


def _place(host: HostSettings) -> str:
    if host.ssh is None:
        return str(host.root or "")
    known = logins.fingerprint(host.ssh.host_key)
    return f"{host.ssh.user}@{host.ssh.address}:{host.ssh.port} {known}"


def _rights(host: HostSettings) -> str:
    return "observed only" if host.observed else "may be repaired"


def _wire(host: HostSettings) -> dict[str, Any]:
    shown = host.model_dump(mode="json", exclude_none=True)
    if host.ssh is not None:
        shown["ssh"]["fingerprint"] = logins.fingerprint(host.ssh.host_key)
    return shown
