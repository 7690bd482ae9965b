"""Rules of nftables as `nft --json` tells them, and how a match of nftables becomes a condition.

Source: libnftables-json(5), nft(8) "Expressions".
"""

import json
from collections.abc import Iterable
from typing import Any

from wardline.agent.checks.packet_filter import (
    CHAINS_MAX,
    RULES_MAX,
    Condition,
    Family,
    Field,
    Rule,
    Table,
    Verdict,
)
from wardline.agent.checks.probe import NoAnswer, Probe

FAMILIES = {
    "ip": (Family.IPV4,),
    "ip6": (Family.IPV6,),
    "inet": (Family.IPV4, Family.IPV6),
}
VERDICTS = {
    "accept": Verdict.ACCEPT,
    "drop": Verdict.DROP,
    "reject": Verdict.DROP,
    "return": Verdict.RETURN,
    "queue": Verdict.ACCEPT,
}
VALUES_MAX = 4096
FLAGS = ("tcp", "flags")
_WHERE = "nft: its JSON"
# Statements that neither ask nor decide anything.
_SAYS_NOTHING = frozenset(
    {
        "comment",
        "counter",
        "ct expectation",
        "ct helper",
        "ct timeout",
        "dnat",
        "dup",
        "flow",
        "fwd",
        "log",
        "mangle",
        "map",
        "masquerade",
        "meter",
        "notrack",
        "redirect",
        "secmark",
        "set",
        "snat",
        "synproxy",
        "tproxy",
    }
)
_FIELDS = {
    ("meta", "iifname"): Field.INTERFACE,
    ("meta", "iif"): Field.INTERFACE,
    ("meta", "l4proto"): Field.PROTOCOL,
    ("ip", "protocol"): Field.PROTOCOL,
    ("ip6", "nexthdr"): Field.PROTOCOL,
    ("meta", "nfproto"): Field.FAMILY,
    ("meta", "protocol"): Field.FAMILY,
    ("ct", "state"): Field.STATE,
    ("ip", "saddr"): Field.SOURCE,
    ("ip6", "saddr"): Field.SOURCE,
    ("tcp", "dport"): Field.PORT,
    ("udp", "dport"): Field.PORT,
    ("th", "dport"): Field.PORT,
    ("fib", "daddr type"): Field.ADDRESS_TYPE,
}
_FAMILY_WORDS = {"ip": "ipv4", "ip6": "ipv6", "ipv4": "ipv4", "ipv6": "ipv6"}


def conditions(key: tuple[str, str], operator: str, values: Iterable[str]) -> list[Condition]:
    """A match of nftables; one about a family's own header holds for that family alone."""
    field = _FIELDS.get(key, Field.OTHER)
    found = tuple(values)
    if key == FLAGS:
        # A new connection begins with SYN alone; `in` is any of the flags, `==` all of them.
        begins = "syn" in found if operator == "in" else set(found) == {"syn"}
        return [Condition(Field.STATE, ("new",) * begins, operator == "!=")]
    if field is Field.FAMILY:
        found = tuple(_FAMILY_WORDS.get(one, one) for one in found)
    if operator in (">", ">="):
        found = tuple(f"{one}-65535" for one in found)
    elif operator in ("<", "<="):
        found = tuple(f"0-{one}" for one in found)
    match = Condition(field, found, operator == "!=")
    if key[0] in ("ip", "ip6"):
        return [Condition(Field.FAMILY, (_FAMILY_WORDS[key[0]],)), match]
    return [match]


def read(probe: Probe, text: str) -> tuple[list[Table], list[str]]:
    """The tables that see input, and the names of those whose rules nft cannot show.

    iptables-nft leaves its matches in a form of its own (`xt`), which JSON names and does not tell.
    """
    try:
        listed = json.loads(text)["nftables"]
        reading = _Reading(probe)
        for entry in listed:
            probe.tick()
            reading.add(entry)
    except (ValueError, RecursionError, KeyError, TypeError, AttributeError) as error:
        raise NoAnswer(f"{_WHERE} is not understood ({type(error).__name__})") from None
    tables = [table for key, table in reading.tables.items() if key not in reading.opaque]
    return tables, sorted(reading.tables[key].name for key in reading.opaque)


class _Reading:
    def __init__(self, probe: Probe) -> None:
        self._probe = probe
        self._rules = 0
        self.tables: dict[tuple[str, str], Table] = {}
        self.opaque: set[tuple[str, str]] = set()

    def add(self, entry: dict[str, Any]) -> None:
        for kind, body in entry.items():
            if kind in ("chain", "rule") and body["family"] in FAMILIES:
                key = (body["family"], body["table"])
                name = f"nft {body['family']} {body['table']}"
                table = self.tables.setdefault(key, Table(name, FAMILIES[body["family"]]))
                self._chain(table, body) if kind == "chain" else self._rule(key, table, body)

    def _chain(self, table: Table, body: dict[str, Any]) -> None:
        if len(table.chains) >= CHAINS_MAX:
            raise NoAnswer(f"{_WHERE}: more than {CHAINS_MAX} chains")
        table.chains.setdefault(str(body["name"]), [])
        if body.get("hook") == "input" and body.get("type") == "filter":
            table.policies[str(body["name"])] = VERDICTS[body.get("policy", "accept")]

    def _rule(self, key: tuple[str, str], table: Table, body: dict[str, Any]) -> None:
        self._rules += 1
        if self._rules > RULES_MAX:
            raise NoAnswer(f"{_WHERE}: more than {RULES_MAX} rules")
        asked: list[Condition] = []
        chain = table.chains.setdefault(str(body["chain"]), [])
        for statement in body["expr"]:
            self._probe.tick()
            ((name, content),) = statement.items()
            if name == "xt":
                self.opaque.add(key)
            elif name == "match":
                asked += _match(content["left"], content["op"], content["right"])
            elif name == "vmap":
                chain += _mapped(asked, content)
                return
            elif name in VERDICTS or name in ("jump", "goto"):
                chain.append(_end(asked, name, content))
                return
            elif name not in _SAYS_NOTHING:
                asked.append(Condition(Field.RATE if name == "limit" else Field.OTHER))


def rejecting(asked: list[Condition], answer: str) -> Rule:
    """A reject whose answer one family alone knows is for that family."""
    family = {"icmp": "ipv4", "icmpv6": "ipv6"}.get(answer)
    of_family = [] if family is None else [Condition(Field.FAMILY, (family,))]
    return Rule((*asked, *of_family), Verdict.DROP)


def _match(left: dict[str, Any], operator: str, right: Any) -> list[Condition]:
    key = _key(left)
    any_of = key == FLAGS and isinstance(right, dict) and "set" in right
    return conditions(key, "in" if any_of else operator, _values(right))


def _end(asked: list[Condition], name: str, content: Any) -> Rule:
    if name == "reject" and isinstance(content, dict):
        return rejecting(asked, str(content.get("type")))
    if name in VERDICTS:
        return Rule(tuple(asked), VERDICTS[name])
    return Rule(tuple(asked), Verdict(name), str(content["target"]))


def _mapped(asked: list[Condition], content: dict[str, Any]) -> list[Rule]:
    """A verdict map is a rule for each of its keys; a named one holds what no rule shows."""
    data = content["data"]
    if not isinstance(data, dict):
        return []
    rules = []
    for value, verdict in data["set"]:
        ((name, target),) = verdict.items()
        if name in VERDICTS or name in ("jump", "goto"):
            match = conditions(_key(content["key"]), "==", _values(value))
            rules.append(_end([*asked, *match], name, target))
    return rules


def _key(left: dict[str, Any]) -> tuple[str, str]:
    ((kind, body),) = left.items()
    match kind:
        case "meta" | "ct":
            return kind, str(body["key"])
        case "payload" if "protocol" in body:
            return str(body["protocol"]), str(body["field"])
        case "fib":
            return kind, f"{' '.join(_values(body['flags']))} {body['result']}"
        case "&" if isinstance(body, list) and body and isinstance(body[0], dict):
            # A mask says which bits are looked at; only of tcp's flags does that matter here.
            return FLAGS if _key(body[0]) == FLAGS else ("&", "")
        case _:
            return str(kind), ""


def _values(right: Any, depth: int = 0) -> list[str]:
    """The texts of a right side: one, a list, a set, a range, a prefix."""
    if isinstance(right, list):
        found = [text for one in right[:VALUES_MAX] for text in _values(one, depth + 1)]
    elif not isinstance(right, dict):
        found = [str(right)]
    elif "range" in right:
        found = ["-".join(str(one) for one in right["range"])]
    elif "prefix" in right:
        found = [f"{right['prefix']['addr']}/{right['prefix']['len']}"]
    else:
        found = [text for one in right.values() for text in _values(one, depth + 1)]
    return found[:VALUES_MAX]
