"""The requests of POST /decide out of their bytes, all at once, where nothing in them is unusual.

What `parse.asked` reads of a body stays what counts: this gives the same requests at a tenth of
the cost, or None. A type, length or key that is not as it must be makes it None, so that whatever
is complained of is complained of there, with its path.
"""

from collections.abc import Mapping, Sequence
from itertools import chain
from operator import attrgetter
from typing import Annotated, Any

import msgspec
import orjson
from msgspec import Meta, Struct

from wardline.core.canonical import INTEGER_MAX, Json
from wardline.core.policy import exact, sizes
from wardline.core.policy.request import Initiator
from wardline.core.policy.wire import (
    FACTS_KEYS_MAX,
    LABEL_CHARS_MAX,
    MESSAGE_CHARS_MAX,
    REQUESTS_PER_CALL_MAX,
)
from wardline.core.severity import Severity

# While more than this is read, others are answered.
BYTES_MAX = 1 << 20

# Left out; what was sent as null is None.
_OUT: Any = msgspec.UNSET
_Label = Annotated[str, Meta(min_length=1, max_length=LABEL_CHARS_MAX)]
_Text = Annotated[str, Meta(max_length=MESSAGE_CHARS_MAX)]
_Facts = Annotated[dict[str, Any], Meta(max_length=FACTS_KEYS_MAX)]

# How deep facts lie: in an alert of a request of a list of the body.
_FACTS_NESTED = 5
# Quotation marks of what no request goes without: six keys and five texts; of the body's key.
_QUOTES_EACH, _QUOTES = 22, 2
# Parts as `exact.is_few` counts them: of the body, and at most of a request without its facts.
_PARTS, _PARTS_EACH = 3, 31
_SCALARS = frozenset({str, int, bool, type(None)})


class AlertAsked(Struct, rename="camel", forbid_unknown_fields=True, gc=False):
    """As `wire.AlertWire`."""

    id: _Label
    kpi_id: _Label
    title: _Text
    message: _Text
    severity: Severity
    delta: Any = _OUT
    site_id: _Label | None = _OUT
    host_id: _Label | None = _OUT
    platform: _Label | None = _OUT
    facts: _Facts = _OUT


class OneAsked(Struct, rename="camel", forbid_unknown_fields=True, gc=False):
    """As `wire.AskedWire`."""

    alert: AlertAsked
    action: _Label | None = _OUT
    site: _Label | None = _OUT
    host: _Label | None = _OUT
    initiator: Initiator = _OUT


class _AllAsked(Struct, forbid_unknown_fields=True):
    requests: Annotated[list[OneAsked], Meta(min_length=1, max_length=REQUESTS_PER_CALL_MAX)]


_decoder = msgspec.json.Decoder(_AllAsked)


def at_once(sent: bytes) -> Sequence[OneAsked] | None:
    """The requests of `{"requests": [...]}`; None where it takes a closer look."""
    # Without an escape no text holds a NUL, half a character or a quotation mark.
    if len(sent) > BYTES_MAX or b"\\" in sent:
        return None
    try:
        asked = _decoder.decode(sent).requests
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    labels: list[str] = []
    quotes = _filled(asked, labels)
    if quotes is None or not _are_labels(labels):
        return None
    of_facts = _facts(asked)
    if of_facts is None:
        return None
    # What says something twice has quotation marks that nothing accounts for.
    return asked if sent.count(b'"') == _QUOTES + quotes + of_facts else None


def _filled(asked: list[OneAsked], labels: list[str]) -> int | None:
    """Puts in what was left out, and the labels into a list: how many quotation marks all that
    was sent has, but for what stands in facts; None where a number takes a closer look."""
    quotes = _QUOTES_EACH * len(asked)
    for each in asked:
        alert = each.alert
        labels += (alert.id, alert.kpi_id)
        if (delta := alert.delta) is _OUT:
            alert.delta = None
        elif delta is None or (type(delta) is int and -INTEGER_MAX <= delta <= INTEGER_MAX):
            quotes += 2
        elif type(delta) is float:
            problems: exact.Problems = []
            alert.delta = exact.read(delta, problems)
            quotes += 2
            if problems:
                return None
        else:
            return None
        if alert.facts is _OUT:
            alert.facts = {}
        else:
            quotes += 2
        if each.initiator is _OUT:
            each.initiator = Initiator.SYSTEM
        else:
            quotes += 4
    for name in ("action", "site", "host"):
        quotes += _optional(asked, name, labels)
    alerts = [each.alert for each in asked]
    for name in ("site_id", "host_id", "platform"):
        quotes += _optional(alerts, name, labels)
    return quotes


def _optional(holders: Sequence[Struct], name: str, labels: list[str]) -> int:
    """As `_filled`, for a label that may be left out."""
    read, quotes = attrgetter(name), 0
    for holder in holders:
        text = read(holder)
        if text is _OUT:
            setattr(holder, name, None)
        elif text is None:
            quotes += 2
        else:
            quotes += 4
            labels.append(text)
    return quotes


def _are_labels(texts: list[str]) -> bool:
    """Whether each is printable and has no spaces around it; of what is printable, the space alone
    counts as one."""
    if not "".join(texts).isprintable():
        return False
    lines = "\n".join(["", *texts, ""])
    return "\n " not in lines and " \n" not in lines


def _facts(asked: list[OneAsked]) -> int | None:
    """Makes the numbers of all facts exact: how many quotation marks they have; None where
    something takes a closer look."""
    every = [each.alert.facts for each in asked]
    values = [*chain.from_iterable(map(dict.values, every))]
    kinds = list(map(type, values))
    if not _SCALARS.issuperset(kinds):
        return _deep_facts(asked, every)
    keys = set().union(*every)
    numbers = [value for value in values if type(value) is int]
    if numbers and not -INTEGER_MAX <= min(numbers) <= max(numbers) <= INTEGER_MAX:
        return None
    if any(map(exact.bad_key, keys)) or not _are_few(asked, 2 * len(values)):
        return None
    return 2 * (len(values) + kinds.count(str))


def _deep_facts(asked: list[OneAsked], every: list[dict[str, Json]]) -> int | None:
    if not exact.is_few(every, sizes.ASKED_PARTS_MAX - _parts(asked)):
        return None
    try:
        quotes = orjson.dumps(every).count(b'"')
    except TypeError:
        return None
    problems: exact.Problems = []
    for each in asked:
        read = exact.read(each.alert.facts, problems, "", _FACTS_NESTED)
        if problems or not isinstance(read, Mapping):
            return None
        each.alert.facts = dict(read)
    return quotes


def _are_few(asked: list[OneAsked], of_facts: int) -> bool:
    return _parts(asked) + of_facts <= sizes.ASKED_PARTS_MAX


def _parts(asked: list[OneAsked]) -> int:
    return _PARTS + _PARTS_EACH * len(asked)
