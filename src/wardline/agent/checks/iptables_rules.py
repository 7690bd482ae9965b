"""The filter table as iptables-save(8) writes it and iptables-restore(8) reads it."""

import re
from collections.abc import Iterable

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
from wardline.agent.checks.probe import Probe, Unreadable

_WORD = re.compile(r'"(?:[^"\\]|\\.)*"|[^\s"]+')
_VERDICTS = {
    "ACCEPT": Verdict.ACCEPT,
    "DROP": Verdict.DROP,
    "REJECT": Verdict.DROP,
    "RETURN": Verdict.RETURN,
    # To a program of the host that may let it in.
    "QUEUE": Verdict.ACCEPT,
    "NFQUEUE": Verdict.ACCEPT,
}
_FIELDS = {
    "-i": Field.INTERFACE,
    "--in-interface": Field.INTERFACE,
    "-s": Field.SOURCE,
    "--source": Field.SOURCE,
    "--src": Field.SOURCE,
    "-p": Field.PROTOCOL,
    "--protocol": Field.PROTOCOL,
    "--dport": Field.PORT,
    "--dports": Field.PORT,
    "--destination-port": Field.PORT,
    "--destination-ports": Field.PORT,
    "--ctstate": Field.STATE,
    "--state": Field.STATE,
    "--dst-type": Field.ADDRESS_TYPE,
    "--limit": Field.RATE,
    "--hashlimit-upto": Field.RATE,
}
_SAYS_NOTHING = frozenset({"-m", "--match", "--comment", "--limit-burst", "--reject-with"})


def read(probe: Probe, text: str, where: str, family: Family) -> Table:
    """The filter table of `text`; Unreadable where it is not what iptables-save writes."""
    table = Table("iptables filter", (family,))
    inside = False
    count = 0
    for number, line in enumerate(text.split("\n"), 1):
        probe.tick()
        words = _WORD.findall(line)
        if not words or words[0].startswith("#"):
            continue
        if words[0].startswith("*"):
            inside = words[0] == "*filter"
        elif inside and words[0].startswith(":"):
            _add_chain(table, words, where, number)
        elif inside and words[0] in ("-A", "--append"):
            count += 1
            if len(words) < 2 or count > RULES_MAX:
                raise Unreadable(where, f"no chain, or more than {RULES_MAX} rules", number)
            rule = _rule(table, words[2:])
            if rule is not None:
                table.chains.setdefault(words[1], []).append(rule)
        elif words[0] != "COMMIT" and inside:
            raise Unreadable(where, "is not a line of iptables-save", number)
    return table


def _add_chain(table: Table, words: list[str], where: str, number: int) -> None:
    name = words[0][1:]
    if not name or len(words) < 2 or len(table.chains) >= CHAINS_MAX:
        raise Unreadable(where, f"a chain without policy, or more than {CHAINS_MAX}", number)
    table.chains.setdefault(name, [])
    if name == "INPUT":
        table.policies[name] = _VERDICTS.get(words[1], Verdict.ACCEPT)


def _rule(table: Table, words: list[str]) -> Rule | None:
    conditions: list[Condition] = []
    verdict, target = None, ""
    negated = False
    rest = iter(words)
    for word in rest:
        if word == "!":
            negated = True
            continue
        if word in ("-j", "--jump", "-g", "--goto"):
            target = next(rest, "")
            verdict = _verdict(table, word, target)
        elif word in ("--syn", "--tcp-flags"):
            flags = "SYN" if word == "--syn" else [next(rest, ""), next(rest, "")][1]
            # A new connection begins with SYN alone.
            conditions.append(Condition(Field.STATE, ("new",) * (flags == "SYN"), negated))
        elif word in _SAYS_NOTHING:
            next(rest, "")
        elif word in _FIELDS:
            conditions += _condition(_FIELDS[word], next(rest, ""), negated)
        elif word.startswith("-"):
            conditions.append(Condition(Field.OTHER))
        negated = False
    return None if verdict is None else Rule(tuple(conditions), verdict, target)


def _verdict(table: Table, word: str, target: str) -> Verdict | None:
    """A chain of the table, one of the built-in ends, or a target such as LOG that ends nothing."""
    if target in _VERDICTS:
        return _VERDICTS[target]
    if target not in table.chains:
        return None
    return Verdict.GOTO if word in ("-g", "--goto") else Verdict.JUMP


def _condition(field: Field, text: str, negated: bool) -> Iterable[Condition]:
    if field is Field.INTERFACE:
        return [Condition(field, (text,), negated)]
    return [Condition(field, tuple(text.lower().split(",")), negated)]
