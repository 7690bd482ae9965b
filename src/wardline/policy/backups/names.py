"""What a backup is called: its kind and the instant at which it was made, and nothing else."""

import re
from collections.abc import Container
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

SUFFIX = ".db"
NOTE_SUFFIX = ".json"

_FORM = "%Y-%m-%dT%H-%M-%S-%f"
_NAME = re.compile(r"(policies|pre-restore)-(\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d-\d{6})\.db", re.ASCII)


class Kind(StrEnum):
    """What for: asked for by somebody, or made by a restore of what it replaces."""

    BACKUP = "policies"
    SAFETY = "pre-restore"


@dataclass(frozen=True, slots=True)
class Name:
    """`policies-2025-10-09T11-30-45-123456.db`, `pre-restore-….db`; `at` in UTC."""

    kind: Kind
    at: datetime

    @property
    def text(self) -> str:
        return f"{self.kind}-{self.at.strftime(_FORM)}{SUFFIX}"

    @property
    def note(self) -> str:
        """The name of what is told beside the file."""
        return self.text.removesuffix(SUFFIX) + NOTE_SUFFIX


def parse(text: str) -> Name | None:
    """The name that a text is; None for any other text."""
    found = _NAME.fullmatch(text)
    if found is None:
        return None
    try:
        at = datetime.strptime(found[2], _FORM).replace(tzinfo=UTC)
    except ValueError:
        return None
    return Name(Kind(found[1]), at)


def free(kind: Kind, at: datetime, taken: Container[str]) -> Name:
    """A name of this instant, or of the next microsecond that is free."""
    name = Name(kind, at.astimezone(UTC))
    while name.text in taken:
        name = Name(kind, name.at + timedelta(microseconds=1))
    return name
