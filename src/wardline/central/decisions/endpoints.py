"""The routes of real decisions over the rules of the caller's partner."""

from typing import Annotated, Any

from fastapi import Depends, Request

from wardline.central.database.session import Session
from wardline.central.decisions.service import PartnerDecisions
from wardline.central.identity import access
from wardline.central.identity.permissions import POLICY_ROLES, Permission
from wardline.central.policies.shelf import Shelf
from wardline.central.web import state
from wardline.core.policy.request import Principal
from wardline.policy.decisions import endpoints as contract
from wardline.policy.decisions.endpoints import Access


def store(permission: Permission) -> Any:
    """A dependency that yields the partner's DecisionStore to a caller with the permission."""

    async def decisions(
        request: Request, session: Annotated[Session, access.requires(permission)]
    ) -> PartnerDecisions:
        shelf: Shelf = request.app.state.policy_shelf
        caller = access.caller_of(request)
        principal = Principal(caller.user_id, frozenset({POLICY_ROLES[caller.role]}))
        return PartnerDecisions(session, shelf, principal, state.now(request))

    return Depends(decisions, scope="function")


router = contract.router(
    Access(reader=store(Permission.POLICY_READ), decider=store(Permission.POLICY_DECIDE))
)
