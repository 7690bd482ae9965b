"""Writes core's catalogue from what the agent ships: `python -m tests.unit.agent.write_catalogue`."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import wardline.core.incidents
from wardline.agent.checks import check
from wardline.agent.runbooks import runbook
from wardline.core.incidents import catalogue

PATH = Path(wardline.core.incidents.__file__).with_name(catalogue.FILE)


def content() -> str:
    """The catalogue's text as it should be now."""
    written = {
        "checks": [_check(one) for _, one in sorted(check.registry().items())],
        "runbooks": [_runbook(one) for _, one in sorted(runbook.registry().items())],
    }
    return json.dumps(written, indent=1, sort_keys=True) + "\n"


def _check(one: check.Check) -> dict[str, Any]:
    kept = asdict(one.manifest)
    del kept["cpu_ms_max"], kept["timeout_s"]
    return kept


def _runbook(one: runbook.Runbook) -> dict[str, Any]:
    kept = asdict(one)
    del kept["steps"], kept["tables"], kept["narrows_listening"], kept["closes"]
    kept["inputs"] = {name: text.description for name, text in one.inputs.items()}
    return kept


if __name__ == "__main__":
    PATH.write_text(content())
