"""One Central, as a person would start it, for the commands that get along beside each other."""

from collections.abc import Iterator

import pytest

from tests.harness import product
from wardline.cli.client import Client

PASSWORD = "a long passphrase of ours"


@pytest.fixture(scope="package")
def central(tmp_path_factory: pytest.TempPathFactory) -> Iterator[product.Central]:
    made = product.Central(tmp_path_factory.mktemp("central")).start()
    yield made
    made.stop()


@pytest.fixture(scope="package")
def owner(central: product.Central) -> Iterator[Client]:
    """The owner, signed in, whose one-time password is PASSWORD now."""
    client = central.owner(PASSWORD)
    yield client
    client.close()


@pytest.fixture(scope="package")
def email(central: product.Central, owner: Client) -> str:
    """Who `--as` names."""
    return central.login()[0]


def token_of(owner: Client, site: str) -> tuple[str, str]:
    """A new site with this name, and what enrols an appliance there."""
    made = owner.post("/sites", {"name": site, "zone": "UTC", "opening_hours": []})
    token = owner.post(f"/sites/{made['id']}/enrolment-tokens", {})["token"].split(".")
    return token[1], token[2]
