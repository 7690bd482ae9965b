"""Numbers of payment cards: the issuer's range, its length, how it is written, and Luhn's digit."""

import re

from wardline.agent.scrub.marks import Kind
from wardline.agent.scrub.rules import Match, Rule

# ISO/IEC 7812: which lengths go with which first digits, for the brands in use.
_ISSUERS = re.compile(
    r"4(?:\d{12}|\d{15}|\d{18})|5[1-5]\d{14}|2(?:22[1-9]|2[3-9]\d|[3-6]\d\d|7[01]\d|720)\d{12}"
    r"|3[47]\d{13}|3(?:0[0-5]|[68]\d)\d{11}|35(?:2[89]|[3-8]\d)\d{12}"
    r"|6(?:011|4[4-9]\d|5\d\d)\d{12}|62\d{14,17}|(?:50|5[6-8]|6[37])\d{14}"
)
_BEFORE = r"(?:(?<![A-Za-z0-9.+-])|(?<=^[-+]))"
_AFTER = r"(?![A-Za-z0-9-]|\.\d|:\d)"
_WHOLE = re.compile(rf"{_BEFORE}(?P<v>[2-6]\d{{12,18}}){_AFTER}", re.MULTILINE)
_GROUPED = re.compile(
    rf"{_BEFORE}(?P<v>[2-6]\d{{3}}(?P<s>[ -])(?:\d{{4}}(?P=s)\d{{4}}(?P=s)\d{{1,7}}"
    rf"|\d{{6}}(?P=s)\d{{4,5}})){_AFTER}",
    re.MULTILINE,
)


def luhn(digits: str) -> bool:
    """ISO/IEC 7812-1, annex B."""
    numbers = [int(char) for char in digits]
    doubled = [one * 2 - 9 if one > 4 else one * 2 for one in numbers[-2::-2]]
    return (sum(numbers[-1::-2]) + sum(doubled)) % 10 == 0


def _card(found: Match) -> str | None:
    digits = found["v"].replace(" ", "").replace("-", "")
    known = _ISSUERS.fullmatch(digits) is not None and len(set(digits)) > 1
    return digits if known and luhn(digits) else None


RULES: tuple[Rule, ...] = (
    Rule(Kind.CARD, _WHOLE, shapes=(b"0" * 13,), value=_card),
    Rule(
        Kind.CARD,
        _GROUPED,
        shapes=(b"0000 0000", b"0000-0000", b" 000000 0000", b"-000000-0000"),
        value=_card,
    ),
)
