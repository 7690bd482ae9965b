"""The policy contract's routes over the rules of the caller's partner."""

from typing import Annotated, Any

from fastapi import Depends, Request

from wardline.central.database.session import Session
from wardline.central.identity import access
from wardline.central.identity.permissions import Permission
from wardline.central.policies.shelf import Shelf
from wardline.central.policies.store import PartnerStore
from wardline.policy import endpoints as contract
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

router = contract.router(ACCESS)
