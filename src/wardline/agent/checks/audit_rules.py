"""What a set of audit rules records: the files that are watched, and rules that silence the rest.

Source: auditctl(8), audit.rules(7), augenrules(8). `-w path -p wa` and `-a always,exit -F path=…`
are two forms of one watch; of `-e` the last counts, `-D` drops what stands before it.
"""

import itertools
from collections.abc import Iterable
from dataclasses import dataclass, field

from wardline.agent.checks.probe import Probe

FOLDER = "/etc/audit/rules.d"
FILE = "/etc/audit/audit.rules"
FIELDS_MAX = 64
# ComplianceAsCode audit_rules_usergroup_modification_* and audit_rules_sysadmin_actions.
WATCHED = ("/etc/group", "/etc/gshadow", "/etc/passwd", "/etc/shadow", "/etc/sudoers")
_WANTED = frozenset("wa")
# Fields that do not narrow a watch down to some of the changes.
_NEUTRAL = frozenset({"path", "dir", "perm", "key", "arch"})
_ALL = frozenset("rwxa")


@dataclass(slots=True)
class Rules:
    """What was found: how many rules record something, and the watched paths they cover."""

    count: int = 0
    covered: set[str] = field(default_factory=set)
    silenced: bool = False
    disabled: bool = False
    _dropped: set[str] = field(default_factory=set)

    @property
    def unwatched(self) -> list[str]:
        return [path for path in WATCHED if path not in self.covered]

    def add(self, line: str) -> None:
        """Take in one line of a rules file or of `auditctl -l`."""
        words = line.split(None, FIELDS_MAX)
        if not words or words[0].startswith("#"):
            return
        options = list(itertools.pairwise(words))
        match words[0]:
            case "-D":
                self.count, self.covered, self.silenced, self._dropped = 0, set(), False, set()
            case "-e" if len(words) > 1:
                self.disabled = words[1] == "0"
            case "-w" if len(words) > 1:
                perms = next((value for option, value in options if option == "-p"), "rwxa")
                self._record(words[1], frozenset(perms))
            case "-a" | "-A" if len(words) > 1:
                filters = [value for option, value in options if option == "-F"]
                compared = any(option == "-C" for option, _ in options)
                self._list_rule(set(words[1].split(",")), filters, compared)

    def _list_rule(self, verdict: set[str], filters: list[str], compared: bool) -> None:
        pairs = dict(one.partition("=")[::2] for one in filters)
        path = pairs.get("path") or pairs.get("dir") or ""
        narrow = compared or not _NEUTRAL.issuperset(pairs)
        if "never" in verdict:
            if not filters and not compared and verdict & {"task", "exit"}:
                self.silenced = True
            elif path and not narrow:
                self._dropped.update(_covers(path) - self.covered)
        elif path and not narrow:
            self._record(path, frozenset(pairs.get("perm", _ALL)))
        else:
            self.count += 1

    def _record(self, path: str, perms: frozenset[str]) -> None:
        self.count += 1
        if perms >= _WANTED and not self.silenced:
            self.covered.update(_covers(path) - self._dropped)


def read_files(probe: Probe) -> Rules:
    """The rules that the service loads: those of rules.d in order, else the one file."""
    names = [name for name in probe.listdir_if_there(FOLDER) if name.endswith(".rules")]
    paths = [f"{FOLDER}/{name}" for name in names]
    if not paths and probe.exists(FILE):
        paths = [FILE]
    rules = Rules()
    for path in paths:
        for _, line in probe.lines(path):
            rules.add(line)
    return rules


def read_loaded(lines: Iterable[str]) -> Rules:
    """The rules as `auditctl -l` lists them; `No rules` where there are none."""
    rules = Rules()
    for line in lines:
        rules.add(line)
    return rules


def _covers(path: str) -> set[str]:
    """The watched paths that a rule on `path` covers: a folder is watched with all beneath it."""
    plain = path.rstrip("/")
    return {one for one in WATCHED if one == plain or one.startswith(f"{plain}/")}
