"""Keeps what Central streams as a file, which is there whole or not at all."""

from collections.abc import Callable
from pathlib import Path

from wardline.cli.client import Client
from wardline.core.errors import Refused


def save(central: Client, address: Callable[[], str], out: Path) -> int:
    """Writes the download at `address`, which is worked out once `out` is free; gives its bytes.
    Raises Refused where the file exists or cannot be written."""
    partial = out.with_name(out.name + ".part")
    try:
        if out.exists():
            raise Refused(f"{out} exists already; name another file with --out")
        with central.download(address()) as chunks, partial.open("xb") as target:
            for chunk in chunks:
                target.write(chunk)
        partial.replace(out)
        return out.stat().st_size
    except OSError as error:
        raise Refused(f"{error.filename or out} cannot be written: {error.strerror}") from None
    finally:
        partial.unlink(missing_ok=True)
