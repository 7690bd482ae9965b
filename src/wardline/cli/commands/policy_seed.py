"""`wardline policy seed`: puts the rules to start with into a policy file."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from wardline.policy import seed as seeds
from wardline.policy.file.book import Book
from wardline.policy.file.store import FileStore, Terms
from wardline.policy.seed import Seeded
from wardline.policy.standalone import settings

AUTHOR = "seed"

Db = Annotated[
    Path | None, typer.Option(help="the policy file; default: POLICY_DB, or data/policies.db")
]


def seed(db: Db = None) -> None:
    """Put in the document's rules and one per built-in runbook; what is there stays as it is."""
    path = settings.db(db)
    done = asyncio.run(_planted(path))
    if done.added:
        print(f"{path}: {len(done.added)} rules put in, {done.kept} were there")
    else:
        print(f"{path}: all {done.kept} rules were there")


async def _planted(path: Path) -> Seeded:
    book = Book(path)
    try:
        return await seeds.plant(FileStore(book, Terms(), AUTHOR))
    finally:
        await book.close()
