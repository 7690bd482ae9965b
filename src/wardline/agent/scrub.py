"""Takes secrets and personal data out of text before anything is written or sent.

Every pattern runs in linear time: bounded repeats, no nested ones. What the evidence needs stays:
hashes, package versions, modes, paths, addresses of files.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import replace

from wardline.core import canonical
from wardline.core.canonical import Json
from wardline.core.evidence.bundle import Action, Result

_Pattern = re.Pattern[str]


def _mark(kind: str) -> str:
    return f"[{kind} removed]"


_PRIVATE_KEY = re.compile(
    r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY-----(?:(?!-----END)[\s\S]){0,20000}"
    r"(?:-----END [A-Z0-9 ]{0,40}PRIVATE KEY-----)?"
)
# A crypt(3) hash as in /etc/shadow: $id$[parameters$]salt$hash.
_CRYPT = re.compile(r"\$(?:1|2[abxy]?|5|6|7|y|gy|argon2(?:id|i|d))\$[./A-Za-z0-9$=,+]{8,300}")
_URL_PASSWORD = re.compile(
    r"(\b[a-z][a-z0-9+.-]{1,20}://[^\s:/@]{1,100}:)[^\s@/]{1,200}(?=@)", re.IGNORECASE
)
_AUTHORIZATION = re.compile(r"\b(bearer|basic)[ \t]+[A-Za-z0-9._~+/=-]{8,2000}", re.IGNORECASE)
_ASSIGNED = re.compile(
    r"(?<![A-Za-z0-9])"
    r"((?:[A-Za-z0-9]{1,30}[_.-]){0,3}"
    r"(?:password|passwd|passphrase|pwd|secret|api[_-]?key|access[_-]?key|secret[_-]?key|"
    r"private[_-]?key|auth[_-]?token|token|credential)s?"
    r"[\"']?[ \t]{0,8}(?::=|=>|=|:)[ \t]{0,8})"
    r"(\"[^\"\n]{1,500}\"|'[^'\n]{1,500}'|[^\s\"',;#]{3,500})",
    re.IGNORECASE,
)
_OPTION = re.compile(
    r"(?<!\S)(--?(?:password|passwd|passphrase|token|secret|api-key)(?:=|[ \t]{1,4}))"
    r"((?!\[)\S{1,500})",
    re.IGNORECASE,
)
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


def _constant(kind: str) -> Callable[[re.Match[str]], str]:
    return lambda _: _mark(kind)


def _after_name(kind: str) -> Callable[[re.Match[str]], str]:
    return lambda found: f"{found[1]}{found[2]}{_mark(kind)}"


def _after_key(found: re.Match[str]) -> str:
    return f"{found[1]}{_mark('secret')}"


def _assigned(found: re.Match[str]) -> str:
    """Words that only say whether there is a secret are facts, and facts stay."""
    value = found[2].strip("\"'").lower()
    return found[0] if value in _NO_SECRETS or value.startswith("[") else _after_key(found)


def _card(found: re.Match[str]) -> str:
    digits = [int(char) for char in found[0] if char.isdigit()]
    return _mark("card") if _luhn(digits) and len(set(digits)) > 1 else found[0]


def _luhn(digits: list[int]) -> bool:
    doubled = [digit * 2 - 9 if digit > 4 else digit * 2 for digit in digits[-2::-2]]
    return (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0


_NO_SECRETS = frozenset(
    {
        "yes",
        "no",
        "true",
        "false",
        "none",
        "null",
        "required",
        "requisite",
        "sufficient",
        "optional",
    }
    | {"include", "substack", "enabled", "disabled", "removed", "missing", "files", "compat"}
)
_RULES: tuple[tuple[_Pattern, Callable[[re.Match[str]], str]], ...] = (
    (_PRIVATE_KEY, _constant("private key")),
    (_CRYPT, _constant("password hash")),
    (_URL_PASSWORD, _after_key),
    (_AUTHORIZATION, lambda found: f"{found[1]} {_mark('secret')}"),
    (_TOKENS, _constant("token")),
    (_OPTION, _after_key),
    (_ASSIGNED, _assigned),
    (_EMAIL, _constant("e-mail")),
    (_SSN, _constant("SSN")),
    (_SSN_NAMED, _after_name("SSN")),
    (_MRN, _after_name("record number")),
    (_BORN, _after_name("date of birth")),
    (_CARD, _card),
    (_PHONE, _constant("phone")),
)


def scrub(text: str) -> str:
    """`text` with secrets and personal data replaced by what they were; scrubbing twice is once."""
    for pattern, replacement in _RULES:
        text = pattern.sub(replacement, text)
    return text


def scrub_value(value: Json) -> Json:
    """A JSON value with every text in it scrubbed; keys are ours and stay."""
    if isinstance(value, str):
        return scrub(value)
    if isinstance(value, Mapping):
        return {key: scrub_value(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [scrub_value(item) for item in value]
    return value


def scrub_result(result: Result) -> Result:
    """A result whose summary and facts are scrubbed, and whose digest is that of these facts."""
    facts = scrub_value(result.facts)
    return replace(
        result,
        summary=scrub(result.summary),
        facts=facts,
        facts_digest=canonical.digest(facts),
    )


def scrub_action(action: Action) -> Action:
    """An action whose target, output, diff and error are scrubbed."""
    return replace(
        action,
        target=scrub(action.target),
        output=scrub(action.output),
        diff=scrub(action.diff),
        error=None if action.error is None else scrub(action.error),
    )
