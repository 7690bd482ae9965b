"""File trees that stand for a clinic's computers, and the ways in which their settings drift."""

import os
import random
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

NAMES = ("reception-pc", "records-server", "imaging-ws")
SHADOW_GID = 42

_FOLDERS = (
    "etc/cron.hourly",
    "etc/cron.weekly",
    "etc/cron.monthly",
    "run",
    "var/lib/apt/lists/partial",
    "var/lib/apt/periodic",
    "var/lib/dpkg",
    "var/lib/wardline",
)
# Services that start at boot, and the target that wants each.
_SERVICES = {
    "auditd.service": "multi-user.target",
    "chrony.service": "multi-user.target",
    "ufw.service": "multi-user.target",
}
_UNITS = "usr/lib/systemd/system"
_BACKUP = "srv/backup/records"
_SNAPSHOT = f"{_BACKUP}/snapshots/{'5f' * 32}"
_RESTORE_TEST = "var/lib/wardline/restore-test"
# The time of a snapshot after which no other was made: 2020-01-01.
_STOPPED_S = 1_577_836_800
_MODES = {
    "etc/shadow": 0o640,
    "etc/shadow-": 0o640,
    "etc/gshadow": 0o640,
    "etc/gshadow-": 0o640,
    "etc/sudoers": 0o440,
    "etc/sudoers.d/README": 0o440,
    "etc/ssh/sshd_config": 0o600,
    "etc/ssh/sshd_config.d/10-logging.conf": 0o600,
    "etc/ssh/ssh_host_ed25519_key": 0o600,
    "etc/crontab": 0o600,
    "etc/cron.d": 0o700,
    "etc/cron.hourly": 0o700,
    "etc/cron.daily": 0o700,
    "etc/cron.weekly": 0o700,
    "etc/cron.monthly": 0o700,
}
# Names and versions of Debian 12.
_PACKAGES = {
    "bash": "5.2.15-2+b8",
    "ca-certificates": "20230311+deb12u1",
    "coreutils": "9.1-1",
    "curl": "7.88.1-10+deb12u14",
    "libc6": "2.36-9+deb12u14",
    "libpam-runtime": "1.5.2-6+deb12u1",
    "libssl3": "3.0.19-1~deb12u2",
    "openssh-server": "1:9.2p1-2+deb12u10",
    "openssl": "3.0.19-1~deb12u2",
    "passwd": "1:4.13+dfsg1-1+deb12u1",
    "perl-base": "5.36.0-7+deb12u4",
    "sudo": "1.9.13p3-1+deb12u4",
    "systemd": "252.39-1~deb12u2",
    "tzdata": "2025b-0+deb12u2",
    "unattended-upgrades": "2.9.1+nmu3",
    "zlib1g": "1:1.2.13.dfsg-1",
}
_EXTRA_PACKAGES = {
    "reception-pc": {"samba-libs": "2:4.17.12+dfsg-0+deb12u4"},
    "records-server": {"postgresql-15": "15.18-0+deb12u1"},
    "imaging-ws": {"python3.11": "3.11.2-6+deb12u6"},
}
_ARCHIVES = {
    "deb.debian.org_debian_dists_bookworm": ("Debian", "stable", "bookworm"),
    "deb.debian.org_debian-security_dists_bookworm-security": (
        "Debian-Security",
        "stable-security",
        "bookworm-security",
    ),
}


def build(folder: Path, name: str) -> None:
    """A Debian 12 host at `folder` on which every check passes; the folder must be new or empty."""
    folder.mkdir(parents=True, exist_ok=True)
    with resources.as_file(resources.files(__package__) / "host_files") as files:
        shutil.copytree(files, folder, dirs_exist_ok=True, copy_function=_copy)
    for path in _FOLDERS:
        (folder / path).mkdir(parents=True, exist_ok=True)
    for account_file in ("passwd", "group", "shadow", "gshadow"):
        shutil.copyfile(folder / "etc" / account_file, folder / "etc" / f"{account_file}-")
    (folder / "etc/hostname").write_text(f"{name}\n")
    (folder / "etc/sysctl.d/99-sysctl.conf").symlink_to("../sysctl.conf")
    write_packages(folder, _PACKAGES | _EXTRA_PACKAGES.get(name, {}))
    _write_services(folder)
    _write_backup(folder)
    _set_modes(folder)
    refresh(folder)


def refresh(folder: Path) -> None:
    """Let what the host's timers do every day have been done just now, unless it was stopped."""
    (folder / "var/lib/apt/periodic/update-success-stamp").touch()
    (folder / _RESTORE_TEST).touch()
    if (folder / _SNAPSHOT).stat().st_mtime != _STOPPED_S:
        (folder / _SNAPSHOT).touch()


def write_packages(
    folder: Path, installed: dict[str, str], offered: dict[str, str] | None = None
) -> None:
    """dpkg's status of `installed`, and apt's lists of the same versions or of those `offered`."""
    status = [_paragraph(*one, "Status: install ok installed\n") for one in installed.items()]
    (folder / "var/lib/dpkg/status").write_text("\n".join(status))
    lists = folder / "var/lib/apt/lists"
    for stem, (label, suite, codename) in _ARCHIVES.items():
        release = f"Origin: Debian\nLabel: {label}\nSuite: {suite}\nCodename: {codename}\n"
        (lists / f"{stem}_InRelease").write_text(release)
        packages = [_paragraph(*one) for one in (installed | (offered or {})).items()]
        (lists / f"{stem}_main_binary-amd64_Packages").write_text("\n".join(packages))


def break_setting(folder: Path, draw: random.Random, check: str | None = None) -> str:
    """Break one setting that is still as it should be, and say which; small drifts come oftener.

    With `check`, one that this check measures.
    """
    left = [one for one in BREAKS if check in (None, one.check)]
    while left:
        one = draw.choices(left, [each.weight for each in left])[0]
        if one.apply(folder):
            return one.says
        left.remove(one)
    return "nothing is left to break"


@dataclass(frozen=True, slots=True)
class Break:
    """One drift. `apply` says whether it changed anything: what is broken stays so."""

    check: str
    says: str
    weight: int
    apply: Callable[[Path], bool]


def _mode(path: str, mode: int) -> Callable[[Path], bool]:
    def apply(folder: Path) -> bool:
        if (folder / path).stat().st_mode & 0o7777 == mode:
            return False
        (folder / path).chmod(mode)
        return True

    return apply


def _line(path: str, key: str, line: str) -> Callable[[Path], bool]:
    """Another value for a key that the file has."""

    def apply(folder: Path) -> bool:
        rows = (folder / path).read_text().split("\n")
        places = [at for at, row in enumerate(rows) if row.split()[:1] == [key]]
        if not places or rows[places[-1]] == line:
            return False
        rows[places[-1]] = line
        _write(folder / path, "\n".join(rows))
        return True

    return apply


def _without(path: str, key: str) -> Callable[[Path], bool]:
    """The file without the lines that begin with `key`."""

    def apply(folder: Path) -> bool:
        rows = (folder / path).read_text().split("\n")
        kept = [row for row in rows if row.split()[:1] != [key]]
        if kept == rows:
            return False
        _write(folder / path, "\n".join(kept))
        return True

    return apply


def _stopped(path: str) -> Callable[[Path], bool]:
    """A file that was last written long ago."""

    def apply(folder: Path) -> bool:
        if (folder / path).stat().st_mtime == _STOPPED_S:
            return False
        os.utime(folder / path, (_STOPPED_S, _STOPPED_S))
        return True

    return apply


def _text(path: str, text: str) -> Callable[[Path], bool]:
    def apply(folder: Path) -> bool:
        if (folder / path).read_text() == text:
            return False
        _write(folder / path, text)
        return True

    return apply


_KERNEL = "etc/sysctl.d/zz-wardline.conf"


def _kernel(key: str, value: str) -> Callable[[Path], bool]:
    """The value in the file that is read last and, where a repair has left its own, in that one."""
    line = f"{key} = {value}"
    first, repaired = _line("etc/sysctl.d/60-clinic.conf", key, line), _line(_KERNEL, key, line)

    def apply(folder: Path) -> bool:
        changed = first(folder)
        return ((folder / _KERNEL).exists() and repaired(folder)) or changed

    return apply


_SYSCTL_SAYS = "a vendor's tool set {} to {}"
_KERNEL_DRIFTS = {
    "kernel.kptr_restrict": "0",
    "kernel.dmesg_restrict": "0",
    "kernel.randomize_va_space": "0",
    "fs.suid_dumpable": "1",
    "net.ipv4.tcp_syncookies": "0",
    "net.ipv4.conf.all.accept_redirects": "1",
    "net.ipv4.conf.all.rp_filter": "0",
}
_MODE_DRIFTS = {
    "etc/shadow": 0o644,
    "etc/gshadow": 0o644,
    "etc/passwd": 0o666,
    "etc/sudoers": 0o644,
    "etc/crontab": 0o666,
    "etc/cron.d": 0o777,
    "etc/ssh/ssh_host_ed25519_key": 0o644,
    "etc/ssh/sshd_config": 0o664,
}
BREAKS = (
    *(
        Break(
            "file_permissions", f"a support call left /{path} at {mode:04o}", 6, _mode(path, mode)
        )
        for path, mode in _MODE_DRIFTS.items()
    ),
    *(
        Break("kernel_sysctl", _SYSCTL_SAYS.format(key, value), 6, _kernel(key, value))
        for key, value in _KERNEL_DRIFTS.items()
    ),
    Break(
        "ssh_config",
        "somebody allowed root to log in over SSH",
        4,
        _line("etc/ssh/sshd_config", "PermitRootLogin", "PermitRootLogin yes"),
    ),
    Break(
        "ssh_config",
        "an image tool switched X11 forwarding on",
        4,
        _line("etc/ssh/sshd_config", "X11Forwarding", "X11Forwarding yes"),
    ),
    Break(
        "password_policy",
        "somebody let passwords live for ever",
        2,
        _line("etc/login.defs", "PASS_MAX_DAYS", "PASS_MAX_DAYS\t99999"),
    ),
    Break(
        "password_policy",
        "somebody allowed short passwords",
        2,
        _line("etc/security/pwquality.conf", "minlen", "minlen = 6"),
    ),
    Break(
        "patching",
        "somebody switched automatic updates off",
        2,
        _text(
            "etc/apt/apt.conf.d/20auto-upgrades",
            'APT::Periodic::Update-Package-Lists "1";\nAPT::Periodic::Unattended-Upgrade "0";\n',
        ),
    ),
    Break(
        "firewall",
        "a support call switched the firewall off",
        1,
        _line("etc/ufw/ufw.conf", "ENABLED=yes", "ENABLED=no"),
    ),
    Break(
        "disk_encryption",
        "a new data disk was put in without encryption",
        1,
        _line("etc/fstab", "/dev/mapper/data_crypt", "/dev/sdb1 /srv ext4 defaults 0 2"),
    ),
    Break("backup", "the backup job stopped long ago", 1, _stopped(_SNAPSHOT)),
    Break(
        "audit_logging",
        "a cleaning script removed the audit rules",
        1,
        _without("etc/audit/rules.d/50-clinic.rules", "-w"),
    ),
    Break(
        "time_sync",
        "somebody removed the time servers",
        1,
        _without("etc/chrony/chrony.conf", "pool"),
    ),
)


def _copy(source: str, target: str) -> None:
    """Content alone: modes are set afterwards, whatever the package was installed with."""
    shutil.copyfile(source, target)
    Path(target).chmod(0o644)


def _write(path: Path, text: str) -> None:
    """At once or not at all, as an editor does: the agent may be reading."""
    status = path.stat()
    fresh = path.with_name(f".{path.name}.new")
    fresh.write_text(text)
    fresh.chmod(status.st_mode & 0o7777)
    fresh.replace(path)


def _paragraph(name: str, version: str, status: str = "") -> str:
    return f"Package: {name}\n{status}Architecture: amd64\nVersion: {version}\n"


def _write_services(folder: Path) -> None:
    """Each unit's file, and the link by which it is enabled."""
    (folder / _UNITS).mkdir(parents=True, exist_ok=True)
    for unit, target in _SERVICES.items():
        (folder / _UNITS / unit).write_text(f"[Install]\nWantedBy={target}\n")
        wants = folder / f"etc/systemd/system/{target}.wants"
        wants.mkdir(parents=True, exist_ok=True)
        (wants / unit).symlink_to(f"../../../../{_UNITS}/{unit}")


def _write_backup(folder: Path) -> None:
    """A restic repository with one snapshot, as far as it can be seen without its password."""
    for name in ("data", "index", "keys", "snapshots"):
        (folder / _BACKUP / name).mkdir(parents=True, exist_ok=True)
    for path in (f"{_BACKUP}/config", f"{_BACKUP}/keys/{'8a' * 32}", _SNAPSHOT):
        (folder / path).write_bytes(b"sealed")


def _set_modes(folder: Path) -> None:
    for path, mode in _MODES.items():
        (folder / path).chmod(mode)
    (folder / "etc/cron.daily/clinic-backup").chmod(0o755)
    if os.geteuid() == 0:
        for name in ("shadow", "shadow-", "gshadow", "gshadow-"):
            os.chown(folder / "etc" / name, 0, SHADOW_GID)
