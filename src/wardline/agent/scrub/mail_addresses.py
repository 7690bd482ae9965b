"""E-mail addresses, found from their @: what looks like one on both sides of it."""

import re
from collections.abc import Iterator

from wardline.agent.scrub.marks import Kind

# RFC 5321, 4.5.3.1.1: what stands before the @ has at most 64 octets.
LOCAL_CHARS_MAX = 64
_SIGN = re.compile("@|%40")
_LOCAL = re.compile(r"[\w.%+-]+\Z")
_LOCAL_CHAR = re.compile(r"[\w.%+-]")
# The names of SSH algorithms look like addresses of the projects that made them; units of systemd
# and files have an @ and a dot as well.
_DOMAIN = re.compile(
    r"(?!(?:openssh\.com|libssh\.org|lysator\.liu\.se)\b)"
    r"(?:[\w-]{1,63}\.){1,8}(?!(?:service|socket|timer|target|mount|automount|swap|path|slice|scope"
    r"|device|conf|log|so|py|js|css|sh|png|jpe?g|gif|svg|webp|json|ya?ml|xml|txt|html?|gz|tgz|zip"
    r"|tmp|bak|patch|lock|pid|sock)\b)[^\W\d_]{2,24}(?![\w-])",
    re.IGNORECASE,
)


def found(text: str) -> Iterator[tuple[int, int, Kind, str]]:
    """Where addresses stand in a folded text, and what they are in lower case."""
    if "@" not in text and "%40" not in text:
        return
    for sign in _SIGN.finditer(text):
        domain = _DOMAIN.match(text, sign.end())
        if domain is None:
            continue
        floor = max(0, sign.start() - LOCAL_CHARS_MAX)
        local = _LOCAL.search(text, floor, sign.start())
        if local is None:
            continue
        start = local.start()
        if start == floor > 0 and _LOCAL_CHAR.match(text, floor - 1):
            continue
        value = f"{text[start : sign.start()]}@{domain[0]}"
        yield start, domain.end(), Kind.EMAIL, value.casefold()
