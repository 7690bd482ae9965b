"""What an appliance is told: Central, site, hosts, intervals; and where its files stand."""

import os
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    field_validator,
    model_validator,
)

from wardline.core import protocol
from wardline.core.errors import WardlineError
from wardline.core.incidents import ladder, watching

ENVIRONMENT = "WARDLINE_AGENT_DATA"
SYSTEM_DATA = Path("/var/lib/wardline/agent")
DIRECTORY_MODE = 0o700
HEARTBEAT_S = 3600
REEVALUATE_S = 60
OUTBOX_BYTES_MAX = 512 << 20
OUTBOX_BYTES_LEAST = 4 << 20


class SettingsInvalid(WardlineError):
    """agent.toml is missing or says something that cannot be; the message names the place."""

    code = "settings_invalid"


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class SshSettings(_Part):
    """How a host is reached over SSH. `host_key` is the pinned `type base64`, `sudo` runs it all by
    `sudo -n`, `platform` is what the host was when it was added."""

    address: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9.:-]{1,253}$")]
    port: Annotated[int, Field(ge=1, le=65535)] = 22
    user: Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_.-]{0,31}$")]
    sudo: bool = False
    host_key: Annotated[
        str, StringConstraints(pattern=r"^[a-z0-9-]{7,32} [A-Za-z0-9+/=]{16,4096}$")
    ]
    platform: protocol.Text64 = "linux/unknown"


class HostSettings(_Part):
    """A host that this appliance checks; `root` is the folder of a tree. One that is `declared` has
    a platform and is not reached: every check of it is unknown."""

    id: Annotated[str, StringConstraints(pattern=r"^host_[0-9a-hjkmnp-tv-z]{26}$")]
    name: protocol.Text255
    kind: Literal["local", "tree", "ssh", "declared"]
    root: Path | None = None
    observed: bool = False
    platform: (
        Annotated[str, StringConstraints(pattern=r"^[a-z0-9]{1,24}/[a-z0-9._-]{1,32}$")] | None
    ) = None
    ssh: SshSettings | None = None

    @model_validator(mode="after")
    def _root_belongs_to_trees(self) -> Self:
        if (self.kind == "tree") != (self.root is not None):
            raise ValueError("a tree has a root, and nothing else has one")
        if self.root is not None and not self.root.is_absolute():
            raise ValueError("the root of a tree is an absolute path")
        if (self.kind == "declared") != (self.platform is not None):
            raise ValueError("a declared host has a platform, and of others it is found out")
        if (self.kind == "ssh") != (self.ssh is not None):
            raise ValueError("a host over SSH has the table hosts.ssh, and nothing else has one")
        return self


class CentralSettings(_Part):
    """Where Central is and by which keys it is known; written by enrolment."""

    url: Annotated[str, StringConstraints(min_length=8, max_length=255)]
    installation_id: protocol.Text64
    uplink_key: protocol.Key64
    log_key: protocol.Key64
    policy_key: protocol.Key64
    order_key: protocol.Key64
    log_origin: protocol.Text255


class SiteSettings(_Part):
    id: Annotated[str, StringConstraints(pattern=r"^site_[0-9a-hjkmnp-tv-z]{26}$")]
    name: protocol.Text255


class ApplianceSettings(_Part):
    id: Annotated[str, StringConstraints(pattern=r"^appl_[0-9a-hjkmnp-tv-z]{26}$")]


class Intervals(_Part):
    """How often; a check's own interval stands in its manifest and is multiplied by `scale`."""

    scale: Annotated[float, Field(ge=0.001, le=24)] = 1.0
    checks: dict[str, Annotated[float, Field(ge=0.5, le=86400)]] = {}
    heartbeat_s: Annotated[float, Field(ge=10, le=86400)] = HEARTBEAT_S
    checkin_s: Annotated[float, Field(ge=1, le=3600)] = protocol.CHECKIN_INTERVAL_S
    reevaluate_s: Annotated[float, Field(ge=1, le=3600)] = REEVALUATE_S

    def of(self, check: str, manifest_s: float) -> float:
        """Seconds between two measurements of `check`."""
        return self.checks.get(check, manifest_s * self.scale)


class Flap(_Part):
    """After so many verified heals within the window the next recurrence sets a hold."""

    heals: Annotated[int, Field(ge=1, le=10_000)] = ladder.FLAP_HEALS
    window_minutes: Annotated[int, Field(ge=1, le=7 * 1440)] = ladder.FLAP_WINDOW_MINUTES


class Watch(_Part):
    """How long a heal is watched before it counts as stable; measured more often meanwhile."""

    period_s: Annotated[float, Field(ge=1, le=watching.PERIOD_S_MAX)] = watching.PERIOD_S


class OutboxSettings(_Part):
    """`backoff_minute_s` is how many seconds a minute of the backoff has; a demo's is shorter."""

    bytes_max: Annotated[int, Field(ge=OUTBOX_BYTES_LEAST, le=1 << 40)] = OUTBOX_BYTES_MAX
    backoff_minute_s: Annotated[float, Field(ge=0.01, le=60)] = 60.0


class Settings(_Part):
    """The whole of agent.toml."""

    central: CentralSettings
    site: SiteSettings
    appliance: ApplianceSettings
    hosts: Annotated[list[HostSettings], Field(max_length=protocol.HOSTS_PER_APPLIANCE_MAX)]
    intervals: Intervals = Intervals()
    flap: Flap = Flap()
    watch: Watch = Watch()
    outbox: OutboxSettings = OutboxSettings()

    @field_validator("hosts")
    @classmethod
    def _hosts_differ(cls, hosts: list[HostSettings]) -> list[HostSettings]:
        for what, seen in (("id", [h.id for h in hosts]), ("name", [h.name for h in hosts])):
            if len(set(seen)) != len(seen):
                raise ValueError(f"two hosts have the same {what}")
        return hosts

    def check_reachable(self, manifest_intervals: dict[str, float]) -> None:
        """Refuse thresholds that could never be reached, and intervals of unknown checks."""
        for name in self.intervals.checks:
            if name not in manifest_intervals:
                raise SettingsInvalid(f"intervals.checks.{name}: there is no such check")
        for name, manifest_s in manifest_intervals.items():
            interval_s = self.intervals.of(name, manifest_s)
            if not ladder.reachable(self.flap.heals, self.flap.window_minutes, interval_s):
                raise SettingsInvalid(
                    f"flap: {self.flap.heals} heals within {self.flap.window_minutes} minutes can"
                    f" never happen while {name} is measured every {interval_s:g} s;"
                    " raise flap.window_minutes or lower flap.heals"
                )
            if not watching.reachable(self.watch.period_s, interval_s):
                raise SettingsInvalid(
                    f"watch: {name} is not measured often enough within {self.watch.period_s:g} s"
                    " to show that a heal did not last; raise watch.period_s"
                )


@dataclass(frozen=True, slots=True)
class Layout:
    """The files of a data directory."""

    root: Path

    @property
    def settings(self) -> Path:
        return self.root / "agent.toml"

    @property
    def keys(self) -> Path:
        return self.root / "keys"

    @property
    def credentials(self) -> Path:
        """The sealed credentials of hosts."""
        return self.root / "credentials"

    @property
    def before_states(self) -> Path:
        """The sealed files by which runs can be undone."""
        return self.root / "undo"

    @property
    def database(self) -> Path:
        return self.root / "agent.db"

    @property
    def lock(self) -> Path:
        return self.root / "agent.lock"

    @property
    def patient_names(self) -> Path:
        return self.root / "patient-names"

    @property
    def ballast(self) -> Path:
        return self.root / "ballast"


def data_directory(given: Path | None) -> Path:
    """As given, by WARDLINE_AGENT_DATA, as root /var/lib/wardline/agent, else the user's data home.

    The user's is $XDG_DATA_HOME/wardline/agent, by default ~/.local/share/wardline/agent.
    """
    if given is not None:
        return given.absolute()
    if named := os.environ.get(ENVIRONMENT):
        return Path(named).absolute()
    if os.geteuid() == 0:
        return SYSTEM_DATA
    home = os.environ.get("XDG_DATA_HOME")
    return (Path(home) if home else Path.home() / ".local" / "share") / "wardline" / "agent"


def load(layout: Layout) -> Settings:
    """The settings of an enrolled appliance; raises SettingsInvalid."""
    try:
        content = tomllib.loads(layout.settings.read_text())
        return Settings.model_validate(content)
    except FileNotFoundError:
        raise SettingsInvalid(
            f"{layout.root} holds no enrolled appliance (no agent.toml);"
            " enrol it with `wardline agent enrol URL TOKEN`, or name another with --data"
        ) from None
    except PermissionError:
        raise SettingsInvalid(
            f"{layout.settings}: no permission to read it; run as the account that enrolled"
        ) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsInvalid(f"{layout.settings}: not TOML: {error}") from None
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"]) or "the file"
        raise SettingsInvalid(f"{layout.settings}: {place}: {first['msg']}") from None


def to_toml(settings: Settings) -> str:
    """The text that `load` reads back; defaults are written out, so that they can be seen."""
    lines = ["# Written by `wardline agent`; hosts and intervals may be edited by hand."]
    for name in ("central", "site", "appliance"):
        lines += ["", f"[{name}]", *_fields(getattr(settings, name))]
    lines += ["", "[intervals]", *_fields(settings.intervals)]
    if settings.intervals.checks:
        lines += ["", "[intervals.checks]"]
        lines += [f"{_text(key)} = {value}" for key, value in settings.intervals.checks.items()]
    for name in ("flap", "watch", "outbox"):
        lines += ["", f"[{name}]", *_fields(getattr(settings, name))]
    for host in settings.hosts:
        lines += ["", "[[hosts]]", *_fields(host)]
        if host.ssh is not None:
            lines += ["", "[hosts.ssh]", *_fields(host.ssh)]
    if not settings.hosts:
        lines.insert(1, "hosts = []")
    return "\n".join(lines) + "\n"


def _fields(part: BaseModel) -> list[str]:
    found = part.model_dump(exclude_none=True)
    return [f"{key} = {_value(item)}" for key, item in found.items() if not isinstance(item, dict)]


def _value(item: object) -> str:
    if isinstance(item, bool):
        return "true" if item else "false"
    return str(item) if isinstance(item, int | float) else _text(str(item))


def _text(text: str) -> str:
    """A TOML basic string."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + "".join(c if c.isprintable() else f"\\U{ord(c):08X}" for c in escaped) + '"'
