"""What an auditor brings along: keys and checkpoints from outside the export, as keys.txt.

One item a line, fields separated by single spaces; blank lines and lines from `#` on are comments:
    log <origin> <key id> <base64 of the 32 raw bytes>
    appliance <appliance id> <key id> <base64>      the key that signs its bundles
    witness <appliance id> <key id> <base64>        the key that cosigns checkpoints
    checkpoint <origin> <size> <base64 of the root> a tree head seen before
"""

import base64
from dataclasses import dataclass, field
from typing import Self

from wardline.core import ids
from wardline.core.errors import Malformed
from wardline.core.evidence import checkpoint, signing
from wardline.core.evidence.checkpoint import Checkpoint

TRUST_BYTES_MAX = 256 * 1024
_FIELDS = 4


@dataclass(frozen=True, slots=True)
class Trust:
    """Keys by the name they belong to (one name may have had several), and held checkpoints."""

    logs: dict[str, frozenset[bytes]] = field(default_factory=dict)
    appliances: dict[str, frozenset[bytes]] = field(default_factory=dict)
    witnesses: dict[str, frozenset[bytes]] = field(default_factory=dict)
    held: tuple[Checkpoint, ...] = ()

    def holding(self, *heads: Checkpoint) -> Self:
        """The same trust with further checkpoints held."""
        return type(self)(self.logs, self.appliances, self.witnesses, (*self.held, *heads))


def line(kind: str, name: str, public: bytes) -> str:
    """The line of a key: `kind` is log, appliance or witness."""
    if kind not in _KINDS:
        raise ValueError(f"a key is of {', '.join(_KINDS)}, not of {kind!r}")
    text = base64.b64encode(public).decode()
    return f"{kind} {name} {signing.key_id(public)} {text}\n"


def checkpoint_line(head: Checkpoint) -> str:
    """The line of a checkpoint that was seen."""
    return f"checkpoint {head.origin} {head.size} {base64.b64encode(head.root).decode()}\n"


def parse(text: str) -> Trust:
    """The trust of a keys.txt; raises Malformed naming the line."""
    if len(text) > TRUST_BYTES_MAX:
        raise Malformed("keys.txt", f"more than {TRUST_BYTES_MAX} characters")
    keys: dict[str, dict[str, frozenset[bytes]]] = {kind: {} for kind in _KINDS}
    held: list[Checkpoint] = []
    for number, raw in enumerate(text.splitlines(), 1):
        item = raw.split("#", 1)[0].strip()
        if not item:
            continue
        try:
            words = item.split(" ")
            if len(words) != _FIELDS:
                raise Malformed("", "not four fields: kind, name, key id, base64")
            if words[0] == "checkpoint":
                held.append(_head(words))
            else:
                _key(words, keys)
        except Malformed as error:
            raise Malformed(f"keys.txt line {number}", error.why) from None
    return Trust(keys["log"], keys["appliance"], keys["witness"], tuple(held))


def _key(words: list[str], keys: dict[str, dict[str, frozenset[bytes]]]) -> None:
    kind, name, key_id, text = words
    if kind not in keys:
        raise Malformed("", f"not one of {', '.join(_KINDS)}, checkpoint: {kind[:40]!r}")
    if kind != "log":
        ids.entity(name, "appl", "name")
    public = signing.unbase64(text, "key", signing.KEY_BYTES)
    if len(public) != signing.KEY_BYTES:
        raise Malformed("", f"a key has {signing.KEY_BYTES} bytes, not {len(public)}")
    if signing.key_id(public) != key_id:
        raise Malformed("", "the key id is not that of the key beside it; one of them was altered")
    keys[kind][name] = keys[kind].get(name, frozenset()) | {public}


def _head(words: list[str]) -> Checkpoint:
    return checkpoint.parse_body("\n".join([*words[1:], ""]).encode())


_KINDS = ("log", "appliance", "witness")
