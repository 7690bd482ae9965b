"""What a packet filter does with a connection that no rule is about: the model, and the walk.

The stranger is a new TCP connection to this host, from anywhere, to a port that no rule names. A
condition that is about something else (a named port, an address, an established connection) does
not hold for it; one that holds for everybody does. So `default deny` is seen whichever way it is
written: as a chain's policy, or as a last rule behind jumps from chain to chain.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from wardline.agent.checks.probe import Probe, Unreadable

DEPTH_MAX = 32
CHAINS_MAX = 2000
RULES_MAX = 5000
INTERFACES_MAX = 32
# A range of this many ports is open to everybody, however it is written.
WIDE_PORTS = 32_768
_EVERYWHERE = frozenset({"0.0.0.0/0", "::/0", "0.0.0.0/0.0.0.0", "any"})
# Interfaces on which only this host itself, its containers or its tunnels speak.
_INSIDE = re.compile(
    r"(lo$|docker|br-[0-9a-f]|virbr|vnet|veth|wg|tun|tap|tailscale|zt|cni|cali|flannel|lxc|lxdbr"
    r"|incusbr|podman)"
)


class Family(StrEnum):
    """The two families of addresses that a host can be reached by."""

    IPV4 = "ipv4"
    IPV6 = "ipv6"


class Verdict(StrEnum):
    """What a rule does with what it fits; reject is a drop that says so."""

    ACCEPT = "accept"
    DROP = "drop"
    JUMP = "jump"
    GOTO = "goto"
    RETURN = "return"


class Field(StrEnum):
    """What a condition is about; OTHER is what the stranger does not have."""

    INTERFACE = "interface"
    STATE = "state"
    PROTOCOL = "protocol"
    FAMILY = "family"
    SOURCE = "source"
    PORT = "port"
    ADDRESS_TYPE = "address_type"
    RATE = "rate"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition of a rule: any of `values` fits, or none where it is negated."""

    field: Field
    values: tuple[str, ...] = ()
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Rule:
    """All conditions hold → the verdict; `target` is the chain of a jump."""

    conditions: tuple[Condition, ...]
    verdict: Verdict
    target: str = ""


@dataclass(slots=True)
class Table:
    """The chains of one table; `policies` are those of the base chains that see input."""

    name: str
    families: tuple[Family, ...]
    chains: dict[str, list[Rule]] = field(default_factory=dict)
    policies: dict[str, Verdict] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Stranger:
    family: Family
    interface: str


def denying(probe: Probe, tables: Sequence[Table], family: Family) -> str | None:
    """The base chain that drops the stranger whatever interface it comes by, None if one lets it
    in. A packet goes through every base chain, so that one of them drops it is enough."""
    relevant = [table for table in tables if family in table.families]
    walks = [(table, chain) for table in relevant for chain in table.policies]
    decided = None
    for interface in ("", *_outside(probe, relevant)):
        stranger = _Stranger(family, interface)
        fate = (
            f"{table.name} {chain}".strip()
            for table, chain in walks
            if _Walk(probe, table.chains, stranger).base(chain, table.policies[chain])
        )
        found = next(fate, None)
        if found is None:
            return None
        decided = decided or found
    return decided


def fate_in_chain(probe: Probe, table: Table, chain: str, family: Family) -> Verdict | None:
    """What one chain does with the stranger, None where it lets it go on."""
    return _Walk(probe, table.chains, _Stranger(family, "")).chain(chain, 0)


def is_inside(interface: str) -> bool:
    """Whether an interface is the host's own, a container's or a tunnel's, by its name."""
    return _INSIDE.match(interface) is not None


def _outside(probe: Probe, tables: Sequence[Table]) -> list[str]:
    """The interfaces to the outside that rules name: what is let in there is let in."""
    found: set[str] = set()
    for value in _interfaces(probe, tables):
        name = re.sub(r"[*+]$", "0", value)
        if name and not is_inside(name):
            found.add(name)
        if len(found) > INTERFACES_MAX:
            raise Unreadable(
                "packet filter", f"its rules name more than {INTERFACES_MAX} interfaces"
            )
    return sorted(found)


def _interfaces(probe: Probe, tables: Sequence[Table]) -> Iterator[str]:
    for table in tables:
        for rules in table.chains.values():
            for rule in rules:
                probe.tick()
                for condition in rule.conditions:
                    if condition.field is Field.INTERFACE and not condition.negated:
                        yield from condition.values


class _Walk:
    def __init__(
        self, probe: Probe, chains: Mapping[str, Sequence[Rule]], stranger: _Stranger
    ) -> None:
        self._probe = probe
        self._chains = chains
        self._stranger = stranger
        self._fates: dict[str, Verdict | None] = {}

    def base(self, chain: str, policy: Verdict) -> bool:
        """Whether the stranger is dropped in a base chain."""
        return (self.chain(chain, 0) or policy) is Verdict.DROP

    def chain(self, name: str, depth: int) -> Verdict | None:
        if depth > DEPTH_MAX:
            raise Unreadable("packet filter", "its chains call each other too deep")
        if name not in self._fates:
            # The kernel refuses a circle; in a file it means that nothing is decided there.
            self._fates[name] = None
            self._fates[name] = self._decide(self._chains.get(name, ()), depth)
        return self._fates[name]

    def _decide(self, rules: Sequence[Rule], depth: int) -> Verdict | None:
        for rule in rules:
            self._probe.tick()
            if not all(self._holds(one, rule.verdict) for one in rule.conditions):
                continue
            if rule.verdict is Verdict.RETURN:
                return None
            if rule.verdict is Verdict.GOTO:
                return self.chain(rule.target, depth + 1)
            if rule.verdict is not Verdict.JUMP:
                return rule.verdict
            called = self.chain(rule.target, depth + 1)
            if called is not None:
                return called
        return None

    def _holds(self, condition: Condition, verdict: Verdict) -> bool:
        if condition.field is Field.OTHER:
            return False
        if condition.field is Field.RATE:
            # What is let in slowly is let in; what is dropped beyond a rate is not denied.
            return verdict is not Verdict.DROP
        return self._fits(condition) is not condition.negated

    def _fits(self, condition: Condition) -> bool:
        values = condition.values
        match condition.field:
            case Field.INTERFACE:
                return any(_is_interface(self._stranger.interface, one) for one in values)
            case Field.STATE:
                return "new" in values
            case Field.PROTOCOL:
                return not {"tcp", "6", "all"}.isdisjoint(values)
            case Field.FAMILY:
                return self._stranger.family in values
            case Field.SOURCE:
                return not _EVERYWHERE.isdisjoint(values)
            case Field.PORT:
                return any(_is_wide(one) for one in values)
            case _:
                return "local" in values


def _is_interface(name: str, wanted: str) -> bool:
    if wanted.endswith(("*", "+")):
        return name.startswith(wanted[:-1])
    return name == wanted


def _is_wide(ports: str) -> bool:
    low, to, high = ports.replace(":", "-").partition("-")
    if not to:
        return False
    first = int(low) if low.isdecimal() and len(low) < 6 else 0
    last = int(high) if high.isdecimal() and len(high) < 6 else 65535
    return last - first >= WIDE_PORTS
