"""The settings that a systemd daemon would take from its configuration file and the drop-ins.

Source: systemd.syntax(7) and "Configuration Directories and Precedence" of journald.conf(5): of
files with one name the first folder's counts, drop-ins are read after the main file and sorted by
name, a link to /dev/null takes a file out.
"""

from wardline.agent.checks.probe import Probe
from wardline.agent.hosts.host import FileKind, Missing

FOLDERS = ("/etc/systemd", "/run/systemd", "/usr/local/lib/systemd", "/usr/lib/systemd")


def read(probe: Probe, name: str, section: str) -> dict[str, list[str]]:
    """What is assigned to each key of `[section]`, in the order in which systemd reads it."""
    values: dict[str, list[str]] = {}
    for path in _paths(probe, name):
        _read_file(probe, path, section, values)
    return values


def last(values: dict[str, list[str]], key: str, default: str) -> str:
    """The value of a key that holds one; the last assignment counts, an empty one is none."""
    return (values.get(key) or [""])[-1] or default


def words(values: dict[str, list[str]], key: str) -> list[str] | None:
    """The words of a key that holds a list, None where it has none; an empty one clears it."""
    if key not in values:
        return None
    found: list[str] = []
    for value in values[key]:
        found = [*found, *value.split()] if value else []
    return found


def _paths(probe: Probe, name: str) -> list[str]:
    mains = (f"{folder}/{name}" for folder in FOLDERS)
    main = next((path for path in mains if probe.exists(path)), None)
    drop_ins: dict[str, str] = {}
    for folder in FOLDERS:
        for one in probe.listdir_if_there(f"{folder}/{name}.d"):
            if one.endswith(".conf"):
                drop_ins.setdefault(one, f"{folder}/{name}.d/{one}")
    paths = [*([main] if main else []), *(drop_ins[one] for one in sorted(drop_ins))]
    return [path for path in paths if _is_there(probe, path)]


def _is_there(probe: Probe, path: str) -> bool:
    try:
        return probe.stat(path).kind is not FileKind.DEVICE
    except Missing:
        return False


def _read_file(probe: Probe, path: str, section: str, values: dict[str, list[str]]) -> None:
    inside = False
    for line in probe.text(path).replace("\\\n", " ").split("\n"):
        probe.tick()
        text = line.strip()
        if not text or text[0] in "#;":
            continue
        if text.startswith("["):
            inside = text == f"[{section}]"
        elif inside:
            key, _, value = text.partition("=")
            values.setdefault(key.strip(), []).append(value.strip())
