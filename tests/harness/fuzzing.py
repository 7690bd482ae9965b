"""schemathesis against the policy API: bodies drawn from the models that read them.

It runs as a command of its own: its pytest plug-in would slow every run of the suite.
"""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from wardline.core.policy.wire import (
    AnalysisWire,
    PreviewWire,
    RemovalWire,
    RuleWire,
    SimulationWire,
)
from wardline.policy.authoring import PREFIX as MORE
from wardline.policy.endpoints import PREFIX

COMMAND = str(Path(sys.executable).with_name("schemathesis"))
CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
)
SECONDS_MAX = 900
# For each route.
EXAMPLES = 5
EXAMPLES_FULL = 200
# What the description tells as an object is read by these.
BODIES: dict[str, Any] = {
    f"{PREFIX}/create": RuleWire | dict[str, list[RuleWire]],
    f"{PREFIX}/update": RuleWire,
    f"{PREFIX}/delete": RemovalWire,
    f"{PREFIX}/test": SimulationWire,
    f"{PREFIX}/restore": dict[str, str],
    f"{MORE}/analyse": AnalysisWire,
    f"{MORE}/preview": PreviewWire,
}


def described(openapi: Mapping[str, Any]) -> dict[str, Any]:
    """The policy's part of an API's description, with what its bodies hold."""
    schemas: dict[str, Any] = dict(openapi.get("components", {}).get("schemas", {}))
    paths = {
        path: dict(methods)
        for path, methods in openapi["paths"].items()
        if path.startswith((PREFIX, MORE))
    }
    for path, model in BODIES.items():
        if path not in paths:
            continue
        told = TypeAdapter(model).json_schema(ref_template="#/components/schemas/{model}")
        schemas |= told.pop("$defs", {})
        content = {"application/json": {"schema": told}}
        paths[path]["post"] = paths[path]["post"] | {"requestBody": {"content": content}}
    return {**openapi, "paths": paths, "components": {"schemas": schemas}}


def run(
    folder: Path,
    url: str,
    openapi: Mapping[str, Any],
    headers: Mapping[str, str],
    *,
    seed: int,
    full: bool,
) -> tuple[int, str]:
    """The exit code and what was said; zero where every answer was one that is documented."""
    path = folder / "openapi.json"
    path.write_text(json.dumps(described(openapi)))
    command = [COMMAND, "run", str(path), "--url", url, "--no-color", "--warnings", "off"]
    command += ["--checks", ",".join(CHECKS), "--phases", "coverage,fuzzing" if full else "fuzzing"]
    command += ["--max-examples", str(EXAMPLES_FULL if full else EXAMPLES), "--seed", str(seed)]
    command += ["--no-shrink", "--max-failures", "20"]
    command += ["--generation-database", "none", "--suppress-health-check", "all"]
    command += ["--continue-on-failure"]
    for name, value in headers.items():
        command += ["--header", f"{name}: {value}"]
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        cwd=folder,
        env={**os.environ, "NO_COLOR": "1", "HYPOTHESIS_STORAGE_DIRECTORY": str(folder / "kept")},
        timeout=SECONDS_MAX,
    )
    return done.returncode, done.stdout + done.stderr
