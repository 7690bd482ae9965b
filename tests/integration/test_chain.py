"""One incident through every layer, with the product's own processes and nothing faked."""

import hashlib
import json
import random
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.harness import product
from wardline.cli.client import Client
from wardline.demo import trees

SETTLE_SECONDS = 60.0
CHECKS = {"ssh_config", "password_policy", "file_permissions", "kernel_sysctl", "patching"}
LOW_RISK = {"file_permissions", "kernel_sysctl"}


@pytest.fixture(scope="module")
def central(tmp_path_factory: pytest.TempPathFactory) -> Iterator[product.Central]:
    central = product.Central(tmp_path_factory.mktemp("chain")).start()
    yield central
    central.stop()


@pytest.fixture(scope="module")
def owner(central: product.Central) -> Iterator[Client]:
    client = central.owner()
    yield client
    client.close()


def _site(owner: Client, name: str) -> str:
    site = owner.post("/sites", {"name": name, "zone": "Europe/Berlin", "opening_hours": []})
    return str(site["id"])


def _token(owner: Client, site: str) -> str:
    return str(owner.post(f"/sites/{site}/enrolment-tokens", {})["token"])


def _picture(root: Path) -> dict[str, tuple[int, str]]:
    """Mode and content digest of every file of a tree."""
    picture = {}
    for path in sorted(root.rglob("*")):
        content = str(path.readlink()) if path.is_symlink() else ""
        if path.is_file() and not path.is_symlink():
            content = hashlib.sha256(path.read_bytes()).hexdigest()
        picture[str(path.relative_to(root))] = (path.lstat().st_mode, content)
    return picture


def _incidents(owner: Client, site: str) -> dict[str, Any]:
    items = owner.get(f"/sites/{site}/incidents", limit=100)["items"]
    return {item["check"]: item for item in items}


@contextmanager
def _agent(central: product.Central, owner: Client, site: str, tree: Path) -> Iterator[Path]:
    """An agent of the site that checks one tree; its data directory."""
    data = tree.with_name("agent")
    product.run(
        *("agent", "enrol", central.address["url"], _token(owner, site), "--data", data),
        *(f"--tree={tree.name}={tree}", "--no-local"),
    )
    product.quicken(data)
    running = product.Process(tree.with_name("agent.log"), "agent", "run", "--data", data)
    try:
        yield data
    finally:
        running.stop()


def _all_observed(owner: Client, site: str) -> bool:
    found = _incidents(owner, site)
    return found.keys() == CHECKS and all(item["code"] == "observing" for item in found.values())


def _settled(owner: Client, site: str) -> bool:
    states = {check: item["state"] for check, item in _incidents(owner, site).items()}
    return states == {check: "healed" if check in LOW_RISK else "waiting" for check in CHECKS}


def test_a_site_observes_until_a_person_lets_it_heal_and_then_only_low_risk_is_repaired(
    central: product.Central, owner: Client, tmp_path: Path
) -> None:
    site = _site(owner, "Observed first")
    tree = tmp_path / "records-server"
    trees.build(tree, "records-server")
    for check in sorted(CHECKS):
        trees.break_setting(tree, random.Random(7), check)
    broken = _picture(tree)
    with _agent(central, owner, site, tree):
        product.wait_for(
            lambda: _all_observed(owner, site),
            "five incidents that say what would have run",
            SETTLE_SECONDS,
        )
        would = {item["check"]: item for item in owner.get(f"/sites/{site}/would-run")["items"]}
        assert would.keys() == CHECKS
        assert {each for each in CHECKS if would[each]["would"]["verdict"] == "run"} == LOW_RISK
        assert all(item["runbook"] and item["diff"] for item in would.values())
        assert _picture(tree) == broken, "an observing site was changed"

        owner.post(f"/sites/{site}/healing", {"healing": "heal", "reason": "read the list"})
        product.wait_for(
            lambda: _settled(owner, site),
            "the low-risk incidents are healed, the others wait",
            SETTLE_SECONDS,
        )
    incidents = _incidents(owner, site)
    assert {each for each in CHECKS if incidents[each]["outcome"] == "success"} == LOW_RISK
    changed = {path for path, seen in _picture(tree).items() if broken.get(path) != seen}
    assert changed, "a repair that changed nothing"
    untouched = ("sshd_config", "login.defs", "pwquality.conf", "20auto-upgrades")
    assert not [path for path in changed if path.endswith(untouched)]


def test_an_export_verifies_and_one_flipped_bit_is_found(
    central: product.Central, owner: Client, tmp_path: Path
) -> None:
    site = _site(owner, "Exported")
    tree = tmp_path / "reception-pc"
    trees.build(tree, "reception-pc")
    with _agent(central, owner, site, tree) as agent:
        product.wait_for(
            lambda: _witnessed(owner, site),
            "the appliance has cosigned the newest checkpoint",
            SETTLE_SECONDS,
        )
    kit, trust = tmp_path / "site.zip", tmp_path / "keys.txt"
    product.run("evidence", "export", "--site", site, "--out", kit, "--data", central.data)
    alone = product.run("evidence", "verify", kit, "--json", expect=10)
    assert json.loads(alone.stdout)["exit_code"] == 10
    trust.write_text(product.run("agent", "trust", "--data", agent).stdout)
    product.run("evidence", "verify", kit, "--trust", trust, expect=0)

    whole = bytearray(kit.read_bytes())
    draw = random.Random(11)
    for _ in range(12):
        position, bit = draw.randrange(len(whole)), draw.randrange(8)
        whole[position] ^= 1 << bit
        kit.write_bytes(whole)
        told = product.run("evidence", "verify", kit, expect=40)
        assert told.stdout.strip(), f"byte {position} bit {bit}: no place named"
        whole[position] ^= 1 << bit


def _witnessed(owner: Client, site: str) -> bool:
    log = owner.get(f"/sites/{site}")["log"]
    return bool(log["size"] >= 2 and log["size"] == log["checkpoint_size"] == log["witnessed_size"])
