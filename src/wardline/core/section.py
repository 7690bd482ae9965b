"""One list of a mandate: what of it stands in a file of its own, and within which bounds."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from wardline.core import canonical
from wardline.core.canonical import Json
from wardline.core.errors import Malformed
from wardline.core.evidence import fields
from wardline.core.evidence.fields import Object

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Section(Generic[T]):
    """`name` is the key on the wire and the field of the mandate; `item` reads one of its items and
    `wire` writes it. `bytes_max` bounds all of them together, as canonical JSON, so that no
    section can take another one's room."""

    name: str
    count_max: int
    bytes_max: int
    item: Callable[[object], T]
    wire: Callable[[T], dict[str, Json]]

    def parse(self, obj: Object) -> tuple[T, ...]:
        """The items of a payload; raises Malformed at the first that is wrong."""
        found = fields.parts(obj, self.name, self.count_max, self.item)
        size = len(canonical.dumps(obj[self.name]))
        if size > self.bytes_max:
            raise Malformed(self.name, f"{size} bytes, at most {self.bytes_max} are accepted")
        return found

    def to_wire(self, items: Sequence[T]) -> list[dict[str, Json]]:
        return [self.wire(one) for one in items]
