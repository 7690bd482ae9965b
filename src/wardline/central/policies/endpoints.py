"""The policy contract's routes over the rules, and the backups, of the caller's partner."""

from typing import Annotated, Any

from fastapi import Depends, Request

from wardline.central.database.session import Session
from wardline.central.identity import access
from wardline.central.identity.permissions import Permission
from wardline.central.policies.folders import Folders
from wardline.central.policies.restoring import PartnerRules
from wardline.central.policies.shelf import Shelf
from wardline.central.policies.store import PartnerStore
from wardline.policy import authoring
from wardline.policy import endpoints as contract
from wardline.policy.backups import endpoints as backup_routes
from wardline.policy.backups.service import Backups
from wardline.policy.endpoints import Access


def store(permission: Permission) -> Any:
    """A dependency that yields the partner's PolicyStore to a caller with the permission."""

    async def partner_store(
        request: Request, session: Annotated[Session, access.requires(permission)]
    ) -> PartnerStore:
        shelf: Shelf = request.app.state.policy_shelf
        return PartnerStore(session, shelf, access.caller_of(request).user_id)

    return Depends(partner_store, scope="function")


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
        return Backups(PartnerRules(session), folders.of(owner), access.caller_of(request).user_id)

    return Depends(partner_backups, scope="function")


BACKUPS = backup_routes.Access(
    admin=backups(Permission.POLICY_ADMIN),
    asker=backups(Permission.POLICY_ADMIN, writes_by_get=True),
)

router = contract.router(ACCESS)
authoring_router = authoring.router(ACCESS)
backup_router = backup_routes.router(BACKUPS)
