"""A route without a permission keeps the app from starting."""

from typing import Annotated

import pytest
from fastapi import APIRouter

from wardline.central.database.session import Session
from wardline.central.identity import access
from wardline.central.identity.access import EvidenceReader, RouteUnguarded, Viewer
from wardline.central.identity.permissions import Permission


def test_a_route_without_a_permission_is_refused() -> None:
    router = APIRouter()

    @router.get("/open")
    async def open_route() -> None: ...

    with pytest.raises(RouteUnguarded, match="/open must name one permission"):
        access.guard(router)


def test_a_route_with_two_permissions_is_refused() -> None:
    router = APIRouter()

    @router.get("/both")
    async def both(one: Viewer, two: EvidenceReader) -> None: ...

    with pytest.raises(RouteUnguarded, match="evidence, view"):
        access.guard(router)


def test_a_plain_route_beside_the_api_is_refused() -> None:
    router = APIRouter()
    router.add_route("/plain", lambda request: None)  # type: ignore[arg-type, return-value]
    with pytest.raises(RouteUnguarded):
        access.guard(router)


def test_the_permission_stands_in_the_description() -> None:
    router = APIRouter()

    @router.get("/sites")
    async def sites(session: Annotated[Session, access.requires(Permission.VIEW)]) -> None: ...

    access.guard(router)
    assert router.routes[0].openapi_extra == {"x-permission": "view"}  # type: ignore[attr-defined]
