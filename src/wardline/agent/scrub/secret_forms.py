"""Secrets that are known by their own form: keys, hashes, tokens of known issuers, cookies."""

import re

from wardline.agent.scrub.marks import Kind
from wardline.agent.scrub.rules import Match, Rule

_KEY_NAME = r"(?:[A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?|OpenVPN Static key V1)"
PRIVATE_KEY = re.compile(
    rf"(?P<v>-----BEGIN {_KEY_NAME}-----(?:(?!-----END)[\s\S]){{0,20000}}"
    rf"(?:-----END {_KEY_NAME}-----)?)"
)
# What is left of a key whose beginning was cut away: its last lines, found from behind.
KEY_END = re.compile(rf"-----END {_KEY_NAME}-----")
KEY_LINE = re.compile(r"[-+ ]?[A-Za-z0-9+/=]{1,100}\r?")
# Lines of a key in the middle of a diff, where neither end is shown. What follows BEGIN CERTIFICATE
# or PUBLIC KEY is public.
_KEY_BODY = re.compile(
    r"^[-+ ]?(?P<v>(?:[A-Za-z0-9+/]{64}|[A-Za-z0-9+/]{70}|[A-Za-z0-9+/]{76}))\r?$", re.MULTILINE
)
_PUBLIC_BLOCK = re.compile(r"-----(?:BEGIN|END) (?:CERTIFICATE|[A-Z0-9 ]{0,20}PUBLIC KEY|X509 CRL)")
_BLOCK_CHARS = 8192
WORD_CHARS_MAX = 24
# crypt(3) as in /etc/shadow: $id$[parameters$]salt$hash; htpasswd's; LDAP's; and those of Windows.
_CRYPT = re.compile(
    r"(?P<v>\$(?:1|2[abxy]?|5|6|7|y|gy|apr1|argon2(?:id|i|d))\$[./A-Za-z0-9$=,+]{8,300})"
)
_LDAP_HASH = re.compile(
    r"(?P<v>\{(?:ssha|sha|smd5|md5|crypt|pbkdf2)\d{0,3}\}[a-z0-9+/=$.-]{16,300})"
)
_WINDOWS_HASH = re.compile(r":(?P<v>[0-9a-fA-F]{32}:[0-9a-fA-F]{32}):::")
_URL_PASSWORD = re.compile(r"(?<=[a-z0-9])://[^\s:/@]{0,100}:(?P<v>[^\s@/]{1,200})(?=@)")
_AUTHORIZATION = re.compile(
    r"\b(?:bearer[ \t]+|(?:basic|negotiate|ntlm|digest)[ \t]+(?=[a-z0-9._~+/=-]{8}))"
    r"(?P<v>(?<=r[ \t])[^\s\"',;]{8,4000}|[a-z0-9._~+/=-]{8,4000})"
)
_COOKIE = re.compile(r"cookie[\"']?[ \t]{0,4}[:=][ \t]{0,4}[\"'\[]{0,2}(?P<v>[^\r\n\"']{6,4000})")
_SESSION = re.compile(
    r"(?:(?:phpsess|jsession|asp\.net_session|session_?)id|connect\.sid)=(?P<v>[\w.%~+/=-]{16,500})"
)
_SIGNED_URL = re.compile(
    r"(?<=[?&;])(?:sig|x-amz-signature|x-amz-security-token|x-goog-signature)="
    r"(?P<v>[a-z0-9%/+=_-]{20,2000})"
)
# Tokens that name their issuer: cloud keys, source hosts, chat, mail, payment, and JSON web tokens.
_TOKENS = re.compile(
    r"(?<![A-Za-z0-9])(?P<v>(?:AKIA|ASIA)[A-Z0-9]{16}(?![A-Za-z0-9])"
    r"|gh[pousr]_[A-Za-z0-9]{30,255}\b|github_pat_[A-Za-z0-9_]{30,255}\b"
    r"|glpat-[A-Za-z0-9_-]{20,100}|npm_[A-Za-z0-9]{36}\b|pypi-[A-Za-z0-9_-]{32,400}"
    r"|xox[abeprs]-[A-Za-z0-9-]{10,200}|xapp-[A-Za-z0-9-]{10,200}"
    r"|[sr]k_(?:live|test)_[A-Za-z0-9]{16,200}\b|sk-[A-Za-z0-9_-]{32,200}"
    r"|AIza[A-Za-z0-9_-]{35}|ya29\.[A-Za-z0-9_-]{20,400}|GOCSPX-[A-Za-z0-9_-]{20,60}"
    r"|SG\.[A-Za-z0-9_-]{16,32}\.[A-Za-z0-9_-]{30,64}|hv[sb]\.[A-Za-z0-9_-]{20,200}"
    r"|do[op]_v1_[a-f0-9]{64}|dckr_pat_[A-Za-z0-9_-]{20,60}|AGE-SECRET-KEY-1[A-Z0-9]{50,70}"
    r"|(?:(?<![_-])|(?<=^-))eyJ[A-Za-z0-9_-]{8,4000}\.[A-Za-z0-9_-]{4,4000}(?:\.[A-Za-z0-9_-]{0,2000}){0,3})",
    re.MULTILINE,
)
_HOOK = re.compile(
    r"(?:hooks\.slack\.com/(?:services|workflows)|discord(?:app)?\.com/api/webhooks)/"
    r"(?P<v>[A-Za-z0-9/_-]{20,120})"
)
_PREFIXES = (
    *("akia", "asia", "ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_", "glpat-", "npm_"),
    *("pypi-", "xox", "xapp-", "sk_live_", "rk_live_", "sk_test_", "rk_test_", "sk-", "aiza"),
    *("ya29.", "gocspx-", "sg.", "hvs.", "hvb.", "dop_v1_", "doo_v1_", "dckr_pat_"),
    *("age-secret-key-", "eyj"),
)


def _key_body(found: Match) -> str | None:
    line = found["v"]
    if not all(any(map(kind, line)) for kind in (str.isupper, str.islower, str.isdigit)):
        return None
    start = found.start("v")
    is_public = _PUBLIC_BLOCK.search(found.string, max(0, start - _BLOCK_CHARS), start)
    return None if is_public else line


def _session(found: Match) -> str | None:
    """Sessions that are counted are none that somebody could take over."""
    return None if found["v"].isdigit() else found["v"]


def _authorization(found: Match) -> str | None:
    """`Basic authentication` is about it."""
    value = found["v"]
    bare = value.rstrip(".:)]")
    return None if bare.isalpha() and len(bare) < WORD_CHARS_MAX else value


RULES: tuple[Rule, ...] = (
    Rule(Kind.PRIVATE_KEY, PRIVATE_KEY, shapes=(b"-----AAAAA",), exact=True),
    Rule(Kind.PASSWORD_HASH, _CRYPT, shapes=(b"$0", b"$a"), exact=True),
    Rule(Kind.PASSWORD_HASH, _LDAP_HASH, ("{s", "{m", "{c", "{p"), exact=True),
    Rule(Kind.PASSWORD_HASH, _WINDOWS_HASH, shapes=(b":::",), exact=True),
    Rule(Kind.SECRET, _URL_PASSWORD, ("://",), exact=True),
    Rule(
        Kind.SECRET,
        _AUTHORIZATION,
        ("bearer", "basic", "negotiate", "ntlm", "digest"),
        value=_authorization,
        exact=True,
    ),
    Rule(Kind.SECRET, _COOKIE, ("cookie",), exact=True),
    Rule(
        Kind.SECRET,
        _SESSION,
        ("phpsess", "jsession", "asp.net_session", "session", "connect.sid"),
        value=_session,
        exact=True,
    ),
    Rule(Kind.SECRET, _SIGNED_URL, ("sig=", "x-amz-", "x-goog-"), exact=True),
    Rule(Kind.TOKEN, _TOKENS, _PREFIXES, exact=True, cased=True),
    Rule(Kind.TOKEN, _HOOK, ("hooks.slack", "discord"), exact=True, cased=True),
    Rule(
        Kind.PRIVATE_KEY,
        _KEY_BODY,
        value=_key_body,
        exact=True,
    ),
)
