"""Where Central keeps its files, and the settings that its processes are started with."""

import os
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated, BinaryIO

from pydantic import BaseModel, ConfigDict, Field

from wardline.core import orders, protocol
from wardline.core.errors import WardlineError

PORT_DEFAULT = 8000
HOST_DEFAULT = "127.0.0.1"
ORDER_LIFETIME_S = 3600
ORDER_LIFETIME_S_LEAST = 10
ORDER_LIFETIME_S_MAX = int(orders.LIFETIME_MAX.total_seconds())
ORDER_LEASE_S_MAX = 3600
PRIVATE_DIRECTORY_MODE = 0o700
PRIVATE_FILE_MODE = 0o600
PRIVATE_UMASK = 0o077


class DataUnusable(WardlineError):
    """The data directory cannot be used as it stands."""

    code = "data_unusable"


class Transport(StrEnum):
    """How people and appliances reach the web process."""

    LOOPBACK = "loopback"  # plain HTTP on this machine only
    TLS = "tls"  # HTTPS spoken by the web process itself
    PROXY = "proxy"  # HTTPS ended by a trusted proxy in front


class OrderTimes(BaseModel):
    """How long an order may be carried out, and how long an appliance that was handed one has to
    say a word before it is handed out again; seconds."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    lifetime_s: Annotated[int, Field(ge=ORDER_LIFETIME_S_LEAST, le=ORDER_LIFETIME_S_MAX)] = (
        ORDER_LIFETIME_S
    )
    lease_s: Annotated[int, Field(ge=1, le=ORDER_LEASE_S_MAX)] = protocol.ORDER_LEASE_S


class WebSettings(BaseModel):
    """What the web process is given by its supervisor, through an inherited descriptor.

    `listen_fd` is a bound, listening socket, `tally_fd` the memory in which the web processes count
    their connections, this one at `place`; keys are standard base64 of 32 bytes.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    app_dsn: str = Field(repr=False)
    backups: Path
    listen_fd: int
    tally_fd: int
    place: int = 0
    url: str
    transport: Transport
    proxy: str | None = None
    tls_cert: Path | None = None
    tls_key: Path | None = None
    tls_ca_pem: str | None = None
    demo: bool = False
    order_times: OrderTimes = OrderTimes()
    installation_id: str
    uplink_key: str = Field(repr=False)
    policy_key: str = Field(repr=False)
    order_key: str = Field(repr=False)
    log_public: str


class JobsSettings(BaseModel):
    """What the jobs process is given by its supervisor, through an inherited descriptor."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    data: Path
    backups: Path
    jobs_dsn: str = Field(repr=False)
    installation_id: str
    log_key: str = Field(repr=False)


@dataclass(frozen=True, slots=True)
class Layout:
    """The files under one data directory; `make` creates what must exist."""

    root: Path

    @property
    def postgres(self) -> Path:
        return self.root / "postgres"

    @property
    def keys(self) -> Path:
        return self.root / "keys"

    @property
    def server_keys(self) -> Path:
        return self.keys / "server"

    @property
    def database_secrets(self) -> Path:
        return self.keys / "database.json"

    @property
    def demo_password(self) -> Path:
        """The login of a demo, which is shown at every start; there is none in real use."""
        return self.keys / "demo-password"

    @property
    def tls(self) -> Path:
        return self.root / "tls"

    @property
    def run(self) -> Path:
        return self.root / "run"

    @property
    def logs(self) -> Path:
        return self.root / "log"

    @property
    def backups(self) -> Path:
        """Backups of policies, a folder for each partner."""
        return self.root / "backups"

    @property
    def kind_mark(self) -> Path:
        """Holds `demo` or `real`: which of the two this directory was made for."""
        return self.root / "kind"

    @property
    def central_file(self) -> Path:
        """Where a running Central listens and a token that may read it."""
        return self.run / "central.json"

    def make(self) -> None:
        """Creates the directories, readable by their owner alone; raises DataUnusable."""
        try:
            for path in (self.root, self.keys, self.tls, self.run, self.logs):
                path.mkdir(mode=PRIVATE_DIRECTORY_MODE, parents=True, exist_ok=True)
            append_private(self.run / ".writable").close()
            next(self.keys.iterdir(), None)
        except OSError as error:
            raise DataUnusable(
                f"the data directory {self.root} cannot be used: {error.strerror}"
                f" ({error.filename}); give it to this user and free some space,"
                " or name another one with --data"
            ) from error


def append_private(path: Path) -> BinaryIO:
    """Opens `path` for appending, mode 0600, whatever the umask is and whoever made it."""
    descriptor = os.open(
        path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, PRIVATE_FILE_MODE
    )
    os.fchmod(descriptor, PRIVATE_FILE_MODE)
    return os.fdopen(descriptor, "ab")


def write_private(path: Path, content: bytes) -> None:
    """Replaces `path` whole, on disk before it has its name, mode 0600."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, PRIVATE_FILE_MODE)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise
