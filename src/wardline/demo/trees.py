"""File trees that stand for a clinic's computers, healthy when they are built."""

import os
import random
import shutil
import tarfile
from importlib import resources
from pathlib import Path

from wardline.core import clock
from wardline.demo import drifts, ways

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
    "var/backups/clinic",
)
# Services that start at boot, and the target that wants each.
_SERVICES = {
    "apparmor.service": "sysinit.target",
    "auditd.service": "multi-user.target",
    "chrony.service": "multi-user.target",
    "dailyaidecheck.timer": "timers.target",
    "ufw.service": "multi-user.target",
}
_RESTORE_TESTS = ("var/lib/wardline/restore-test", "var/lib/wardline/restore-test-settings")
_ARCHIVES_OF_BACKUPS = "var/backups/clinic"
_CANARY = "srv/records/canary.txt"
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
    "etc/cron.allow": 0o640,
    "etc/crontab": 0o600,
    "etc/cron.d": 0o700,
    "etc/cron.hourly": 0o700,
    "etc/cron.daily": 0o700,
    "etc/cron.weekly": 0o700,
    "etc/cron.monthly": 0o700,
    "home/frontdesk/.ssh": 0o700,
    "home/frontdesk/.ssh/authorized_keys": 0o600,
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
    "dental-records": {"postgresql-15": "15.18-0+deb12u1"},
    "file-server": {"samba": "2:4.17.12+dfsg-0+deb12u4"},
    "imaging-ws": {"python3.11": "3.11.2-6+deb12u6"},
}
_WANTED = "etc/systemd/system/multi-user.target.wants"
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
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
    _enable(folder, "clamav-daemon.service", "clamav-freshclam.service")
    _write_services(folder)
    _write_backup(folder)
    _set_modes(folder)
    refresh(folder)


def refresh(folder: Path) -> None:
    """Let what the host's timers do every day have been done just now, unless it was stopped."""
    (folder / "var/lib/apt/periodic/update-success-stamp").touch()
    _write_definitions(folder / "var/lib/clamav")
    for stamp in _RESTORE_TESTS:
        (folder / stamp).touch()
    _write_archive(folder)
    if (folder / drifts.SNAPSHOT).stat().st_mtime != ways.STOPPED_S:
        (folder / drifts.SNAPSHOT).touch()


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


def _write_definitions(folder: Path) -> None:
    """The 512 bytes with which ClamAV's daily definitions begin; the real ones are much longer."""
    folder.mkdir(parents=True, exist_ok=True)
    made = clock.system()
    head = f"ClamAV-VDB:{made:%d} {_MONTHS[made.month - 1]} {made:%Y %H-%M} +0000"
    count = f"27800:2077000:90:X:X:demo:{int(made.timestamp())}"
    (folder / "daily.cld").write_text(f"{head}:{count}".ljust(512))


def _enable(folder: Path, *units: str) -> None:
    """What `systemctl enable` does: a link in the folder of what is wanted at boot."""
    (folder / _WANTED).mkdir(parents=True, exist_ok=True)
    for unit in units:
        (folder / _WANTED / unit).symlink_to(f"/usr/lib/systemd/system/{unit}")


def break_setting(folder: Path, draw: random.Random, check: str | None = None) -> str:
    """Break one setting that is still as it should be, and say which; small drifts come oftener.

    With `check`, one that this check measures.
    """
    left = [one for one in drifts.BREAKS if check in (None, one.check)]
    while left:
        one = draw.choices(left, [each.weight for each in left])[0]
        if one.apply(folder):
            return one.says
        left.remove(one)
    return "nothing is left to break"


def _copy(source: str, target: str) -> None:
    """Content alone: modes are set afterwards, whatever the package was installed with."""
    shutil.copyfile(source, target)
    Path(target).chmod(0o644)


def _paragraph(name: str, version: str, status: str = "") -> str:
    return f"Package: {name}\n{status}Architecture: amd64\nVersion: {version}\n"


def _write_services(folder: Path) -> None:
    """Each unit's file, and the link by which it is enabled."""
    (folder / ways.UNITS).mkdir(parents=True, exist_ok=True)
    for unit, target in _SERVICES.items():
        (folder / ways.UNITS / unit).write_text(f"[Install]\nWantedBy={target}\n")
        wants = folder / f"etc/systemd/system/{target}.wants"
        wants.mkdir(parents=True, exist_ok=True)
        (wants / unit).symlink_to(f"../../../../{ways.UNITS}/{unit}")


def _write_backup(folder: Path) -> None:
    """A restic repository with one snapshot, as far as it can be seen without its password."""
    for name in ("data", "index", "keys", "snapshots"):
        (folder / drifts.BACKUP / name).mkdir(parents=True, exist_ok=True)
    for path in (f"{drifts.BACKUP}/config", f"{drifts.BACKUP}/keys/{'8a' * 32}", drifts.SNAPSHOT):
        (folder / path).write_bytes(b"sealed")


def _write_archive(folder: Path) -> None:
    """The settings of today as tar(1) would have packed them; that of another day goes.

    A canary that was changed since stays in it as it was, for nobody makes a new one of it.
    """
    archives = folder / _ARCHIVES_OF_BACKUPS
    path = archives / f"settings-{clock.system():%Y-%m-%d}.tar"
    for old in sorted(archives.glob("settings-*.tar")):
        old.rename(path)
    if not path.exists():
        with tarfile.open(path, "w") as archive:
            archive.add(folder / _CANARY, _CANARY)
    path.touch()


def _set_modes(folder: Path) -> None:
    for path, mode in _MODES.items():
        (folder / path).chmod(mode)
    (folder / "etc/cron.daily/clinic-backup").chmod(0o755)
    if os.geteuid() == 0:
        for name in ("shadow", "shadow-", "gshadow", "gshadow-"):
            os.chown(folder / "etc" / name, 0, SHADOW_GID)
