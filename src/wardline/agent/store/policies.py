"""The appliance's copy of its policy: a signed snapshot, kept until a newer one replaces it."""

import base64
import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta

from pydantic import ValidationError

from wardline.agent.store import facts
from wardline.agent.store.backoff import Moment
from wardline.agent.store.database import Transaction
from wardline.core import canonical, clock, protocol
from wardline.core.errors import Refused, WardlineError
from wardline.core.evidence import signing
from wardline.core.evidence.signing import Envelope, VerifyKey
from wardline.core.policy import compiled, opening, parse
from wardline.core.policy.compiled import Compiled
from wardline.core.policy.rule import Policy, Rule, Window
from wardline.core.protocol import EnvelopeWire, PolicySnapshot

SNAPSHOT_BYTES_MAX = 4 << 20


class PolicyRefused(Refused):
    """A snapshot that this appliance must not use; the one it has stays in force."""

    code = "policy_refused"


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
    """The snapshot of an envelope; raises PolicyRefused naming what is wrong with it."""
    try:
        envelope = Envelope.from_wire(wire.model_dump(), payload_bytes_max=SNAPSHOT_BYTES_MAX)
        payload = signing.open_envelope(envelope, policy_key, protocol.POLICY_PAYLOAD_TYPE)
        snapshot = PolicySnapshot.model_validate(
            canonical.loads(payload, bytes_max=SNAPSHOT_BYTES_MAX)
        )
        rules = tuple(parse.rule(rule) for rule in snapshot.rules)
        index = compiled.build(Policy(rules, snapshot.revision, snapshot.epoch))
        hours = opening.hours(snapshot.opening_hours)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise PolicyRefused(f"the policy snapshot: {place}: {first['msg']}") from None
    except WardlineError as error:
        raise PolicyRefused(f"the policy snapshot: {error}") from error
    if snapshot.site_id != site_id:
        raise PolicyRefused(f"the policy snapshot is of {snapshot.site_id}, not of this site")
    return Active(snapshot, rules, index, hours, hashlib.sha256(payload).hexdigest(), at)


def replace(tx: Transaction, wire: EnvelopeWire, new: Active) -> None:
    """Put `new` in force; raises PolicyRefused when it is older than what is."""
    row = tx.row("SELECT epoch, revision, settings_revision FROM policies WHERE only = 1")
    if row is not None and new.version < tuple(row):
        raise PolicyRefused(
            f"the policy snapshot is older ({new.version}) than the one in force ({tuple(row)})"
        )
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
