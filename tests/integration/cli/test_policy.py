"""`wardline policy` on files and against a server, as a person would type it."""

import asyncio
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from tests.harness import product
from tests.harness.policy_contract import ALERT, RULE
from tests.harness.policy_replay import OPEN, SHUT
from tests.unit.formats import policy_files
from wardline.core.policy import parse
from wardline.core.policy.request import Principal
from wardline.formats import policy_file
from wardline.policy.file.book import Book
from wardline.policy.file.decisions import FileDecisions
from wardline.policy.file.store import FileStore, Terms
from wardline.policy.standalone import app
from wardline.policy.standalone.settings import Settings

HOSTILE = {**OPEN, "id": "name", "name": "x\x1b]0;owned"}

CASES = """
zone: Europe/Berlin
cases:
  - name: at noon it runs
    kpiId: kernel_sysctl
    severity: medium
    action: kernel_sysctl.apply
    at: 2026-11-23T12:00
    expect: {verdict: run, rule: sysctl}
  - name: low is nobody's
    kpiId: kernel_sysctl
    severity: low
    action: kernel_sysctl.apply
    at: 2026-11-23T12:00
    expect: {code: no_match}
"""


def written(path: Path, *rules: dict[str, Any]) -> Path:
    path.write_text(json.dumps({"rules": rules}))
    return path


async def decided(db: Path, count: int) -> None:
    """A policy file whose one rule was shut when it decided."""
    book, terms = Book(db), Terms()
    try:
        await FileStore(book, terms, "somebody").save(parse.rule(SHUT))
        deciding = FileDecisions(book, terms, Principal("somebody", frozenset()))
        asked = parse.asked({"requests": [{"alert": ALERT, "action": RULE["action"]}] * count})
        await deciding.decide(asked, None)
    finally:
        await book.close()


@pytest.fixture
def db(tmp_path: Path) -> Path:
    path = tmp_path / "policies.db"
    asyncio.run(decided(path, 4))
    return path


@pytest.fixture
def server(db: Path) -> Iterator[str]:
    """The address of a server on the policy file."""
    port = product.free_port()
    config = uvicorn.Config(app.create(Settings(db=db)), port=port, log_level="critical")
    serving = uvicorn.Server(config)
    thread = threading.Thread(target=serving.run)
    thread.start()
    product.wait_for(lambda: serving.started, "the server starts", 30)
    yield f"http://127.0.0.1:{port}"
    serving.should_exit = True
    thread.join()


def test_cases_pass_fail_and_cover(tmp_path: Path) -> None:
    cases = tmp_path / "cases.yaml"
    cases.write_text(CASES)
    rules = written(tmp_path / "rules.json", OPEN, {**OPEN, "id": "other", "action": "x"})
    run = ("policy", "test", cases, "--rules")
    said = product.run(*run, rules).stdout
    assert "2 of 2 cases passed" in said
    assert "sysctl  decided 1" in said
    assert "other  decided none" in said
    product.run(*run, rules, "--all-rules", expect=1)
    failed = product.run(*run, written(tmp_path / "shut.json", SHUT), "--json", expect=1)
    told = json.loads(failed.stdout)
    assert told["failed"] == 1
    assert told["cases"][0]["wrong"] == ["verdict: block, expected run"]
    product.run("policy", "test", cases, expect=64)
    product.run(*run, tmp_path / "nowhere.json", expect=64)
    cases.write_text(CASES.replace("severity: low", "severity: lowish"))
    refused = product.run(*run, rules, expect=1)
    assert "cases[1].severity" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_lint_tells_flaws_and_ends_with_one(tmp_path: Path) -> None:
    good = written(tmp_path / "good.json", OPEN)
    assert product.run("policy", "lint", good).stdout == "Nothing to say.\n"
    late = {**OPEN, "id": "late", "expiresAt": "2020-01-01T00:00:00Z"}
    bad = written(tmp_path / "bad.json", OPEN, late)
    done = product.run("policy", "lint", bad, "--json", expect=1)
    (found,) = json.loads(done.stdout)["findings"]
    assert (found["code"], found["ruleId"]) == ("dead", "late")


def test_diff_names_rules_and_paths(tmp_path: Path, db: Path) -> None:
    one = written(tmp_path / "one.json", OPEN)
    two = written(tmp_path / "two.json", {**OPEN, "priority": 7}, HOSTILE)
    assert product.run("policy", "diff", one, one).stdout == "No differences.\n"
    said = product.run("policy", "diff", one, two, expect=1).stdout
    assert "added  name" in said
    assert "$.priority: (not there) -> 7" in said
    told = json.loads(product.run("policy", "diff", one, "--db", db, "--json", expect=1).stdout)
    assert [(each["id"], each["fields"][0]["path"]) for each in told] == [("sysctl", "$.window")]


def test_what_is_exported_comes_back_in_the_same_bytes(tmp_path: Path, db: Path) -> None:
    first, second = tmp_path / "first.json", tmp_path / "second.json"
    rules = written(tmp_path / "rules.json", HOSTILE | {"name": "a name"}, OPEN)
    where = ("--db", db)
    dry = product.run("policy", "import", rules, *where, "--dry-run").stdout
    assert "changed  sysctl" in dry
    assert "Nothing was written." in dry
    assert "4 of the last 4 decisions were denials" in dry
    assert json.loads(product.run("policy", "export", *where).stdout)["rules"][0]["window"]
    done = product.run("policy", "import", rules, *where, "--reason", "by hand").stdout
    assert "2 rules written" in done
    assert "4 of the last 4 decisions were denials" in done
    product.run("policy", "export", *where, "-o", first)
    other = tmp_path / "other.db"
    product.run("policy", "seed", "--db", other)
    product.run("policy", "import", first, "--db", other)
    held = [rule["id"] for rule in json.loads(first.read_text())["rules"]]
    assert held == ["name", "sysctl"]
    assert "Nothing was written." in product.run("policy", "import", first, *where).stdout
    product.run("policy", "export", *where, "-o", second)
    assert first.read_bytes() == second.read_bytes()
    product.run("policy", "diff", first, db)


def test_what_only_reads_leaves_a_backup_as_it_was_written(tmp_path: Path) -> None:
    backup, alert = tmp_path / "policies.db", tmp_path / "alert.json"
    policy_file.write(backup, policy_files.contents(1).rows, policy_files.MAKING)
    alert.write_text(json.dumps(ALERT))
    before = backup.read_bytes()
    for reads in (("lint",), ("simulate", alert), ("export",)):
        product.run("policy", *reads, "--db", backup)
        assert backup.read_bytes() == before, reads
        assert {each.name for each in tmp_path.iterdir()} == {"alert.json", "policies.db"}


def test_a_replay_and_a_simulation_work_on_a_file_and_against_a_server(
    tmp_path: Path, db: Path, server: str
) -> None:
    rules, alert = written(tmp_path / "rules.json", OPEN), tmp_path / "alert.json"
    alert.write_text(json.dumps(ALERT))
    for where in (("--decisions", str(db)), ("--url", server)):
        told = json.loads(product.run("policy", "replay", rules, *where, "--json").stdout)
        assert (told["judged"], told["deniedToRun"]) == (4, 4)
    said = product.run("policy", "replay", rules, "--url", server).stdout
    assert "block -> run: 4 at 0 sites" in said
    held = json.loads(product.run("policy", "simulate", alert, "--url", server, "--json").stdout)
    assert held["decision"]["code"] == "outside_window"
    assert held["unlock"]
    draft = product.run("policy", "simulate", alert, "--url", server, "--rules", rules).stdout
    assert draft.startswith("run (allowed) by rule sysctl")
    alone = product.run("policy", "simulate", alert, "--rules", rules).stdout
    assert alone.startswith("run (allowed) by rule sysctl")
    both = product.run("policy", "lint", "--db", db, "--url", server, expect=64)
    assert "name one of these" in both.stderr
    product.run("policy", "lint", "--url", server)
    nobody = product.run("policy", "export", "--url", "http://127.0.0.1:1", expect=1)
    assert "Traceback" not in nobody.stderr
