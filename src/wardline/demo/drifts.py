"""The ways in which the settings of the demo's hosts drift, each one once until it is repaired."""

from dataclasses import dataclass
from pathlib import Path

from wardline.demo import ways
from wardline.demo.ways import SYSTEMD, Way

BACKUP = "srv/backup/records"
SNAPSHOT = f"{BACKUP}/snapshots/{'5f' * 32}"


@dataclass(frozen=True, slots=True)
class Break:
    """One drift, and the runbook that answers it; without one a person does."""

    check: str
    runbook: str | None
    says: str
    weight: int
    apply: Way


_TELNET = """[Unit]
Description=Remote service of the imaging device

[Socket]
ListenStream=23
Accept=true

[Install]
WantedBy=sockets.target
"""
_KERNEL = "etc/sysctl.d/zz-wardline.conf"


def _kernel(key: str, value: str) -> Way:
    """The value in the file that is read last and, where a repair has left its own, in that one."""
    line = f"{key} = {value}"
    first, repaired = (
        ways.line("etc/sysctl.d/60-clinic.conf", key, line),
        ways.line(_KERNEL, key, line),
    )

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
_ASKED = "%sudo ALL=(ALL:ALL) ALL"
_SOURCES = "etc/apt/sources.list.d/debian.sources"
# What no runbook repairs: a person does.
_FOR_PERSONS: tuple[tuple[str, str, Way], ...] = (
    (
        "os_support",
        "an old image was put back over the system",
        ways.replaced("etc/os-release", 'VERSION_ID="12"', 'VERSION_ID="10"'),
    ),
    (
        "account_ageing",
        "somebody gave a service account a password without an end",
        ways.replaced("etc/shadow", "sshd:!:", "sshd:$6$demo$demo:"),
    ),
    (
        "backup_restore",
        "somebody wrote into the file that is restored to try the backup",
        ways.text("srv/records/canary.txt", "Phone list of the front desk\n"),
    ),
    (
        "package_sources",
        "somebody told apt to trust an archive unseen",
        ways.replaced(_SOURCES, "updates\nComponents", "updates\nTrusted: yes\nComponents"),
    ),
    (
        "sudo_config",
        "somebody let administrators become root unasked",
        ways.replaced("etc/sudoers", _ASKED, _ASKED.replace(") ALL", ") NOPASSWD: ALL")),
    ),
    (
        "uid0_accounts",
        "a support call gave the front desk root's number",
        ways.replaced("etc/passwd", "frontdesk:x:1000:", "frontdesk:x:0:"),
    ),
    (
        "disk_encryption",
        "a new data disk was put in without encryption",
        ways.line("etc/fstab", "/dev/mapper/data_crypt", "/dev/sdb1 /srv ext4 defaults 0 2"),
    ),
    ("backup", "the backup job stopped long ago", ways.stopped(SNAPSHOT)),
)
# What was not seen before is repaired by a file of the runbook's own, which may go as well.
_REPAIRED: tuple[tuple[str, str, Way], ...] = (
    (
        "account_ageing.limit",
        "somebody let a password live for ever",
        ways.without_end("daemon"),
    ),
    (
        "antivirus.enable_scanner",
        "somebody found the scanner too slow and switched it off",
        ways.disabled("clamav-daemon.service"),
    ),
    (
        "core_dumps.limit",
        "a vendor's technician wanted to see why a program crashed",
        ways.each(
            ways.without("etc/security/limits.d/10-cores.conf", "*"),
            ways.gone("etc/security/limits.d/zz-wardline.conf"),
        ),
    ),
    (
        "empty_passwords.lock",
        "somebody took the front desk's password away",
        ways.replaced("etc/shadow", "frontdesk:!:", "frontdesk::"),
    ),
    (
        "file_integrity.schedule",
        "somebody switched the daily look at system files off",
        ways.disabled("dailyaidecheck.timer", f"{SYSTEMD}/timers.target.wants"),
    ),
    (
        "log_retention.keep",
        "somebody let logs be kept for four weeks only",
        ways.line("etc/logrotate.d/rsyslog", "rotate", "\trotate 4"),
    ),
    (
        "login_banner.show",
        "an image tool told the SSH server to warn nobody",
        ways.line("etc/ssh/sshd_config", "Banner", "Banner none"),
    ),
    (
        "mandatory_access_control.enable_apparmor",
        "an installer switched AppArmor off",
        ways.disabled("apparmor.service", f"{SYSTEMD}/sysinit.target.wants"),
    ),
    (
        "package_sources.verify",
        "a vendor's package let apt install what nobody signed",
        ways.each(
            ways.made(
                "etc/apt/apt.conf.d/99vendor", 'Acquire::AllowInsecureRepositories "true";\n'
            ),
            ways.gone("etc/apt/apt.conf.d/zz-wardline"),
        ),
    ),
    (
        "remote_access.close",
        "somebody opened a remote desktop",
        ways.enabled("xrdp.service", "multi-user.target"),
    ),
    (
        "remote_access.require_keys",
        "a support call let passwords in over SSH",
        ways.line("etc/ssh/sshd_config", "PasswordAuthentication", "PasswordAuthentication yes"),
    ),
    (
        "removable_media.bar",
        "somebody let USB sticks in again",
        ways.each(
            ways.without("etc/modprobe.d/clinic.conf", "install"),
            ways.gone("etc/modprobe.d/zz-wardline-usb-storage.conf"),
        ),
    ),
    (
        "scheduled_jobs.restrict",
        "a support call left the backup job open to all",
        ways.mode("etc/cron.daily/clinic-backup", 0o777),
    ),
    (
        "session_timeout.end_shells",
        "somebody was tired of logging in again",
        ways.each(
            ways.without("etc/profile.d/timeout.sh", "readonly"),
            ways.gone("etc/profile.d/zz-wardline-timeout.sh"),
        ),
    ),
    (
        "ssh_keys.restrict",
        "a support call left the front desk's keys open to all",
        ways.mode("home/frontdesk/.ssh/authorized_keys", 0o666),
    ),
    (
        "sudo_config.set_defaults",
        "somebody let programs of root's use the terminal of whoever called them",
        ways.each(
            ways.replaced("etc/sudoers", "Defaults use_pty\n", ""),
            ways.gone("etc/sudoers.d/zz-wardline"),
        ),
    ),
)


def _break(runbook: str, says: str, weight: int, apply: Way) -> Break:
    """A drift of the check that the runbook is for."""
    return Break(runbook.partition(".")[0], runbook, says, weight, apply)


BREAKS = (
    *(
        _break(
            "file_permissions.restore",
            f"a support call left /{path} at {mode:04o}",
            6,
            ways.mode(path, mode),
        )
        for path, mode in _MODE_DRIFTS.items()
    ),
    *(
        _break("kernel_sysctl.apply", _SYSCTL_SAYS.format(key, value), 6, _kernel(key, value))
        for key, value in _KERNEL_DRIFTS.items()
    ),
    _break(
        "ssh_config.harden",
        "somebody allowed root to log in over SSH",
        4,
        ways.line("etc/ssh/sshd_config", "PermitRootLogin", "PermitRootLogin yes"),
    ),
    _break(
        "ssh_config.harden",
        "an image tool switched X11 forwarding on",
        4,
        ways.line("etc/ssh/sshd_config", "X11Forwarding", "X11Forwarding yes"),
    ),
    _break(
        "password_policy.set",
        "somebody let passwords live for ever",
        2,
        ways.line("etc/login.defs", "PASS_MAX_DAYS", "PASS_MAX_DAYS\t99999"),
    ),
    _break(
        "password_policy.set",
        "somebody allowed short passwords",
        2,
        ways.line("etc/security/pwquality.conf", "minlen", "minlen = 6"),
    ),
    _break(
        "patching.enable_automatic",
        "somebody switched automatic updates off",
        2,
        ways.text(
            "etc/apt/apt.conf.d/20auto-upgrades",
            'APT::Periodic::Update-Package-Lists "1";\nAPT::Periodic::Unattended-Upgrade "0";\n',
        ),
    ),
    _break(
        "login_banner.install",
        "an update put the distribution's own /etc/issue back",
        2,
        ways.text("etc/issue", "Debian GNU/Linux 12 \\n \\l\n"),
    ),
    _break(
        "antivirus.enable_updates",
        "somebody stopped the search for new virus definitions",
        2,
        ways.line("etc/clamav/freshclam.conf", "Checks", "Checks 0"),
    ),
    _break(
        "antivirus.enable_updates",
        "an installer switched the service off that fetches virus definitions",
        1,
        ways.disabled("clamav-freshclam.service"),
    ),
    _break(
        "prohibited_services.disable",
        "a vendor's technician left telnet on",
        1,
        ways.enabled("telnet.socket", "sockets.target", _TELNET),
    ),
    _break(
        "prohibited_services.disable",
        "somebody started the rsync server",
        1,
        ways.enabled("rsync.service", "multi-user.target"),
    ),
    _break(
        "prohibited_services.disable",
        "a printer's installer let the host announce itself",
        1,
        ways.enabled("avahi-daemon.service", "multi-user.target"),
    ),
    _break(
        "firewall.enable",
        "a support call switched the firewall off",
        1,
        ways.line("etc/ufw/ufw.conf", "ENABLED=yes", "ENABLED=no"),
    ),
    _break(
        "audit_logging.enable",
        "a cleaning script removed the audit rules",
        1,
        ways.each(
            ways.without("etc/audit/rules.d/50-clinic.rules", "-w"),
            ways.without("etc/audit/rules.d/zz-wardline.rules", "-w"),
        ),
    ),
    _break(
        "time_sync.enable",
        "somebody removed the time servers",
        1,
        ways.without("etc/chrony/chrony.conf", "pool"),
    ),
    *(_break(runbook, says, 1, apply) for runbook, says, apply in _REPAIRED),
    *(Break(check, None, says, 1, apply) for check, says, apply in _FOR_PERSONS),
)
