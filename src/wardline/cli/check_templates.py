"""What `wardline checks new` writes: a check that measures nothing yet, its cases and its page."""

from string import Template

from wardline.cli.check_pages import UNWRITTEN

_MODULE = Template('''"""$name: $unwritten."""

from wardline.agent.checks.probe import Probe
from wardline.agent.checks.protocol import Finding, Manifest
from wardline.core.evidence.bundle import Outcome
from wardline.core.severity import Severity


class $type:
    """The check; $unwritten: what it does not judge, and why."""

    manifest = Manifest(
        id="$name",
        title="$unwritten",
        platforms=("linux",),
        controls=(),
        interval_s=300,
        cpu_ms_max=500,
        timeout_s=5,
        severity=Severity.MEDIUM,
        evidence="$unwritten",
        remediation="$unwritten",
    )

    def measure(self, probe: Probe) -> Finding:
        there = probe.exists("/etc/$name.conf")
        reason = f"$unwritten: what passes and what fails; /etc/$name.conf is there: {there}"
        return Finding(Outcome.UNKNOWN, reason, {"reason": reason})


CHECK = $type()
''')
_CASES = Template("""# Each case changes the healthy host of tests/unit/agent/host_trees.py.
- name: "$unwritten: a host as it should be"
  kind: pass
  expect: {outcome: pass, failing: []}
- name: "$unwritten: what has drifted"
  kind: fail
  files: {etc/$name.conf: "$unwritten\\n"}
  expect: {outcome: fail, failing: ["$unwritten"]}
- name: "$unwritten: what cannot be measured"
  kind: unknown
  make: {etc/$name.conf: bad UTF-8}
  expect: {outcome: unknown, says: "/etc/$name.conf: is not UTF-8"}
- name: "$unwritten: a FIFO in place of a file"
  kind: hostile
  make: {etc/$name.conf: fifo}
  expect: {outcome: unknown, says: "/etc/$name.conf: is a fifo"}
- name: "$unwritten: a host without what is measured"
  kind: not_applicable
  expect: {outcome: not_applicable}
""")
PAGE = f"""
## What it looks at

{UNWRITTEN.capitalize()}: which files and programs, what passes, what fails, what it cannot see.
"""


def module(name: str) -> str:
    """The check's own file."""
    type_name = "".join(part.capitalize() for part in name.split("_"))
    return _MODULE.substitute(name=name, type=type_name, unwritten=UNWRITTEN)


def cases(name: str) -> str:
    """The cases, one of each kind; none of them holds before the check is written."""
    return _CASES.substitute(name=name, unwritten=UNWRITTEN)
