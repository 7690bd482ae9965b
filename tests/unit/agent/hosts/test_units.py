"""Units as files: the links that enable one are those that systemctl itself makes on a tree."""

import shutil
import subprocess
from pathlib import Path

import pytest

from wardline.agent.hosts import units
from wardline.agent.hosts.tree import TreeHost

UNITS = {
    "plain.service": "[Install]\nWantedBy=multi-user.target\n",
    "alias.service": "[Install]\nWantedBy=multi-user.target graphical.target\nAlias=other.service\n",
    "also.service": "[Install]\nWantedBy=a.target\nWantedBy=\nWantedBy=b.target\nAlso=also.socket also.path\n",
    "also.socket": "[Install]\nRequiredBy=sockets.target\n; WantedBy=no.target\n",
    "also.path": "[Install]\n # WantedBy=no.target\n WantedBy = paths.target \nAlso=also.service\n",
    "static.service": "[Unit]\nWantedBy=no.target\n",
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name, install in UNITS.items():
        start = {"socket": "[Socket]\nListenStream=1\n", "path": "[Path]\nPathExists=/x\n"}
        kind = start.get(name.rpartition(".")[2], "[Service]\nExecStart=/bin/true\n")
        path = tmp_path / "host/usr/lib/systemd/system" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(kind + install)
    return tmp_path / "host"


def _links(root: Path) -> dict[str, str]:
    folder = root / "etc/systemd/system"
    return {
        f"/{one.relative_to(root)}": str(one.readlink())
        for one in folder.rglob("*")
        if one.is_symlink()
    }


def _systemctl(root: Path, *words: str) -> None:
    argv = ["systemctl", f"--root={root}", *words]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr


@pytest.mark.skipif(shutil.which("systemctl") is None, reason="this machine has no systemctl")
@pytest.mark.parametrize("unit", ["plain.service", "alias.service", "also.service", "also.path"])
def test_a_unit_is_wanted_by_the_links_that_systemctl_makes(unit: str, root: Path) -> None:
    host = TreeHost("host", "host", str(root))
    wanted = units.wanted(host, unit)
    _systemctl(root, "enable", unit)
    assert wanted == _links(root) == units.present(host, unit)
    _systemctl(root, "disable", unit)
    assert units.present(host, unit) == {}


def test_a_unit_without_an_install_section_has_no_links(root: Path) -> None:
    host = TreeHost("host", "host", str(root))
    assert units.wanted(host, "static.service") == {}
    assert units.wanted(host, "missing.service") == {}


@pytest.mark.parametrize(
    "names", ["../../x.target", "a/b.target", "%i.target", "a@b.target", ".hidden", "é.target"]
)
def test_a_name_that_is_no_plain_unit_makes_no_link(names: str, root: Path) -> None:
    path = root / "usr/lib/systemd/system/plain.service"
    path.write_text(f"[Install]\nWantedBy={names}\nAlias={names}\n")
    assert units.wanted(TreeHost("host", "host", str(root)), "plain.service") == {}


def test_units_that_bring_each_other_along_end(root: Path) -> None:
    for number in range(40):
        path = root / f"usr/lib/systemd/system/u{number}.service"
        also = " ".join(f"u{other}.service" for other in range(40))
        path.write_text(f"[Install]\nWantedBy=t.target\nAlso={also}\n")
    links = units.wanted(TreeHost("host", "host", str(root)), "u0.service")
    assert len(links) == units.ALSO_MAX


@pytest.mark.parametrize(("target", "masked"), [("/dev/null", True), ("/etc/x", False), ("", True)])
def test_a_unit_is_masked_by_a_link_to_nothing_or_an_empty_file(
    target: str, masked: bool, root: Path
) -> None:
    path = root / "etc/systemd/system/plain.service"
    path.parent.mkdir(parents=True)
    if target:
        path.symlink_to(target)
    else:
        path.write_text("")
    assert units.is_masked(TreeHost("host", "host", str(root)), "plain.service") is masked
