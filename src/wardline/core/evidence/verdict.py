"""What the verifier of evidence says: findings, and the exit code that the worst decides."""

from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

FINDINGS_MAX = 100


class Exit(IntEnum):
    """What the verifier ends with; the worst finding decides."""

    VERIFIED = 0
    UNWITNESSED = 10
    INCOMPLETE = 20
    DIVERGES = 30
    INVALID = 40
    USAGE = 64


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that an auditor has to know; exit VERIFIED is a remark that changes no verdict."""

    exit_code: Exit
    where: str
    what: str


@dataclass(slots=True)
class Findings:
    """What was found so far, in order; the list is bounded, the worst of each kind stays in it."""

    items: list[Finding] = field(default_factory=list)
    worst: Exit = Exit.VERIFIED

    def find(self, code: Exit, where: str, what: str) -> None:
        self.worst = max(self.worst, code)
        if len(self.items) < FINDINGS_MAX or (code is self.worst and not self._has(code)):
            self.items.append(Finding(code, where, what))

    def _has(self, code: Exit) -> bool:
        return any(item.exit_code is code for item in self.items)


@dataclass(frozen=True, slots=True)
class Verdict:
    exit_code: Exit
    findings: tuple[Finding, ...]
    origin: str = ""
    entries: int = 0
    bundles: int = 0
    streams: int = 0
    checkpoints: int = 0
    size: int = 0
    root: bytes = b""
    witnesses: tuple[str, ...] = ()

    @property
    def first_break(self) -> Finding | None:
        """The first finding of the kind that decided the verdict."""
        worst = [item for item in self.findings if item.exit_code == self.exit_code]
        return worst[0] if worst and self.exit_code > Exit.UNWITNESSED else None

    def to_wire(self) -> dict[str, Any]:
        return {
            "exit_code": int(self.exit_code),
            "verdict": self.exit_code.name.lower(),
            "origin": self.origin,
            "size": self.size,
            "root": self.root.hex(),
            "entries": self.entries,
            "bundles": self.bundles,
            "streams": self.streams,
            "checkpoints": self.checkpoints,
            "witnesses": list(self.witnesses),
            "findings": [
                {"exit_code": int(item.exit_code), "where": item.where, "what": item.what}
                for item in self.findings
            ],
        }


def broken(where: str, what: str) -> Verdict:
    """The verdict on something that is no export at all."""
    return Verdict(Exit.INVALID, (Finding(Exit.INVALID, where, what),))
