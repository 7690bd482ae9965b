"""Enrolment tokens, the enrolment of an appliance, its check-in, and the lists of both."""

import base64
import hmac
import shlex
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncEngine

from wardline.central.database import credentials
from wardline.central.database.session import Session
from wardline.central.fleet import freshness, repository
from wardline.central.identity import tokens
from wardline.central.identity.access import ApplianceCaller, ApplianceGate
from wardline.central.tenancy import service as tenancy
from wardline.core import clock, ids, protocol
from wardline.core.clock import Now
from wardline.core.errors import Conflict, Malformed, Refused, WardlineError
from wardline.core.evidence import bundle, signing
from wardline.core.evidence.signing import VerifyKey
from wardline.core.ids import PartnerId, SiteId
from wardline.core.protocol import (
    CheckinRequest,
    EnrolRequest,
    EnrolResponse,
    HostReport,
    Stream,
)
from wardline.core.snapshot import PolicyReport

FIRST_EPOCH = 1


class TokenRefused(WardlineError):
    """The enrolment token opens nothing (any more)."""

    status = 403
    code = "token_refused"


class ProofRefused(Refused):
    """The appliance does not hold the key that it wants to enrol."""

    code = "bad_signature"


class HostsRefused(Refused):
    """The hosts that an appliance declares are not its own, or not distinct."""

    code = "hosts_refused"


@dataclass(frozen=True, slots=True)
class IssuedToken:
    """A new token with its secret, which is shown once and stored nowhere."""

    id: str
    text: str = field(repr=False)
    command: str = field(repr=False)
    expires_at: datetime
    fingerprint: str


@dataclass(frozen=True, slots=True)
class Token:
    """A token as it may be listed."""

    id: str
    created_at: datetime
    expires_at: datetime
    used_at: datetime | None
    used_by: str | None


@dataclass(frozen=True, slots=True)
class Appliance:
    id: str
    hostname: str
    platform: str
    agent_version: str
    is_online: bool
    last_checkin: datetime | None
    enrolled_at: datetime
    pending_bundles: int
    quarantined_bundles: int
    epoch: int
    policy_epoch: int | None
    policy_revision: int | None
    policy_refused_code: str | None
    policy_refused_reason: str | None
    policy_refused_at: datetime | None


@dataclass(frozen=True, slots=True)
class Host:
    id: str
    name: str
    kind: str
    platform: str
    observed: bool
    last_seen_at: datetime


async def issue_token(session: Session, site_id: str, url: str, fingerprint: str) -> IssuedToken:
    """A single-use token for one appliance of the site, good for a day."""
    site = await tenancy.get(session, site_id)
    token_id, secret = ids.new("tok"), tokens.make()
    expires_at = session.now + timedelta(seconds=protocol.TOKEN_LIFETIME_S)
    await repository.add_token(session, site.id, token_id, tokens.digest(secret), expires_at)
    await session.record("enrolment.issue", token_id, site_id=site.id)
    await session.announce("enrolment.issued", token_id, site_id=site.id)
    text = protocol.token_text(token_id, secret, fingerprint)
    command = shlex.join(["wardline", "agent", "enrol", url, text])
    return IssuedToken(token_id, text, command, expires_at, fingerprint)


async def list_tokens(session: Session, site_id: str) -> list[Token]:
    """The newest tokens of a site, without their secrets."""
    site = await tenancy.get(session, site_id)
    return [Token(**row) for row in await repository.tokens(session, site.id)]


async def admit(
    engine: AsyncEngine, now: Now, address: str | None, request: EnrolRequest
) -> ApplianceGate:
    """The gate of an appliance to be: token and proof are good, nothing is changed yet.

    Raises TokenRefused or ProofRefused; a token's state is told to nobody who lacks its secret.
    """
    found = await credentials.enrolment(engine, request.token_id)
    given = tokens.digest(request.token_secret)
    if found is None or not hmac.compare_digest(given, found["secret_hash"]):
        raise TokenRefused(
            "token: not known here; check that it was pasted whole, and that it is this server's"
        )
    if found["used_at"] is not None:
        raise TokenRefused("token: used already; a token enrols one appliance, so make another one")
    if found["expires_at"] <= now():
        raise TokenRefused("token: expired; it is good for a day, so make another one")
    _check_proof(request)
    caller = ApplianceCaller(
        ids.appliance(), SiteId(found["site_id"]), PartnerId(found["partner_id"]), FIRST_EPOCH
    )
    return ApplianceGate(caller, engine, address, now)


async def enrol(session: Session, request: EnrolRequest, *, log_origin: str) -> EnrolResponse:
    """Spends the token and stores appliance, key and hosts, in the session of `admit`'s gate.

    The caller appends the key's entry to the site's log in the same transaction.
    """
    site_id = session.scope.site_id
    assert site_id is not None
    appliance_id, credential = session.actor.id, tokens.make()
    if not await repository.use_token(session, request.token_id, site_id, appliance_id):
        raise TokenRefused("token: used or expired a moment ago; make another one")
    await repository.add_appliance(session, site_id, request, tokens.digest(credential))
    public, witness = keys_of(request)
    if await repository.key_known(session, site_id, public):
        raise Conflict("public: this key speaks for an appliance of this site; make a new one")
    await repository.add_key(session, site_id, FIRST_EPOCH, signing.key_id(public), public, witness)
    _check_declared(request.hosts)
    _refuse_foreign(await repository.declare_hosts(session, site_id, request.hosts))
    await session.record(
        "appliance.enrol", appliance_id, after={"hostname": request.hostname}, site_id=site_id
    )
    await session.announce("appliance.enrolled", appliance_id, site_id=site_id)
    return EnrolResponse(
        appliance_id=appliance_id,
        site_id=site_id,
        site_name=await repository.site_name(session, site_id),
        credential=credential,
        log_origin=log_origin,
        stream=Stream(epoch=FIRST_EPOCH, next_seq=1, prev=bundle.NO_PREV),
    )


def keys_of(request: EnrolRequest) -> tuple[bytes, bytes]:
    """The evidence and the witness key that a request wants to enrol, 32 raw bytes each."""
    return base64.b64decode(request.public), base64.b64decode(request.witness)


async def check_in(session: Session, request: CheckinRequest) -> None:
    """Notes that the appliance is there, what runs on it, and the hosts it looks after."""
    assert session.scope.site_id is not None
    _check_declared(request.hosts)
    _refuse_foreign(await repository.check_in(session, session.scope.site_id, request))


async def report_policy(session: Session, appliance: ApplianceCaller, report: PolicyReport) -> None:
    """Notes which policy is in force on an appliance and which one it refused; a refusal that was
    not known yet is told to people."""
    refused = report.refused
    at = None if refused is None else _instant(refused.refused_at)
    site_id, appliance_id = appliance.site_id, appliance.appliance_id
    before = await repository.report_policy(session, site_id, appliance_id, report, at)
    known = None if refused is None else (refused.digest, refused.code)
    if known == (before["digest"], before["code"]) or (refused is None and before["code"] is None):
        return
    if refused is not None:
        told = {"digest": refused.digest, "code": refused.code}
        await session.record(
            "appliance.policy-refuse",
            appliance_id,
            after=told,
            reason=refused.reason,
            site_id=site_id,
        )
    await session.announce("appliance", appliance_id, site_id=site_id)


def _instant(text: str) -> datetime:
    try:
        return clock.parse(text)
    except ValueError as error:
        raise Malformed("refused.refused_at", str(error)) from None


async def appliances(session: Session, site_id: str) -> list[Appliance]:
    """The appliances of a site in the order of their enrolment."""
    rows = await repository.appliances(session, site_id)
    return [
        Appliance(**row, is_online=freshness.is_online(row["last_checkin"], session.now))
        for row in rows
    ]


async def hosts(session: Session, site_id: str) -> list[Host]:
    """The hosts of a site by name."""
    return [Host(**row) for row in await repository.hosts(session, site_id)]


async def hosts_page(
    session: Session, site_id: str, after: tuple[str, str] | None, skipped: int, limit: int
) -> list[Host]:
    """Hosts of a site by name, after a (name, id); one more than `limit` when there are more."""
    rows = await repository.hosts_page(session, site_id, after, skipped, limit + 1)
    return [Host(**row) for row in rows]


def _check_proof(request: EnrolRequest) -> None:
    public, witness = keys_of(request)
    if public == witness:
        raise ProofRefused("witness: the evidence key and the witness key are two different keys")
    parts = f"{request.token_id}\n{request.public}\n{request.witness}".encode()
    message = protocol.ENROL_CONTEXT + parts
    if not VerifyKey(public).verify(message, base64.b64decode(request.proof)):
        raise ProofRefused("proof: not this key's signature over this token and these keys")


def _check_declared(declared: Sequence[HostReport]) -> None:
    for position, host in enumerate(declared):
        ids.entity(host.id, "host", f"hosts[{position}].id")
    twice = [each for each, times in Counter(host.id for host in declared).items() if times > 1]
    if twice:
        raise HostsRefused(f"hosts: {twice[0]} is declared twice")


def _refuse_foreign(refused: int) -> None:
    if refused:
        raise Conflict("hosts: one of them belongs to another appliance of this site")
