"""The loader of runbooks: what it refuses and says, and that the shipped ones agree with the rest."""

from collections.abc import Iterable

import pytest
import yaml

from wardline.agent.checks import (
    account_ageing,
    antivirus,
    check,
    file_integrity,
    file_permissions,
    file_sharing,
    kernel_sysctl,
    log_retention,
    prohibited_services,
    remote_access,
    scheduled_jobs,
    session_timeout,
    ssh_config,
    ssh_keys,
    sudo_config,
)
from wardline.agent.runbooks import runbook, shadow_edit
from wardline.agent.runbooks.edit_steps import KeepLogs
from wardline.agent.runbooks.runbook import Risk, RunbookInvalid
from wardline.core import controls

TEXT = """
id: demo.repair
version: 1
title: A repair
description: It repairs.
risk: low
check: file_permissions
platforms: [linux]
controls: ["nist_800_53:CM-6"]
inputs:
  keys: {type: choices, table: values, description: The keys.}
tables:
  values:
    a: {value: "1"}
    b: {value: "2"}
steps:
  - {type: set_config_line, name: set, for_each: keys, file: /etc/x.conf, syntax: equals,
     key: "{item}", line: "{item} = {item.value}", unproven: "a file of this test"}
remedies:
  - {order: 10, inputs: {keys: "{facts.failing}"}}
"""


def test_a_good_runbook_is_loaded_and_its_layout_does_not_count() -> None:
    loaded = runbook.load(TEXT.encode(), "demo.yaml")
    again = runbook.load(yaml.safe_dump(yaml.safe_load(TEXT)).encode(), "demo.yaml")
    assert loaded.digest == again.digest
    assert loaded.risk is Risk.LOW


@pytest.mark.parametrize(
    ("old", "new"),
    [("CM-6", "CM-7"), ('"1"', '"3"'), ("/etc/x.conf", "/etc/y.conf"), ("order: 10", "order: 11")],
)
def test_everything_that_is_executed_is_in_the_digest(old: str, new: str) -> None:
    changed = runbook.load(TEXT.replace(old, new).encode(), "demo.yaml")
    assert changed.digest != runbook.load(TEXT.encode(), "demo.yaml").digest


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("risk: low", "risk: none", "risk"),
        ("version: 1", "version: 0", "version"),
        ("title: A repair", "titel: A repair", "title"),
        ("type: set_config_line", "type: run_shell", "steps.0"),
        ("file: /etc/x.conf", "file: etc/x.conf", "steps.0"),
        ("table: values", "table: other", "inputs.keys.table: there is no table 'other'"),
        ("for_each: keys", "for_each: other", "steps[0].for_each: there is no input 'other'"),
        ("{item.value}", "{item.mode}", "steps[0]: unknown placeholder {item.mode}"),
        ("{item.value}", "{facts.value}", "steps[0]: unknown placeholder {facts.value}"),
        ('b: {value: "2"}', 'b: {worth: "2"}', "tables.values"),
        ('{keys: "{facts.failing}"}', "{}", "remedies[0].inputs"),
        (
            "order: 10,",
            "order: 10, conditions: [{fact: x, operator: in, value: 1}],",
            "needs a list",
        ),
        ("order: 10,", "order: 10, conditions: [{fact: x, operator: like}],", "remedies.0"),
        (
            "remedies:",
            "preconditions: [{fact: x, operator: exists, value: 1}]\nremedies:",
            "preconditions[0]: exists needs",
        ),
        ("syntax: equals", "syntax: section", "steps[0].section: belongs to the syntax"),
        ("syntax: equals", "syntax: equals, section: global", "steps[0].section: belongs to"),
        ("id: demo.repair", "id: Demo Repair", "id"),
        ("id: demo.repair", "id: [", "demo.yaml"),
        ("id: demo.repair", "digest: x\nid: demo.repair", "digest"),
        ("id: demo.repair", "id: !!python/object/apply:os.system ['true']", "demo.yaml"),
    ],
)
def test_a_bad_runbook_is_refused_with_the_place(old: str, new: str, says: str) -> None:
    assert old in TEXT
    with pytest.raises(RunbookInvalid) as caught:
        runbook.load(TEXT.replace(old, new).encode(), "demo.yaml")
    assert str(caught.value).startswith("demo.yaml")
    assert says in str(caught.value)


def test_shipped_runbooks_name_checks_and_controls_that_exist() -> None:
    assert runbook.registry()
    for book in runbook.registry().values():
        assert book.check in check.registry()
        for control in book.controls:
            controls.parse(control, book.id)
    for one in check.registry().values():
        for control in one.manifest.controls:
            controls.parse(control, one.manifest.id)


def test_wanted_modes_are_those_that_the_check_asks_for() -> None:
    table = runbook.registry()["file_permissions.restore"].tables["modes"]
    asked = {rule.glob: rule for rule in file_permissions.RULES}
    assert set(table) == set(asked)
    for glob, row in table.items():
        assert int(row["mode"], 8) == asked[glob].mode
        assert row["group"] in asked[glob].groups


def test_wanted_kernel_values_are_among_those_that_the_check_accepts() -> None:
    table = runbook.registry()["kernel_sysctl.apply"].tables["values"]
    assert set(table) == {rule.key for rule in kernel_sysctl.RULES}
    for rule in kernel_sysctl.RULES:
        assert table[rule.key]["value"] in rule.safe
        assert table[rule.key]["live"] == "/proc/sys/" + rule.key.replace(".", "/")


def test_wanted_ssh_values_are_accepted_by_the_check() -> None:
    table = runbook.registry()["ssh_config.harden"].tables["options"]
    rules = {rule.keyword: rule for rule in ssh_config.RULES}
    assert set(table) == set(rules) - {"Protocol"}
    for keyword, row in table.items():
        assert rules[keyword].accepts(row["value"]), keyword


def test_every_prohibited_unit_can_be_disabled() -> None:
    table = runbook.registry()["prohibited_services.disable"].tables["units"]
    services = {unit: one.key for one in prohibited_services.SERVICES for unit in one.units}
    assert {unit: row["service"] for unit, row in table.items()} == services


def test_every_way_in_that_a_unit_opens_can_be_closed() -> None:
    table = runbook.registry()["remote_access.close"].tables["units"]
    services = {unit: one.key for one in remote_access.SERVICES for unit in one.units}
    assert {unit: row["service"] for unit, row in table.items()} == services


@pytest.mark.parametrize(
    ("name", "table", "known"),
    [
        ("scheduled_jobs.restrict", "places", scheduled_jobs.PLACES),
        ("ssh_keys.restrict", "places", ssh_keys.PLACES),
        ("file_integrity.schedule", "timers", file_integrity.AIDE_TIMERS),
        ("sudo_config.set_defaults", "settings", sudo_config.SET_BY.values()),
        ("file_sharing.refuse_guests", "settings", file_sharing.SET_BY.values()),
    ],
)
def test_a_runbook_takes_exactly_what_its_check_names(
    name: str, table: str, known: Iterable[str]
) -> None:
    assert set(runbook.registry()[name].tables[table]) == set(known)


def test_wanted_limits_are_those_of_the_checks() -> None:
    (keep, *_) = runbook.registry()["log_retention.keep"].steps
    assert isinstance(keep, KeepLogs)
    assert (keep.logs, keep.days) == (log_retention.LOGS, log_retention.DAYS_MIN)
    assert shadow_edit.DAYS_MAX == account_ageing.DAYS_MAX
    assert shadow_edit.INACTIVE_DAYS <= shadow_edit.INACTIVE_DAYS_MAX
    assert shadow_edit.INACTIVE_DAYS_MAX == account_ageing.INACTIVE_DAYS_MAX
    for name in ("session_timeout.end_shells", "session_timeout.lock_desktop"):
        assert str(session_timeout.IDLE_SECONDS_MAX) in str(runbook.registry()[name].steps)
    assert set(runbook.registry()["antivirus.enable_scanner"].tables["units"]) <= set(
        antivirus.SCANNERS
    )


SERVICE = """
  - {type: set_service, name: unit, for_each: keys, unit: "{item}", state: enabled}
remedies:"""


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("state: enabled", "state: enabled", None),
        ('unit: "{item}"', "unit: ../x.service", "not the name of a systemd unit"),
        ('unit: "{item}"', 'unit: "{item.value}"', "not the name of a systemd unit"),
        ('unit: "{item}"', 'unit: "{facts.unit}"', "unknown placeholder"),
        ("type: choices", "type: paths", "never by a path of the host"),
        ("state: enabled", "state: unmasked", "steps.1"),
    ],
)
def test_a_unit_is_named_by_the_runbook_alone(old: str, new: str, says: str | None) -> None:
    text = TEXT.replace("\nremedies:", SERVICE).replace(" a: ", " a.service: ")
    text = text.replace(" b: ", " b.socket: ")
    assert old in text
    if says is None:
        assert len(runbook.load(text.encode(), "demo.yaml").steps) == 2
        return
    with pytest.raises(RunbookInvalid) as caught:
        runbook.load(text.replace(old, new).encode(), "demo.yaml")
    assert says in str(caught.value)


def test_a_proof_that_does_not_look_at_the_new_content_is_refused() -> None:
    proof = "check_with: [program, --test, /etc/x.conf]"
    with pytest.raises(RunbookInvalid, match="check_with: does not look at"):
        runbook.load(TEXT.replace('unproven: "a file of this test"', proof).encode(), "demo.yaml")


def test_a_file_that_nothing_proves_is_refused_unless_the_reason_is_told() -> None:
    silent = TEXT.replace(', unproven: "a file of this test"', "")
    with pytest.raises(RunbookInvalid, match=r"nothing proves /etc/x\.conf"):
        runbook.load(silent.encode(), "demo.yaml")
    known = silent.replace("/etc/x.conf", "/etc/sudoers.d/x")
    assert runbook.load(known.encode(), "demo.yaml").id == "demo.repair"
