"""Which program proves a file before it is switched in, by the path of the file.

A file that a service reads is never put in its place unless the service's own parser has taken it.
Where nothing can judge a file its reason stands here, or in the step as `unproven`.
"""

import fnmatch
from dataclasses import dataclass

from wardline.core.errors import Malformed

STAGED = "{staged}"

Argv = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Proof:
    """`staged` judges the new content before the switch. `whole` judges the service's whole
    configuration right after it and before anything is reloaded, where a file is only a part.
    `unproven` says why there is neither."""

    staged: Argv | None = None
    whole: Argv | None = None
    unproven: str = ""


_SSHD = ("sshd", "-t", "-f", STAGED)
_VISUDO = ("visudo", "-c", "-f", STAGED)
_NFT = ("nft", "-c", "-f", STAGED)
_SHELL = Proof(staged=("sh", "-n", STAGED))
# Reading the settings is the proof; of the answer nothing is needed but that it is short.
_ASKED = ("shell", "ARCHITECTURE", "APT::Architecture")
# rsyslogd judges a whole configuration only: a part has no actions, or another part's modules.
_RSYSLOG = Proof(whole=("rsyslogd", "-N1"))
_SYSTEMD = "systemd warns of what it cannot read in its settings, and goes on without it"
_LINES = "read line by line by libraries and programs, which pass over what they do not know"
# `logrotate -d` also fails where a log is missing that a valid file names.
_LOGROTATE = Proof(unproven="logrotate passes over the lines that it does not know")
_DCONF = Proof(unproven="dconf keeps the compiled settings where it cannot read the new ones")

# The first that matches counts.
_PROOFS: tuple[tuple[str, Proof], ...] = (
    ("/etc/ssh/sshd_config", Proof(staged=_SSHD)),
    ("/etc/ssh/sshd_config.d/*", Proof(staged=_SSHD, whole=("sshd", "-t"))),
    ("/etc/sudoers", Proof(staged=_VISUDO)),
    ("/etc/sudoers.d/*", Proof(staged=_VISUDO, whole=("visudo", "-c"))),
    ("/etc/nftables.conf", Proof(staged=_NFT)),
    ("/etc/nftables.d/*", Proof(staged=_NFT, whole=("nft", "-c", "-f", "/etc/nftables.conf"))),
    ("/etc/iptables/rules.v4", Proof(staged=("iptables-restore", "--test", STAGED))),
    ("/etc/iptables/rules.v6", Proof(staged=("ip6tables-restore", "--test", STAGED))),
    ("/etc/chrony/chrony.conf", Proof(staged=("chronyd", "-p", "-f", STAGED))),
    ("/etc/rsyslog.conf", _RSYSLOG),
    ("/etc/rsyslog.d/*", _RSYSLOG),
    ("/etc/samba/smb.conf", Proof(staged=("testparm", "--suppress-prompt", STAGED))),
    ("/etc/apt/apt.conf.d/*", Proof(staged=("apt-config", f"-c={STAGED}", *_ASKED))),
    ("/etc/fstab", Proof(staged=("findmnt", "--verify", "--tab-file", STAGED))),
    ("/etc/default/*", _SHELL),
    ("/etc/ufw/ufw.conf", _SHELL),
    ("/etc/profile", _SHELL),
    ("/etc/profile.d/*", _SHELL),
    ("/etc/bash.bashrc", _SHELL),
    ("/etc/systemd/*.conf", Proof(unproven=_SYSTEMD)),
    ("/etc/systemd/*.conf.d/*", Proof(unproven=_SYSTEMD)),
    ("/etc/login.defs", Proof(unproven=_LINES)),
    ("/etc/security/*", Proof(unproven=_LINES)),
    ("/etc/security/limits.d/*", Proof(unproven=_LINES)),
    ("/etc/selinux/config", Proof(unproven=_LINES)),
    ("/etc/pam.d/*", Proof(unproven="PAM has no parser to ask; the line is guarded meanwhile")),
    ("/etc/sysctl.conf", Proof(unproven=_LINES)),
    ("/etc/sysctl.d/*", Proof(unproven=_LINES)),
    ("/etc/modprobe.d/*", Proof(unproven=_LINES)),
    ("/etc/logrotate.conf", _LOGROTATE),
    ("/etc/logrotate.d/*", _LOGROTATE),
    ("/etc/dconf/db/*.d/*", _DCONF),
    ("/etc/dconf/db/*.d/locks/*", _DCONF),
    ("/etc/wardline/*", Proof(unproven="a list of ours, which a check reads and no service")),
    ("/etc/cron.allow", Proof(unproven=_LINES)),
    ("/etc/at.allow", Proof(unproven=_LINES)),
    ("/etc/issue", Proof(unproven="a text for people")),
    ("/etc/issue.net", Proof(unproven="a text for people")),
    ("/etc/motd", Proof(unproven="a text for people")),
    ("/etc/shadow", Proof(unproven="pwck fails for homes that are missing, as most hosts have")),
    ("/etc/audit/auditd.conf", Proof(unproven="auditd has no mode that only reads its settings")),
    ("/etc/audit/rules.d/*", Proof(unproven="auditctl cannot judge rules without loading them")),
    ("/etc/clamav/freshclam.conf", Proof(unproven="freshclam cannot only read its settings")),
)


def of(path: str) -> Proof | None:
    """The proof of a file, None where none is known."""
    return next((proof for glob, proof in _PROOFS if _fits(path, glob)), None)


def check(path: str, check_with: Argv | None, unproven: str | None, where: str) -> None:
    """Raise Malformed for a step that would put an unproven file in its place."""
    if check_with is not None:
        if unproven is not None:
            raise Malformed(f"{where}.unproven", "and check_with exclude each other")
        if not any(STAGED in word for word in check_with):
            raise Malformed(f"{where}.check_with", f"does not look at {STAGED}, the new content")
    elif unproven is None and of(path) is None:
        why = f"nothing proves {path}: name check_with, or say in unproven why there is nothing"
        raise Malformed(where, why)


def _fits(path: str, glob: str) -> bool:
    return path.count("/") == glob.count("/") and fnmatch.fnmatchcase(path, glob)
