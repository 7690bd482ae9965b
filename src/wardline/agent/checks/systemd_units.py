"""What systemd will start, read from its folders, and what runs now where the host can be asked."""

from dataclasses import dataclass

from wardline.agent.checks.probe import NoAnswer, Probe
from wardline.agent.hosts import queries
from wardline.agent.hosts.host import CannotRun, FileKind, Missing
from wardline.agent.hosts.units import FOLDERS


@dataclass(frozen=True, slots=True)
class Unit:
    """One unit of a host; `active` is None where nobody can be asked, as on a file tree."""

    name: str
    installed: bool
    enabled: bool
    masked: bool
    active: bool | None

    @property
    def in_force(self) -> bool:
        """Started at boot, and running as far as the host can be asked."""
        return self.enabled and not self.masked and self.active is not False


def look(probe: Probe, name: str) -> Unit:
    """How the unit stands: enabled is a link in some `*.wants` or `*.requires` folder."""
    masked = _is_masked(probe, name)
    return Unit(
        name=name,
        installed=not masked and is_installed(probe, name),
        enabled=any(name in probe.listdir(folder) for folder in _wanting(probe)),
        masked=masked,
        active=_is_active(probe, name),
    )


def is_installed(probe: Probe, name: str) -> bool:
    """Whether the unit has a file: much cheaper than a look, which asks the host."""
    return any(probe.exists(f"{folder}/{name}") for folder in FOLDERS)


def _wanting(probe: Probe) -> list[str]:
    return [
        folder
        for root in FOLDERS
        for kind in ("wants", "requires")
        for folder in probe.glob(f"{root}/*.{kind}")
        if probe.stat(folder).kind is FileKind.DIRECTORY
    ]


def _is_masked(probe: Probe, name: str) -> bool:
    """systemctl(1) mask: a link to /dev/null in the administrator's folder, or an empty file."""
    path = f"{FOLDERS[0]}/{name}"
    try:
        found = probe.lstat(path)
    except Missing:
        return False
    if found.kind is not FileKind.LINK:
        return found.kind is FileKind.FILE and found.size == 0
    try:
        return probe.stat(path).kind is FileKind.DEVICE
    except Missing:
        # On a tree /dev is empty; a link into nothing starts nothing either.
        return True


def _is_active(probe: Probe, name: str) -> bool | None:
    try:
        answer = probe.ask(queries.unit_state(name))
    except (CannotRun, NoAnswer):
        return None
    told = dict(line.partition("=")[::2] for line in answer.splitlines())
    state = told.get("ActiveState")
    return None if state is None else state in ("active", "activating", "reloading")


def look_at_all(probe: Probe, names: tuple[str, ...]) -> list[Unit]:
    """As `look`, for many units: the folders are read once, and only what is there is asked for."""
    links = {name for folder in _wanting(probe) for name in probe.listdir(folder)}
    files = {name for folder in FOLDERS for name in probe.listdir_if_there(folder)}
    found = []
    for name in names:
        probe.tick()
        known = name in files
        masked = known and _is_masked(probe, name)
        active = _is_active(probe, name) if known else None
        found.append(Unit(name, known and not masked, name in links, masked, active))
    return found
