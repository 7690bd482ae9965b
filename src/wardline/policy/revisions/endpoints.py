"""HTTP: the history of a policy under /api/v1/policies, and the way back."""

import base64
import binascii
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from fastapi import Path as PathParameter

from wardline.core import clock
from wardline.core.canonical import Json
from wardline.core.errors import Refused
from wardline.core.policy import diff, exact
from wardline.core.policy.compiled import Compiled
from wardline.core.policy.replay_body import ReplayAsked
from wardline.core.policy.wire import LABEL_CHARS_MAX
from wardline.formats.policy_schema import REVISION_MAX
from wardline.policy import endpoints as contract
from wardline.policy import past, problems, refusals
from wardline.policy.revisions.store import (
    ITEMS_DEFAULT,
    ITEMS_MAX,
    Counts,
    Difference,
    Pair,
    Revision,
    RevisionStore,
    RolledBack,
    Seen,
    UnseenRollback,
    Version,
)
from wardline.policy.store import PolicyStore, RuleInvalid

PREFIX = "/api/v1/policies"
CURSOR_CHARS_MAX = 4 * LABEL_CHARS_MAX

Limit = Annotated[int, Query(ge=1, le=ITEMS_MAX)]
Cursor = Annotated[
    str | None, Query(max_length=CURSOR_CHARS_MAX, description="`next` of the page before")
]
Number = Annotated[int, PathParameter(ge=1, le=REVISION_MAX)]
RuleId = Annotated[str, PathParameter(min_length=1, max_length=LABEL_CHARS_MAX)]


class CursorForeign(Refused):
    """A cursor that no page of this list gave."""

    code = "cursor_invalid"


@dataclass(frozen=True, slots=True)
class Access:
    """Who may: two dependencies of FastAPI, of which `reader` yields the caller's RevisionStore,
    `writer` the caller's WayBack, or raises."""

    reader: Any
    writer: Any


@dataclass(frozen=True, slots=True)
class WayBack:
    """The history, and the rules in force, of one request and one owner."""

    history: RevisionStore
    policy: PolicyStore


def router(access: Access) -> APIRouter:
    """The routes over the history that `access` yields."""
    made = APIRouter(
        prefix=PREFIX,
        tags=["policy"],
        route_class=problems.Route,
        responses=refusals.of(*refusals.COMMON, 404, 409, 412, 428),
    )
    _add_revisions(made, access)
    _add_differences(made, access)
    _add_ways_back(made, access)
    return made


def _add_revisions(router: APIRouter, access: Access) -> None:
    @router.get("/revisions")
    async def list_revisions(
        response: Response,
        store: Annotated[RevisionStore, access.reader],
        limit: Limit = ITEMS_DEFAULT,
        cursor: Cursor = None,
    ) -> dict[str, Json]:
        """Revisions, newest first, with how many rules each added, changed and removed. The ETag
        names the one in force: what a roll back wants in `If-Match`."""
        found = await store.history(_before(cursor), limit + 1)
        response.headers["etag"] = contract.tag(found.head)
        items = found.revisions[:limit]
        return {
            "ok": True,
            "revision": found.head,
            "items": [_revision(each) for each in items],
            "next": _next(str(items[-1].number)) if len(found.revisions) > limit else None,
        }

    @router.get("/revisions/{revision}")
    async def read_revision(
        revision: Number,
        store: Annotated[RevisionStore, access.reader],
        limit: Limit = ITEMS_DEFAULT,
        cursor: Cursor = None,
    ) -> dict[str, Json]:
        """A revision and what it changed: rule by rule, and field by field with the path."""
        told = await store.revision(revision)
        start = _after(cursor)
        if told.counts is None:
            return {"ok": True, **_revision(told), "changes": None, "next": None}
        found = await store.difference(revision - 1, revision, start, limit + 1)
        return {"ok": True, **_revision(told), **_changes(found, limit)}


def _add_differences(router: APIRouter, access: Access) -> None:
    @router.get("/diff")
    async def diff_revisions(
        store: Annotated[RevisionStore, access.reader],
        from_: Annotated[int, Query(alias="from", ge=0, le=REVISION_MAX)],
        to: Annotated[int, Query(ge=0, le=REVISION_MAX)],
        limit: Limit = ITEMS_DEFAULT,
        cursor: Cursor = None,
    ) -> dict[str, Json]:
        """What differs between the rules of two revisions, in either direction; 0 is before the
        first."""
        found = await store.difference(from_, to, _after(cursor), limit + 1)
        counts = _counts(found.counts)
        return {"ok": True, "from": from_, "to": to, "counts": counts, **_changes(found, limit)}

    @router.get("/rules/{rule_id:path}/versions")
    async def list_versions(
        rule_id: RuleId,
        response: Response,
        store: Annotated[RevisionStore, access.reader],
        limit: Limit = ITEMS_DEFAULT,
        cursor: Cursor = None,
    ) -> dict[str, Json]:
        """What every revision made of one rule, newest first; `rule` null = it was removed. The
        ETag names the newest: what a roll back of the rule wants in `If-Match`."""
        found = await store.versions(rule_id, _before(cursor), limit + 1)
        response.headers["etag"] = contract.tag(found.newest)
        items = found.items[:limit]
        return {
            "ok": True,
            "id": rule_id,
            "items": [_version(each) for each in items],
            "next": _next(str(items[-1].revision)) if len(found.items) > limit else None,
        }


def _add_ways_back(router: APIRouter, access: Access) -> None:
    @router.post(
        "/rollback",
        openapi_extra=contract.takes("{revision, reason}: the revision to go back to, and why."),
    )
    async def roll_back(
        request: Request, response: Response, way: Annotated[WayBack, access.writer]
    ) -> dict[str, Json]:
        """Puts the rules of an older revision in force, as a new one. `If-Match` must name the
        revision in force (428 without, 412 when it is another by now); `*` takes any.
        `deniedToRun`: how many of the last `pastDecisions` were denials that would now run."""
        number, reason = _asked(await contract.body(request, contract.ONE_BYTES_MAX))
        seen, before = _seen(request), await way.policy.current()
        made = await way.history.roll_back(number, seen, reason)
        return await _rolled_back(way, before, made, response)

    @router.post(
        "/rules/{rule_id:path}/rollback",
        openapi_extra=contract.takes("{revision, reason}: the revision to go back to, and why."),
    )
    async def roll_back_rule(
        rule_id: RuleId,
        request: Request,
        response: Response,
        way: Annotated[WayBack, access.writer],
    ) -> dict[str, Json]:
        """Makes one rule what it was in an older revision, also not there. `If-Match` must name
        the revision that last touched it. `deniedToRun` as for all rules."""
        number, reason = _asked(await contract.body(request, contract.ONE_BYTES_MAX))
        seen, before = _seen(request), await way.policy.current()
        made = await way.history.roll_back_rule(rule_id, number, seen, reason)
        return await _rolled_back(way, before, made, response)

    @router.post("/revisions/{revision}/replay")
    async def replay_revision(
        revision: Number, request: Request, way: Annotated[WayBack, access.writer]
    ) -> dict[str, Json]:
        """What a roll back to a revision would have made of the decisions of the last 30 days:
        answered as `/replay`, before anything is done."""
        rules = await way.history.rules(revision)
        asked = ReplayAsked(tuple(rules))
        return {"ok": True, **await past.replayed(way.policy, asked, request.is_disconnected)}


def _asked(given: Json) -> tuple[int, str]:
    """The revision and the reason of a body; raises RuleInvalid with every bad field."""
    if not isinstance(given, dict):
        raise RuleInvalid([("$", "must be {revision, reason}")])
    wrong = [
        (exact.shown(str(name)), "unknown key: not permitted")
        for name in sorted(given.keys() - {"revision", "reason"})
    ]
    number, reason = given.get("revision"), given.get("reason")
    if type(number) is not int or not 1 <= number <= REVISION_MAX:
        wrong.append(("revision", f"must be a number from 1 to {REVISION_MAX}"))
    if not isinstance(reason, str) or not 0 < len(reason.strip()) <= contract.REASON_CHARS_MAX:
        wrong.append(("reason", f"must be a text of 1 to {contract.REASON_CHARS_MAX} characters"))
    if wrong:
        raise RuleInvalid(wrong)
    assert isinstance(reason, str) and isinstance(number, int), "both were just looked at"  # noqa: PT018
    cleaned = contract.clean(reason)
    assert cleaned is not None, "it is not empty"
    return number, cleaned


def _seen(request: Request) -> Seen:
    given = request.headers.get("if-match")
    if given is None:
        raise UnseenRollback("a roll back needs If-Match: the ETag of the history that you saw")
    return Seen(contract.tagged(given))


async def _rolled_back(
    way: WayBack, before: Compiled, made: RolledBack, response: Response
) -> dict[str, Json]:
    response.headers["etag"] = contract.tag(made.revision)
    told = await past.of_saved(way.policy, before, made.going.rules, made.going.removed)
    return {"ok": True, "revision": made.revision, "counts": _counts(made.counts), **told}


def _revision(revision: Revision) -> dict[str, Json]:
    return {
        "revision": revision.number,
        "author": revision.author,
        "createdAt": clock.wire(revision.at),
        "reason": revision.reason,
        "counts": None if revision.counts is None else _counts(revision.counts),
    }


def _version(version: Version) -> dict[str, Json]:
    return {
        "revision": version.revision,
        "author": version.author,
        "createdAt": clock.wire(version.at),
        "reason": version.reason,
        "rule": exact.plain(version.body),
    }


def _counts(counts: Counts) -> dict[str, Json]:
    return dict(counts._asdict())


def _changes(found: Difference, limit: int) -> dict[str, Json]:
    page = found.pairs[:limit]
    return {
        "changes": [_change(each) for each in page],
        "next": _next(page[-1].rule_id) if len(found.pairs) > limit else None,
    }


def _change(pair: Pair) -> dict[str, Json]:
    change = diff.of_rule(*pair)
    assert change is not None, "a store gives what differs"
    return change.to_wire()


def _next(key: str) -> str:
    """Opaque, because what continues a list is its own business."""
    return base64.urlsafe_b64encode(key.encode()).decode().rstrip("=")


def _after(cursor: str | None) -> str:
    """The key in a cursor; the empty text stands before every one. Raises CursorForeign."""
    if cursor is None:
        return ""
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        key = base64.b64decode(padded, altchars=b"-_", validate=True).decode()
    except (ValueError, binascii.Error):
        key = ""
    if not key or "\x00" in key:
        raise CursorForeign("cursor: no page of this list gave it; begin without one")
    return key


def _before(cursor: str | None) -> int | None:
    if cursor is None:
        return None
    key = _after(cursor)
    if not key.isdecimal() or not key.isascii() or int(key) > REVISION_MAX:
        raise CursorForeign("cursor: no page of this list gave it; begin without one")
    return int(key)
