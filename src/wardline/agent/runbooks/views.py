"""What of a file may be shown to people: a diff in evidence never holds what opens an account."""

from enum import StrEnum


class View(StrEnum):
    """`no_passwords`: lines of shadow(5), with what kind of password each has in place of it."""

    WHOLE = "whole"
    NO_PASSWORDS = "no_passwords"


def narrower(one: View, other: View) -> View:
    """The one that shows less: it is right for both sides of a diff."""
    return one if other is View.WHOLE else other


def shown(view: View, text: str) -> str:
    """What may be shown of `text`."""
    match view:
        case View.WHOLE:
            return text
        case View.NO_PASSWORDS:
            return "\n".join(_without_password(line) for line in text.split("\n"))


def _without_password(line: str) -> str:
    if ":" not in line:
        return line
    name, password, *rest = line.split(":")
    if not password:
        kind = "(none)"
    elif password in ("x", "!", "*", "!!", "!*"):
        kind = password
    else:
        kind = "(locked)" if password.startswith(("!", "*")) else "(set)"
    return ":".join([name, kind, *rest])
