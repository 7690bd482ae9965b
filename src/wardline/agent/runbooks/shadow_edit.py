"""Edits of /etc/shadow as text: accounts without a password are locked, passwords get an end.

Source: shadow(5): name, password, day of the last change, least and most days, warning, inactive
days, day of the end, reserved.
"""

import re
from dataclasses import dataclass

from wardline.agent.runbooks.edit_steps import AccountRule
from wardline.agent.runbooks.views import View

PATH = "/etc/shadow"
FIELDS = 9
LOCKED = "!"
DAYS_MAX = 365
# The check takes up to 90; a new value is the one that its remediation names.
INACTIVE_DAYS = 30
INACTIVE_DAYS_MAX = 90

# A password that opens nothing: none, a lock, `x`, as account_ageing sees it.
_NOTHING = re.compile(r"[*!].*|x|")


@dataclass(frozen=True, slots=True)
class ShadowEdit:
    """One rule; `only_if_present` because a host without shadow passwords gets none."""

    rule: AccountRule

    only_if_present = True
    view = View.NO_PASSWORDS

    def apply(self, text: str) -> str:
        """`text` with the lines changed that the rule is about; all others byte for byte."""
        change = _lock if self.rule is AccountRule.LOCK_OPEN else _limit
        return "\n".join(change(line) if _is_account(line) else line for line in text.split("\n"))


def _is_account(line: str) -> bool:
    """Names of other sources and comments are no accounts of this file."""
    return ":" in line and not line.lstrip().startswith(("+", "-", "#"))


def _lock(line: str) -> str:
    fields = line.split(":")
    if fields[1]:
        return line
    return ":".join([fields[0], LOCKED, *fields[2:]])


def _limit(line: str) -> str:
    fields = line.split(":")
    if _NOTHING.fullmatch(fields[1]):
        return line
    fields += [""] * (FIELDS - len(fields))
    limited = list(fields)
    if not _within(fields[4], DAYS_MAX):
        limited[4] = str(DAYS_MAX)
    if not _within(fields[6], INACTIVE_DAYS_MAX):
        limited[6] = str(INACTIVE_DAYS)
    return line if limited == fields else ":".join(limited)


def _within(field: str, days_max: int) -> bool:
    """Whether a limit is set and low enough; empty and -1 are none."""
    return field.isdecimal() and len(field) < 10 and int(field) <= days_max
