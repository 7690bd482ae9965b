"""Network addresses, as far as it counts whether one is this machine's own."""

import contextlib
import ipaddress


def is_loopback(address: str) -> bool:
    """Whether `address` is a loopback address; a name is none."""
    with contextlib.suppress(ValueError):
        return ipaddress.ip_address(address.strip("[]")).is_loopback
    return False
