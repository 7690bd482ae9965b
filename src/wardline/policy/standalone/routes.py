"""The routes of a server on a policy file, ready for any FastAPI app.

`Routes(settings).router` opens the file when the app that it is included in starts, and closes it
when that ends. Every route and the socket ask the door first, whatever the app around them does.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Depends, FastAPI, Query, Request, WebSocket
from pydantic import BaseModel

from wardline.core import clock
from wardline.core.clock import Now
from wardline.core.errors import WardlineError
from wardline.core.policy.request import Principal
from wardline.policy import authoring, bodies, problems, refusals
from wardline.policy import endpoints as contract
from wardline.policy.backups import endpoints as backup_routes
from wardline.policy.backups.folder import Folder
from wardline.policy.backups.service import Backups
from wardline.policy.decisions import endpoints as decision_routes
from wardline.policy.endpoints import Access
from wardline.policy.file.book import Book, FileLog
from wardline.policy.file.decisions import FileDecisions
from wardline.policy.file.restoring import FileRules
from wardline.policy.file.revisions import FileHistory
from wardline.policy.file.store import FileStore, Terms
from wardline.policy.live import socket
from wardline.policy.live.feed import Resume
from wardline.policy.live.log import ID_MAX
from wardline.policy.revisions import endpoints as revision_routes
from wardline.policy.revisions.endpoints import WayBack
from wardline.policy.standalone import settings as files
from wardline.policy.standalone import tickets
from wardline.policy.standalone.access import Door
from wardline.policy.standalone.hub import LIMITS, Hub
from wardline.policy.standalone.settings import Settings
from wardline.policy.standalone.tokens import Caller, Role, Tokens

TICKET_PATH = "/api/v1/ws-ticket"
EPOCH_CHARS_MAX = 64
TOKENS_LOOK_SECONDS = 1.0

Since = Annotated[int | None, Query(ge=0, le=ID_MAX)]
Epoch = Annotated[str | None, Query(max_length=EPOCH_CHARS_MAX)]


class TicketOut(BaseModel):
    """`ticket` goes into the address of one socket, once, before `expires_at`."""

    ticket: str
    expires_at: datetime


class Routes:
    """Raises BadSettings when it is made; the file is opened when the app starts, unless it is
    given as an open book. It is closed when the app ends."""

    def __init__(
        self, settings: Settings, book: Book | None = None, *, now: Now = clock.system
    ) -> None:
        self._settings = settings
        self._given = book
        self._now = now
        tokens = None if settings.token_file is None else Tokens(settings.token_file, now)
        self.door = Door(tokens, settings.origins)
        self._terms = Terms(settings.zone, files.actions(settings.actions), now)
        self._open: tuple[Book, Hub] | None = None
        self.router = APIRouter(
            lifespan=self._lifespan, route_class=problems.Route, max_body_size=bodies.BYTES_MAX
        )
        self.router.include_router(contract.router(self._access()))
        self.router.include_router(
            decision_routes.router(
                decision_routes.Access(
                    reader=self._decisions(Role.READER), decider=self._decisions(Role.MANAGER)
                )
            )
        )
        self.router.include_router(authoring.router(self._access()))
        self._folder = Folder(settings.folder, str(settings.folder), now)
        backups = self._backups()
        # A page is let in by its origin, whatever it asks with.
        self.router.include_router(
            backup_routes.router(backup_routes.Access(admin=backups, asker=backups))
        )
        history = revision_routes.Access(reader=self._history(), writer=self._way_back())
        self.router.include_router(revision_routes.router(history))
        self._add_socket()

    @asynccontextmanager
    async def _lifespan(self, app: FastAPI) -> AsyncIterator[None]:
        given, self._given = self._given, None
        if given is None:
            given = await asyncio.to_thread(Book, self._settings.db)
        book = given
        hub = Hub(FileLog(book.database), LIMITS)
        book.changed = hub.ring
        self._open = book, hub
        tasks = [asyncio.create_task(one) for one in (book.watch(), hub.tell(), self._look())]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            self._open = None
            await book.close()

    def _opened(self) -> tuple[Book, Hub]:
        assert self._open is not None, "the app's lifespan must run: it opens the policy file"
        return self._open

    def _access(self) -> Access:
        return Access(
            reader=self._store(Role.READER),
            writer=self._store(Role.MANAGER),
            admin=self._store(Role.ADMIN),
        )

    def _store(self, role: Role) -> Any:
        async def store(request: Request) -> FileStore:
            caller = self._caller(request, role)
            return FileStore(self._opened()[0], self._terms, caller.name)

        return Depends(store)

    def _history(self) -> Any:
        async def history(request: Request) -> FileHistory:
            caller = self._caller(request, Role.READER)
            return FileHistory(self._opened()[0], self._terms, caller.name)

        return Depends(history)

    def _way_back(self) -> Any:
        async def way_back(request: Request) -> WayBack:
            caller = self._caller(request, Role.MANAGER)
            about = self._opened()[0], self._terms, caller.name
            return WayBack(FileHistory(*about), FileStore(*about))

        return Depends(way_back)

    def _decisions(self, role: Role) -> Any:
        async def decisions(request: Request) -> FileDecisions:
            caller = self._caller(request, role)
            principal = Principal(caller.name, frozenset({caller.role.value}))
            return FileDecisions(self._opened()[0], self._terms, principal)

        return Depends(decisions)

    def _backups(self) -> Any:
        async def backups(request: Request) -> Backups:
            caller = self._caller(request, Role.ADMIN)
            about = self._opened()[0], self._terms, caller.name
            rules, policy = FileRules(*about), FileStore(*about)
            return Backups(rules, policy, self._folder, caller.name, self._settings.retention)

        return Depends(backups)

    def _caller(self, request: Request, role: Role) -> Caller:
        caller = self.door.caller(request)
        caller.check(role)
        return caller

    def _add_socket(self) -> None:
        @self.router.post(
            TICKET_PATH,
            status_code=201,
            tags=["policy"],
            responses=refusals.of(*refusals.COMMON),
        )
        async def issue_ticket(request: Request) -> TicketOut:
            """For a page, which can set no header on a socket's handshake."""
            caller = self._caller(request, Role.READER)
            ends = self._now() + timedelta(seconds=tickets.SECONDS_MAX)
            return TicketOut(ticket=self.door.tickets.issue(caller), expires_at=ends)

        @self.router.websocket(f"{contract.PREFIX}/ws")
        async def policy(websocket: WebSocket, since: Since = None, epoch: Epoch = None) -> None:
            """The five events of the policy contract."""
            try:
                await self._listen(websocket, Resume(since, epoch))
            except WardlineError as error:
                await problems.refused(websocket, error)

    async def _listen(self, websocket: WebSocket, resume: Resume) -> None:
        caller = self.door.caller(websocket)
        _, hub = self._opened()
        if not await socket.accept(websocket):
            return

        async def check() -> None:
            self.door.check(caller)

        with hub.seat(caller) as client:
            await hub.join(client, resume)
            await socket.hold(websocket, client, check, hub.limits)

    async def _look(self) -> None:
        """Takes up changes of the token file, until it is cancelled."""
        while self.door.tokens is not None:
            await asyncio.sleep(TOKENS_LOOK_SECONDS)
            await asyncio.to_thread(self.door.tokens.look)
