"""The conformance cases of rules, made once per process for all sites that have the same ones."""

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Sequence
from typing import Any

from wardline.core import canonical
from wardline.core.canonical import Json
from wardline.core.policy import compiled, covering, opening, parse
from wardline.core.policy.rule import Policy

SETS_KEPT_MAX = 256
BYTES_KEPT_MAX = 32 << 20


class Cases:
    """Asked on threads that may wait; of many that ask for the same set, one makes it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._held: OrderedDict[str, tuple[dict[str, Json], int]] = OrderedDict()
        self._making: dict[str, threading.Lock] = {}

    def of(self, rules: Sequence[Any], zone: str, revision: int) -> dict[str, Json]:
        """The cases of rules in wire form, as they stand in a snapshot."""
        key = hashlib.sha256(canonical.dumps([zone, revision, list(rules)])).hexdigest()
        with self._lock:
            if (held := self._taken(key)) is not None:
                return held
            maker = self._making.setdefault(key, threading.Lock())
        with maker:
            with self._lock:
                if (held := self._taken(key)) is not None:
                    return held
            cases = made(rules, zone, revision)
            with self._lock:
                self._put(key, cases)
                self._making.pop(key, None)
            return cases

    def _taken(self, key: str) -> dict[str, Json] | None:
        held = self._held.get(key)
        if held is None:
            return None
        self._held.move_to_end(key)
        return held[0]

    def _put(self, key: str, cases: dict[str, Json]) -> None:
        self._held[key] = cases, len(canonical.dumps(cases))
        while len(self._held) > 1 and self._is_full():
            self._held.popitem(last=False)

    def _is_full(self) -> bool:
        kept = sum(size for _, size in self._held.values())
        return len(self._held) > SETS_KEPT_MAX or kept > BYTES_KEPT_MAX


def made(rules: Sequence[Any], zone: str, revision: int) -> dict[str, Json]:
    """The cases of rules in wire form, decided by this Central's own evaluator."""
    parsed = tuple(parse.rule(rule) for rule in rules)
    index = compiled.build(Policy(parsed, revision))
    found = covering.cover(parsed, index, zone)
    return {
        "zone": zone,
        "opening_hours": [opening.wire(span) for span in covering.OPENING_HOURS],
        "rows": list(found.rows),
        "without": found.without,
    }
