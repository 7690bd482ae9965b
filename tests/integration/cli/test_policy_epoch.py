"""`wardline policy epoch` against a Central that runs as a person would start it."""

import json
from collections.abc import Iterator

import pytest

from tests.harness import product

PASSWORD = "a long passphrase of ours"


@pytest.fixture
def central(tmp_path_factory: pytest.TempPathFactory) -> Iterator[product.Central]:
    made = product.Central(tmp_path_factory.mktemp("epoch")).start()
    yield made
    made.stop()


def test_a_person_raises_the_epoch_with_a_reason(
    central: product.Central, monkeypatch: pytest.MonkeyPatch
) -> None:
    central.owner(PASSWORD).close()
    where = ("--data", central.data)
    before = json.loads(product.run("policy", "epoch", "--json", *where).stdout)
    assert before["epoch"] == 1
    monkeypatch.setenv("WARDLINE_PASSWORD", PASSWORD)
    who = ("--as", central.login()[0], *where)
    unexplained = product.run("policy", "epoch", "--raise", *who, expect=64)
    assert "--reason: say from which backup" in unexplained.stderr
    nobody = product.run("policy", "epoch", "--raise", "--reason", "x", *where, expect=1)
    assert "--as: say who does it" in nobody.stderr
    done = product.run("policy", "epoch", "--raise", "--reason", "restored", "--json", *who)
    after = json.loads(done.stdout)
    assert after["epoch"] > 1_700_000_000
    assert after["revision"] == before["revision"]
    said = product.run("policy", "epoch", *where).stdout
    assert said == f"epoch {after['epoch']}, revision {after['revision']}\n"
