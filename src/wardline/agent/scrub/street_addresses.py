"""Street addresses as they are written in the USA: number, name, kind of street, town and ZIP."""

import re

from wardline.agent.scrub.marks import Kind
from wardline.agent.scrub.rules import Match, Rule

_KINDS_OF_STREET = (
    "Street|St|Avenue|Ave|Road|Rd|Boulevard|Blvd|Lane|Ln|Drive|Dr|Court|Ct|Place|Pl|Terrace|Ter"
    "|Circle|Cir|Highway|Hwy|Parkway|Pkwy|Square|Sq|Trail|Trl|Way|Loop|Alley|Turnpike|Tpke"
)
_GAP = r"[ _+]"
_WORD = r"(?:[A-Z][A-Za-z'.-]{0,30}|\d{1,3}(?:st|nd|rd|th|ST|ND|RD|TH))"
_UNIT = (
    r"(?:,?[ _](?:Apt|Apartment|Suite|Ste|Unit|Floor|Fl|Rm|APT|SUITE|STE|UNIT|#)\.?[ _]?#?"
    r"[A-Za-z0-9-]{1,8})"
)
_TOWN = (
    r"(?:,?\s{1,2}[A-Z][A-Za-z.'-]{1,25}(?: [A-Z][A-Za-z.'-]{1,25}){0,2},?\s[A-Z]{2}\.?,?\s"
    r"\d{5}(?:-\d{4})?)"
)
_STREET = re.compile(
    rf"(?<![\w.:-])(?P<v>\d{{1,6}}[A-Z]?{_GAP}(?:{_WORD}{_GAP}){{1,4}}"
    rf"(?:{_KINDS_OF_STREET}|{_KINDS_OF_STREET.upper()})\b\.?{_UNIT}?{_TOWN}?)"
)
_BOX = re.compile(rf"(?<![A-Za-z0-9])(?P<v>(?i:P\.? ?O\.? ?Box) \d{{1,6}}{_TOWN}?)")
_NAMED = re.compile(
    r"(?:(?<=home.)|(?<=street.)|(?<=mailing.)|(?<=postal.)|(?<=patient.)|(?=addr(?:ess)?[ _-]?1))"
    r"addr(?:ess)?(?:[ _-]?[12])?[\"']?[ \t]{0,4}[:=][ \t]{0,4}[\"']?"
    r"(?P<v>\d{1,6}[a-z]? [^\W\d_][\w .'#-]{2,60}(?:, ?[\w .'-]{2,40}){0,3})"
)
_BEGINNINGS = tuple(
    start + gap + word
    for start in (b"0", b"0A")
    for gap in (b" ", b"_", b"+")
    for word in (b"A", b"00aa", b"0aa", b"00AA", b"0AA")
)
# What drives and goes a way in computers.
_NO_STREET = re.compile(
    r"[ _+](?:Hard|Disk|Tape|Flash|Optical|USB|CD|DVD|Thumb|Google|State|Network|One|Two|In|No|By"
    r"|Any|The|This|Read|Shared?)[ _+][A-Za-z]{1,10}\.?\Z"
)


def _street(found: Match) -> str | None:
    return None if _NO_STREET.search(found["v"]) else " ".join(found["v"].casefold().split())


RULES: tuple[Rule, ...] = (
    Rule(Kind.ADDRESS, _NAMED, ("addr",)),
    Rule(Kind.ADDRESS, _STREET, shapes=_BEGINNINGS, value=_street, numbered=True),
    Rule(Kind.ADDRESS, _BOX, anchors=("po box", "p.o. box", "p.o.box", "p o box"), cased=True),
)
