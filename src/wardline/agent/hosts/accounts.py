"""Names and numbers of accounts as the host's own passwd and group files have them."""

from wardline.agent.hosts.host import Reader

ACCOUNTS_BYTES_MAX = 1024 * 1024


def users(host: Reader) -> dict[str, int]:
    """User names to uids, from /etc/passwd; lines that are not entries are left out."""
    return _numbers(host.read("/etc/passwd", ACCOUNTS_BYTES_MAX))


def groups(host: Reader) -> dict[str, int]:
    """Group names to gids, from /etc/group; lines that are not entries are left out."""
    return _numbers(host.read("/etc/group", ACCOUNTS_BYTES_MAX))


def _numbers(data: bytes) -> dict[str, int]:
    """Field 3 by field 1; of two entries with one name the first counts, as for the C library."""
    found: dict[str, int] = {}
    for line in data.decode("ascii", "backslashreplace").split("\n"):
        fields = line.split(":")
        if len(fields) >= 4 and fields[2].isdecimal() and len(fields[2]) <= 10:
            found.setdefault(fields[0], int(fields[2]))
    return found
