"""Which steps can cut the line to a host, and what it needs to put itself back (ADR 11).

sshd, the firewall, sudo, PAM, accounts and the network: a change of these may leave a host that
nobody can enter any more. A step may say so too; none can say that it does not.
"""

import fnmatch
from collections.abc import Sequence
from dataclasses import dataclass

from wardline.agent.hosts.host import (
    Failed,
    HardLinked,
    Host,
    Missing,
    PathEscapes,
    TooLarge,
    TooManyLinks,
    WrongKind,
)
from wardline.agent.hosts.revert import Revert
from wardline.agent.runbooks.commands import Command
from wardline.agent.runbooks.mode_operation import ChangeMode
from wardline.agent.runbooks.operations import Operation, Refused, WriteFile
from wardline.agent.runbooks.plan import Planned
from wardline.agent.runbooks.unit_operation import SetUnit

_FILES = (
    "/etc/ssh/*",
    "/etc/ssh/sshd_config.d/*",
    "/root/.ssh/*",
    "/home/*/.ssh/*",
    "/etc/sudoers",
    "/etc/sudoers.d",
    "/etc/sudoers.d/*",
    "/etc/pam.d/*",
    "/etc/security/*",
    "/etc/nsswitch.conf",
    "/etc/shells",
    "/etc/passwd",
    "/etc/group",
    "/etc/shadow",
    "/etc/gshadow",
    "/etc/default/ufw",
    "/etc/ufw/*",
    "/etc/nftables.conf",
    "/etc/nftables.d/*",
    "/etc/iptables/*",
    "/etc/firewalld/*",
    "/etc/hosts.allow",
    "/etc/hosts.deny",
    "/etc/network/*",
    "/etc/network/interfaces.d/*",
    "/etc/netplan/*",
    "/etc/systemd/network/*",
    "/etc/NetworkManager/*",
    "/etc/NetworkManager/*/*",
)
_PROGRAMS = {
    "ufw",
    "nft",
    "iptables",
    "ip6tables",
    "iptables-restore",
    "ip6tables-restore",
    "firewall-cmd",
    "ip",
    "ifup",
    "ifdown",
    "ifconfig",
    "route",
    "nmcli",
    "netplan",
    "networkctl",
    "passwd",
    "usermod",
    "chage",
    "pam-auth-update",
    "authselect",
}
_UNITS = (
    "ssh.service",
    "sshd.service",
    "ssh.socket",
    "sshd.socket",
    "dropbear.service",
    "ufw.service",
    "nftables.service",
    "iptables.service",
    "netfilter-persistent.service",
    "firewalld.service",
    "networking.service",
    "NetworkManager.service",
    "systemd-networkd.service",
    "systemd-networkd.socket",
    "wg-quick@*.service",
    "openvpn*.service",
    "tailscaled.service",
    "zerotier-one.service",
)


# What stands there is nothing that the operation could be done to.
_REFUSALS = (Refused, Missing, WrongKind, HardLinked, TooLarge, PathEscapes, TooManyLinks)


@dataclass(frozen=True, slots=True)
class _Part:
    """What puts one operation back: its file or its mode, and programs before and after these."""

    files: tuple[str, ...] = ()
    modes: tuple[str, ...] = ()
    commands: tuple[tuple[str, ...], ...] = ()
    reloads: tuple[tuple[str, ...], ...] = ()


def cuts(planned: Planned) -> bool:
    """Whether this operation can cut the line."""
    if planned.cuts_line:
        return True
    match planned.operation:
        case WriteFile(target=path) | ChangeMode(target=path):
            return _is_among(path, _FILES)
        case Command(argv=argv):
            return argv[0] in _PROGRAMS or _sets_network(argv)
        case SetUnit(target=unit):
            return _is_among(unit, _UNITS)
        case _:
            return False


def revert(plan: Sequence[Planned], host: Host, after_s: int) -> Revert | None:
    """What undoes the whole run on the host itself; None where nothing of it can cut the line.

    Raises HostError where the host does not say how it is.
    """
    if not host.runs_commands or not any(cuts(one) for one in plan):
        return None
    changing = [one for one in plan if _changes(one.operation, host)]
    if not any(cuts(one) for one in changing):
        return None
    parts = [_part(one.operation, host) for one in changing]
    files = dict.fromkeys(path for part in parts for path in part.files)
    # A file that goes back as a whole has its mode with it.
    modes = dict.fromkeys(path for part in parts for path in part.modes if path not in files)
    made = Revert(
        files=tuple(files),
        modes=tuple(modes),
        units=(),
        after_s=after_s,
        commands=tuple(argv for part in reversed(parts) for argv in part.commands),
        reloads=tuple(dict.fromkeys(argv for part in parts for argv in part.reloads)),
    )
    return made if made.files or made.modes or made.commands or made.reloads else None


def check_unguarded(planned: Planned, host: Host) -> None:
    """Raise Failed for what would cut the line by now, where nothing waits to put the host back:
    when that could still be armed this was not to change anything, or could not be done."""
    if host.runs_commands and cuts(planned) and planned.operation.preview(host).changed:
        why = "could cut the line, and was not to change anything when the run began: run it anew"
        raise Failed(planned.operation.target, why)


def _is_among(name: str, globs: Sequence[str]) -> bool:
    return any(
        name.count("/") == glob.count("/") and fnmatch.fnmatchcase(name, glob) for glob in globs
    )


def _sets_network(argv: tuple[str, ...]) -> bool:
    return argv[0] == "sysctl" and any(word.startswith("net.") for word in argv[1:])


def _changes(operation: Operation, host: Host) -> bool:
    """Whether it would change anything now; what it refuses itself is refused in its own turn.

    A host that does not say it is another matter: nothing may be changed then.
    """
    try:
        return operation.preview(host).changed
    except _REFUSALS:
        return False


def _part(operation: Operation, host: Host) -> _Part:
    match operation:
        case WriteFile():
            reload = () if operation.reload_with is None else (operation.reload_with,)
            return _Part(files=(operation.target,), reloads=reload)
        case ChangeMode():
            return _Part(modes=(operation.target,))
        case Command():
            return _Part(commands=(operation.undoing(host),))
        case SetUnit():
            return _Part(reloads=operation.undoing(host))
        case _:
            return _Part()
