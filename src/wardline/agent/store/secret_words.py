"""The ways in which configuration, commands and prose name a secret before they tell it.

Each rule is a pattern with the name in group 1 and the value in group 2, and a judge that says
when the value is no secret after all: `PermitEmptyPasswords=no` is a fact.
"""

import re
from collections.abc import Callable

_Match = re.Match[str]
_Rule = tuple[re.Pattern[str], Callable[[_Match], bool]]

VALUE_CHARS_MAX = 4000
COMMAND_CHARS_MAX = 300
PATH_CHARS_MAX = 256

_LONG = (
    r"password|passwd|passphrase|passcode|secret|credential|token"
    r"|(?:api|access|secret|private|master|encryption|signing|session|shared)[_-]?key"
    r"|secret_?key_?base|bindpw|requirepass|masterauth|community"
)
# Short words are the ends of others (bypass, compass): here they stand alone, behind a `_`, or
# behind a name that only ever comes before a password.
_SHORT = (
    r"(?:(?<![A-Za-z0-9])|(?<=db)|(?<=pg)|(?<=my)|(?<=sql)|(?<=ftp)|(?<=smtp)|(?<=ldap)"
    r"|(?<=root)|(?<=user)|(?<=admin))(?:pass|pwd|pw|psk)"
)
_VALUE = (
    rf"(\"(?:[^\"\\\n]|\\.){{1,{VALUE_CHARS_MAX}}}\""
    rf"|'[^'\n]{{1,{VALUE_CHARS_MAX}}}'"
    rf"|\S{{3,{VALUE_CHARS_MAX}}})"
)
_ASSIGNED = re.compile(
    rf"((?:{_LONG}|{_SHORT})s?[\"']?[ \t]{{0,8}}(?::=|=>|=|:)[ \t]{{0,8}}){_VALUE}", re.IGNORECASE
)
_DIRECTIVE = re.compile(
    r"(?<![\w./-])((?:"
    r"(?:root)?bindpw|r[ow]community6?|trapcommunity|requirepass|masterauth|wpa_psk"
    r"|[A-Za-z0-9]{1,30}(?:_[A-Za-z0-9]{1,30}){0,3}_(?:password|passwd|passphrase|secret|token|pwd)"
    r"|(?:db|smtp|mail|ldap|sql|ftp|http|proxy|root|admin|user|auth|sasl)_pass"
    rf")[ \t]{{1,8}})(?![=:]){_VALUE}",
    re.IGNORECASE,
)
_LOGIN = re.compile(r"(\blogin[ \t]{1,8}\S{1,200}[ \t\n]{1,8}password[ \t]{1,8})(\S{1,500})")
_OPTION = re.compile(
    r"(?<!\S)(--?(?:password|passwd|passphrase|token|secret|api-key)(?:=|[ \t]{1,4}))(\S{1,500})",
    re.IGNORECASE,
)
_ARGUMENT = re.compile(
    rf"(\b(?:sshpass\b[^\n|;&]{{0,{COMMAND_CHARS_MAX}}}?[ \t]-p[ \t]{{0,4}}"
    rf"|ldap[a-z]{{3,9}}\b[^\n|;&]{{0,{COMMAND_CHARS_MAX}}}?[ \t]-w[ \t]{{0,4}}"
    # To mysql a -p that stands alone means that it will ask; what follows is the database.
    rf"|(?:mysql|mariadb)[a-z-]{{0,12}}\b[^\n|;&]{{0,{COMMAND_CHARS_MAX}}}?[ \t]-p"
    rf"|curl\b[^\n|;&]{{0,{COMMAND_CHARS_MAX}}}?[ \t](?:-u|-U|--user|--proxy-user)"
    r"[ \t=]{0,4}[\"']?[^\s:\"']{1,100}:))"
    r"([^\s\"']{1,500})"
)
_SPOKEN = re.compile(
    r"(\b(?:password|passphrase|passcode|pin|pwd)[ \t]{1,4}(?:is|was)[ \t]{1,4})(\S{3,500})",
    re.IGNORECASE,
)

_FACT = re.compile(
    r"yes|no|true|false|none|null|required|requisite|sufficient|optional|include|substack|enabled"
    r"|disabled|removed|missing|files|compat|exop|md5|crypt|clear|ask|prompt|default|unset|empty"
    r"|hidden|redacted"
)
_PROSE = re.compile(
    r"accepted|allowed|already|also|always|any|asked|bad|based|being|blank|changed|checked"
    r"|cleartext|correct|different|easy|encrypted|enough|entered|equal|expired|forbidden|found"
    r"|given|good|hashed|incorrect|invalid|just|kept|known|less|locked|long|longer|made|more|much"
    r"|needed|never|not|now|older|one|only|plain|present|prohibited|protected|read|refused|rejected"
    r"|requested|reset|rotated|safe|same|sent|set|short|shorter|shown|similar|simple|still|stored"
    r"|strong|stronger|taken|that|the|there|too|typed|unchanged|unknown|unsafe|used|valid|weak"
    r"|weaker|wrong|your"
)
_COUNT = re.compile(r"\d+[.,;]?")
_KNOWN_PATH = re.compile(
    r"/(?:bin|boot|dev|etc|home|lib|media|mnt|opt|proc|root|run|sbin|srv|sys|tmp|usr|var)"
    r"(?:/[\w.@%+~-]*)*[,;]?"
)
_PATH_BEFORE = re.compile(r"(?<![\w./-])/(?:[\w.@+-]+/)+[\w.@+-]*$")


def _says_a_fact(found: _Match) -> bool:
    """Words that say whether there is a secret, where it stands, or how many there are."""
    name, value = found[1], found[2]
    bare = value.strip("\"',;.)").lower()
    counted = name.rstrip(" \t=:>\"'").lower().endswith("s") and _COUNT.fullmatch(value)
    known = _FACT.fullmatch(bare) or _KNOWN_PATH.fullmatch(value)
    return known is not None or bool(counted) or _ends_a_path(found)


def _ends_a_path(found: _Match) -> bool:
    """`/etc/passwd: does not exist` is about the file of that name."""
    before = found.string[max(0, found.start(1) - PATH_CHARS_MAX) : found.start(1)]
    return found[1].endswith(": ") and _PATH_BEFORE.search(before) is not None


def _is_prose(found: _Match) -> bool:
    bare = found[2].strip("\"',;:.!?()").lower()
    return (_PROSE.fullmatch(bare) or _FACT.fullmatch(bare)) is not None


def _is_any_word(found: _Match) -> bool:
    return _says_a_fact(found) or _is_prose(found)


def _never(_: _Match) -> bool:
    return False


RULES: tuple[_Rule, ...] = (
    (_OPTION, _says_a_fact),
    (_ASSIGNED, _says_a_fact),
    (_DIRECTIVE, _is_any_word),
    (_LOGIN, _never),
    (_ARGUMENT, _never),
    (_SPOKEN, _is_prose),
)
