"""Where a host mounts what: the kernel's own tables on a live host, /etc/fstab on a tree.

Source: proc(5), fstab(5): fields apart by blanks, `\\040` and the like for blanks within one.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from wardline.agent.checks.probe import Probe, Unreadable

MOUNTS = "/proc/mounts"
SWAPS = "/proc/swaps"
FSTAB = "/etc/fstab"
MOUNTS_MAX = 2000
SWAP = "swap"
# Starts the host and holds no data of the clinic's: firmware and boot loader read it unencrypted.
_BOOT = re.compile(r"/(boot|efi)(/.*)?")
# In memory or made by the kernel, over the network, or an image that nobody writes to.
_MEMORY = frozenset(
    {
        "autofs",
        "binfmt_misc",
        "bpf",
        "cgroup",
        "cgroup2",
        "configfs",
        "debugfs",
        "devpts",
        "devtmpfs",
        "efivarfs",
        "fusectl",
        "hugetlbfs",
        "mqueue",
        "none",
        "nsfs",
        "proc",
        "pstore",
        "ramfs",
        "rootfs",
        "rpc_pipefs",
        "securityfs",
        "selinuxfs",
        "sysfs",
        "tmpfs",
        "tracefs",
    }
)
_NETWORK = frozenset(
    {
        "9p",
        "afs",
        "ceph",
        "cifs",
        "coda",
        "glusterfs",
        "lustre",
        "ncpfs",
        "nfs",
        "nfs4",
        "nfsd",
        "smb3",
        "smbfs",
        "virtiofs",
    }
)
_IMAGES = frozenset({"erofs", "iso9660", "squashfs", "udf"})
_ELSEWHERE = _MEMORY | _NETWORK | _IMAGES
_ESCAPED = re.compile(r"\\([0-7]{3})")


@dataclass(frozen=True, slots=True)
class Mount:
    """One line of a table; `place` is the mount point, or `swap`."""

    source: str
    place: str
    type: str

    @property
    def keeps_data(self) -> bool:
        if self.place == SWAP:
            # zram is compressed memory. A file of swap lies on a mount, which counts itself.
            is_file = self.source.startswith("/") and not self.source.startswith("/dev/")
            return not is_file and not self.source.startswith("/dev/zram")
        if _BOOT.fullmatch(self.place) or self.type in _ELSEWHERE:
            return False
        # Layers of containers lie on a mount that counts; as root, nobody here sees what is below.
        if self.type in ("overlay", "aufs"):
            return self.place == "/"
        return not self.type.startswith("fuse.")


def mounted(probe: Probe) -> list[Mount]:
    """What is mounted now, and the swap in use; Unreadable where there is no root."""
    mounts = [Mount(fields[0], fields[1], fields[2]) for fields in _table(probe, MOUNTS, 3)]
    if not any(mount.place == "/" for mount in mounts):
        raise Unreadable(MOUNTS, "names no root file system")
    swaps = [
        Mount(fields[0], SWAP, SWAP)
        for fields in _table(probe, SWAPS, 2)
        if fields[0].startswith("/") and fields[1] == "partition"
    ]
    return [*mounts, *swaps]


def configured(probe: Probe) -> list[Mount]:
    """What /etc/fstab mounts at boot or on demand; removable media that a user may mount are not
    the host's."""
    mounts = []
    for fields in _table(probe, FSTAB, 3):
        source, place, kind = fields[:3]
        options = fields[3].split(",") if len(fields) > 3 else []
        removable = "noauto" in options and re.match(r"/(media|mnt)(/|$)", place)
        if kind == SWAP:
            mounts.append(Mount(source, SWAP, SWAP))
        elif place.startswith("/") and not removable and "bind" not in options:
            mounts.append(Mount(source, place, kind))
    if not any(mount.place == "/" for mount in mounts):
        raise Unreadable(FSTAB, "names no root file system")
    return mounts


def _table(probe: Probe, path: str, least: int) -> Iterator[list[str]]:
    for number, line in probe.lines(path):
        fields = line.split()
        if number > MOUNTS_MAX:
            raise Unreadable(path, f"more than {MOUNTS_MAX} lines")
        if fields and not fields[0].startswith("#"):
            if len(fields) < least:
                raise Unreadable(path, f"fewer than {least} fields", number)
            yield [_ESCAPED.sub(lambda found: chr(int(found[1], 8)), field) for field in fields]
