"""Rules and simulator requests at the edge: camelCase, strict, unknown keys refused."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator
from pydantic.alias_generators import to_camel

from wardline.core.canonical import Json
from wardline.core.policy import condition, window
from wardline.core.policy.decision import Code, Verdict
from wardline.core.policy.request import Initiator
from wardline.core.policy.rule import Effect, Hours, Mode
from wardline.core.policy.window import UnknownZone
from wardline.core.severity import Severity

LABEL_CHARS_MAX = 128
NAME_CHARS_MAX = 200
DESCRIPTION_CHARS_MAX = 4000
MESSAGE_CHARS_MAX = 4000
PARAMS_KEYS_MAX = 64
FACTS_KEYS_MAX = 256
ROLES_MAX = 16
TAGS_MAX = 32
SEVERITIES_MAX = 16
DAYS_MAX = 14
PRIORITY_MAX = 1_000_000
MINUTES_MAX = 366 * 24 * 60
QUORUM_MAX = 10
RULES_PER_CALL_MAX = 10_000
CASES_PER_FILE_MAX = 10_000
HOURS_MAX = 20
REQUESTS_PER_CALL_MAX = 1_000
PREVIEW_DAYS = 14
PREVIEW_DAYS_MAX = 62
STANDING_IDS_MAX = 100


def _label(text: str) -> str:
    if not text.isprintable() or text != text.strip():
        raise ValueError("must be printable text without spaces around it")
    return text


def _condition(text: str) -> str:
    if (wrong := condition.problem(text)) is not None:
        raise ValueError(wrong)
    return text


def _zone(name: str) -> str:
    try:
        window.zone(name)
    except UnknownZone:
        raise ValueError("must be a time zone such as Europe/Berlin") from None
    return name


def _number(value: Json) -> int | Decimal | None:
    if value is None or (isinstance(value, int | Decimal) and not isinstance(value, bool)):
        return value
    raise ValueError("must be a number")


def _amount(value: int | Decimal | None) -> int | Decimal | None:
    if value is not None and value < 0:
        raise ValueError("must not be negative")
    return value


def _instant(value: Json) -> datetime | None:
    """An aware instant in milliseconds, from RFC 3339 text."""
    if value is None:
        return None
    try:
        instant = datetime.fromisoformat(value).astimezone(UTC) if _has_zone(value) else None
    except (ValueError, OverflowError):
        instant = None
    if instant is None:
        raise ValueError("must be a time with its zone, such as 2026-11-21T09:00:00Z")
    return instant.replace(microsecond=instant.microsecond // 1000 * 1000)


def _has_zone(value: Json) -> bool:
    return isinstance(value, str) and datetime.fromisoformat(value).tzinfo is not None


def _moment(text: str) -> str:
    try:
        datetime.fromisoformat(text)
    except ValueError:
        raise ValueError("must be a time such as 2026-11-23T09:00 or …T09:00:00+01:00") from None
    return text


Label = Annotated[str, Field(min_length=1, max_length=LABEL_CHARS_MAX), AfterValidator(_label)]
Word = Annotated[Severity, Field(strict=False)]
# Numbers and instants let None through themselves: a union would put its branches into the path.
Number = Annotated[Json, AfterValidator(_number)]
Amount = Annotated[Json, AfterValidator(_number), AfterValidator(_amount)]
Runs = Annotated[int, Field(ge=0, le=1_000_000)]
Minutes = Annotated[int, Field(ge=1, le=MINUTES_MAX)]
ClockTime = Annotated[str, Field(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")]
Instant = Annotated[Json, AfterValidator(_instant)]


class Edge(BaseModel):
    """Strict: camelCase keys only, none unknown, no coercion."""

    model_config = ConfigDict(
        extra="forbid",
        strict=True,
        frozen=True,
        alias_generator=to_camel,
        hide_input_in_errors=True,
    )


class WhenWire(Edge):
    kpi_id: Label
    severity: Annotated[list[Word], Field(min_length=1, max_length=SEVERITIES_MAX)]
    condition: Annotated[str, AfterValidator(_condition)] | None = None


class LimitsWire(Edge):
    max_daily_pct: Amount = None
    max_weekly_pct: Amount = None
    max_daily_qty: Amount = None
    max_runs_per_host_per_day: Runs | None = None
    max_runs_per_site_per_hour: Runs | None = None
    max_concurrent_per_site: Runs | None = None


class WindowWire(Edge):
    days: Annotated[
        list[Annotated[int, Field(ge=0, le=6)]], Field(min_length=1, max_length=DAYS_MAX)
    ]
    start: ClockTime
    end: ClockTime
    timezone: Annotated[str, AfterValidator(_zone)] | None = None

    @model_validator(mode="after")
    def _has_a_length(self) -> "WindowWire":
        if self.start == self.end:
            raise ValueError("start and end are the same: leave the window out for always open")
        return self


class ApprovalWire(Edge):
    required: bool
    roles: Annotated[list[Label], Field(max_length=ROLES_MAX)] | None = None
    bypass_if_severity: Word | None = None
    self_approve: bool = False
    expires_minutes: Minutes | None = None
    quorum: Annotated[int, Field(ge=1, le=QUORUM_MAX)] = 1


class ScopeWire(Edge):
    partner: Label | None = None
    site: Label | None = None
    host: Label | None = None
    platform: Label | None = None
    tags: Annotated[list[Label], Field(max_length=TAGS_MAX)] = []


class RuleWire(Edge):
    id: Label
    when: WhenWire
    action: Label
    params: Annotated[dict[str, Json], Field(max_length=PARAMS_KEYS_MAX)] | None = None
    limits: LimitsWire | None = None
    window: WindowWire | None = None
    opening_hours: Annotated[Hours, Field(strict=False)] | None = None
    approval: ApprovalWire | None = None
    auto_execute: bool = False
    auto_suggest: bool = True
    name: Annotated[str, Field(max_length=NAME_CHARS_MAX)] | None = None
    description: Annotated[str, Field(max_length=DESCRIPTION_CHARS_MAX)] | None = None
    enabled: bool = True
    priority: Annotated[int, Field(ge=-PRIORITY_MAX, le=PRIORITY_MAX)] = 0
    effect: Annotated[Effect, Field(strict=False)] = Effect.ALLOW
    scope: ScopeWire | None = None
    floor: bool = False
    cooldown_minutes: Minutes | None = None
    max_stale_minutes: Minutes | None = None
    mode: Annotated[Mode, Field(strict=False)] = Mode.ENFORCE
    expires_at: Instant = None
    revision: Annotated[int, Field(ge=0)] | None = None
    created_by: Label | None = None
    created_at: Instant = None
    updated_by: Label | None = None
    updated_at: Instant = None


class AlertWire(Edge):
    """The document's alert; `siteId`, `hostId`, `platform` and `facts` are added."""

    id: Label
    kpi_id: Label
    title: Annotated[str, Field(max_length=MESSAGE_CHARS_MAX)]
    message: Annotated[str, Field(max_length=MESSAGE_CHARS_MAX)]
    severity: Word
    delta: Number = None
    site_id: Label | None = None
    host_id: Label | None = None
    platform: Label | None = None
    facts: Annotated[dict[str, Json], Field(max_length=FACTS_KEYS_MAX)] = {}


class SimulationWire(Edge):
    """POST /test: an alert, the principal's roles, and what to assume instead of the present."""

    alert: AlertWire
    roles: Annotated[list[Label], Field(max_length=ROLES_MAX)] = []
    at: Instant = None
    rules: Annotated[list[Json], Field(max_length=RULES_PER_CALL_MAX)] | None = None
    site: Label | None = None
    host: Label | None = None


class AskedWire(Edge):
    """One request of POST /decide: roles and instant are the caller's own and the server's."""

    alert: AlertWire
    action: Label | None = None
    site: Label | None = None
    host: Label | None = None
    initiator: Annotated[Initiator, Field(strict=False)] = Initiator.SYSTEM


class AskingWire(Edge):
    """POST /decide: requests that are decided together, in their order."""

    requests: Annotated[list[AskedWire], Field(min_length=1, max_length=REQUESTS_PER_CALL_MAX)]


class AnalysisWire(Edge):
    """POST /analyse: drafts to look at, None for the rules in force."""

    rules: Annotated[list[Json], Field(max_length=RULES_PER_CALL_MAX)] | None = None


class PreviewWire(Edge):
    """POST /preview: the openings of a rule in force, by `id`, or of a draft."""

    id: Label | None = None
    rule: Annotated[dict[str, Json], Field()] | None = None
    site: Label | None = None
    begin: Annotated[Instant, Field(alias="from")] = None
    days: Annotated[int, Field(ge=1, le=PREVIEW_DAYS_MAX)] = PREVIEW_DAYS


class StandingWire(Edge):
    """POST /standing: the rules to tell of, as many as a page shows."""

    ids: Annotated[list[Label], Field(max_length=STANDING_IDS_MAX)]


class ReplayWire(Edge):
    """POST /replay: all `rules`, or some to `put` and `remove`; of which decisions."""

    rules: Annotated[list[Json], Field(max_length=RULES_PER_CALL_MAX)] | None = None
    put: Annotated[list[Json], Field(max_length=RULES_PER_CALL_MAX)] = []
    remove: Annotated[list[Label], Field(max_length=RULES_PER_CALL_MAX)] = []
    since: Instant = None
    until: Instant = None
    site: Label | None = None


class RemovalWire(Edge):
    """POST /delete: which rule goes."""

    id: Label


class ExpectWire(Edge):
    verdict: Annotated[Verdict, Field(strict=False)] | None = None
    code: Annotated[Code, Field(strict=False)] | None = None
    rule: Label | None = None


class CaseWire(Edge):
    """A time without an offset is one of the clock in `zone`."""

    name: Annotated[str, Field(min_length=1, max_length=NAME_CHARS_MAX)]
    kpi_id: Label
    severity: Word
    at: Annotated[str, AfterValidator(_moment)]
    expect: ExpectWire
    zone: Annotated[str, AfterValidator(_zone)] | None = None
    action: Label | None = None
    delta: Number = None
    facts: Annotated[dict[str, Json], Field(max_length=FACTS_KEYS_MAX)] = {}
    partner: Label | None = None
    site: Label | None = None
    host: Label | None = None
    platform: Label | None = None
    tags: Annotated[list[Label], Field(max_length=TAGS_MAX)] = []
    opening_hours: Annotated[list[WindowWire], Field(max_length=HOURS_MAX)] = []
    roles: Annotated[list[Label], Field(max_length=ROLES_MAX)] = []
    initiator: Annotated[Initiator, Field(strict=False)] = Initiator.SYSTEM
    freeze: bool = False
    observing: bool = False
    hold: bool = False
    locked: bool = False


class CasesWire(Edge):
    """A file of cases: `zone` is that of the cases that name none."""

    zone: Annotated[str, AfterValidator(_zone)] = "UTC"
    cases: Annotated[list[CaseWire], Field(min_length=1, max_length=CASES_PER_FILE_MAX)]
