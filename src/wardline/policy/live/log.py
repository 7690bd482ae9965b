"""A change log as whoever tells of it reads it: positions, rows, and where the log stands."""

from dataclasses import dataclass
from typing import Any, Protocol

ID_MAX = 2**63 - 1


@dataclass(frozen=True, slots=True, order=True)
class Position:
    """Behind a row of the log; rows are read in this order. `tx` is 0 where commits are in the
    order of their ids."""

    tx: int
    id: int


START = Position(0, 0)


@dataclass(frozen=True, slots=True)
class Head:
    """Where the log stands for whoever asks: its newest readable row, and which log it is."""

    epoch: str
    newest: Position


@dataclass(frozen=True, slots=True)
class Change:
    """A row: something that everybody who shows `subject` should fetch again."""

    position: Position
    kind: str
    site_id: str | None
    subject: str
    payload: dict[str, Any]


class Log(Protocol):
    """One owner's rows, as they are at one moment."""

    async def head(self) -> Head:
        """Its newest row."""

    async def find(self, change_id: int) -> Position | None:
        """Where the row of this id stands; None where there is none to read."""

    async def read(self, after: Position, limit: int) -> list[Change]:
        """The next rows."""
