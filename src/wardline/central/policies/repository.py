"""SQL over rules, their versions and the revisions that wrote them."""

from collections.abc import Iterable, Sequence
from typing import Any

import orjson
from sqlalchemy import RowMapping, text

from wardline.central.database import arrays
from wardline.central.database.session import Session

_COLUMNS = "id, body, revision, created_by, created_at, updated_by, updated_at"
_HEAD = text("SELECT epoch, revision FROM policy_heads WHERE partner_id = :partner_id")
_MAKE_HEAD = text(
    "INSERT INTO policy_heads (partner_id) VALUES (:partner_id) ON CONFLICT DO NOTHING"
)
_LOCK_HEAD = text(
    "SELECT epoch, revision FROM policy_heads WHERE partner_id = :partner_id FOR UPDATE"
)
_MOVE_HEAD = text("UPDATE policy_heads SET revision = :revision WHERE partner_id = :partner_id")
_ALL = text(f"SELECT {_COLUMNS} FROM policies WHERE partner_id = :partner_id ORDER BY id")  # noqa: S608
_CHANGED = text(
    "SELECT DISTINCT ON (rule_id) rule_id, body FROM policy_rule_versions"
    " WHERE partner_id = :partner_id AND revision > :after AND revision <= :upto"
    " ORDER BY rule_id, revision DESC"
)
_OF_KPI = text(
    "SELECT body FROM policies WHERE partner_id = :partner_id"
    " AND body #>> '{when,kpiId}' = :kpi_id ORDER BY id"
)
_NAMED = text(
    f"SELECT {_COLUMNS} FROM policies"  # noqa: S608
    " WHERE partner_id = :partner_id AND id = ANY(CAST(:ids AS text[])) ORDER BY id"
)
_HELD = text(
    "SELECT id, revision FROM policies WHERE partner_id = :partner_id"
    " AND id = ANY(CAST(CAST(:ids AS text) AS text[])) ORDER BY id"
)
_COUNT = text("SELECT count(*) AS rules FROM policies WHERE partner_id = :partner_id")
_ADD_REVISION = text(
    "INSERT INTO policy_revisions (partner_id, revision, author, reason, created_at)"
    " VALUES (:partner_id, :revision, :author, :reason, :now)"
)
# The bodies travel and are read once; as a text, they pass the driver's own encoder by.
_PUT = text(
    "WITH given AS MATERIALIZED (SELECT body ->> 'id' AS id, body"
    " FROM jsonb_array_elements(CAST(CAST(:bodies AS text) AS jsonb)) AS body),"
    " versions AS (INSERT INTO policy_rule_versions (partner_id, rule_id, revision, body)"
    " SELECT :partner_id, id, :revision, body FROM given)"
    " INSERT INTO policies (partner_id, id, body, revision, created_by, created_at, updated_by,"
    " updated_at)"
    " SELECT :partner_id, id, body, :revision, :author, :now, :author, :now FROM given"
    " ON CONFLICT (partner_id, id) DO UPDATE SET body = excluded.body,"
    " revision = excluded.revision, updated_by = excluded.updated_by,"
    " updated_at = excluded.updated_at"
)
_WHOLE = text(
    f"SELECT head.epoch, head.revision AS head, {_COLUMNS.replace('revision', 'p.revision')}"  # noqa: S608
    " FROM policy_heads head LEFT JOIN policies p USING (partner_id)"
    " WHERE head.partner_id = :partner_id ORDER BY id"
)
_REVISIONS = text(
    "SELECT revision, author, reason, created_at FROM policy_revisions"
    " WHERE partner_id = :partner_id AND revision = ANY(CAST(:revisions AS bigint[]))"
    " ORDER BY revision"
)
_REMOVE = text(
    "DELETE FROM policies WHERE partner_id = :partner_id AND id = ANY(CAST(:ids AS text[]))"
)
_ADD_REMOVALS = text(
    "INSERT INTO policy_rule_versions (partner_id, rule_id, revision, body)"
    " SELECT :partner_id, id, :revision, NULL FROM unnest(CAST(:ids AS text[])) AS id"
)


class Repository:
    """The rules of the session's partner."""

    __slots__ = ("_partner_id", "_session")

    def __init__(self, session: Session) -> None:
        self._session = session
        self._partner_id = session.scope.owner

    async def head(self) -> RowMapping | None:
        """Epoch and revision; None where nothing was ever written."""
        return await self._session.row(_HEAD, partner_id=self._partner_id)

    async def lock_head(self) -> RowMapping:
        """Epoch and revision, held until the transaction ends: writers take turns."""
        await self._session.execute(_MAKE_HEAD, partner_id=self._partner_id)
        row = await self._session.row(_LOCK_HEAD, partner_id=self._partner_id)
        assert row is not None, "the row was just made sure of"
        return row

    async def all(self) -> list[RowMapping]:
        return await self._session.rows(_ALL, partner_id=self._partner_id)

    async def changed(self, after: int, upto: int) -> list[RowMapping]:
        """What each rule written after one revision became by another; a body of None = gone."""
        return await self._session.rows(
            _CHANGED, partner_id=self._partner_id, after=after, upto=upto
        )

    async def of_kpi(self, kpi_id: str) -> list[RowMapping]:
        """The rules in force about one check; looks through all of the partner's."""
        return await self._session.rows(_OF_KPI, partner_id=self._partner_id, kpi_id=kpi_id)

    async def named(self, rule_ids: Sequence[str]) -> list[RowMapping]:
        return await self._session.rows(_NAMED, partner_id=self._partner_id, ids=list(rule_ids))

    async def held(self, rule_ids: Iterable[str]) -> list[tuple[str, int]]:
        """Ids and revisions of those of the rules that are there."""
        found = await self._session.rows(
            _HELD, partner_id=self._partner_id, ids=arrays.texts(rule_ids)
        )
        return [(row["id"], row["revision"]) for row in found]

    async def count(self) -> int:
        row = await self._session.row(_COUNT, partner_id=self._partner_id)
        assert row is not None, "a count has a row"
        return int(row["rules"])

    async def begin_revision(self, revision: int, author: str, reason: str | None) -> None:
        """A new revision, which is the newest from now on."""
        await self._session.execute(
            _ADD_REVISION,
            partner_id=self._partner_id,
            revision=revision,
            author=author,
            reason=reason,
            now=self._session.now,
        )
        await self._session.execute(_MOVE_HEAD, partner_id=self._partner_id, revision=revision)

    async def put(self, revision: int, author: str, bodies: Sequence[dict[str, Any]]) -> None:
        """Writes rules, new or in place of the ones with their ids, and their versions."""
        await self._session.execute(
            _PUT,
            partner_id=self._partner_id,
            revision=revision,
            author=author,
            now=self._session.now,
            bodies=orjson.dumps(bodies).decode(),
        )

    async def whole(self) -> list[RowMapping]:
        """Head and rules of one instant; a policy without rules is one row with an id of None."""
        return await self._session.rows(_WHOLE, partner_id=self._partner_id)

    async def revisions(self, numbers: Sequence[int]) -> list[RowMapping]:
        return await self._session.rows(
            _REVISIONS, partner_id=self._partner_id, revisions=list(numbers)
        )

    async def remove(self, revision: int, rule_ids: Sequence[str]) -> None:
        """Takes rules out of force; their versions stay."""
        given = {"partner_id": self._partner_id, "ids": list(rule_ids)}
        await self._session.execute(_REMOVE, **given)
        await self._session.execute(_ADD_REMOVALS, **given, revision=revision)
