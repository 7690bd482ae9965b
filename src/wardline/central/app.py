"""The web process's wiring: every router, every gate, every part, in one place."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import APIRouter, FastAPI, Request
from sqlalchemy.ext.asyncio import AsyncEngine
from starlette.types import Scope

from wardline import __version__
from wardline.central.approvals import endpoints as approvals
from wardline.central.audit import endpoints as audit
from wardline.central.brakes import endpoints as brakes
from wardline.central.decisions import endpoints as decisions
from wardline.central.deviations import endpoints as deviations
from wardline.central.evidence import endpoints as evidence
from wardline.central.fleet import endpoints as fleet
from wardline.central.freezes import endpoints as freezes
from wardline.central.holds import endpoints as holds
from wardline.central.identity import access
from wardline.central.identity import endpoints as identity
from wardline.central.identity.access import Viewer
from wardline.central.identity.passwords import Passwords
from wardline.central.identity.server_keys import ServerKeys
from wardline.central.incidents import deed_endpoints as incident_deeds
from wardline.central.incidents import endpoints as incidents
from wardline.central.learning import endpoints as learning
from wardline.central.orders import endpoints as orders
from wardline.central.policies import endpoints as policies
from wardline.central.policies import vocabulary
from wardline.central.policies.folders import Folders
from wardline.central.policies.shelf import Shelf
from wardline.central.posture import endpoints as posture
from wardline.central.realtime import endpoints as realtime
from wardline.central.realtime.hub import Hub
from wardline.central.reports import endpoints as reports
from wardline.central.reports import overview, runbooks
from wardline.central.settings import WebSettings
from wardline.central.tenancy import endpoints as tenancy
from wardline.central.uplink import endpoints as uplink
from wardline.central.uplink.conformance import Cases
from wardline.central.web import body, headers, problems, spa
from wardline.central.web.load import Load
from wardline.core import clock
from wardline.core.clock import Now

system = APIRouter(tags=["system"])

# Matched in this order, so what appliances call all day stands first.
ROUTERS: list[APIRouter] = [
    uplink.router,
    policies.router,
    decisions.router,
    policies.authoring_router,
    policies.backup_router,
    vocabulary.router,
    policies.revision_router,
    policies.epoch_router,
    system,
    identity.router,
    identity.people_router,
    evidence.router,
    audit.router,
    incidents.router,
    incident_deeds.router,
    approvals.router,
    orders.router,
    holds.router,
    freezes.router,
    learning.router,
    brakes.router,
    deviations.router,
    posture.router,
    reports.router,
    runbooks.router,
    realtime.router,
    fleet.router,
    tenancy.router,
]


@system.get("/healthz", dependencies=[access.PUBLIC])
async def healthz() -> dict[str, bool]:
    """The process answers."""
    return {"ok": True}


def create(
    settings: WebSettings,
    engine: AsyncEngine,
    server_keys: ServerKeys,
    *,
    now: Now = clock.system,
    passwords: Passwords | None = None,
) -> FastAPI:
    """The app on an engine of the application role; raises RouteUnguarded."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        hub: Hub = app.state.hub
        async with hub.running(settings.app_dsn):
            yield
        await engine.dispose()

    app = FastAPI(
        title="Wardline Central Command",
        version=__version__,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        lifespan=lifespan,
    )
    app.state.settings = settings
    app.state.engine = engine
    app.state.server_keys = server_keys
    app.state.hub = Hub(engine)
    app.state.now = now
    app.state.passwords = passwords or Passwords()
    app.state.policy_shelf = Shelf()
    app.state.policy_cases = Cases()
    app.state.policy_backups = Folders(settings.backups, now)
    app.state.site_overview = overview.site
    for router in (*ROUTERS, _description(app)):
        access.guard(router)
        # As they are: `include_router` would work out every route once more, at the first request.
        app.router.routes.extend(router.routes)
    problems.install(app)
    app.mount("/", spa.Dashboard())
    app.add_middleware(
        body.BodyGate, load=Load(), admit=_admit, public=access.public_paths(ROUTERS)
    )
    app.add_middleware(headers.HeaderGate, transport=settings.transport)
    return app


async def _admit(scope: Scope) -> None:
    await access.admit(Request(scope))


def _description(app: FastAPI) -> APIRouter:
    router = APIRouter(tags=["system"])

    @router.get("/api/v1/openapi.json")
    async def openapi(session: Viewer) -> dict[str, Any]:
        """This API's description."""
        return app.openapi()

    return router
