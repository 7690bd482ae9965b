"""A host that runs: a tree whose systemctl, ufw and augenrules do what they do on a real one."""

from collections.abc import Sequence
from pathlib import Path

from wardline.agent.hosts import queries
from wardline.agent.hosts.host import CannotRun, Output
from wardline.agent.hosts.queries import Query
from wardline.agent.hosts.revert import ArmedRevert, Revert
from wardline.agent.hosts.tree import TreeHost

UNITS = "usr/lib/systemd/system"
LINKS = "etc/systemd/system"


class Running(TreeHost):
    """A tree on which programs run; `reverts` are those that it was told to wait with."""

    runs_commands = True

    def __init__(self, root: Path) -> None:
        super().__init__("host", "host", str(root))
        self.root = root
        self.reverts: list[Revert] = []
        self.called_off: list[ArmedRevert] = []

    def arm_revert(self, revert: Revert) -> ArmedRevert:
        revert.check()
        self.reverts.append(revert)
        return ArmedRevert(f"{len(self.reverts):016x}", revert)

    def disarm_revert(self, armed: ArmedRevert) -> None:
        self.called_off.append(armed)


class Systemd(Running):
    """A tree whose systemctl works: it sets the tree's links, and remembers what runs.

    `refuses` are verbs that end with an error after they have done their work.
    """

    def __init__(self, root: Path, *running: str, refuses: str = "") -> None:
        super().__init__(root)
        self.running = set(running)
        self.refuses = refuses
        self.ran: list[str] = []

    def ask(self, query: Query) -> Output:
        if query is queries.UNITS_UP:
            said = "\n\n".join(f"Id={unit}\nActiveState=active" for unit in sorted(self.running))
            return Output(0, said.encode(), b"", False, 1)
        unit = query.argv[-1]
        masked = (self.root / LINKS / unit).is_symlink()
        there = (self.root / UNITS / unit).exists()
        loaded = "masked" if masked else "loaded" if there else "not-found"
        links = self._links(unit)
        disabled = "static" if unit == "static.service" else "disabled" if there else ""
        state = "masked" if masked else "enabled" if links else disabled
        active = "active" if unit in self.running else "inactive"
        said = f"LoadState={loaded}\nActiveState={active}\nUnitFileState={state}\n"
        return Output(0, said.encode(), b"", False, 1)

    def run(self, argv: Sequence[str], timeout_s: float, output_bytes_max: int) -> Output:
        self.ran.append(" ".join(argv[1:]))
        verb, unit = argv[1], argv[-1]
        if verb in ("enable", "disable"):
            for link in self._links(unit):
                link.unlink()
            if verb == "enable":
                link = self.root / LINKS / "multi-user.target.wants" / unit
                link.parent.mkdir(parents=True, exist_ok=True)
                link.symlink_to(f"/{UNITS}/{unit}")
        if verb in ("start", "restart") or (verb == "enable" and "--now" in argv):
            self.running.add(unit)
        if verb == "stop" or (verb == "disable" and "--now" in argv):
            self.running.discard(unit)
        failed = verb == self.refuses
        return Output(int(failed), b"", b"as it was told\n", False, 1)

    def _links(self, unit: str) -> list[Path]:
        return [one for one in (self.root / LINKS).glob("*.wants/*") if one.name == unit]


class Machine(Systemd):
    """With ufw, which keeps its rules and its switch, and augenrules, which loads what is there.

    `fails` is a command, as it is typed, that ends with an error and does nothing.
    """

    def __init__(self, root: Path, *running: str, fails: str = "") -> None:
        super().__init__(root, *running)
        self.fails = fails
        self.allowed: list[str] = []
        self.filtering = False
        self.loaded: list[str] = []

    def ask(self, query: Query) -> Output:
        if query.argv[0] == "systemctl":
            return super().ask(query)
        said = {
            "ufw_status": ["Status: active" if self.filtering else "Status: inactive"],
            "ufw_added": ["Added user rules:", *(f"ufw allow {rule}" for rule in self.allowed)],
        }
        if query.id not in said:
            raise CannotRun(query.argv[0], "there is no such program")
        return Output(0, "\n".join([*said[query.id], ""]).encode(), b"", False, 1)

    def run(self, argv: Sequence[str], timeout_s: float, output_bytes_max: int) -> Output:
        typed = " ".join(argv)
        if typed == self.fails:
            self.ran.append(typed)
            return Output(1, b"", b"it was refused\n", False, 1)
        if argv[0] == "systemctl":
            return super().run(argv, timeout_s, output_bytes_max)
        if argv[0] in ("sh", "chronyd"):
            # Proofs of files, which pass.
            return Output(0, b"", b"", False, 1)
        self.ran.append(typed)
        match argv[0], argv[1:]:
            case "ufw", ["allow", rule]:
                self.allowed.append(rule)
            case "ufw", ["delete", "allow", rule]:
                self.allowed.remove(rule)
            case "ufw", ["--force", "enable"]:
                self._switch("yes")
            case "ufw", ["disable"]:
                self._switch("no")
            case "augenrules", ["--load"]:
                folder = self.root / "etc/audit/rules.d"
                self.loaded = [one.read_text() for one in sorted(folder.glob("*.rules"))]
            case _:
                raise CannotRun(argv[0], "there is no such program")
        return Output(0, b"", b"", False, 1)

    def _switch(self, word: str) -> None:
        self.filtering = word == "yes"
        path = self.root / "etc/ufw/ufw.conf"
        rows = path.read_text().split("\n")
        kept = [f"ENABLED={word}" if row.startswith("ENABLED=") else row for row in rows]
        path.write_text("\n".join(kept))
