"""The ways in which the settings of the demo's hosts drift, each one once until it is repaired."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

SYSTEMD = "etc/systemd/system"
WANTED = f"{SYSTEMD}/multi-user.target.wants"
UNITS = "usr/lib/systemd/system"
BACKUP = "srv/backup/records"
SNAPSHOT = f"{BACKUP}/snapshots/{'5f' * 32}"
# The time of a snapshot after which no other was made: 2020-01-01.
STOPPED_S = 1_577_836_800


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
    """The file, where there is one, without the lines that begin with `key`."""

    def apply(folder: Path) -> bool:
        if not (folder / path).exists():
            return False
        rows = (folder / path).read_text().split("\n")
        kept = [row for row in rows if row.split()[:1] != [key]]
        if kept == rows:
            return False
        _write(folder / path, "\n".join(kept))
        return True

    return apply


def _each(*drifts: Callable[[Path], bool]) -> Callable[[Path], bool]:
    """All of them: a repair may have left its own file beside the one that drifted first."""

    def apply(folder: Path) -> bool:
        changed = [drift(folder) for drift in drifts]
        return any(changed)

    return apply


def _stopped(path: str) -> Callable[[Path], bool]:
    """A file that was last written long ago."""

    def apply(folder: Path) -> bool:
        if (folder / path).stat().st_mtime == STOPPED_S:
            return False
        os.utime(folder / path, (STOPPED_S, STOPPED_S))
        return True

    return apply


def _text(path: str, text: str) -> Callable[[Path], bool]:
    def apply(folder: Path) -> bool:
        if (folder / path).read_text() == text:
            return False
        _write(folder / path, text)
        return True

    return apply


def _disabled(unit: str, wanted: str = WANTED) -> Callable[[Path], bool]:
    def apply(folder: Path) -> bool:
        link = folder / wanted / unit
        if not link.is_symlink():
            return False
        link.unlink()
        return True

    return apply


def _replaced(path: str, old: str, new: str) -> Callable[[Path], bool]:
    def apply(folder: Path) -> bool:
        text = (folder / path).read_text()
        if old not in text:
            return False
        _write(folder / path, text.replace(old, new, 1))
        return True

    return apply


def _enabled(unit: str, wanted_by: str, text: str | None = None) -> Callable[[Path], bool]:
    """A unit that starts at boot; with `text`, one that the administrator's folder has not yet."""

    def apply(folder: Path) -> bool:
        link = folder / f"etc/systemd/system/{wanted_by}.wants/{unit}"
        if link.is_symlink():
            return False
        link.parent.mkdir(parents=True, exist_ok=True)
        if text is not None:
            (folder / "etc/systemd/system" / unit).write_text(text)
        link.symlink_to(f"/{UNITS}/{unit}" if text is None else f"/etc/systemd/system/{unit}")
        return True

    return apply


_TELNET = """[Unit]
Description=Remote service of the imaging device

[Socket]
ListenStream=23
Accept=true

[Install]
WantedBy=sockets.target
"""
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
_SOURCES = "etc/apt/sources.list.d/debian.sources"
# What no runbook repairs: a person does.
_FOR_PERSONS: tuple[tuple[str, str, Callable[[Path], bool]], ...] = (
    (
        "os_support",
        "an old image was put back over the system",
        _replaced("etc/os-release", 'VERSION_ID="12"', 'VERSION_ID="10"'),
    ),
    (
        "account_ageing",
        "somebody gave a service account a password without an end",
        _replaced("etc/shadow", "sshd:!:", "sshd:$6$demo$demo:"),
    ),
    (
        "backup_restore",
        "somebody wrote into the file that is restored to try the backup",
        _text("srv/records/canary.txt", "Phone list of the front desk\n"),
    ),
    (
        "core_dumps",
        "a vendor's technician wanted to see why a program crashed",
        _without("etc/security/limits.d/10-cores.conf", "*"),
    ),
    (
        "file_integrity",
        "somebody switched the daily look at system files off",
        _disabled("dailyaidecheck.timer", f"{SYSTEMD}/timers.target.wants"),
    ),
    (
        "log_retention",
        "somebody let logs be kept for four weeks only",
        _line("etc/logrotate.d/rsyslog", "rotate", "\trotate 4"),
    ),
    (
        "mandatory_access_control",
        "an installer switched AppArmor off",
        _disabled("apparmor.service", f"{SYSTEMD}/sysinit.target.wants"),
    ),
    (
        "package_sources",
        "somebody told apt to trust an archive unseen",
        _replaced(_SOURCES, "updates\nComponents", "updates\nTrusted: yes\nComponents"),
    ),
    (
        "remote_access",
        "somebody opened a remote desktop",
        _enabled("xrdp.service", "multi-user.target"),
    ),
    (
        "removable_media",
        "somebody let USB sticks in again",
        _without("etc/modprobe.d/clinic.conf", "install"),
    ),
    (
        "scheduled_jobs",
        "a support call left the backup job open to all",
        _mode("etc/cron.daily/clinic-backup", 0o777),
    ),
    (
        "session_timeout",
        "somebody was tired of logging in again",
        _without("etc/profile.d/timeout.sh", "readonly"),
    ),
    (
        "ssh_keys",
        "a support call left the front desk's keys open to all",
        _mode("home/frontdesk/.ssh/authorized_keys", 0o666),
    ),
    (
        "sudo_config",
        "somebody let administrators become root unasked",
        _replaced("etc/sudoers", "%sudo ALL=(ALL:ALL) ALL", "%sudo ALL=(ALL:ALL) NOPASSWD: ALL"),
    ),
)
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
        "login_banner",
        "an update put the distribution's own /etc/issue back",
        2,
        _text("etc/issue", "Debian GNU/Linux 12 \\n \\l\n"),
    ),
    Break(
        "antivirus",
        "somebody stopped the search for new virus definitions",
        2,
        _line("etc/clamav/freshclam.conf", "Checks", "Checks 0"),
    ),
    Break(
        "antivirus",
        "an installer switched the service off that fetches virus definitions",
        1,
        _disabled("clamav-freshclam.service"),
    ),
    Break(
        "empty_passwords",
        "somebody took the front desk's password away",
        1,
        _replaced("etc/shadow", "frontdesk:!:", "frontdesk::"),
    ),
    Break(
        "uid0_accounts",
        "a support call gave the front desk root's number",
        1,
        _replaced("etc/passwd", "frontdesk:x:1000:", "frontdesk:x:0:"),
    ),
    Break(
        "prohibited_services",
        "a vendor's technician left telnet on",
        1,
        _enabled("telnet.socket", "sockets.target", _TELNET),
    ),
    Break(
        "prohibited_services",
        "somebody started the rsync server",
        1,
        _enabled("rsync.service", "multi-user.target"),
    ),
    Break(
        "prohibited_services",
        "a printer's installer let the host announce itself",
        1,
        _enabled("avahi-daemon.service", "multi-user.target"),
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
    Break("backup", "the backup job stopped long ago", 1, _stopped(SNAPSHOT)),
    Break(
        "audit_logging",
        "a cleaning script removed the audit rules",
        1,
        _each(
            _without("etc/audit/rules.d/50-clinic.rules", "-w"),
            _without("etc/audit/rules.d/zz-wardline.rules", "-w"),
        ),
    ),
    Break(
        "time_sync",
        "somebody removed the time servers",
        1,
        _without("etc/chrony/chrony.conf", "pool"),
    ),
    *(Break(check, says, 1, apply) for check, says, apply in _FOR_PERSONS),
)


def _write(path: Path, text: str) -> None:
    """At once or not at all, as an editor does: the agent may be reading."""
    status = path.stat()
    fresh = path.with_name(f".{path.name}.new")
    fresh.write_text(text)
    fresh.chmod(status.st_mode & 0o7777)
    fresh.replace(path)
