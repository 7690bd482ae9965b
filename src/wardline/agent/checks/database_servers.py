"""How the database servers of a host let people in, as their own configuration files say.

Sources: pg_hba.conf of PostgreSQL's documentation, MySQL's option files, redis.conf, mongod.conf.
"""

import ipaddress
import re
from collections.abc import Iterator
from dataclasses import dataclass

from wardline.agent.checks import active_lines
from wardline.agent.checks.probe import Probe, Unreadable

POSTGRESQL = (
    "/etc/postgresql/*/*/pg_hba.conf",
    "/var/lib/pgsql/data/pg_hba.conf",
    "/var/lib/pgsql/*/data/pg_hba.conf",
)
MYSQL = (
    "/etc/mysql/my.cnf",
    "/etc/mysql/conf.d/*.cnf",
    "/etc/mysql/mysql.conf.d/*.cnf",
    "/etc/mysql/mariadb.conf.d/*.cnf",
    "/etc/my.cnf",
    "/etc/my.cnf.d/*.cnf",
)
REDIS = (
    "/etc/redis/redis.conf",
    "/etc/redis.conf",
    "/etc/redis/valkey.conf",
    "/etc/valkey/valkey.conf",
)
MONGODB = ("/etc/mongod.conf", "/etc/mongodb.conf")
_NETWORK = ("host", "hostssl", "hostnossl", "hostgssenc", "hostnogssenc")
_LOOPBACK = ("localhost", "127.0.0.1", "::1")
_YAML = re.compile(r"(?P<indent> *)(?P<key>[A-Za-z_.]{1,60}):(?:\s+(?P<value>.*))?")


@dataclass(frozen=True, slots=True)
class Weakness:
    """What is wrong with one server, and the file, or its line, that says so."""

    server: str
    key: str
    where: str


def find(probe: Probe) -> tuple[list[str], list[Weakness]]:
    """The servers whose configuration is here, and their weaknesses."""
    servers: list[str] = []
    found: list[Weakness] = []
    for server, patterns, read in _SERVERS:
        paths = [path for pattern in patterns for path in probe.glob(pattern)]
        if paths:
            servers.append(server)
            found += read(probe, paths)
    return servers, found


def _postgresql(probe: Probe, paths: list[str]) -> Iterator[Weakness]:
    """type database user [address [mask]] method [options]; the first line that fits decides."""
    for path in paths:
        for number, text in active_lines.of(probe, path):
            words = re.findall(r'"[^"]*"|[^\s"]+', text.partition(" #")[0])
            if words and words[0].startswith("include"):
                raise Unreadable(path, "includes other files, which are not followed", number)
            local = words[:1] == ["local"]
            if not local and not (words and words[0] in _NETWORK):
                raise Unreadable(path, "is not a line of pg_hba.conf", number)
            at = 3 if local else 4
            if (
                not local
                and len(words) > 4
                and re.fullmatch(r"[0-9.]+|[0-9a-fA-F:]*:[0-9a-fA-F:]*", words[4])
            ):
                at = 5
            if len(words) <= at:
                raise Unreadable(path, "is not a line of pg_hba.conf", number)
            method, where = words[at].lower(), f"{path}:{number}"
            beyond = not local and not _is_loopback(words[3])
            if method == "trust":
                key = "no_password_over_network" if beyond else "no_password_on_host"
                yield Weakness("postgresql", key, where)
            elif method in ("password", "ident") and beyond and words[0] != "hostssl":
                yield Weakness("postgresql", "weak_method_over_network", where)


def _is_loopback(address: str) -> bool:
    try:
        network = ipaddress.ip_network(address.strip('"'), strict=False)
    except ValueError:
        return address in _LOOPBACK
    return network.is_loopback


def _mysql(probe: Probe, paths: list[str]) -> Iterator[Weakness]:
    """Options of [mysqld] and its kin; a name may have `-` or `_`, and stand alone."""
    for path in paths:
        section = ""
        for _, text in active_lines.of(probe, path, "#;"):
            if text.startswith("["):
                section = text.strip("[]").lower()
                continue
            if not section.startswith(("mysqld", "mariadb", "server")):
                continue
            name, _, value = text.partition("=")
            option = name.strip().lower().replace("_", "-")
            on = value.strip().lower() not in ("0", "off", "false")
            if option == "skip-grant-tables" and on:
                yield Weakness("mysql", "no_password_over_network", path)


def _redis(probe: Probe, paths: list[str]) -> Iterator[Weakness]:
    """The value of requirepass is a secret: whether there is one is all that is looked at."""
    for path in paths:
        words = [text.split() for _, text in active_lines.of(probe, path)]
        names = {one[0].lower() for one in words if len(one) > 1 and one[1] not in ('""', "''")}
        if names.intersection(("requirepass", "aclfile", "user")):
            continue
        bound = next((one[1:] for one in reversed(words) if one[0].lower() == "bind"), None)
        protected = not any(
            one[0].lower() == "protected-mode" and one[1:2] == ["no"] for one in words
        )
        loopback = bound is not None and all(address.lstrip("-") in _LOOPBACK for address in bound)
        if loopback or (protected and bound is None):
            yield Weakness("redis", "no_password_on_host", path)
        else:
            yield Weakness("redis", "no_password_over_network", path)


def _mongodb(probe: Probe, paths: list[str]) -> Iterator[Weakness]:
    """YAML of two levels: security.authorization and net.bindIp; or the old `auth = true`."""
    for path in paths:
        values = _two_levels(probe, path)
        on = values.get("security.authorization", values.get("auth", "")).lower()
        bound = values.get("net.bindip", values.get("bind_ip", "127.0.0.1"))
        if on in ("enabled", "true") or values.get("security.keyfile"):
            continue
        every = values.get("net.bindipall", "false").lower() == "true"
        addresses = [one.strip() for one in bound.split(",")]
        loopback = not every and all(one in _LOOPBACK or one.startswith("/") for one in addresses)
        key = "no_password_on_host" if loopback else "no_password_over_network"
        yield Weakness("mongodb", key, path)


def _two_levels(probe: Probe, path: str) -> dict[str, str]:
    values: dict[str, str] = {}
    parent = ""
    for _, line in probe.lines(path):
        text = line.partition(" #")[0].rstrip()
        if not text.strip() or text.lstrip().startswith("#"):
            continue
        key, equals, value = text.partition("=")
        if equals and ":" not in key:
            values[key.strip().lower()] = value.strip()
            continue
        found = _YAML.fullmatch(text)
        if found is None:
            continue
        value = (found["value"] or "").strip().strip("\"'")
        name = found["key"].lower()
        if not found["indent"]:
            parent = name
            values[name] = value
        else:
            values[f"{parent}.{name}"] = value
    return values


_SERVERS = (
    ("postgresql", POSTGRESQL, _postgresql),
    ("mysql", MYSQL, _mysql),
    ("redis", REDIS, _redis),
    ("mongodb", MONGODB, _mongodb),
)
