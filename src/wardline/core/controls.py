"""Control identifiers as evidence names them: framework, colon, the framework's own id."""

import re
from enum import StrEnum

from wardline.core.errors import Malformed


class Framework(StrEnum):
    """Frameworks that a check may name; the library of their controls is central's."""

    HIPAA = "hipaa"
    SOC2 = "soc2"
    PCI_DSS = "pci_dss"
    NIST_800_53 = "nist_800_53"


_CONTROL = re.compile(r"([a-z0-9_]+):([A-Za-z0-9.()\-]{1,40})")


def parse(text: str, where: str) -> tuple[Framework, str]:
    """Framework and id of `hipaa:164.312(a)(1)`; raises Malformed naming `where`."""
    match = _CONTROL.fullmatch(text)
    if match is None or match[1] not in set(Framework):
        raise Malformed(where, "not a control such as hipaa:164.312(a)(1)")
    return Framework(match[1]), match[2]
