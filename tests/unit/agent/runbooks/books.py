"""The cases of the runbooks, cases/<runbook>.yaml, and the hosts that they are tried on."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from tests.unit.agent.live_host import Systemd
from wardline.agent.hosts.host import CannotRun, Kind, Output
from wardline.agent.hosts.queries import Query
from wardline.agent.runbooks.proofs import STAGED
from wardline.core import clock

FOLDER = Path(__file__).with_name("cases")
# repaired: the check fails, this runbook answers it, and the check passes after it. left: the check
# fails and this runbook does not answer. failed: it runs and ends without a change. refused: it
# does not begin with these inputs, or ends at once.
KINDS = {"repaired", "left", "failed", "refused"}
# Actions that are the run's own, beside those of its steps.
OF_THE_RUN = {"arm_a_revert", "call_off_the_revert", "reboot"}
_STAGED_NAME = re.compile(r"/\.[^/]+\.[0-9a-f]{16}\b")


def cases(runbook: str) -> list[dict[str, Any]]:
    """The cases of one runbook, in the order of its file; none where there is no file."""
    path = FOLDER / f"{runbook}.yaml"
    return list(yaml.safe_load(path.read_text())) if path.is_file() else []


def is_on_a_tree(case: dict[str, Any]) -> bool:
    """Whether it is repaired, and without a program of the host."""
    return case["kind"] == "repaired" and not case.get("live")


def kind(case: dict[str, Any]) -> Kind:
    """As what checks see the host: a local one has a kernel, whose files lie under its /proc."""
    return Kind.LOCAL if case.get("local") else Kind.TREE


def now_of(case: dict[str, Any]) -> clock.Now:
    """The clock of a case: a moment that it names, or the real one."""
    if "now" not in case:
        return clock.system
    now = clock.parse(case["now"])
    return lambda: now


class Programs(Systemd):
    """A host that runs: systemctl works, and so do the programs that the case names.

    `fails` are commands that end with an error and do nothing; `effects` say what a command writes
    besides. A staged file is `{staged}`.
    """

    def __init__(self, root: Path, case: dict[str, Any]) -> None:
        super().__init__(root, *case.get("running", []))
        self.kind = kind(case)
        self._fails: list[str] = case.get("fails", [])
        self._effects: dict[str, dict[str, str]] = case.get("effects", {})
        self._known = {*case.get("ran", []), *self._fails}

    def ask(self, query: Query) -> Output:
        if query.argv[0] != "systemctl":
            raise CannotRun(query.argv[0], "there is no such program")
        return super().ask(query)

    def run(self, argv: Sequence[str], timeout_s: float, output_bytes_max: int) -> Output:
        typed = _STAGED_NAME.sub(f"/{STAGED}", " ".join(argv))
        told = self.ran
        if typed not in self._known:
            raise CannotRun(typed, "the case does not name it")
        if typed in self._fails:
            told.append(typed)
            return Output(1, b"", b"it was refused\n", False, 1)
        if argv[0] == "systemctl":
            super().run(argv, timeout_s, output_bytes_max)
            told.pop()
        told.append(typed)
        for path, text in self._effects.get(typed, {}).items():
            (self.root / path).write_text(text)
        return Output(0, b"", b"", False, 1)
