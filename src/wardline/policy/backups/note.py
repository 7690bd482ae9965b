"""The manifest of a backup: one JSON file beside it, which also keeps what became of it since."""

import os
import secrets
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from wardline.core import clock
from wardline.formats import policy_file
from wardline.formats.policy_copy import PRIVATE_MODE
from wardline.formats.policy_file import Seal

NOTE_BYTES_MAX = 16 * 1024
VERSION: Literal[1] = 1


@dataclass(frozen=True, slots=True)
class Note:
    """What is known of a backup without opening it; times as `clock.wire` writes them.

    `fault` says what the last check found wrong; `digest` is that of the contents, `sha256` that
    of the file.
    """

    sha256: str
    size: int
    rules: int
    revision: int
    digest: str
    reason: str
    made_by: str
    made_at: str
    verified_at: str | None = None
    fault: str | None = None
    downloaded_at: str | None = None
    downloaded_by: str | None = None


class _Wire(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    v: Literal[1]
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    size: Annotated[int, Field(ge=0)]
    rules: Annotated[int, Field(ge=0)]
    revision: Annotated[int, Field(ge=0)]
    digest: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    reason: Annotated[str, Field(max_length=2000)]
    made_by: Annotated[str, Field(max_length=200)]
    made_at: Annotated[str, Field(max_length=32)]
    verified_at: Annotated[str, Field(max_length=32)] | None
    fault: Annotated[str, Field(max_length=2000)] | None
    downloaded_at: Annotated[str, Field(max_length=32)] | None
    downloaded_by: Annotated[str, Field(max_length=200)] | None


def of(seal: Seal, verified_at: datetime) -> Note:
    """The manifest of a file that was just found whole."""
    return Note(
        sha256=seal.sha256,
        size=seal.size,
        rules=seal.rules,
        revision=seal.revision,
        digest=seal.digest,
        reason=seal.making.reason,
        made_by=seal.making.by,
        made_at=clock.wire(seal.making.at),
        verified_at=clock.wire(verified_at),
    )


def read(path: Path) -> Note | None:
    """What stands there; None where nothing does, or nothing that can be believed."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        told = os.read(descriptor, NOTE_BYTES_MAX)
        wire = _Wire.model_validate_json(told)
    except (OSError, ValidationError):
        return None
    finally:
        os.close(descriptor)
    return Note(**wire.model_dump(exclude={"v"}))


def write(path: Path, note: Note) -> None:
    """Puts the manifest in place at once, durably; raises OSError."""
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}.tmp")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    try:
        with os.fdopen(os.open(temporary, flags, PRIVATE_MODE), "wb") as file:
            file.write(_Wire(v=VERSION, **asdict(note)).model_dump_json().encode())
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    policy_file.sync_folder(path.parent)
