"""Where rules are read from and written to: a file, a policy file, or a server."""

import asyncio
import datetime
import json
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Protocol, TypeVar
from urllib.parse import quote

import orjson
import typer
import yaml

from wardline.cli import person
from wardline.cli.client import Client
from wardline.core.canonical import Json
from wardline.core.errors import Malformed, WrongUsage
from wardline.core.policy import exact, parse, replay_body
from wardline.core.policy.parse import RuleInvalid
from wardline.core.policy.rule import Rule, Stamp
from wardline.formats import policy_file, policy_schema
from wardline.formats.policy_copy import PolicyFileRefused
from wardline.policy import analysis, past
from wardline.policy.file.book import Book
from wardline.policy.file.store import FileStore, Terms

TOKEN = "WARDLINE_TOKEN"  # noqa: S105 - the name of a variable, not a token
AUTHOR = "command line"
FILE_BYTES_MAX = 64 << 20
DATABASES = frozenset({".db", ".sqlite"})

T = TypeVar("T")

Db = Annotated[Path | None, typer.Option("--db", help="a policy file")]
Url = Annotated[
    str | None,
    typer.Option("--url", help="a server of the policy manager; its token is in WARDLINE_TOKEN"),
]
Who = Annotated[str | None, typer.Option("--as", help="at Central: your e-mail address")]
Data = Annotated[Path | None, typer.Option(help="Central's data directory; default: the one here")]
AsJson = Annotated[bool, typer.Option("--json", help="print it as JSON")]
RulesFile = Annotated[
    Path | None, typer.Option("--rules", help="rules in a file: an export, or a policy file")
]


class SourceUnnamed(WrongUsage):
    """No rules were named, or more than one place of them."""

    code = "rules_unnamed"


class Target(Protocol):
    """A store that answers, as bodies of the API."""

    def rules(self) -> list[dict[str, Json]]:
        """Every rule as it was written, by id."""

    def write(self, rules: Sequence[Json], reason: str | None) -> Any: ...

    def analyse(self, drafts: Sequence[Json] | None) -> Any: ...

    def replay(self, body: dict[str, Json]) -> Any: ...

    def simulate(self, body: dict[str, Json]) -> Any: ...


class Served:
    """Somebody's server."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def rules(self) -> list[dict[str, Json]]:
        found: list[dict[str, Json]] = self._client.policy("export")["rules"]
        return found

    def write(self, rules: Sequence[Json], reason: str | None) -> Any:
        query = "" if reason is None else f"?reason={quote(reason)}"
        return self._client.policy(f"create{query}", {"rules": list(rules)})

    def analyse(self, drafts: Sequence[Json] | None) -> Any:
        body = {} if drafts is None else {"rules": list(drafts)}
        return self._client.post("/policies/analyse", body)

    def replay(self, body: dict[str, Json]) -> Any:
        return self._client.post("/policies/replay", body)

    def simulate(self, body: dict[str, Json]) -> Any:
        return self._client.policy("test", body)


class Opened:
    """A policy file of this machine, whether it is served meanwhile or not.

    Only a write makes a finished one a file that is lived on: what reads, reads a copy of it.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def rules(self) -> list[dict[str, Json]]:
        return _of_database(self._path)

    def write(self, rules: Sequence[Json], reason: str | None) -> Any:
        made = parse.rules(list(rules))

        async def work(store: FileStore) -> Any:
            before = await store.current()
            count = await store.save_all(made, reason=reason)
            found = await analysis.of_saved(store, made)
            return {"ok": True, "count": count, **found, **await past.of_saved(store, before, made)}

        return _on(self._path, work)

    def analyse(self, drafts: Sequence[Json] | None) -> Any:
        made = None if drafts is None else parse.rules(list(drafts))

        async def work(store: FileStore) -> Any:
            if made is None:
                return (await analysis.of_all(store)).to_wire()
            return (await analysis.of_drafts(store, made)).to_wire()

        return self._read(work)

    def replay(self, body: dict[str, Json]) -> Any:
        asked = replay_body.read(body)
        return self._read(lambda store: past.replayed(store, asked))

    def simulate(self, body: dict[str, Json]) -> Any:
        asked = parse.simulation(body)

        async def work(store: FileStore) -> Any:
            told = await store.simulate(asked)
            answer: dict[str, Json] = {"decision": exact.plain(told.decision.to_wire())}
            if not told.decision.execute:
                answer["unlock"] = [each.to_wire() for each in told.unlocks()]
            return answer

        return self._read(work)

    def _read(self, work: Callable[[FileStore], Awaitable[T]]) -> T:
        with tempfile.TemporaryDirectory() as scratch:
            try:
                policy_file.read(self._path, Path(scratch))
            except PolicyFileRefused:
                return _on(self._path, work)
            copy = Path(scratch) / self._path.name
            shutil.copyfile(self._path, copy)
            return _on(copy, work)


def _on(path: Path, work: Callable[[FileStore], Awaitable[T]]) -> T:
    async def opened() -> T:
        book = Book(path)
        try:
            return await work(FileStore(book, Terms(), AUTHOR))
        finally:
            await book.close()

    return asyncio.run(opened())


@contextmanager
def target(
    db: Path | None, url: str | None, email: str | None, data: Path | None
) -> Iterator[Target]:
    """The one store that the options name; raises SourceUnnamed."""
    named = [each for each in (db, url, email) if each is not None]
    if len(named) != 1:
        raise SourceUnnamed("name one of these: --db with a policy file, --url, or --as")
    if db is not None:
        _check_there(db)
        yield Opened(db)
    elif url is not None:
        client = Client(url, token=os.environ.get(TOKEN))
        try:
            yield Served(client)
        finally:
            client.close()
    else:
        with person.signed_in(data, email) as central:
            yield Served(central)


def authored(
    file: Path | None, db: Path | None, url: str | None, email: str | None, data: Path | None
) -> list[dict[str, Json]]:
    """The rules of a file, or else of the store that the options name."""
    if file is None:
        with target(db, url, email, data) as there:
            return there.rules()
    if any(each is not None for each in (db, url, email)):
        raise SourceUnnamed(f"{file}: and a store is named, too; the rules come from one place")
    return in_file(file)


def in_file(path: Path) -> list[dict[str, Json]]:
    """The rules of an export or of a policy file, as they were written, by id."""
    _check_there(path)
    if path.suffix in DATABASES:
        return _of_database(path)
    told = document(path)
    found = told.get("rules") if isinstance(told, dict) else told
    return bodies(_named(path, parse.rules, found))


def parsed(bodies: Sequence[Json], where: Path | str = "rules") -> tuple[Rule, ...]:
    return _named(where, parse.rules, list(bodies))


def bodies(rules: Sequence[Rule]) -> list[dict[str, Json]]:
    """Rules as their author writes them, by id."""
    ordered = sorted(rules, key=lambda rule: rule.id)
    return [exact.plain(parse.to_wire(_unstamped(rule))) for rule in ordered]


def document(path: Path) -> Json:
    """What a JSON or YAML file holds; raises Malformed."""
    _check_there(path)
    if path.stat().st_size > FILE_BYTES_MAX:
        raise Malformed(str(path), f"larger than {FILE_BYTES_MAX} bytes")
    text = path.read_bytes()
    try:
        if path.suffix in {".yaml", ".yml"}:
            return json.loads(json.dumps(yaml.safe_load(text), default=_moment))
        return orjson.loads(text)
    except (yaml.YAMLError, ValueError, TypeError, RecursionError) as error:
        said = " ".join(str(error).split())
        raise Malformed(str(path), f"cannot be read: {said}") from None


def _moment(value: object) -> str:
    if isinstance(value, datetime.date):
        return value.isoformat()
    raise TypeError(f"a {type(value).__name__} is nothing that a case may hold")


def _named(where: Path | str, read: Callable[[Json], T], obj: Json) -> T:
    try:
        return read(obj)
    except RuleInvalid as invalid:
        raise Malformed(str(where), str(invalid)) from None


def _check_there(path: Path) -> None:
    if not path.is_file():
        raise SourceUnnamed(f"{path}: there is no such file")


def _unstamped(rule: Rule) -> Rule:
    return replace(rule, stamp=Stamp())


def _of_database(path: Path) -> list[dict[str, Json]]:
    """A finished policy file, or one that is lived on, which is read where it stands."""
    try:
        with tempfile.TemporaryDirectory() as scratch:
            return bodies(policy_file.read(path, Path(scratch)).contents.rules)
    except PolicyFileRefused as refused:
        found = _living(path)
        if found is None:
            raise refused from None
        return found


def _living(path: Path) -> list[dict[str, Json]] | None:
    address = f"file:{quote(str(path.absolute()))}?mode=ro"
    try:
        with closing(sqlite3.connect(address, uri=True)) as connection:
            (kind,) = connection.execute("PRAGMA application_id").fetchone()
            (form,) = connection.execute("PRAGMA user_version").fetchone()
            if (kind, form) != (policy_schema.APPLICATION_ID, policy_schema.FORMAT):
                return None
            rows = connection.execute(
                f"SELECT {policy_schema.RULE_COLUMNS} FROM rules ORDER BY id"  # noqa: S608
            ).fetchall()
    except sqlite3.Error:
        return None
    return bodies([policy_schema.rule(row) for row in rows])
