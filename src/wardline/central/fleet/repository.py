"""SQL over enrolment tokens, appliances, their keys and hosts."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import RowMapping, text

from wardline.central.database.session import Session
from wardline.core.protocol import CheckinRequest, EnrolRequest, HostReport
from wardline.core.snapshot import PolicyReport

TOKENS_LISTED_MAX = 100
APPLIANCES_LISTED_MAX = 100

_ADD_TOKEN = text(
    "INSERT INTO enrolment_tokens (id, partner_id, site_id, secret_hash, created_by, created_at,"
    " expires_at) VALUES (:id, :partner_id, :site_id, :secret_hash, :created_by, :now,"
    " :expires_at)"
)
_TOKENS = text(
    "SELECT id, created_at, expires_at, used_at, used_by FROM enrolment_tokens"
    " WHERE site_id = :site_id ORDER BY created_at DESC, id DESC LIMIT :limit"
)
_USE_TOKEN = text(
    "UPDATE enrolment_tokens SET used_at = :now, used_by = :appliance_id"
    " WHERE id = :id AND site_id = :site_id AND used_at IS NULL AND expires_at > :now"
)
_SITE_NAME = text("SELECT name FROM sites WHERE id = :site_id")
_ADD_APPLIANCE = text(
    "INSERT INTO appliances (id, site_id, partner_id, hostname, platform, agent_version,"
    " ip_address, credential_hash, enrolled_at) VALUES (:id, :site_id, :partner_id, :hostname,"
    " :platform, :agent_version, CAST(CAST(:address AS text) AS inet), :credential_hash, :now)"
)
_ADD_KEY = text(
    "INSERT INTO appliance_keys (site_id, partner_id, appliance_id, epoch, kid, public_key,"
    " witness_key, enrolled_at) VALUES (:site_id, :partner_id, :appliance_id, :epoch, :kid,"
    " :public_key, :witness_key, :now)"
)
_KEY_KNOWN = text(
    "SELECT 1 AS found FROM appliance_keys WHERE site_id = :site_id"
    " AND (public_key = :public OR witness_key = :public) LIMIT 1"
)
_APPLIANCES = text(
    "SELECT id, hostname, platform, agent_version, last_checkin, enrolled_at, pending_bundles,"
    " quarantined_bundles, epoch, policy_epoch, policy_revision, policy_refused_code,"
    " policy_refused_reason, policy_refused_at FROM appliances"
    " WHERE site_id = :site_id AND retired_at IS NULL ORDER BY enrolled_at, id LIMIT :limit"
)
_HOSTS = text(
    "SELECT id, name, kind, platform, observed, last_seen_at FROM hosts"
    " WHERE site_id = :site_id ORDER BY name, id LIMIT :limit"
)
_HOSTS_PAGE = text(
    "SELECT id, name, kind, platform, observed, last_seen_at FROM hosts"
    " WHERE site_id = :site_id AND (CAST(:after_id AS text) IS NULL"
    " OR (name, id) > (:after_name, :after_id))"
    " ORDER BY name, id LIMIT :limit OFFSET :skipped"
)
HOSTS_LISTED_MAX = 1_000
_POLICY_BEFORE = text(
    "SELECT policy_refused_digest AS digest, policy_refused_code AS code FROM appliances"
    " WHERE id = :id AND site_id = :site_id FOR UPDATE"
)
_REPORT_POLICY = text(
    "UPDATE appliances SET policy_epoch = :epoch, policy_revision = :revision,"
    " policy_refused_digest = :digest, policy_refused_code = :code,"
    " policy_refused_reason = :reason, policy_refused_at = :refused_at"
    " WHERE id = :id AND site_id = :site_id"
)

# Hot path: plain driver statements. A host belongs to the appliance that declared it first; one
# that is as it was is written again only when it was seen a while ago.
HOST_SEEN_SECONDS_STEP = 600

_DECLARE_HOSTS = (
    "WITH given AS MATERIALIZED ("
    "  SELECT given.* FROM unnest($4::text[], $5::text[], $6::text[], $7::text[], $8::boolean[])"
    "    AS given (id, name, kind, platform, observed)"
    "  WHERE NOT EXISTS (SELECT FROM hosts h WHERE h.site_id = $1 AND h.id = given.id"
    "    AND h.appliance_id = $3 AND h.last_seen_at > $9::timestamptz - $10 * interval '1 second'"
    "    AND (h.name, h.kind, h.platform, h.observed)"
    "      = (given.name, given.kind, given.platform, given.observed))"
    "), declared AS ("
    "  INSERT INTO hosts AS held (site_id, partner_id, appliance_id, id, name, kind, platform,"
    "    observed, first_seen_at, last_seen_at)"
    "  SELECT $1, $2, $3, id, name, kind, platform, observed, $9, $9 FROM given"
    "  ON CONFLICT (site_id, id) DO UPDATE SET name = excluded.name, kind = excluded.kind,"
    "    platform = excluded.platform, observed = excluded.observed,"
    "    last_seen_at = excluded.last_seen_at WHERE held.appliance_id = excluded.appliance_id"
    "  RETURNING 1)"
)
_COUNT_REFUSED = " SELECT (SELECT count(*) FROM given) - (SELECT count(*) FROM declared)"
_SEEN = (
    ", seen AS ("
    "  UPDATE appliances SET is_online = true, last_checkin = $9, agent_version = $11,"
    "    ip_address = $12::text::inet, pending_bundles = $13, quarantined_bundles = $14"
    "  WHERE id = $3)"
)
# A check-in is no event; coming back is. The row is read as it was before `seen`.
_BACK = (
    ", back AS ("
    "  INSERT INTO change_log (partner_id, site_id, kind, subject)"
    "  SELECT partner_id, site_id, 'appliance', id FROM appliances WHERE id = $3 AND NOT is_online)"
)
_CHECK_IN = _DECLARE_HOSTS + _SEEN + _BACK + _COUNT_REFUSED
_ENROL_HOSTS = _DECLARE_HOSTS + _COUNT_REFUSED


async def add_token(
    session: Session, site_id: str, token_id: str, secret_hash: bytes, expires_at: datetime
) -> None:
    await session.execute(
        _ADD_TOKEN,
        id=token_id,
        partner_id=session.scope.owner,
        site_id=site_id,
        secret_hash=secret_hash,
        created_by=session.actor.id,
        now=session.now,
        expires_at=expires_at,
    )


async def tokens(session: Session, site_id: str) -> list[RowMapping]:
    return await session.rows(_TOKENS, site_id=site_id, limit=TOKENS_LISTED_MAX)


async def use_token(session: Session, token_id: str, site_id: str, appliance_id: str) -> bool:
    """False where it was used or expired in the meantime: of two at once, one wins."""
    touched = await session.execute(
        _USE_TOKEN, id=token_id, site_id=site_id, appliance_id=appliance_id, now=session.now
    )
    return touched == 1


async def site_name(session: Session, site_id: str) -> str:
    row = await session.row(_SITE_NAME, site_id=site_id)
    assert row is not None
    return str(row["name"])


async def add_appliance(
    session: Session, site_id: str, request: EnrolRequest, credential_hash: bytes
) -> None:
    await session.execute(
        _ADD_APPLIANCE,
        id=session.actor.id,
        site_id=site_id,
        partner_id=session.scope.owner,
        hostname=request.hostname,
        platform=request.platform,
        agent_version=request.agent_version,
        address=session.actor.address,
        credential_hash=credential_hash,
        now=session.now,
    )


async def add_key(
    session: Session, site_id: str, epoch: int, kid: str, public: bytes, witness: bytes
) -> None:
    await session.execute(
        _ADD_KEY,
        site_id=site_id,
        partner_id=session.scope.owner,
        appliance_id=session.actor.id,
        epoch=epoch,
        kid=kid,
        public_key=public,
        witness_key=witness,
        now=session.now,
    )


async def key_known(session: Session, site_id: str, public: bytes) -> bool:
    return await session.row(_KEY_KNOWN, site_id=site_id, public=public) is not None


async def check_in(session: Session, site_id: str, request: CheckinRequest) -> int:
    """That the appliance is there, what runs on it, and its hosts, in one statement; how many of
    these hosts are another appliance's."""
    refused: int = await session.raw.fetchval(
        _CHECK_IN,
        *_declared(session, site_id, request.hosts),
        request.agent_version,
        session.actor.address,
        request.queue.pending,
        request.queue.quarantined,
    )
    return refused


async def declare_hosts(session: Session, site_id: str, hosts: Sequence[HostReport]) -> int:
    """How many of the hosts are another appliance's; the others are this one's now."""
    refused: int = await session.raw.fetchval(_ENROL_HOSTS, *_declared(session, site_id, hosts))
    return refused


def _declared(session: Session, site_id: str, hosts: Sequence[HostReport]) -> tuple[object, ...]:
    return (
        *(site_id, session.scope.owner, session.actor.id),
        [host.id for host in hosts],
        [host.name for host in hosts],
        [host.kind for host in hosts],
        [host.platform for host in hosts],
        [host.observed for host in hosts],
        *(session.now, HOST_SEEN_SECONDS_STEP),
    )


async def report_policy(
    session: Session,
    site_id: str,
    appliance_id: str,
    report: PolicyReport,
    refused_at: datetime | None,
) -> RowMapping:
    """Keeps what an appliance says of its policy; gives digest and code of what it had refused
    before, as far as it had."""
    before = await session.row(_POLICY_BEFORE, id=appliance_id, site_id=site_id)
    assert before is not None, "the caller is an appliance of its site"
    refused = report.refused
    await session.execute(
        _REPORT_POLICY,
        id=appliance_id,
        site_id=site_id,
        epoch=report.epoch,
        revision=report.revision,
        digest=None if refused is None else refused.digest,
        code=None if refused is None else refused.code,
        reason=None if refused is None else refused.reason,
        refused_at=refused_at,
    )
    return before


async def appliances(session: Session, site_id: str) -> list[RowMapping]:
    return await session.rows(_APPLIANCES, site_id=site_id, limit=APPLIANCES_LISTED_MAX)


async def hosts(session: Session, site_id: str) -> list[RowMapping]:
    return await session.rows(_HOSTS, site_id=site_id, limit=HOSTS_LISTED_MAX)


async def hosts_page(
    session: Session, site_id: str, after: tuple[str, str] | None, skipped: int, limit: int
) -> list[RowMapping]:
    """By name, after a (name, id)."""
    after_name, after_id = after or (None, None)
    return await session.rows(
        _HOSTS_PAGE,
        site_id=site_id,
        after_name=after_name,
        after_id=after_id,
        skipped=skipped,
        limit=limit,
    )
