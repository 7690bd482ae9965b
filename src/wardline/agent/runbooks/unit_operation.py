"""The operation on a unit of systemd: enabled and started, disabled and stopped, or restarted.

A live host is changed by systemctl(1) and asked again afterwards. On a file tree, where nothing
runs, the links are changed that `systemctl --root` would change.
"""

from dataclasses import dataclass

from wardline.agent.hosts import queries, units
from wardline.agent.hosts.host import Failed, Host, Missing
from wardline.agent.hosts.units import Links
from wardline.agent.runbooks import operations
from wardline.agent.runbooks.operations import Change, Refused, Undo
from wardline.agent.runbooks.runbook import UnitState
from wardline.agent.runbooks.states import UnitChoice

_RUNNING = ("active", "activating", "reloading")
_ENABLED = ("enabled", "enabled-runtime")
# What systemd generates at boot has no links that could be taken away.
_GENERATED = ("generated", "transient")


@dataclass(frozen=True, slots=True)
class UnitFound:
    """A unit as it was found; `running` is None on a tree, `state` is systemd's own word."""

    installed: bool
    enabled: bool
    masked: bool
    running: bool | None
    state: str
    links: Links


@dataclass(frozen=True, slots=True)
class SetUnit:
    """One unit in the wanted state; `target` is its name."""

    step: str
    type: str
    target: str
    wanted: UnitState
    only_if_installed: bool
    timeout_s: int

    @property
    def needs_change(self) -> bool:
        return self.wanted is UnitState.RESTARTED

    def preview(self, host: Host) -> Change:
        before = _look(host, self.target)
        why_not = self._left_out(before)
        if why_not or not self._differs(before):
            return Change(changed=False, output=why_not)
        self._check_possible(host, before)
        return Change(True, self._shown(before))

    def apply(self, host: Host, undos: list[Undo]) -> Change:
        change = self.preview(host)
        if not change.changed:
            return change
        before = _look(host, self.target)
        if self.wanted is UnitState.RESTARTED:
            undos.append(Restart(self.target, self.timeout_s))
            output = _systemctl(host, self.timeout_s, "restart", self.target)
        else:
            missing = _missing_folders(host, before.links | units.wanted(host, self.target))
            undos.append(RestoreUnit(self.target, before, missing, self.timeout_s))
            output = self._set(host, before)
        after = _look(host, self.target)
        if after.running is False if self.needs_change else self._differs(after):
            raise Failed(self.target, f"was told to be {self.wanted}, and is {_said(after)}")
        return Change(True, change.diff, output, 0 if host.runs_commands else None)

    def undoing(self, host: Host) -> tuple[tuple[str, ...], ...]:
        """The programs that bring the unit back to what it is now, on a host that runs."""
        before = _look(host, self.target)
        if self.wanted is UnitState.RESTARTED:
            return (_argv("restart", self.target),)
        words = ["enable" if before.enabled else "disable", "start" if before.running else "stop"]
        return tuple(_argv(word, self.target) for word in words)

    def _left_out(self, found: UnitFound) -> str:
        if not found.installed and self.only_if_installed:
            return "left out: this host has no such unit"
        if self.wanted is UnitState.RESTARTED and found.running is None:
            return "left out: nothing runs on a file tree"
        return ""

    def _differs(self, found: UnitFound) -> bool:
        match self.wanted:
            case UnitState.ENABLED:
                in_force = found.installed and found.enabled and not found.masked
                return not in_force or found.running is False
            case UnitState.DISABLED:
                return (found.enabled and not found.masked) or found.running is True
            case UnitState.RESTARTED:
                return found.running is True

    def _check_possible(self, host: Host, found: UnitFound) -> None:
        if found.state in _GENERATED:
            raise Refused(self.target, f"is {found.state}: change by hand what it is made from")
        if self.wanted is UnitState.ENABLED:
            if found.masked:
                raise Refused(self.target, "is masked: somebody decided that it must not start")
            if not found.installed:
                raise Refused(self.target, "this host has no such unit")
            if not found.enabled and not units.wanted(host, self.target):
                raise Refused(self.target, "has no [Install] section, so it cannot be enabled")
        elif found.enabled and (vendor := units.vendor_wants(host, self.target)):
            raise Refused(
                self.target, f"is started by the vendor's own {vendor[0]}: mask it by hand"
            )

    def _set(self, host: Host, before: UnitFound) -> str:
        if host.runs_commands:
            verb = "enable" if self.wanted is UnitState.ENABLED else "disable"
            if before.masked or (verb == "disable" and not before.enabled):
                return _systemctl(host, self.timeout_s, "stop", self.target)
            return _systemctl(host, self.timeout_s, verb, "--now", self.target)
        if self.wanted is UnitState.ENABLED:
            _set_links(host, before.links, before.links | units.wanted(host, self.target))
        else:
            _set_links(host, before.links, {})
        return ""

    def _shown(self, before: UnitFound) -> str:
        if self.wanted is UnitState.RESTARTED:
            return f"{self.target}: restarted\n"
        on = self.wanted is UnitState.ENABLED
        lines = []
        if before.enabled is not on:
            lines.append(_arrow(self.target, before.enabled, "enabled", "disabled"))
        if before.running is not None and before.running is not on:
            lines.append(_arrow(self.target, before.running, "running", "stopped"))
        return "".join(lines)


@dataclass(frozen=True, slots=True)
class RestoreUnit:
    """Enabled or not, the very links and folders, running or not: as it was."""

    unit: str
    before: UnitFound
    missing: tuple[str, ...]
    timeout_s: int

    deferred = False

    @property
    def target(self) -> str:
        return self.unit

    @property
    def was(self) -> UnitChoice:
        return _choice(self.before)

    def look(self, host: Host) -> UnitChoice:
        return _choice(_look(host, self.unit))

    def apply(self, host: Host) -> None:
        before, found = self.before, _look(host, self.unit)
        if host.runs_commands and found.state != before.state:
            self._set_enabled(host)
        changed = _set_links(host, units.present(host, self.unit), before.links)
        for folder in self.missing:
            if _exists(host, folder) and not host.listdir(folder):
                host.remove_folder(folder)
        if host.runs_commands:
            if changed:
                operations.run(host, ("systemctl", "daemon-reload"), self.timeout_s)
            if found.running is not before.running:
                verb = "start" if before.running else "stop"
                _systemctl(host, self.timeout_s, verb, self.unit)
        if _look(host, self.unit) != before:
            raise Failed(self.unit, "is not as it was before")

    def _set_enabled(self, host: Host) -> None:
        words = ["enable"] if self.before.enabled else ["disable"]
        if self.before.state.endswith("-runtime"):
            words.append("--runtime")
        _systemctl(host, self.timeout_s, *words, self.unit)


@dataclass(frozen=True, slots=True)
class Restart:
    """Once more, when the files that the service reads are back: a restart itself has no undo."""

    unit: str
    timeout_s: int

    deferred = True
    was = None

    @property
    def target(self) -> str:
        return self.unit

    def look(self, host: Host) -> None:
        return None

    def apply(self, host: Host) -> None:
        _systemctl(host, self.timeout_s, "restart", self.unit)
        if _look(host, self.unit).running is False:
            raise Failed(self.unit, "does not run as it did before")


def _choice(found: UnitFound) -> UnitChoice:
    links = tuple(sorted(found.links.items()))
    return UnitChoice(found.installed, found.enabled, found.masked, found.running, links)


def _look(host: Host, unit: str) -> UnitFound:
    links = units.present(host, unit)
    if host.runs_commands:
        return _asked(host, unit, links)
    starting = [path for path in links if path.endswith(f"/{unit}") and path.count("/") > 4]
    return UnitFound(
        installed=units.find(host, unit) is not None,
        enabled=bool(starting or units.vendor_wants(host, unit)),
        masked=units.is_masked(host, unit),
        running=None,
        state="",
        links=links,
    )


def _asked(host: Host, unit: str, links: Links) -> UnitFound:
    output = host.ask(queries.unit_state(unit))
    text = output.stdout.decode("utf-8", "backslashreplace")
    told = dict(line.partition("=")[::2] for line in text.splitlines())
    loaded, active = told.get("LoadState", ""), told.get("ActiveState", "")
    if output.exit_code != 0 or not loaded or not active:
        raise Failed(unit, f"systemctl did not say how it is: {operations.tail(output)[-400:]}")
    state = told.get("UnitFileState", "")
    return UnitFound(
        installed=loaded != "not-found",
        enabled=state in _ENABLED,
        masked=loaded == "masked" or state.startswith("masked"),
        running=active in _RUNNING,
        state=state,
        links=links,
    )


def _set_links(host: Host, found: Links, wanted: Links) -> bool:
    """Exactly the wanted links in place of those that were found; whether anything was changed."""
    for path in sorted(found):
        if wanted.get(path) != found[path]:
            host.remove_link(path)
    for path in sorted(wanted):
        if found.get(path) != wanted[path]:
            for folder in _missing_folders(host, {path: ""})[::-1]:
                host.make_folder(folder)
            host.link(path, wanted[path])
    return found != wanted


def _missing_folders(host: Host, links: Links) -> tuple[str, ...]:
    """The folders that the links need and that are not there, the deepest first."""
    needed = set()
    for path in links:
        while path := path.rpartition("/")[0]:
            needed.add(path)
    missing = [folder for folder in needed if not _exists(host, folder)]
    return tuple(sorted(missing, key=lambda folder: (-folder.count("/"), folder)))


def _exists(host: Host, folder: str) -> bool:
    try:
        host.lstat(folder)
    except Missing:
        return False
    return True


def _systemctl(host: Host, timeout_s: int, *words: str) -> str:
    """What `systemctl <words>` wrote; the last word is the unit."""
    return operations.tail(operations.run(host, _argv(*words), timeout_s))


def _argv(*words: str) -> tuple[str, ...]:
    return ("systemctl", *words[:-1], "--", words[-1])


def _arrow(unit: str, is_on: bool, on: str, off: str) -> str:
    return f"{unit}: {on} → {off}\n" if is_on else f"{unit}: {off} → {on}\n"


def _said(found: UnitFound) -> str:
    running = {True: ", running", False: ", stopped", None: ""}[found.running]
    return f"{found.state or ('enabled' if found.enabled else 'disabled')}{running}"
