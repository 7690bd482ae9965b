"""Deciders in a process of their own: `python -m tests.harness.deciders`, told by JSON on stdin.

Each of `deciders` asks `requests` times for one decision, all at once; at the end one line of JSON
says which reservations were made. With `hold` it then waits to be killed.
"""

import asyncio
import json
import sys
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import orjson

from wardline.central.database import engine
from wardline.central.database.scope import Actor, ActorKind, Scope
from wardline.central.database.session import open_session
from wardline.central.decisions.service import PartnerDecisions
from wardline.central.policies.shelf import Shelf
from wardline.core import clock
from wardline.core.policy import parse
from wardline.core.policy.request import Principal
from wardline.policy.file.book import Book
from wardline.policy.file.decisions import FileDecisions
from wardline.policy.file.store import Terms

POOL_MAX = 10


@asynccontextmanager
async def central(told):
    """Gives one call of POST /decide on PostgreSQL, each in a transaction of its own."""
    pool, shelf = engine.create(told["dsn"], pool_max=POOL_MAX), Shelf()
    actor, scope = Actor(ActorKind.USER, "decider"), Scope.partner(told["partner"])

    async def decide(asked):
        async with open_session(pool, scope, actor) as session:
            store = PartnerDecisions(
                session, shelf, Principal("decider", frozenset()), clock.system
            )
            return await store.decide(asked, None)

    yield decide
    await pool.dispose()


@asynccontextmanager
async def on_file(told):
    """Gives one call of POST /decide on a policy file."""
    book = Book(Path(told["file"]))
    store = FileDecisions(book, Terms(), Principal("decider", frozenset()))

    async def decide(asked):
        return await store.decide(asked, None)

    yield decide
    await book.close()


async def main(told):
    async with AsyncExitStack() as stack:
        decide = await stack.enter_async_context((central if "dsn" in told else on_file)(told))
        asked = parse.asked(told["body"])
        reserved = []

        async def decider():
            for _ in range(told["requests"]):
                answer = orjson.loads(await decide(asked))
                reserved.extend(
                    one["reservation"]["id"] for one in answer["decisions"] if one["reservation"]
                )

        await asyncio.gather(*(decider() for _ in range(told["deciders"])))
        print(json.dumps(reserved), flush=True)
        if told.get("hold"):
            await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(json.load(sys.stdin)))
