"""What is looked for in the audit log, and its checkpoints as they are stored."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Search:
    """What is looked for; None asks for nothing. `text` is found in whatever case."""

    actor: str | None = None
    action: str | None = None
    subject: str | None = None
    site: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    text: str | None = None


@dataclass(frozen=True, slots=True)
class Signed:
    """A checkpoint as it was issued."""

    generation: int
    size: int
    root: bytes
    note: str
    signed_at: datetime
