"""What lies beneath a mount: dm-crypt, ZFS's own encryption, or a plain device.

Live, the kernel says it: /sys/class/block/<name>/dm/uuid names what made a mapping, slaves/ what it
lies on. On a tree /etc/crypttab, /etc/fstab and LVM's backups of its own metadata say it.
Source: crypttab(5), cryptsetup's "UUID" in its FAQ, lvm.conf(5) `backup_dir`.
"""

import re
from collections.abc import Callable
from enum import StrEnum

from wardline.agent.checks.mount_tables import Mount
from wardline.agent.checks.probe import NoAnswer, Probe, Unreadable
from wardline.agent.hosts import queries
from wardline.agent.hosts.host import HostError, Missing

BLOCK = "/sys/class/block"
BTRFS = "/sys/fs/btrfs"
CRYPTTAB = "/etc/crypttab"
LVM_BACKUP = "/etc/lvm/backup"
# Where the kernel's command line is kept: it can name a volume to unlock that crypttab does not.
COMMAND_LINES = ("/etc/default/grub", "/etc/kernel/cmdline")
DEPTH_MAX = 16
DEVICES_MAX = 2000
ID_BYTES_MAX = 4096
# dm-verity and dm-integrity carry CRYPT- too, and encrypt nothing.
_CRYPT = re.compile(r"CRYPT-(LUKS\d+|PLAIN|LOOPAES|TCRYPT|BITLK|FVAULT2)-")
_MAPPED = re.compile(r"/dev/mapper/([^/]+)")
_LVM_PATH = re.compile(r"/dev/([A-Za-z0-9+_.-]+)/([A-Za-z0-9+_.-]+)")
_PARTITION = re.compile(
    r"/dev/(?:(?:sd|hd|vd|xvd)[a-z]+\d*|nvme\d+n\d+(?:p\d+)?|mmcblk\d+(?:p\d+)?)"
)
_LVM_DEVICE = re.compile(r'^[ \t]{0,64}device = "([^"\n]{1,256})"', re.MULTILINE)
_UUID_HINTS = ("UUID=", "LABEL=", "/dev/disk/by-uuid/", "/dev/disk/by-label/")


class Layer(StrEnum):
    """What encrypts a place."""

    CRYPT = "dm-crypt"
    ZFS = "zfs"
    PLAIN = "none"


# The layer of a mount, or in words why it cannot be told.
Look = Callable[[Mount], Layer | str]


def live(probe: Probe) -> Look:
    """By what the kernel shows of its devices."""
    devices = _Kernel(probe)
    return devices.look


def configured(probe: Probe) -> Look:
    """By what the host's files set up at boot."""
    return _Files(probe).look


class _Kernel:
    def __init__(self, probe: Probe) -> None:
        self._probe = probe
        self._seen: dict[str, Layer | str] = {}
        self._datasets: dict[str, str] | None = None
        self._mapped: dict[str, str] | None = None

    def look(self, mount: Mount) -> Layer | str:
        if mount.type in ("overlay", "aufs"):
            return "the root of a container: the disk belongs to the machine outside, ask there"
        try:
            if mount.type == "zfs":
                return self._zfs(mount.source)
            names = [self._name(mount.source)]
            if mount.type == "btrfs":
                names += self._beside(names[0])
            return _weakest([self._device(name, 0) for name in names])
        except (HostError, NoAnswer, Unreadable) as error:
            return str(error)

    def _name(self, source: str) -> str:
        """The kernel's name of a device; those under /dev/mapper are links, which not all hosts
        keep, so the kernel's own table of names is asked."""
        mapped = _MAPPED.fullmatch(source)
        if mapped is not None:
            names = self._mapped_names()
            if mapped[1] not in names:
                raise Unreadable(source, f"is no mapping that {BLOCK} knows")
            return names[mapped[1]]
        if not source.startswith("/dev/"):
            raise Unreadable(source, "is not a block device of this host")
        return source.removeprefix("/dev/").replace("/", "!")

    def _mapped_names(self) -> dict[str, str]:
        if self._mapped is None:
            self._mapped = {}
            for path in self._probe.glob(f"{BLOCK}/dm-*"):
                self._probe.tick()
                name = self._probe.text(f"{path}/dm/name", ID_BYTES_MAX).strip()
                self._mapped[name] = path.rpartition("/")[2]
        return self._mapped

    def _device(self, name: str, depth: int) -> Layer | str:
        if depth > DEPTH_MAX or len(self._seen) > DEVICES_MAX:
            raise Unreadable(BLOCK, "devices lie on each other without end")
        if name not in self._seen:
            self._seen[name] = f"{BLOCK}/{name}: lies on itself"
            self._seen[name] = self._beneath(name, depth)
        return self._seen[name]

    def _beneath(self, name: str, depth: int) -> Layer | str:
        folder = f"{BLOCK}/{name}"
        if not self._probe.exists(folder):
            raise Missing(folder)
        uuid = self._probe.text_if_there(f"{folder}/dm/uuid") or ""
        if _CRYPT.match(uuid):
            return Layer.CRYPT
        slaves = self._probe.listdir_if_there(f"{folder}/slaves")
        if name.startswith("loop"):
            return f"{folder}: a loop device, its file may lie anywhere"
        return _weakest([self._device(one, depth + 1) for one in slaves] or [Layer.PLAIN])

    def _beside(self, name: str) -> list[str]:
        """The other devices of a btrfs file system: the table of mounts names only one."""
        for folder in self._probe.glob(f"{BTRFS}/*/devices"):
            names = self._probe.listdir(folder)
            if name in names:
                return names
        return []

    def _zfs(self, dataset: str) -> Layer | str:
        if self._datasets is None:
            answer = self._probe.ask(queries.ZFS_ENCRYPTION)
            rows = (line.partition("\t")[::2] for line in answer.splitlines())
            self._datasets = {name: value.strip() for name, value in rows}
        value = self._datasets.get(dataset)
        if value is None:
            return f"zfs: does not know the dataset {dataset}"
        return Layer.PLAIN if value in ("off", "-", "") else Layer.ZFS


class _Files:
    def __init__(self, probe: Probe) -> None:
        self._probe = probe
        self._crypt = _crypttab(probe)

    def look(self, mount: Mount) -> Layer | str:
        source = mount.source
        if mount.type == "zfs":
            return "whether a ZFS dataset is encrypted stands in no file"
        mapped = _MAPPED.fullmatch(source)
        if mapped is not None and mapped[1] in self._crypt:
            return Layer.CRYPT
        group = _volume_group(source)
        if group is not None:
            return self._volume(group)
        if _PARTITION.fullmatch(source) or source.startswith(("PARTUUID=", "PARTLABEL=")):
            return Layer.PLAIN
        if not self._crypt:
            return self._nothing_unlocked()
        if source.startswith(_UUID_HINTS):
            return f"{source} may be in a volume of {CRYPTTAB} or not: no file says which"
        return f"{source}: no file says what it lies on"

    def _nothing_unlocked(self) -> Layer | str:
        """Without a crypttab what is mounted is plain, unless the kernel is told to unlock it."""
        for path in COMMAND_LINES:
            try:
                text = self._probe.text_if_there(path) or ""
            except (HostError, Unreadable) as error:
                return str(error)
            if "luks" in text or "cryptdevice=" in text:
                return f"{path}: unlocks a volume, and no file says what is in it"
        return Layer.PLAIN

    def _volume(self, group: str) -> Layer | str:
        path = f"{LVM_BACKUP}/{group}"
        if not self._crypt:
            return self._nothing_unlocked()
        try:
            devices = _LVM_DEVICE.findall(self._probe.text(path))
        except (HostError, Unreadable) as error:
            return str(error)
        if not devices:
            return f"{path}: names no physical volume"
        mapped = (_MAPPED.fullmatch(one) for one in devices)
        crypt = all(one is not None and one[1] in self._crypt for one in mapped)
        return Layer.CRYPT if crypt else Layer.PLAIN


def _weakest(layers: list[Layer | str]) -> Layer | str:
    """A volume is encrypted where everything that it lies on is."""
    plain = [layer for layer in layers if layer is Layer.PLAIN]
    words = [layer for layer in layers if not isinstance(layer, Layer)]
    return next(iter([*plain, *words, *layers]))


def _crypttab(probe: Probe) -> frozenset[str]:
    """The names under /dev/mapper that are dm-crypt; no file is no encrypted volume."""
    text = probe.text_if_there(CRYPTTAB) or ""
    rows = (line.split() for line in text.split("\n"))
    return frozenset(
        fields[0] for fields in rows if len(fields) > 1 and not fields[0].startswith("#")
    )


def _volume_group(source: str) -> str | None:
    """`clinic` of /dev/mapper/clinic-root and of /dev/clinic/root; `--` is a hyphen in a name."""
    mapped = _MAPPED.fullmatch(source)
    if mapped is not None:
        group, hyphen, _ = mapped[1].replace("--", "\0").partition("-")
        return group.replace("\0", "-") if hyphen else None
    path = _LVM_PATH.fullmatch(source)
    return None if path is None or path[1] in ("disk", "mapper", "md", "zvol") else path[1]
