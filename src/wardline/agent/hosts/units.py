"""Units of systemd as files: where they lie, what is to want them, and the links that enable."""

from collections.abc import Iterator

from wardline.agent.hosts.host import FileKind, Host, HostError, Missing, Reader

# systemd.unit(5), "Unit File Load Path", highest precedence first.
FOLDERS = (
    "/etc/systemd/system",
    "/run/systemd/system",
    "/usr/local/lib/systemd/system",
    "/usr/lib/systemd/system",
    "/lib/systemd/system",
)
ADMIN = FOLDERS[0]
NOWHERE = "/dev/null"
UNIT_BYTES_MAX = 256 * 1024
ALSO_MAX = 16
NAMES_MAX = 64

# The links that enable a unit, by path; each says where it leads.
Links = dict[str, str]


def find(host: Reader, unit: str) -> str | None:
    """The unit's own file, None where it has none; a masked unit has none."""
    paths = [f"{folder}/{unit}" for folder in FOLDERS]
    return next((path for path in paths if _is_file(host, path)), None)


def is_masked(host: Host, unit: str) -> bool:
    """systemctl(1) mask: a link to /dev/null in the administrator's folder, or an empty file."""
    path = f"{ADMIN}/{unit}"
    try:
        found = host.lstat(path)
        if found.kind is FileKind.LINK:
            return host.readlink(path) == NOWHERE
    except Missing:
        return False
    return found.kind is FileKind.FILE and found.size == 0


def wanted(host: Host, unit: str) -> Links:
    """The links that `systemctl enable` makes: WantedBy, RequiredBy, Alias, and Also of each."""
    links: Links = {}
    waiting, seen = [unit], set[str]()
    while waiting and len(seen) < ALSO_MAX:
        name = waiting.pop()
        path = find(host, name)
        if name in seen or path is None:
            continue
        seen.add(name)
        install = _install_section(host, path)
        for kind, key in (("wants", "WantedBy"), ("requires", "RequiredBy")):
            links |= {f"{ADMIN}/{by}.{kind}/{name}": path for by in install.get(key, ())}
        links |= {f"{ADMIN}/{alias}": path for alias in install.get("Alias", ()) if alias != name}
        waiting += install.get("Also", ())
    return links


def present(host: Host, unit: str) -> Links:
    """The administrator's links that enable the unit now, or another one that it brings along."""
    names = {unit, *(path.rpartition("/")[2] for path in wanted(host, unit).values())}
    return {
        path: target
        for path, target in _all_links(host, names)
        if path.rpartition("/")[2] in names or target.rpartition("/")[2] in names
        if target != NOWHERE
    }


def vendor_wants(host: Host, unit: str) -> list[str]:
    """Links beyond the administrator's folder: systemctl does not take them away."""
    folders = [
        folder
        for root in FOLDERS[1:]
        for kind in ("wants", "requires")
        for folder in host.glob(f"{root}/*.{kind}")
    ]
    return [f"{folder}/{unit}" for folder in folders if unit in _names(host, folder)]


def _all_links(host: Host, names: set[str]) -> Iterator[tuple[str, str]]:
    """Links directly in the administrator's folder, and those of `names` in its `.wants`."""
    for name in _names(host, ADMIN):
        path = f"{ADMIN}/{name}"
        kind = host.lstat(path).kind
        if kind is FileKind.LINK:
            yield path, host.readlink(path)
        elif kind is FileKind.DIRECTORY and name.endswith((".wants", ".requires")):
            for link in names.intersection(_names(host, path)):
                yield f"{path}/{link}", host.readlink(f"{path}/{link}")


def _names(host: Host, folder: str) -> list[str]:
    try:
        return host.listdir(folder)
    except Missing:
        return []


def _is_file(host: Reader, path: str) -> bool:
    try:
        found = host.stat(path)
    except HostError:
        return False
    return found.kind is FileKind.FILE and found.size > 0


def _install_section(host: Host, path: str) -> dict[str, tuple[str, ...]]:
    """Names by key of [Install]; an empty value takes back what stood before."""
    found: dict[str, tuple[str, ...]] = {}
    section = ""
    for line in host.read(path, UNIT_BYTES_MAX).decode("utf-8", "replace").split("\n"):
        text = line.strip()
        if text.startswith("["):
            section = text
        key, equals, value = (part.strip() for part in text.partition("="))
        if section != "[Install]" or not equals or key.startswith(("#", ";")):
            continue
        names = tuple(name for name in value.split() if _is_name(name))
        found[key] = (found.get(key, ()) + names)[:NAMES_MAX] if value else ()
    return found


def _is_name(name: str) -> bool:
    """A name of a unit that is one component of a path, without a specifier or an instance."""
    plain = name.replace("-", "").replace("_", "").replace(".", "")
    return plain.isascii() and plain.isalnum() and not name.startswith(".")
