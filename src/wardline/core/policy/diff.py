"""What differs between two sets of rules: per rule, and per field by its path.

A set is given as the rules' bodies in wire form by id, without what a store says of them. A list
is compared whole, because its items have no names to follow them by, and so is a tagged decimal.
Paths are those of RFC 9535: `$.when.severity`, `$.params['unit price']`.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum, StrEnum

from wardline.core import canonical
from wardline.core.canonical import Json
from wardline.core.errors import Conflict
from wardline.core.policy import exact

Body = Mapping[str, Json]
Rules = Mapping[str, Body]

_PLAIN_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class Absent(Enum):
    """A field that is not there, which is something else than one that is null."""

    ABSENT = "absent"


ABSENT = Absent.ABSENT


class Change(StrEnum):
    """What became of a rule."""

    ADDED = "added"
    CHANGED = "changed"
    REMOVED = "removed"


class DoesNotApply(Conflict):
    """A diff that is of other rules than those that it is applied to."""

    code = "diff_does_not_apply"


@dataclass(frozen=True, slots=True)
class FieldChange:
    """A field that is not the same: the names that lead to it, and its value on either side."""

    names: tuple[str, ...]
    before: Json | Absent
    after: Json | Absent

    @property
    def path(self) -> str:
        return "$" + "".join(map(_step, self.names))

    def to_wire(self) -> dict[str, Json]:
        """`before` or `after` is left out where the field is not there."""
        sides = (("before", self.before), ("after", self.after))
        there = {name: exact.plain(value) for name, value in sides if value is not ABSENT}
        return {"path": self.path, **there}


@dataclass(frozen=True, slots=True)
class RuleChange:
    """A rule that is not the same: `before` is None for an added one, `after` for a removed one,
    `fields` stand only in a changed one, by path."""

    rule_id: str
    before: Body | None
    after: Body | None
    fields: tuple[FieldChange, ...] = ()

    @property
    def change(self) -> Change:
        if self.before is None:
            return Change.ADDED
        return Change.REMOVED if self.after is None else Change.CHANGED

    def to_wire(self) -> dict[str, Json]:
        """A changed rule by its fields, another one whole."""
        head: dict[str, Json] = {"id": self.rule_id, "change": self.change.value}
        match self.change:
            case Change.ADDED:
                return head | {"after": exact.plain(self.after)}
            case Change.REMOVED:
                return head | {"before": exact.plain(self.before)}
            case Change.CHANGED:
                return head | {"fields": [each.to_wire() for each in self.fields]}


def between(before: Rules, after: Rules) -> tuple[RuleChange, ...]:
    """Every rule that is not the same in both sets, by id."""
    found = (
        of_rule(rule_id, before.get(rule_id), after.get(rule_id))
        for rule_id in sorted(before.keys() | after.keys())
    )
    return tuple(each for each in found if each is not None)


def outline(before: Rules, after: Rules) -> tuple[RuleChange, ...]:
    """As `between`, without the fields of changed rules."""
    return tuple(
        RuleChange(rule_id, before.get(rule_id), after.get(rule_id))
        for rule_id in sorted(before.keys() | after.keys())
        if not _is_same(before.get(rule_id, ABSENT), after.get(rule_id, ABSENT))
    )


def of_rule(rule_id: str, before: Body | None, after: Body | None) -> RuleChange | None:
    """What became of one rule; None where it is the same."""
    if before is None or after is None:
        return None if before is after else RuleChange(rule_id, before, after)
    fields = tuple(sorted(_fields((), before, after), key=lambda each: each.path))
    return RuleChange(rule_id, before, after, fields) if fields else None


def applied(changes: Iterable[RuleChange], rules: Rules) -> dict[str, Body]:
    """The set that the changes make of `rules`; raises DoesNotApply."""
    made = dict(rules)
    for change in changes:
        held = made.get(change.rule_id)
        if (held is None) != (change.before is None):
            raise DoesNotApply(f"rule {change.rule_id}: is not there as the diff has it")
        if held is None:
            assert change.after is not None, "an added rule has a body"
            made[change.rule_id] = change.after
        elif change.after is None:
            if not _is_same(held, change.before):
                raise DoesNotApply(f"rule {change.rule_id}: is another one than the diff removes")
            del made[change.rule_id]
        else:
            made[change.rule_id] = _rewritten(change, held)
    return made


def _fields(names: tuple[str, ...], before: Body, after: Body) -> Iterable[FieldChange]:
    for name in before.keys() | after.keys():
        old, new = before.get(name, ABSENT), after.get(name, ABSENT)
        if _is_map(old) and _is_map(new):
            yield from _fields((*names, name), old, new)
        elif not _is_same(old, new):
            yield FieldChange((*names, name), old, new)


def _rewritten(change: RuleChange, held: Body) -> dict[str, Json]:
    body = _copied(held)
    for field in change.fields:
        inner: Json = body
        for name in field.names[:-1]:
            inner = inner.get(name)
            if not _is_map(inner):
                raise DoesNotApply(f"rule {change.rule_id}: has no {field.path}")
        last = field.names[-1]
        if not _is_same(inner.get(last, ABSENT), field.before):
            raise DoesNotApply(f"rule {change.rule_id}: {field.path} is not what the diff has")
        if field.after is ABSENT:
            del inner[last]
        else:
            inner[last] = field.after
    return body


def _is_map(value: object) -> bool:
    return isinstance(value, Mapping) and value.keys() != {exact.TAG}


def _is_same(one: object, other: object) -> bool:
    """Equal as JSON: 1 is not true."""
    if one is ABSENT or other is ABSENT:
        return one is other
    if type(one) is str:
        return one == other
    return canonical.dumps(one) == canonical.dumps(other)


def _copied(body: Body) -> dict[str, Json]:
    """`body` with maps of its own."""
    return {
        name: _copied(item) if isinstance(item, Mapping) else item for name, item in body.items()
    }


def _step(name: str) -> str:
    if _PLAIN_NAME.fullmatch(name):
        return f".{name}"
    quoted = name.replace("\\", "\\\\").replace("'", "\\'")
    return f"['{quoted}']"
