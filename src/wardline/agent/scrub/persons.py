"""Identifiers of persons, as records, letters, configuration and file names write them.

Sources of the forms: SSN and ITIN ranges (SSA, IRS), the North American Numbering Plan, ITU E.164,
ISO/IEC 7812 (card numbers, Luhn), CMS (Medicare Beneficiary Identifier, NPI), DEA registration
numbers, HL7 v2 segments.
"""

import re

from wardline.agent.scrub import card_numbers
from wardline.agent.scrub.marks import Kind
from wardline.agent.scrub.rules import BETWEEN, Match, Rule, named

# Where an identifier may begin and end: not inside a word, a version or a longer row of numbers;
# behind the sign of a diff's line it may.
BEFORE = r"(?:(?<![A-Za-z0-9.+-])|(?<=^[-+]))"
AFTER = r"(?![A-Za-z0-9-]|\.\d)"
# Columns of numbers: two blanks beside it, or a number next to it.
_ALONE_BEFORE = r"(?<![\d\"]\s)(?<!\s\s)(?<!\d,\s)"
_ALONE_AFTER = r"(?!,?\s\d)(?!\s\s)"
_DATE = re.compile(r"\d{4}[-/.]\d{1,2}[-/.]\d{1,2}|\d{1,2}[-/.]\d{1,2}[-/.]\d{4}")
_IP_ADDRESS = re.compile(r"\d{1,3}(?:\.\d{1,3}){3}")
_VERSION_BEFORE = re.compile(
    r"(?:version|release|driver|build|firmware|kernel|ver|rev|v)[ \t:=-]{0,3}\Z", re.IGNORECASE
)
_CONTEXT_CHARS = 16


def digits_of(text: str) -> str:
    return "".join(char for char in text if "0" <= char <= "9")


# --- Social Security and taxpayer numbers ---
_SSN = re.compile(
    rf"{BEFORE}(?P<v>(?!000|666)\d{{3}}-(?!00)\d\d-(?!0000)\d{{4}}(?:[A-DFHJ-MTW][A-Z0-9]?)?){AFTER}",
    re.MULTILINE,
)
_SSN_SPACED = re.compile(
    rf"{BEFORE}{_ALONE_BEFORE}(?P<v>(?!000|666|9)\d{{3}} (?!00)\d\d (?!0000)\d{{4}})"
    rf"{AFTER}{_ALONE_AFTER}",
    re.MULTILINE,
)
_SSN_NAMED = named(
    r"ssn|itin|soc(?:ial)?[ _.-]{0,2}sec(?:urity)?(?:[ _.-]?(?:number|num|no\.?|nr))?",
    r"\d{3}[ .-]?\d\d[ .-]?\d{4}(?![a-z0-9])",
)


def _ssn(found: Match) -> str | None:
    digits = digits_of(found["v"])
    group = int(digits[3:5])
    is_itin = 50 <= group <= 65 or 70 <= group <= 88 or 90 <= group <= 99
    return digits if digits[0] != "9" or is_itin else None


def _digits(found: Match) -> str | None:
    return digits_of(found["v"])


# --- telephone ---
_AREA, _OFFICE = r"[2-9]\d\d", r"[2-9]\d\d"
_EXTENSION = r"(?:[ ,]{0,2}(?:x|ext\.?)[ ]?\d{1,6})?"
_PHONE_PARENS = re.compile(
    rf"(?<![\w.])(?P<v>(?:\+?1[ .-]?)?\({_AREA}\)[ .-]?{_OFFICE}[ .-]?\d{{4}}{_EXTENSION}){AFTER}"
)
_PHONE_DASHES = re.compile(
    rf"{BEFORE}(?P<v>(?:\+?1[ .-])?{_AREA}-{_OFFICE}-\d{{4}}{_EXTENSION}){AFTER}", re.MULTILINE
)
_PHONE_PLUS_ONE = re.compile(
    rf"(?<![\w.+])(?P<v>\+1[ .-]?\(?{_AREA}\)?[ .-]?{_OFFICE}[ .-]?\d{{4}}{_EXTENSION}){AFTER}"
)
_PHONE_DOTS = re.compile(
    rf"{BEFORE}(?P<v>(?:1\.)?{_AREA}\.{_OFFICE}\.\d{{4}}{_EXTENSION}){AFTER}", re.MULTILINE
)
_PHONE_SPACED = re.compile(
    rf"{BEFORE}{_ALONE_BEFORE}(?P<v>(?:1 )?{_AREA} {_OFFICE} \d{{4}}{_EXTENSION})"
    rf"{AFTER}{_ALONE_AFTER}",
    re.MULTILINE,
)
# At the start of a line a plus may be the sign of a diff.
_PHONE_ABROAD = re.compile(
    r"(?:\A|(?<=[^\w+.\n]))(?P<v>\+[2-9]\d{0,2}[ .-]?(?:\(0?\d{1,4}\)[ .-]?)?"
    rf"\d{{1,4}}(?:[ .-]?\d{{2,4}}){{2,4}}){AFTER}"
)
_PHONE_NAMED = re.compile(
    r"(?:(?<![a-z0-9])|(?<=home)|(?<=work)|(?<=cell))(?:tel(?:ephone)?|phone|mobile|cell|fax|pager"
    r"|call(?:ed|ing)?(?: back)?(?: at| on)?)(?:[ _-]?(?:number|num|no\.?|nr|#))?"
    rf"{BETWEEN}(?P<v>\+?\(?\d[\d ().-]{{5,18}}\d(?:[ ]?(?:x|ext\.?)[ ]?\d{{1,6}})?"
    r"(?![a-z0-9-]|[.:]\d))"
)


def _phone(found: Match) -> str | None:
    digits = digits_of(re.split(r"x|ext", found["v"], maxsplit=1)[0])
    return digits.removeprefix("1") if len(digits) == 11 else digits


def _phone_dotted(found: Match) -> str | None:
    start = found.start("v")
    before = found.string[max(0, start - _CONTEXT_CHARS) : start]
    return None if _VERSION_BEFORE.search(before) else _phone(found)


def _phone_abroad(found: Match) -> str | None:
    return _phone(found) if 8 <= len(digits_of(found["v"])) <= 15 else None


def _phone_named(found: Match) -> str | None:
    value = found["v"]
    if _DATE.match(value) or _IP_ADDRESS.fullmatch(value):
        return None
    return _phone(found) if 7 <= len(digits_of(value)) <= 16 else None


# --- medical records ---
_RECORD = named(
    r"mrn|mr#|empi|m\.r\.n\.?"
    r"|(?:medical|health)[ _.-]?record(?:[ _.-]?(?:number|num|no\.?|nr|id|#))?"
    r"|(?:patient|pat|pt|chart)[ _.-]?(?:identifier|id|number|num|no\.?|nr|#)",
    r"(?=[a-z-]{0,8}\d)[a-z0-9](?:[a-z0-9-]{2,38}[a-z0-9])(?![a-z0-9])",
)
_DIGITS_OF_RECORD = 3
_SEGMENT = re.compile(r"(?<![a-z0-9])(?:pid|nk1|gt1|in1)(?P<v>\|[^\r\n]{4,4000})")
_PATIENT_NAME = named(
    r"patient(?:'s)?[ _.-]?(?:full[ _.-]?|last[ _.-]?|first[ _.-]?)?name|pat[ _-]?name",
    r"[^\W\d_][\w'.^-]{1,30}(?:,? [^\W\d_][\w'.^-]{0,30}){0,3}",
    r"[\"']?[ \t]{0,4}[:=|][ \t]{0,4}[\"'\[(]?",
)
_DICOM_NAME = re.compile(r"\(0010,00[0-9a-f]{2}\)(?P<v>[^\r\n]{3,300})")


def _record(found: Match) -> str | None:
    value = found["v"]
    if len(digits_of(value)) < _DIGITS_OF_RECORD or _DATE.match(value):
        return None
    return value.replace("-", "").upper()


# --- dates of birth ---
_MONTH = r"(?:jan|feb|mar|apr|may|june?|july?|aug|sept?|oct|nov|dec)[a-z]{0,6}\.?"
_BORN = re.compile(
    r"(?:dob|d\.o\.b\.?|birth(?:[ _.-]?(?:date|day))?|born(?:[ ]on)?)"
    rf"{BETWEEN}(?P<v>\d{{4}}[-/._]\d{{1,2}}[-/._]\d{{1,2}}(?!\d)"
    r"|\d{1,2}[-/._]\d{1,2}[-/._]\d{2,4}(?!\d)|\d{8}(?!\d)"
    rf"|{_MONTH}[ .-]?\d{{1,2}}(?:st|nd|rd|th)?,?[ -]?\d{{4}}"
    rf"|\d{{1,2}}[ .-]?{_MONTH}[ ,-]{{0,2}}\d{{4}})"
)


def _born(found: Match) -> str | None:
    return re.sub(r"[ ._/,-]{1,3}", "-", found["v"].casefold())


# --- insurance, prescribers ---
_MBI_LETTER, _MBI_ANY = "[AC-HJKMNP-RT-Y]", "[AC-HJKMNP-RT-Y0-9]"
_MBI = re.compile(
    rf"{BEFORE}(?P<v>[1-9]{_MBI_LETTER}{_MBI_ANY}\d(?P<s>-?){_MBI_LETTER}{_MBI_ANY}\d(?P=s)"
    rf"{_MBI_LETTER}{{2}}\d\d)(?![A-Za-z0-9-])",
    re.MULTILINE,
)
_MBI_DASHED = re.compile(
    _MBI.pattern.replace("(?P<s>-?)", "(?P<s>-)"), re.IGNORECASE | re.MULTILINE
)
_MEMBER = named(
    r"(?:member|subscriber|beneficiary|insurance|insured|medicaid|medicare|payer|claim)[ _.-]?"
    r"(?:identifier|id|number|num|no\.?|nr|#)|policy[ _.-]?(?:number|num|no\.?|#)|mbi|hicn?"
    r"|medicaid|medicare",
    r"(?=[a-z-]{0,5}\d)[a-z0-9](?:[a-z0-9-]{4,18}[a-z0-9])(?![a-z0-9])",
)
_NPI = named(r"npi(?:[ _.-]?(?:number|num|no\.?|#))?", r"[12]\d{9}(?!\d)")
_DEA = named(
    r"dea(?:[ _.-]?(?:registration|number|num|no\.?|reg|#)){0,2}", r"[a-z][a-z9]\d{7}(?!\d)"
)
_DIGITS_OF_MEMBER = 5
_HEX = re.compile(r"[0-9a-f]{12,}")
# CMS: an NPI is checked with the prefix of the card industry for health in the USA.
_NPI_PREFIX = "80840"


def _mbi(found: Match) -> str | None:
    return found["v"].replace("-", "").upper()


def _member(found: Match) -> str | None:
    value = found["v"]
    if len(digits_of(value)) < _DIGITS_OF_MEMBER or _DATE.match(value):
        return None
    # Members of clusters have ids of hex.
    is_hex = _HEX.fullmatch(value) and not value.isdigit()
    return None if is_hex else value.replace("-", "").upper()


def _npi(found: Match) -> str | None:
    return found["v"] if card_numbers.luhn(_NPI_PREFIX + found["v"]) else None


def _dea(found: Match) -> str | None:
    ones = [int(char) for char in found["v"][2:]]
    check = ones[0] + ones[2] + ones[4] + 2 * (ones[1] + ones[3] + ones[5])
    return found["v"].upper() if check % 10 == ones[6] else None


RULES: tuple[Rule, ...] = (
    Rule(Kind.PATIENT, _SEGMENT, ("pid|", "nk1|", "gt1|", "in1|")),
    Rule(Kind.PATIENT, _DICOM_NAME, ("(0010,00",)),
    Rule(Kind.NAME, _PATIENT_NAME, ("patient", "pat_name", "pat name", "pat-name", "patname")),
    Rule(Kind.SSN, _SSN_NAMED, ("ssn", "soc", "itin"), value=_digits),
    Rule(
        Kind.RECORD,
        _RECORD,
        (
            *("mrn", "mr#", "empi", "m.r.n", "medical", "health", "patient", "chart"),
            *("pat_", "pat id", "pat-", "pt_", "pt id", "pt-"),
        ),
        value=_record,
    ),
    Rule(Kind.BORN, _BORN, ("dob", "birth", "born", "d.o.b"), value=_born),
    Rule(Kind.PRESCRIBER, _NPI, ("npi",), value=_npi),
    Rule(Kind.PRESCRIBER, _DEA, ("dea",), value=_dea),
    Rule(Kind.INSURANCE, _MBI, shapes=(b"AA00",), value=_mbi),
    Rule(Kind.INSURANCE, _MBI_DASHED, shapes=(b"-aa00", b"-AA00", b"-Aa00", b"-aA00"), value=_mbi),
    Rule(
        Kind.INSURANCE,
        _MEMBER,
        (
            *("member", "subscriber", "beneficiary", "insur", "medica", "payer", "claim", "policy"),
            *("mbi", "hic"),
        ),
        value=_member,
    ),
    *card_numbers.RULES,
    Rule(Kind.SSN, _SSN, shapes=(b"-00-0000",), value=_ssn),
    Rule(Kind.SSN, _SSN_SPACED, shapes=(b" 00 0000",), value=_ssn),
    Rule(Kind.PHONE, _PHONE_PARENS, shapes=(b"(000)",), value=_phone),
    Rule(Kind.PHONE, _PHONE_DASHES, shapes=(b"-000-0000",), value=_phone),
    Rule(Kind.PHONE, _PHONE_PLUS_ONE, ("+1",), value=_phone),
    Rule(Kind.PHONE, _PHONE_DOTS, shapes=(b".000.0000",), value=_phone_dotted),
    Rule(Kind.PHONE, _PHONE_SPACED, shapes=(b" 000 0000",), value=_phone),
    Rule(Kind.PHONE, _PHONE_ABROAD, ("+",), value=_phone_abroad),
    Rule(
        Kind.PHONE,
        _PHONE_NAMED,
        ("tel", "phone", "mobile", "cell", "fax", "pager", "call"),
        value=_phone_named,
    ),
)
