"""The appliance's copy of its policy: a signed snapshot, kept until a newer one replaces it."""

import base64
import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from pydantic import ValidationError

from wardline.agent.store import facts
from wardline.agent.store.backoff import Moment
from wardline.agent.store.database import Transaction
from wardline.core import canonical, clock, protocol
from wardline.core.errors import Refused, WardlineError
from wardline.core.evidence import signing
from wardline.core.evidence.signing import BadSignature, Envelope, VerifyKey
from wardline.core.policy import compiled, conformance, opening, parse
from wardline.core.policy.compiled import Compiled
from wardline.core.policy.conformance import Place
from wardline.core.policy.rule import Policy, Rule, Window
from wardline.core.protocol import EnvelopeWire
from wardline.core.snapshot import ConformanceCases, PolicySnapshot

SNAPSHOT_BYTES_MAX = 16 << 20


class Fault(StrEnum):
    """What is wrong with a snapshot, in one word for Central."""

    FORM = "form"
    SIGNATURE = "signature"
    SITE = "site"
    OLDER = "older"
    OTHER_RULES = "other_rules"
    RULES = "rules"
    DRIFT = "drift"


class PolicyRefused(Refused):
    """A snapshot that this appliance must not use; the one it has stays in force."""

    code = "policy_refused"

    def __init__(self, fault: Fault, why: str) -> None:
        super().__init__(f"the policy snapshot: {why}")
        self.fault = fault


@dataclass(frozen=True, slots=True)
class Active:
    """A verified snapshot, its rules, ready to be evaluated, and the site's opening hours."""

    snapshot: PolicySnapshot
    rules: tuple[Rule, ...]
    index: Compiled
    opening_hours: tuple[Window, ...]
    digest: str
    received_at: datetime

    @property
    def version(self) -> tuple[int, int, int]:
        return (self.snapshot.epoch, self.snapshot.revision, self.snapshot.settings_revision)


def verified(wire: EnvelopeWire, policy_key: VerifyKey, site_id: str, at: datetime) -> Active:
    """The snapshot of an envelope, its cases decided as Central decides them; raises PolicyRefused
    naming what is wrong with it."""
    payload = _opened(wire, policy_key)
    snapshot = _read(payload)
    if wire.payloadType != protocol.POLICY_PAYLOAD_TYPES[snapshot.version]:
        raise PolicyRefused(Fault.FORM, "its schema is not that of its envelope")
    if (snapshot.cases is None) is not (snapshot.version == 1):
        raise PolicyRefused(Fault.FORM, "schema 2 carries conformance cases, schema 1 does not")
    if snapshot.site_id != site_id:
        raise PolicyRefused(Fault.SITE, f"is of {snapshot.site_id}, not of this site")
    try:
        rules = tuple(parse.rule(rule) for rule in snapshot.rules)
        index = compiled.build(Policy(rules, snapshot.revision, snapshot.epoch))
        hours = opening.hours(snapshot.opening_hours)
    except WardlineError as error:
        raise PolicyRefused(Fault.RULES, str(error)) from error
    if snapshot.cases is not None:
        _try(snapshot.cases, rules, index)
    return Active(snapshot, rules, index, hours, hashlib.sha256(payload).hexdigest(), at)


def digest_of(wire: EnvelopeWire) -> str | None:
    """The digest of a payload as it came, believed or not; None where there is none to read."""
    try:
        payload = Envelope.from_wire(
            wire.model_dump(), payload_bytes_max=SNAPSHOT_BYTES_MAX
        ).payload
    except WardlineError:
        return None
    return hashlib.sha256(payload).hexdigest()


def _opened(wire: EnvelopeWire, policy_key: VerifyKey) -> bytes:
    """The signed bytes; raises PolicyRefused."""
    known = protocol.POLICY_PAYLOAD_TYPES.values()
    expected = wire.payloadType if wire.payloadType in known else protocol.POLICY_PAYLOAD_TYPE
    try:
        envelope = Envelope.from_wire(wire.model_dump(), payload_bytes_max=SNAPSHOT_BYTES_MAX)
        return signing.open_envelope(envelope, policy_key, expected)
    except BadSignature as error:
        raise PolicyRefused(Fault.SIGNATURE, str(error)) from error
    except WardlineError as error:
        raise PolicyRefused(Fault.FORM, str(error)) from error


def _read(payload: bytes) -> PolicySnapshot:
    try:
        value = canonical.loads(payload, bytes_max=SNAPSHOT_BYTES_MAX)
        return PolicySnapshot.model_validate(value)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise PolicyRefused(Fault.FORM, f"{place}: {first['msg']}") from None
    except WardlineError as error:
        raise PolicyRefused(Fault.FORM, str(error)) from error


def _try(told: ConformanceCases, rules: tuple[Rule, ...], index: Compiled) -> None:
    """Decides the cases; raises PolicyRefused at the first that comes out otherwise here."""
    try:
        place = Place(told.zone, opening.hours(told.opening_hours))
        cases = [
            conformance.case(row, place, rules, position) for position, row in enumerate(told.rows)
        ]
    except WardlineError as error:
        raise PolicyRefused(Fault.FORM, str(error)) from error
    if (found := conformance.difference(index, cases)) is not None:
        raise PolicyRefused(Fault.DRIFT, str(found))


def replace(tx: Transaction, wire: EnvelopeWire, new: Active) -> None:
    """Put `new` in force; raises PolicyRefused when it is older than what is, or has other rules
    under the same revision."""
    row = tx.row("SELECT epoch, revision, settings_revision, envelope FROM policies WHERE only = 1")
    if row is not None:
        _check_not_older(new, (row["epoch"], row["revision"], row["settings_revision"]))
        if new.version[:2] == (row["epoch"], row["revision"]):
            _check_same_rules(new, row["envelope"])
    epoch, revision, settings_revision = new.version
    tx.execute(
        "INSERT INTO policies"
        " (only, epoch, revision, settings_revision, digest, envelope, received_at)"
        " VALUES (1, ?, ?, ?, ?, ?, ?) ON CONFLICT(only) DO UPDATE SET epoch = excluded.epoch,"
        " revision = excluded.revision, settings_revision = excluded.settings_revision,"
        " digest = excluded.digest, envelope = excluded.envelope,"
        " received_at = excluded.received_at",
        (
            epoch,
            revision,
            settings_revision,
            new.digest,
            wire.model_dump_json().encode(),
            clock.wire(new.received_at),
        ),
    )


def _check_not_older(new: Active, held: tuple[int, int, int]) -> None:
    epoch, *counted = new.version
    if epoch > held[0]:
        return
    if epoch < held[0] or any(one < other for one, other in zip(counted, held[1:], strict=True)):
        raise PolicyRefused(
            Fault.OLDER,
            f"is older ({new.version}) than the one in force ({held}); if Central was restored from"
            " a backup, its policy epoch has to be raised",
        )


def _check_same_rules(new: Active, envelope: bytes) -> None:
    payload = Envelope.from_wire(
        EnvelopeWire.model_validate_json(envelope).model_dump(),
        payload_bytes_max=SNAPSHOT_BYTES_MAX,
    ).payload
    held = canonical.loads(payload, bytes_max=SNAPSHOT_BYTES_MAX)["rules"]
    if canonical.digest(held) != canonical.digest(new.snapshot.rules):
        raise PolicyRefused(
            Fault.OTHER_RULES,
            f"has other rules under revision {new.snapshot.revision} than the one in force; if"
            " Central was restored from a backup, its policy epoch has to be raised",
        )


def load(tx: Transaction, policy_key: VerifyKey, site_id: str) -> Active | None:
    """The snapshot in force, verified again as it is read; None before the first."""
    row = tx.row("SELECT envelope, received_at FROM policies WHERE only = 1")
    if row is None:
        return None
    wire = EnvelopeWire.model_validate_json(row["envelope"])
    return verified(wire, policy_key, site_id, clock.parse(row["received_at"]))


def digest(tx: Transaction) -> str | None:
    """Which snapshot is in force; None before the first."""
    row = tx.row("SELECT digest FROM policies WHERE only = 1")
    return None if row is None else str(row["digest"])


def version(tx: Transaction) -> tuple[int, int] | None:
    """Epoch and revision of the snapshot in force; None before the first."""
    row = tx.row("SELECT epoch, revision FROM policies WHERE only = 1")
    return None if row is None else (row["epoch"], row["revision"])


def confirm(tx: Transaction, moment: Moment) -> None:
    """Central has just said that the snapshot in force is its newest."""
    told = f"{clock.wire(moment.at)} {moment.monotonic_ms} {moment.boot_id}"
    facts.put(tx, facts.Name.POLICY_CONFIRMED, told)


def confirmed_at(tx: Transaction, moment: Moment) -> datetime | None:
    """When Central last confirmed the snapshot, as the clock of `moment` counts; None if never.

    Within one boot the age comes from the monotonic clock, which nobody sets; the wall clock only
    ever makes it older (a machine that slept). After a reboot the wall clock is all there is.
    """
    told = facts.get(tx, facts.Name.POLICY_CONFIRMED)
    if told is None:
        return None
    at, monotonic_ms, boot_id = told.split(" ", 2)
    wall = clock.parse(at)
    if not boot_id or boot_id != moment.boot_id:
        return wall
    elapsed = timedelta(milliseconds=max(0, moment.monotonic_ms - int(monotonic_ms)))
    return min(wall, moment.at - elapsed)


def public_key(text: str) -> VerifyKey:
    """A key of the wire's base64 form."""
    return VerifyKey(base64.b64decode(text, validate=True))
