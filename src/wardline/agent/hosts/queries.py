"""The questions that a check may put to a host's own programs: a closed list, none changes a thing.

A check names a question, never a command line: whoever can write a check's facts or its inputs can
choose none of these words. A question about one unit takes its name from the check's own table.
"""

import re
from dataclasses import dataclass

from wardline.core.errors import Malformed

TIMEOUT_S = 5.0
OUTPUT_BYTES_MAX = 512 * 1024

RESTORE_TIMEOUT_S = 30.0
RESTORE_BYTES_MAX = 64 * 1024

_PATH = re.compile(r"/[A-Za-z0-9_@+.,=/ -]{1,511}")
_UNIT = re.compile(r"[A-Za-z0-9@_][A-Za-z0-9@_.:-]{0,127}\.(service|socket|timer|target)")


@dataclass(frozen=True, slots=True)
class Query:
    """One question; `id` names it in cases and messages, `argv` is asked without a shell."""

    id: str
    argv: tuple[str, ...]
    timeout_s: float = TIMEOUT_S
    bytes_max: int = OUTPUT_BYTES_MAX


# nft(8): the rules in force as JSON, libnftables-json(5).
NFT_RULES = Query("nft_rules", ("nft", "--json", "list", "ruleset"))
# iptables-save(8), both families.
IPTABLES_RULES = Query("iptables_rules", ("iptables-save",))
IP6TABLES_RULES = Query("ip6tables_rules", ("ip6tables-save",))
# auditctl(8): the status of the kernel's audit system.
AUDIT_STATUS = Query("audit_status", ("auditctl", "-s"))
# auditctl(8): the rules that the kernel has loaded, as options of auditctl.
AUDIT_RULES = Query("audit_rules", ("auditctl", "-l"))
# timedatectl(1): properties as key=value.
TIME_STATUS = Query("time_status", ("timedatectl", "show"))
# zfsprops(7): whether each dataset is encrypted, as name, tab, value.
ZFS_ENCRYPTION = Query(
    "zfs_encryption", ("zfs", "get", "-H", "-o", "name,value", "-t", "filesystem", "encryption")
)

# ufw(8): whether it filters, and the rules that were added, as the commands that add them.
UFW_STATUS = Query("ufw_status", ("ufw", "status"))
UFW_ADDED = Query("ufw_added", ("ufw", "show", "added"))

# systemctl(1): what is loaded, one paragraph of key=value for each unit.
UNITS_UP = Query(
    "units_up",
    (
        *("systemctl", "show", "--no-pager"),
        "--property=Id,ActiveState,Result,UnitFileState,Transient,BusName,TriggeredBy,Triggers",
        *("--", "*.service", "*.socket", "*.timer"),
    ),
    timeout_s=15.0,
    bytes_max=2 * 1024 * 1024,
)


def unit_state(unit: str) -> Query:
    """systemctl(1): LoadState, ActiveState and UnitFileState of one unit as key=value."""
    check_unit(unit)
    properties = "--property=LoadState,ActiveState,UnitFileState"
    return Query(f"unit_state:{unit}", ("systemctl", "show", properties, "--", unit))


def restic_restore(repository: str, password_file: str, path: str) -> Query:
    """restic(1) dump: one file of the newest snapshot to standard output; it takes no lock and
    keeps no cache, so that nothing is written on the host."""
    for name, value in (("path", repository), ("password_file", password_file), ("canary", path)):
        if not _PATH.fullmatch(value):
            raise Malformed(name, "not a plain absolute path")
    options = ("--no-lock", "--no-cache", "--quiet", f"--password-file={password_file}")
    words = ("restic", *options, f"--repo={repository}", "dump", "latest", path)
    return Query("restic_restore", words, RESTORE_TIMEOUT_S, RESTORE_BYTES_MAX)


def check_unit(unit: str) -> None:
    """Raise Malformed for what is not the name of a unit of systemd."""
    if not _UNIT.fullmatch(unit):
        raise Malformed("unit", "not the name of a systemd unit")
