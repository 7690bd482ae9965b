"""The policy snapshot on the wire, and what an appliance says of one; `protocol` names it."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from wardline.core.protocol import Count, Hex64, Message, OpeningHours, Ordinal, Text64, Text255

CONFORMANCE_ROWS_MAX = 40_000


class ConformanceCases(Message):
    """What Central's own evaluator makes of the rules beside it; `core.policy.conformance` says
    what a row is. `without` counts the rules that decide none of them."""

    zone: Text64
    opening_hours: list[OpeningHours]
    rows: Annotated[list[list[object]], Field(max_length=CONFORMANCE_ROWS_MAX)]
    without: Count


class PolicySnapshot(Message):
    """GET /policy: the payload of a DSSE envelope by Central's policy key; canonical JSON.

    An agent refuses one of a lower epoch, one that is lower in revision or settings_revision within
    its epoch, and one of another site. From schema 2 on it carries `cases`, and is refused where
    the agent decides one of them otherwise.
    """

    schema_: Annotated[
        Literal["policy.snapshot/1", "policy.snapshot/2"],
        Field(alias="schema", serialization_alias="schema"),
    ]
    site_id: Text64
    site_name: Text255
    partner_id: Text64
    epoch: Ordinal
    revision: Count
    settings_revision: Ordinal
    issued_at: str
    healing: Literal["observe", "heal"]
    zone: Text64
    opening_hours: list[OpeningHours]
    rules: list[dict[str, object]]
    cases: ConformanceCases | None = None

    @property
    def version(self) -> int:
        """Of the schema."""
        return int(self.schema_.rpartition("/")[2])


class PolicyRefusal(Message):
    """A snapshot that an appliance does not take, named by its digest, since when and why.

    `code`: `form`, `signature`, `site`, `older`, `other_rules`, `rules` (they do not compile) or
    `drift` (it decides one of the cases otherwise).
    """

    digest: Hex64
    code: Text64
    reason: Annotated[str, StringConstraints(max_length=1000)]
    refused_at: Text64


class PolicyReport(Message):
    """POST /policy/report: which snapshot is in force, null before the first, and which one was
    refused. Sent after a check-in when it is not what was last said."""

    v: Literal[1] = 1
    epoch: Ordinal | None
    revision: Count | None
    refused: PolicyRefusal | None


class PolicyReported(Message):
    v: Literal[1] = 1
