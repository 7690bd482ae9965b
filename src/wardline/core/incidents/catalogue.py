"""The built-in checks and runbooks as everybody but the agent needs to know them.

`catalogue.json` is written from the agent's manifests and YAML by `python -m
tests.unit.agent.write_catalogue`, and a test holds the two equal.
"""

import functools
import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from types import MappingProxyType
from typing import Any

from wardline.core.incidents.remedy import Condition, Operator, Remedy
from wardline.core.severity import Severity

FILE = "catalogue.json"


@dataclass(frozen=True, slots=True)
class CheckEntry:
    """What stands about a check; `platforms` are prefixes, `linux` covers `linux/debian`."""

    id: str
    title: str
    severity: Severity
    platforms: tuple[str, ...]
    controls: tuple[str, ...]
    interval_s: int
    evidence: str
    remediation: str


@dataclass(frozen=True, slots=True)
class RunbookEntry:
    """What stands about a runbook; `inputs` maps each input to what it is, in words."""

    id: str
    version: int
    title: str
    description: str
    risk: str
    check: str
    platforms: tuple[str, ...]
    controls: tuple[str, ...]
    inputs: Mapping[str, str]
    preconditions: tuple[Condition, ...]
    remedies: tuple[Remedy, ...]
    disruptive: bool
    requires_reboot: bool
    digest: str

    @property
    def noticed(self) -> bool:
        """Whether people at work see it happen, or have to restart the host."""
        return self.disruptive or self.requires_reboot


def checks() -> Mapping[str, CheckEntry]:
    """The built-in checks by id."""
    return _load()[0]


def runbooks() -> Mapping[str, RunbookEntry]:
    """The built-in runbooks by id."""
    return _load()[1]


@functools.cache
def _load() -> tuple[Mapping[str, CheckEntry], Mapping[str, RunbookEntry]]:
    content = json.loads((resources.files(__package__) / FILE).read_bytes())
    check_entries = [_check(one) for one in content["checks"]]
    runbook_entries = [_runbook(one) for one in content["runbooks"]]
    return (
        MappingProxyType({entry.id: entry for entry in check_entries}),
        MappingProxyType({entry.id: entry for entry in runbook_entries}),
    )


def _check(one: dict[str, Any]) -> CheckEntry:
    lists = {name: tuple(one[name]) for name in ("platforms", "controls")}
    return CheckEntry(**{**one, **lists, "severity": Severity(one["severity"])})


def _runbook(one: dict[str, Any]) -> RunbookEntry:
    lists = {name: tuple(one[name]) for name in ("platforms", "controls")}
    preconditions = _conditions(one["preconditions"])
    remedies = tuple(
        Remedy(
            *(one["check"], _conditions(text["conditions"]), one["id"]),
            *(text["inputs"], text["order"]),
            preconditions=preconditions,
            choice=text["choice"],
        )
        for text in one["remedies"]
    )
    return RunbookEntry(**{**one, **lists, "preconditions": preconditions, "remedies": remedies})


def _conditions(listed: list[dict[str, Any]]) -> tuple[Condition, ...]:
    return tuple(Condition(one["fact"], Operator(one["operator"]), one["value"]) for one in listed)
