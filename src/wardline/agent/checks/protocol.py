"""What a check is: its manifest, the finding it returns, and the probe through which it looks."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from wardline.agent.checks.probe import Probe
from wardline.core.canonical import Json
from wardline.core.evidence.bundle import Outcome
from wardline.core.severity import Severity


@dataclass(frozen=True, slots=True)
class Manifest:
    """What stands about a check in the registry, the docs and the catalogue.

    `platforms` are prefixes: `linux` covers `linux/debian`. `cpu_ms_max` and `timeout_s` are the
    budget of one measurement on one host; what exceeds it is `unknown`.
    """

    id: str
    title: str
    platforms: tuple[str, ...]
    controls: tuple[str, ...]
    interval_s: int
    cpu_ms_max: int
    timeout_s: float
    severity: Severity
    evidence: str
    remediation: str


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check says of a host.

    `facts` are in the profile of canonical JSON, small, and the same as long as the host is the
    same: no times, no counters that move by themselves. Where something is wrong,
    `facts["failing"]` lists its keys, sorted: they name the pattern of an incident. `severity`
    overrides the manifest's.
    """

    outcome: Outcome
    summary: str
    facts: Mapping[str, Json] = field(default_factory=dict)
    severity: Severity | None = None


class Check(Protocol):
    """One named measurement."""

    @property
    def manifest(self) -> Manifest: ...

    def measure(self, probe: Probe) -> Finding: ...
