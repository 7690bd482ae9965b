"""The policy contract's routes over the rules, and the backups, of the caller's partner."""

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, ConfigDict, StringConstraints

from wardline.central.database.session import Session
from wardline.central.identity import access
from wardline.central.identity.permissions import Permission
from wardline.central.policies import epoch
from wardline.central.policies.folders import Folders
from wardline.central.policies.restoring import PartnerRules
from wardline.central.policies.revisions import PartnerHistory
from wardline.central.policies.shelf import Shelf
from wardline.central.policies.store import PartnerStore
from wardline.policy import authoring, refusals
from wardline.policy import endpoints as contract
from wardline.policy.backups import endpoints as backup_routes
from wardline.policy.backups.service import Backups
from wardline.policy.endpoints import REASON_CHARS_MAX, Access
from wardline.policy.revisions import endpoints as revision_routes
from wardline.policy.revisions.endpoints import WayBack


def store(permission: Permission) -> Any:
    """A dependency that yields the partner's PolicyStore to a caller with the permission."""

    async def partner_store(
        request: Request, session: Annotated[Session, access.requires(permission)]
    ) -> PartnerStore:
        return _policy(request, session)

    return Depends(partner_store, scope="function")


def _policy(request: Request, session: Session) -> PartnerStore:
    shelf: Shelf = request.app.state.policy_shelf
    return PartnerStore(session, shelf, access.caller_of(request).user_id)


ACCESS = Access(
    reader=store(Permission.POLICY_READ),
    writer=store(Permission.POLICY_WRITE),
    admin=store(Permission.POLICY_ADMIN),
)


def backups(permission: Permission, *, writes_by_get: bool = False) -> Any:
    """A dependency that yields the partner's backups to a caller with the permission."""

    async def partner_backups(
        request: Request, session: Annotated[Session, access.requires(permission)]
    ) -> Backups:
        if writes_by_get:
            access.check_own_page(request)
        folders: Folders = request.app.state.policy_backups
        owner = session.scope.owner
        who = access.caller_of(request).user_id
        rules, policy = PartnerRules(session), _policy(request, session)
        return Backups(rules, policy, folders.of(owner), who)

    return Depends(partner_backups, scope="function")


BACKUPS = backup_routes.Access(
    admin=backups(Permission.POLICY_ADMIN),
    asker=backups(Permission.POLICY_ADMIN, writes_by_get=True),
)


async def _history(
    session: Annotated[Session, access.requires(Permission.POLICY_READ)],
) -> PartnerHistory:
    return PartnerHistory(session)


async def _way_back(
    request: Request, session: Annotated[Session, access.requires(Permission.POLICY_WRITE)]
) -> WayBack:
    return WayBack(PartnerHistory(session), _policy(request, session))


HISTORY = revision_routes.Access(
    reader=Depends(_history, scope="function"), writer=Depends(_way_back, scope="function")
)

router = contract.router(ACCESS)
authoring_router = authoring.router(ACCESS)
backup_router = backup_routes.router(BACKUPS)
epoch_router = APIRouter(
    prefix=revision_routes.PREFIX, tags=["policy"], responses=refusals.of(*refusals.COMMON)
)


class EpochOut(BaseModel):
    """Which state of the policy is in force."""

    epoch: int
    revision: int


class EpochRaise(BaseModel):
    """Why the epoch is raised: above all, from which backup Central was restored."""

    model_config = ConfigDict(extra="forbid", strict=True)

    reason: Annotated[
        str, StringConstraints(strip_whitespace=True, min_length=1, max_length=REASON_CHARS_MAX)
    ]


@epoch_router.get("/epoch")
async def read_epoch(
    session: Annotated[Session, access.requires(Permission.POLICY_READ)],
) -> EpochOut:
    """The epoch and the revision of the partner's policy."""
    return EpochOut(**asdict(await epoch.standing(session)))


@epoch_router.post("/epoch")
async def raise_epoch(
    body: EpochRaise, session: Annotated[Session, access.requires(Permission.POLICY_ADMIN)]
) -> EpochOut:
    """Declares that Central was restored: appliances take its rules from now on, also where they
    hold a later revision."""
    return EpochOut(**asdict(await epoch.raise_(session, body.reason)))


revision_router = revision_routes.router(HISTORY)
