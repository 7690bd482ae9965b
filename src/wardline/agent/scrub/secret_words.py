"""The ways in which configuration, commands and prose name a secret before they tell it.

Each rule knows when the value is no secret after all: `PermitEmptyPasswords=no` is a fact.
"""

import re

from wardline.agent.scrub.marks import Kind
from wardline.agent.scrub.rules import Match, Rule

VALUE_CHARS_MAX = 4000
COMMAND_CHARS_MAX = 300
PATH_CHARS_MAX = 256
NAME_CHARS_MAX = 130

# Before `key`, where that is a secret one.
_SECRET_KEY = "|".join(
    f"(?<={word}{sign})"
    for word in (
        *("api", "access", "account", "secret", "private", "master", "encryption", "signing"),
        *("session", "shared"),
    )
    for sign in ("", "_", "-")
)
# Short words are the ends of others (bypass, compass): here they stand alone, behind a `_`, or
# behind a name that only ever comes before a password.
_SHORT = (
    r"(?:(?<![a-z0-9])|(?<=db)|(?<=pg)|(?<=my)|(?<=sql)|(?<=ftp)|(?<=smtp)|(?<=ldap)|(?<=bind)"
    r"|(?<=root)|(?<=user)|(?<=admin)|(?<=require))(?:pass|pwd|pw|psk)"
)
_NAMES = (
    r"password|passwd|passphrase|passcode|secret(?:_?key_?base)?|credential|token|community"
    rf"|masterauth|(?:{_SECRET_KEY})key|{_SHORT}"
)
# In quotes, in quotes that are inside a quoted text, or up to a blank or the end of a JSON value.
_VALUE = (
    rf"(?P<v>\"(?:[^\"\\\n]|\\.){{1,{VALUE_CHARS_MAX}}}\""
    rf"|\\\"[^\"\\\n]{{1,{VALUE_CHARS_MAX}}}(?=\\\")"
    rf"|'[^'\n]{{1,{VALUE_CHARS_MAX}}}'"
    rf"|(?:[^\s\",]|,(?!\")|\"(?![,:}}\]])){{3,{VALUE_CHARS_MAX}}})"
)
_ASSIGNED = re.compile(
    rf"(?P<n>(?:{_NAMES})s?\\?[\"']?[ \t]{{0,8}}(?::=|=>|=|:)[ \t]{{0,8}}){_VALUE}"
)
_DIRECTIVE = re.compile(
    r"(?P<n>(?:bindpw|community6?|requirepass|masterauth|wpa_psk"
    rf"|_(?:password|passwd|passphrase|secret|token|pwd|pass))[ \t]{{1,8}})(?![=:]){_VALUE}"
)
_DIRECTIVE_BEFORE = re.compile(
    r"(?:\A|[^\w./-])(?:[a-z0-9]{1,30}(?:_[a-z0-9]{1,30}){0,3}|r[ow]|trap|root)?\Z"
)
_PASS_BEFORE = re.compile(
    r"(?:\A|[^\w./-])(?:db|smtp|mail|ldap|sql|ftp|http|proxy|root|admin|user|auth|sasl)\Z"
)
_LOGIN = re.compile(r"\blogin[ \t]{1,8}\S{1,200}[ \t\n]{1,8}password[ \t]{1,8}(?P<v>\S{1,500})")
_OPTION = re.compile(
    r"(?:(?<!\S)|(?<=\s-)|(?<=^-))"
    r"(?P<n>-(?:password|passwd|passphrase|token|secret|api-key)(?:=|[ \t]{1,4}))(?P<v>\S{1,500})",
    re.MULTILINE,
)
_ARGUMENT = re.compile(
    rf"\b(?:sshpass\b[^\n|;&]{{0,{COMMAND_CHARS_MAX}}}?[ \t]-p[ \t]{{0,4}}"
    rf"|ldap[a-z]{{3,9}}\b[^\n|;&]{{0,{COMMAND_CHARS_MAX}}}?[ \t]-w[ \t]{{0,4}}"
    # To mysql a -p that stands alone means that it will ask; what follows is the database.
    rf"|(?:mysql|mariadb)[a-z-]{{0,12}}\b[^\n|;&]{{0,{COMMAND_CHARS_MAX}}}?[ \t]-p"
    rf"|curl\b[^\n|;&]{{0,{COMMAND_CHARS_MAX}}}?[ \t](?:-u|-U|--user|--proxy-user)"
    r"[ \t=]{0,4}[\"']?[^\s:\"']{1,100}:)"
    r"(?P<v>[^\s\"']{1,500})"
)
_SPOKEN = re.compile(
    r"\b(?:password|passphrase|passcode|pin|pwd)[ \t]{1,4}(?:is|was)[ \t]{1,4}(?P<v>\S{3,500})"
)
_STATEMENT = re.compile(
    r"\b(?:identified[ \t]{1,4}by(?:[ \t]{1,4}password)?|password|psk)[ \t]{1,4}"
    rf"(?P<v>'[^'\n]{{1,{VALUE_CHARS_MAX}}}'|\"[^\"\n]{{1,{VALUE_CHARS_MAX}}}\")"
)
_SNMP_USER = re.compile(
    r"\bcreateuser[ \t]{1,4}\S{1,64}[ \t]{1,4}(?:md5|sha(?:-\d{3})?)[ \t]{1,4}"
    r"(?P<v>\S[^\n]{2,500})"
)

_FACT = re.compile(
    r"yes|no|true|false|none|null|required|requisite|sufficient|optional|include|substack|enabled"
    r"|disabled|removed|missing|files|compat|exop|md5|crypt|clear|ask|prompt|default|unset|empty"
    r"|hidden|redacted|filtered|masked|expired"
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
# A list or an object: what is secret in it has a name of its own there.
_STRUCTURE = re.compile(r"[{\[]\s{0,4}\\?\"|\[\w{1,60}\(")
_COUNT = re.compile(r"\d+(?:\.\d+)?[.,;]?")
_KNOWN_PATH = re.compile(
    r"/(?:bin|boot|dev|etc|home|lib|media|mnt|opt|proc|root|run|sbin|srv|sys|tmp|usr|var)"
    r"(?:/[\w.@%+~-]*)*[,;]?"
)
_PATH_BEFORE = re.compile(r"(?<![\w./-])/(?:[\w.@+-]+/)+[\w.@+-]*$")


def _fact(found: Match) -> bool:
    """Words that say whether there is a secret, where it stands, or how many there are."""
    name, value = found["n"], found["v"]
    bare = value.strip("\"',;.)}]\\[<>_*").lower()
    counted = name.rstrip(" \t=:>\"'\\").endswith("s") and _COUNT.fullmatch(value)
    if _STRUCTURE.match(value):
        return True
    known = _FACT.fullmatch(bare) or _KNOWN_PATH.fullmatch(value.strip("\"'"))
    return not bare or known is not None or bool(counted) or _ends_a_path(found)


def _before(found: Match, chars_max: int) -> str:
    start = found.start("n")
    return found.string[max(0, start - chars_max) : start]


def _ends_a_path(found: Match) -> bool:
    """`/etc/passwd: does not exist` is about the file of that name."""
    before = _before(found, PATH_CHARS_MAX)
    return found["n"].endswith(": ") and _PATH_BEFORE.search(before) is not None


def _prose(value: str) -> bool:
    bare = value.strip("\"',;:.!?()").lower()
    return (_PROSE.fullmatch(bare) or _FACT.fullmatch(bare)) is not None


def _unless_fact(found: Match) -> str | None:
    return None if _fact(found) else found["v"]


def _directive(found: Match) -> str | None:
    is_short = found["n"].rstrip() == "_pass"
    form = _PASS_BEFORE if is_short else _DIRECTIVE_BEFORE
    if not form.search(_before(found, NAME_CHARS_MAX)):
        return None
    return None if _fact(found) or _prose(found["v"]) else found["v"]


def _unless_prose(found: Match) -> str | None:
    return None if _prose(found["v"]) else found["v"]


RULES: tuple[Rule, ...] = (
    Rule(
        Kind.SECRET,
        _OPTION,
        ("-pass", "-token", "-secret", "-api-key"),
        value=_unless_fact,
        exact=True,
    ),
    Rule(
        Kind.SECRET,
        _ASSIGNED,
        (
            *("pass", "pwd", "pw", "psk", "secret", "credential", "token", "key", "community"),
            *("masterauth",),
        ),
        value=_unless_fact,
        exact=True,
    ),
    Rule(
        Kind.SECRET,
        _DIRECTIVE,
        (
            *("bindpw", "community", "requirepass", "masterauth", "wpa_psk", "_pass", "_secret"),
            *("_token", "_pwd"),
        ),
        value=_directive,
        exact=True,
    ),
    Rule(Kind.SECRET, _LOGIN, ("login",), exact=True),
    Rule(Kind.SECRET, _ARGUMENT, ("sshpass", "ldap", "mysql", "mariadb", "curl"), exact=True),
    Rule(Kind.SECRET, _SPOKEN, ("pass", "pin ", "pwd "), value=_unless_prose, exact=True),
    Rule(
        Kind.SECRET,
        _STATEMENT,
        ("identified", "password", "psk"),
        value=_unless_prose,
        exact=True,
    ),
    Rule(Kind.SECRET, _SNMP_USER, ("createuser",), exact=True),
)
