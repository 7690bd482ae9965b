"""`wardline audit` against a Central that runs as a person would start it: list to offline proof."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.harness import product
from wardline.cli.client import Client
from wardline.cli.commands import audit
from wardline.core.errors import Refused

HOSTILE = "reviewed\x1b]0;owned\x07"


@pytest.fixture(scope="module")
def site(owner: Client) -> str:
    made = owner.post("/sites", {"name": "Audited", "zone": "UTC", "opening_hours": []})
    owner.post(f"/sites/{made['id']}/freeze", {"reason": HOSTILE})
    return str(made["id"])


def run(central: product.Central, *arguments: str) -> None:
    audit.app(args=[*arguments, "--data", str(central.data)], standalone_mode=False)


def listed(
    central: product.Central, capsys: pytest.CaptureFixture[str], site: str
) -> list[dict[str, Any]]:
    capsys.readouterr()
    run(central, "list", "--site", site, "--json")
    found: list[dict[str, Any]] = json.loads(capsys.readouterr().out)
    return found


def test_what_was_done_is_listed_shown_exported_and_verified_offline(
    central: product.Central, site: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = product.wait_for(
        lambda: [
            each
            for each in listed(central, capsys, site)
            if each["action"] == "freeze.set" and each["proved"]
        ],
        "the freeze is in the signed log",
        30.0,
    )
    run(central, "list", "--site", site, "--text", "REVIEWED")
    said = capsys.readouterr().out
    assert "freeze.set" in said
    assert "at Audited" in said
    assert "\x1b" not in said
    run(central, "show", str(found[0]["seq"]))
    assert "proved under the checkpoint of" in capsys.readouterr().out
    run(central, "checkpoint")
    held = tmp_path / "held.txt"
    held.write_text(capsys.readouterr().out)
    out = tmp_path / "audit.zip"
    run(central, "export", "--out", str(out))
    with pytest.raises(Refused, match="exists already"):
        run(central, "export", "--out", str(out))
    capsys.readouterr()
    code = audit.app(
        args=["verify", str(out), "--checkpoint", str(held), "--json"], standalone_mode=False
    )
    verdict = json.loads(capsys.readouterr().out)
    assert code == verdict["exit_code"] == 10
    assert verdict["entries"] >= found[0]["seq"]
    assert "wardline.local/audit/" in verdict["origin"]
