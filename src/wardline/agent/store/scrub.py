"""Takes secrets and personal data out of whatever is stored: nothing reaches a table before.

Every pattern runs in linear time: bounded repeats, no nested ones. What the evidence needs stays:
hashes, package versions, modes, paths, addresses of files, and words that only say whether there
is a secret. Scrubbing twice is scrubbing once.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import replace

from wardline.agent.store import secret_words
from wardline.core import canonical
from wardline.core.canonical import Json
from wardline.core.evidence import bundle
from wardline.core.evidence.bundle import Action, IncidentRecord, Result
from wardline.core.incidents import incident as incidents
from wardline.core.incidents.incident import Incident

_Match = re.Match[str]
_KINDS = "private key|password hash|secret|token|e-mail|SSN|record number|date of birth|card|phone"
_MARK = re.compile(rf"\[(?:{_KINDS}) removed\]")


def _mark(kind: str) -> str:
    return f"[{kind} removed]"


_PRIVATE_KEY = re.compile(
    r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY-----(?:(?!-----END)[\s\S]){0,20000}"
    r"(?:-----END [A-Z0-9 ]{0,40}PRIVATE KEY-----)?"
)
# What is left of a key whose beginning was cut away: its last lines.
_KEY_END = re.compile(r"-----END [A-Z0-9 ]{0,40}PRIVATE KEY-----")
_KEY_LINE = re.compile(r"[-+ ]?[A-Za-z0-9+/=]{1,100}\r?")
# A crypt(3) hash as in /etc/shadow: $id$[parameters$]salt$hash.
_CRYPT = re.compile(r"\$(?:1|2[abxy]?|5|6|7|y|gy|argon2(?:id|i|d))\$[./A-Za-z0-9$=,+]{8,300}")
_URL_PASSWORD = re.compile(
    r"(\b[a-z][a-z0-9+.-]{1,20}://[^\s:/@]{0,100}:)([^\s@/]{1,200})(?=@)", re.IGNORECASE
)
_AUTHORIZATION = re.compile(r"\b(bearer|basic)[ \t]+[A-Za-z0-9._~+/=-]{8,2000}", re.IGNORECASE)
# Tokens that name their issuer: cloud keys, source hosts, chat, payment, and JSON web tokens.
_TOKENS = re.compile(
    r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b"
    r"|\bgh[pousr]_[A-Za-z0-9]{30,255}\b|\bgithub_pat_[A-Za-z0-9_]{30,255}\b"
    r"|\bglpat-[A-Za-z0-9_-]{20,100}\b"
    r"|\bxox[abprs]-[A-Za-z0-9-]{10,200}\b"
    r"|\bsk_(?:live|test)_[A-Za-z0-9]{16,200}\b|\bsk-[A-Za-z0-9_-]{32,200}\b"
    r"|\bAIza[A-Za-z0-9_-]{35}\b"
    r"|\beyJ[A-Za-z0-9_-]{8,2000}\.[A-Za-z0-9_-]{4,4000}\.[A-Za-z0-9_-]{0,2000}"
)
# The names of SSH algorithms look like addresses of the projects that made them.
_EMAIL = re.compile(
    r"(?<![A-Za-z0-9._%+-])[A-Za-z0-9._%+-]{1,64}@"
    r"(?!(?:openssh\.com|libssh\.org|lysator\.liu\.se)\b)"
    r"(?:[A-Za-z0-9-]{1,63}\.){1,8}[A-Za-z]{2,24}(?![A-Za-z0-9-])"
)
_SSN = re.compile(r"(?<![\w.-])(?!000|666|9\d\d)\d{3}([- ])(?!00)\d\d\1(?!0000)\d{4}(?![\w-])")
_SSN_NAMED = re.compile(
    r"\b(ssn|social security(?: number| no\.?)?)([\s:=#]{1,5})\d{9}\b", re.IGNORECASE
)
_PHONE = re.compile(
    r"(?<![\w.+/-])(?:\+\d{1,3}[ .-]?)?(?:\(\d{3}\)[ .-]?|\d{3}[ .-])\d{3}[ .-]\d{4}(?![\w/-]|\.\d)"
)
_MRN = re.compile(
    r"\b(mrn|medical[ _-]record(?:[ _-](?:number|no\.?|id))?|patient[ _-]?(?:id|number|no\.?))"
    r"([\s:=#]{1,5})(?=[A-Z0-9-]{0,20}\d)[A-Z0-9][A-Z0-9-]{3,20}\b",
    re.IGNORECASE,
)
_BORN = re.compile(
    r"\b(dob|date of birth|birth ?date|born)([\s:=]{1,5})\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}\b",
    re.IGNORECASE,
)
_CARD = re.compile(r"(?<![\w.-])\d(?:[ -]?\d){12,18}(?![\w-]|\.\d)")


def _constant(kind: str) -> Callable[[_Match], str]:
    return lambda _: _mark(kind)


def _after_name(kind: str) -> Callable[[_Match], str]:
    return lambda found: f"{found[1]}{found[2]}{_mark(kind)}"


def _unless(harmless: Callable[[_Match], bool]) -> Callable[[_Match], str]:
    """Remove group 2, the value after the name in group 1, unless it is no secret."""

    def replaced(found: _Match) -> str:
        if _MARK.match(found.string, found.start(2)) or harmless(found):
            return found[0]
        return f"{found[1]}{_mark('secret')}"

    return replaced


def _card(found: _Match) -> str:
    digits = [int(char) for char in found[0] if char.isdigit()]
    return _mark("card") if _luhn(digits) and len(set(digits)) > 1 else found[0]


def _luhn(digits: list[int]) -> bool:
    doubled = [digit * 2 - 9 if digit > 4 else digit * 2 for digit in digits[-2::-2]]
    return (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0


_RULES: tuple[tuple[re.Pattern[str], Callable[[_Match], str]], ...] = (
    (_PRIVATE_KEY, _constant("private key")),
    (_CRYPT, _constant("password hash")),
    (_URL_PASSWORD, _unless(lambda _: False)),
    (_AUTHORIZATION, lambda found: f"{found[1]} {_mark('secret')}"),
    (_TOKENS, _constant("token")),
    *((pattern, _unless(harmless)) for pattern, harmless in secret_words.RULES),
    (_EMAIL, _constant("e-mail")),
    (_SSN, _constant("SSN")),
    (_SSN_NAMED, _after_name("SSN")),
    (_MRN, _after_name("record number")),
    (_BORN, _after_name("date of birth")),
    (_CARD, _card),
    (_PHONE, _constant("phone")),
)


# Short texts that were found to hold nothing, and nothing else: the same words come again with
# every result, on their way into each table. Emptied when full.
_HARMLESS: set[str] = set()
HARMLESS_MAX = 2048
HARMLESS_CHARS_MAX = 64


def text(raw: str) -> str:
    """`raw` with secrets and personal data replaced by what they were."""
    if raw in _HARMLESS:
        return raw
    scrubbed = raw
    if _KEY_END.search(raw):
        scrubbed = _without_key_ends(_PRIVATE_KEY.sub(_mark("private key"), raw))
    for pattern, replacement in _RULES:
        scrubbed = pattern.sub(replacement, scrubbed)
    if scrubbed == raw and len(raw) <= HARMLESS_CHARS_MAX:
        if len(_HARMLESS) >= HARMLESS_MAX:
            _HARMLESS.clear()
        _HARMLESS.add(raw)
    return scrubbed


def value(raw: Json) -> Json:
    """A JSON value with every text in it scrubbed, keys included: a host may have named them."""
    if isinstance(raw, str):
        return text(raw)
    if isinstance(raw, Mapping):
        return {text(key): value(item) for key, item in raw.items()}
    if isinstance(raw, list | tuple):
        return [value(item) for item in raw]
    return raw


def result(raw: Result) -> Result:
    """A scrubbed result. The digest is that of these facts; where none of them had to change, it
    is left as it was, for a heartbeat may name the digest of facts that it leaves out."""
    facts = value(raw.facts)
    same = facts == raw.facts
    return replace(
        raw,
        summary=_within(text(raw.summary), bundle.SUMMARY_BYTES_MAX),
        facts=facts,
        facts_digest=raw.facts_digest if same else canonical.digest(facts),
    )


def action(raw: Action) -> Action:
    """An action whose every text is scrubbed, and still as short as evidence wants it."""
    return replace(
        raw,
        step=_within(text(raw.step), bundle.TITLE_BYTES_MAX),
        target=_within(text(raw.target), bundle.TARGET_BYTES_MAX),
        output=_within(text(raw.output), bundle.OUTPUT_BYTES_MAX),
        diff=_within(text(raw.diff), bundle.DIFF_BYTES_MAX),
        error=None if raw.error is None else _within(text(raw.error), bundle.ERROR_BYTES_MAX),
    )


def record(raw: IncidentRecord) -> IncidentRecord:
    """A scrubbed record, still within what one record may hold."""
    return replace(
        raw,
        before=result(raw.before),
        after=None if raw.after is None else result(raw.after),
        decision=value(raw.decision),
        actions=incidents.fitting(tuple(action(one) for one in raw.actions)),
    )


def incident(raw: Incident) -> Incident:
    """As `record`, of the incident as the appliance keeps it."""
    return replace(
        raw,
        before=result(raw.before),
        after=None if raw.after is None else result(raw.after),
        decision=value(raw.decision),
        actions=tuple(action(one) for one in raw.actions),
    )


def _within(scrubbed: str, bytes_max: int) -> str:
    """A mark may be longer than what it stands for."""
    data = scrubbed.encode()
    return scrubbed if len(data) <= bytes_max else data[:bytes_max].decode(errors="ignore")


def _without_key_ends(raw: str) -> str:
    kept: list[str] = []
    for line in raw.split("\n"):
        if not _KEY_END.search(line):
            kept.append(line)
            continue
        while kept and _KEY_LINE.fullmatch(kept[-1]):
            kept.pop()
        kept.append(_mark("private key"))
    return "\n".join(kept)
