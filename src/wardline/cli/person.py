"""Who speaks to a Central of this machine: its command line, which reads, or a person by name."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import typer

from wardline.cli import client, places
from wardline.cli.client import Client
from wardline.core.errors import Refused

PASSWORD = "WARDLINE_PASSWORD"  # noqa: S105 - the name of a variable, not a password


class NobodyNamed(Refused):
    """At Central somebody does it, so somebody signs in."""

    code = "nobody_named"


@contextmanager
def reading(data: Path | None) -> Iterator[Client]:
    """What may be read without a name."""
    address = client.local_address(places.running(data))
    central = Client(address.url, token=address.token, ca_file=address.ca_file)
    try:
        yield central
    finally:
        central.close()


@contextmanager
def signed_in(data: Path | None, email: str | None) -> Iterator[Client]:
    """A person's own session, signed out at the end; asks for the password where PASSWORD is not
    set. Raises NobodyNamed without an address."""
    if email is None:
        raise NobodyNamed("--as: say who does it, by the e-mail address that signs in")
    address = client.local_address(places.running(data))
    password = os.environ.get(PASSWORD) or typer.prompt(f"Password of {email}", hide_input=True)
    central = Client(address.url, ca_file=address.ca_file)
    try:
        central.sign_in(email, password)
        try:
            yield central
        finally:
            central.sign_out()
    finally:
        central.close()
