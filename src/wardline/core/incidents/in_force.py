"""One digest for what was in force on a site: policy, settings, runbooks and checks."""

import functools

from wardline.core import canonical
from wardline.core.canonical import Json
from wardline.core.incidents import catalogue

SCHEMA = "in_force/1"


def digest(epoch: int, revision: int, settings_revision: int) -> str:
    """SHA-256 (hex) over the canonical form: the same state has the same digest, on any machine;
    a rule, a setting, a runbook or a check that changes gives another."""
    return canonical.digest(
        {
            "schema": SCHEMA,
            "policy": {"epoch": epoch, "revision": revision},
            "settings_revision": settings_revision,
            **_built_in(),
        }
    )


@functools.cache
def _built_in() -> dict[str, Json]:
    checks: dict[str, Json] = {
        each.id: {
            "severity": each.severity.value,
            "interval_s": each.interval_s,
            "platforms": list(each.platforms),
            "controls": list(each.controls),
        }
        for each in catalogue.checks().values()
    }
    runbooks: dict[str, Json] = {each.id: each.digest for each in catalogue.runbooks().values()}
    return {"runbooks": runbooks, "checks": checks}
