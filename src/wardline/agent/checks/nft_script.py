"""Rules of nftables as /etc/nftables.conf loads them: nft's own language, as far as it decides.

Source: nft(8). Tables, chains, rules, sets within rules, `include`, `define` and `flush` are read;
whatever else could change the rules makes the file Unreadable, never a guess.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from wardline.agent.checks import nft_rules
from wardline.agent.checks.nft_rules import FAMILIES, VERDICTS
from wardline.agent.checks.packet_filter import (
    CHAINS_MAX,
    RULES_MAX,
    Condition,
    Field,
    Rule,
    Table,
    Verdict,
)
from wardline.agent.checks.probe import Probe, Unreadable

FILE_BYTES_MAX = 256 * 1024
FILES_MAX = 64
DEPTH_MAX = 8
INCLUDE_FOLDER = "/etc"
_TOKEN = re.compile(
    r"(?P<skip>[ \t\r]+|\\\n|#[^\n]*)|(?P<end>[\n;])|(?P<mark>[{},])"
    r'|"(?P<text>[^"\n]*)"|(?P<word>[^\s{},;"#]+)'
)
_OPERATORS = frozenset({"==", "!=", "<", ">", "<=", ">=", "eq", "ne", "lt", "gt", "le", "ge"})
_SIGNS = {"eq": "==", "ne": "!=", "lt": "<", "gt": ">", "le": "<=", "ge": ">="}
# Words behind which options of a statement follow, which ask nothing.
_OPTIONS = {
    "log": frozenset({"prefix", "level", "group", "snaplen", "queue-threshold", "flags"}),
    "counter": frozenset({"packets", "bytes", "name"}),
    "comment": frozenset(),
    "limit": frozenset({"rate", "burst", "name"}),
}
# Of a table: what holds values or limits that rules use by name.
_HOLDERS = frozenset(
    {
        "comment",
        "counter",
        "ct",
        "element",
        "flags",
        "flowtable",
        "limit",
        "map",
        "quota",
        "secmark",
        "set",
        "synproxy",
    }
)


@dataclass(slots=True)
class Block:
    """What stands between braces: statements, each of words and blocks; commas part a set."""

    statements: list[list["str | Block"]] = field(default_factory=lambda: [[]])

    def words(self) -> list[str]:
        return [one for statement in self.statements for one in statement if isinstance(one, str)]


def read(probe: Probe, path: str) -> list[Table]:
    """The tables that the file and what it includes would load."""
    reading = _Reading(probe)
    reading.file(path, 0)
    return list(reading.tables.values())


class _Reading:
    def __init__(self, probe: Probe) -> None:
        self._probe = probe
        self._files = 0
        self._rules = 0
        self._defined: dict[str, list[str]] = {}
        self.tables: dict[tuple[str, str], Table] = {}

    def file(self, path: str, depth: int) -> None:
        self._files += 1
        if depth > DEPTH_MAX or self._files > FILES_MAX:
            raise Unreadable(path, "too many files include each other, probably in a circle")
        for statement in _parse(
            self._probe, self._probe.text(path, FILE_BYTES_MAX), path
        ).statements:
            if statement:
                self._statement(statement, path, depth)

    def _statement(self, statement: list[str | Block], path: str, depth: int) -> None:
        match statement:
            case ["include", str(pattern)]:
                full = pattern if pattern.startswith("/") else f"{INCLUDE_FOLDER}/{pattern}"
                for found in self._probe.glob(full):
                    self.file(found, depth + 1)
            case ["define" | "redefine", str(name), "=", *values]:
                self._defined[name] = _flat(values)
            case ["flush", "ruleset", *_]:
                self.tables.clear()
            case ["flush", "table" | "chain" | "set" | "map", *_] | ["delete" | "destroy", *_]:
                self._empty(statement, path)
            case ["add" | "create" | "table" | "chain" | "rule" | "insert" | "element", *_]:
                words = statement[1:] if statement[0] in ("add", "create", "insert") else statement
                self._add(words, path, first=statement[0] == "insert")
            case _:
                raise Unreadable(path, "holds a statement of nft that is not understood")

    def _empty(self, statement: list[str | Block], path: str) -> None:
        """`table inet x` followed by `delete table inet x` is how a file starts afresh."""
        match statement:
            case ["flush" | "delete" | "destroy", "table", *rest]:
                family, name, _ = _named(rest, path)
                self.tables.pop((family, name), None)
            case ["flush", "set" | "map", *_]:
                pass
            case _:
                raise Unreadable(path, "takes rules away in a way that is not understood")

    def _add(self, words: list[str | Block], path: str, *, first: bool) -> None:
        kind, rest = words[0], words[1:]
        if kind in ("set", "map", "element", "counter", "quota", "limit", "flowtable"):
            return
        if kind not in ("table", "chain", "rule"):
            raise Unreadable(path, "adds something that is not understood")
        family, name, rest = _named(rest, path)
        if family not in FAMILIES:
            return
        key = (family, name)
        table = self.tables.setdefault(key, Table(f"nft {family} {name}", FAMILIES[family]))
        match kind, rest:
            case "table", []:
                pass
            case "table", [Block() as block]:
                self._table(table, block, path)
            case "chain", [str(chain), *body]:
                self._chain(table, chain, body[0] if body else Block(), path)
            case "rule", [str(chain), *body]:
                self._rule(table, chain, body, path, first=first)
            case _:
                raise Unreadable(path, f"{kind} {name}: is not understood")

    def _table(self, table: Table, block: Block, path: str) -> None:
        for statement in block.statements:
            match statement:
                case ["chain", str(chain), Block() as body]:
                    self._chain(table, chain, body, path)
                case []:
                    pass
                case [str(word), *_] if word in _HOLDERS:
                    pass
                case _:
                    raise Unreadable(path, f"{table.name}: a statement that is not understood")

    def _chain(self, table: Table, name: str, block: "str | Block", path: str) -> None:
        if not isinstance(block, Block) or len(table.chains) >= CHAINS_MAX:
            raise Unreadable(path, f"{table.name}: a chain without body, or too many")
        table.chains.setdefault(name, [])
        for statement in block.statements:
            match statement:
                case ["type", "filter", "hook", "input", *_]:
                    table.policies.setdefault(name, Verdict.ACCEPT)
                case ["type" | "comment" | "flags", *_] | []:
                    pass
                case ["policy", str(policy)]:
                    if name in table.policies:
                        table.policies[name] = VERDICTS.get(policy, Verdict.ACCEPT)
                case _:
                    self._rule(table, name, statement, path, first=False)

    def _rule(
        self, table: Table, chain: str, words: list[str | Block], path: str, *, first: bool
    ) -> None:
        self._rules += 1
        if self._rules > RULES_MAX:
            raise Unreadable(path, f"more than {RULES_MAX} rules")
        rules = _Words(self._probe, words, self._defined).rules()
        known = table.chains.setdefault(chain, [])
        known[:] = [*rules, *known] if first else [*known, *rules]


class _Words:
    """One rule's words, read from left to right."""

    def __init__(
        self, probe: Probe, words: list[str | Block], defined: dict[str, list[str]]
    ) -> None:
        self._probe = probe
        self._words = words
        self._at = 0
        self._defined = defined

    def rules(self) -> list[Rule]:
        """The rule, or one for each key of its verdict map; none where it decides nothing."""
        asked: list[Condition] = []
        while self._at < len(self._words):
            self._probe.tick()
            word = self._next()
            if not isinstance(word, str):
                asked.append(Condition(Field.OTHER))
            elif word == "reject":
                answer = self._words[self._at + 1 : self._at + 2] if self._peek() == "with" else []
                return [nft_rules.rejecting(asked, str(*answer))]
            elif word in VERDICTS:
                return [Rule(tuple(asked), VERDICTS[word])]
            elif word in ("jump", "goto"):
                return [Rule(tuple(asked), Verdict(word), self._text())]
            elif word in _OPTIONS:
                self._options(word)
                asked += [Condition(Field.RATE)] if word == "limit" else []
            else:
                key = self._key(word)
                if self._peek() == "vmap":
                    self._at += 1
                    return self._mapped(asked, key)
                asked += self._match(key)
        return []

    def _key(self, word: str) -> tuple[str, str]:
        if word in ("iif", "iifname"):
            return "meta", word
        if word in ("meta", "ct", "ip", "ip6", "tcp", "udp", "th"):
            return word, self._text()
        if word == "fib":
            return word, f"{self._text()} {self._text()}"
        return word, ""

    def _match(self, key: tuple[str, str]) -> list[Condition]:
        if not key[1]:
            return [Condition(Field.OTHER)]
        masked = self._mask("&")
        operator = "in" if key == nft_rules.FLAGS and not masked else "=="
        if self._peek() in _OPERATORS:
            sign = self._text()
            operator = _SIGNS.get(sign, sign)
        values = self._values()
        if self._mask("/") and operator == "in":
            operator = "=="
        if key == nft_rules.FLAGS:
            values = [flag for one in values for flag in one.split("|")]
        return nft_rules.conditions(key, operator, values)

    def _mask(self, mark: str) -> bool:
        """Step over `& (a|b)` or `/ a,b`: which bits are looked at."""
        if self._peek() != mark:
            return False
        self._at += 1
        if mark == "&" and self._peek().startswith("("):
            while self._at < len(self._words) and not self._text().endswith(")"):
                pass
        else:
            self._values()
        return True

    def _values(self) -> list[str]:
        """One value or several parted by commas, a set in braces, or what a name stands for."""
        found: list[str] = []
        while self._at < len(self._words):
            found += self._meaning(_flat([self._next()]))
            if self._peek() != ",":
                break
            self._at += 1
        return found

    def _meaning(self, texts: list[str]) -> list[str]:
        found = []
        for text in texts:
            found += self._defined.get(text[1:], [text]) if text.startswith("$") else [text]
        return found

    def _mapped(self, asked: list[Condition], key: tuple[str, str]) -> list[Rule]:
        block = self._next() if self._at < len(self._words) else ""
        if not isinstance(block, Block):
            return []
        words = [one for one in block.words() if one != ","]
        rules = []
        for at, word in enumerate(words):
            if word == ":" and at and at + 1 < len(words):
                rules += self._entry(asked, key, words[at - 1], words[at + 1 : at + 3])
            elif word.endswith(":") and len(word) > 1:
                rules += self._entry(asked, key, word[:-1], words[at + 1 : at + 3])
        return rules

    def _entry(
        self, asked: list[Condition], key: tuple[str, str], value: str, verdict: list[str]
    ) -> list[Rule]:
        match = nft_rules.conditions(key, "==", [value])
        if verdict and verdict[0] in VERDICTS:
            return [Rule((*asked, *match), VERDICTS[verdict[0]])]
        if len(verdict) == 2 and verdict[0] in ("jump", "goto"):
            return [Rule((*asked, *match), Verdict(verdict[0]), verdict[1])]
        return []

    def _options(self, word: str) -> None:
        if word == "comment":
            self._at += 1
        while self._peek() in _OPTIONS[word]:
            self._at += 2
            if word == "limit" and self._words[self._at - 1 : self._at] == ["over"]:
                self._at += 1
            if word == "limit" and self._peek() in ("packets", "bytes", "kbytes", "mbytes"):
                self._at += 1

    def _next(self) -> "str | Block":
        self._at += 1
        return self._words[self._at - 1]

    def _peek(self) -> str:
        """The next word, nothing where a block or the end comes next."""
        word = self._words[self._at] if self._at < len(self._words) else ""
        return word if isinstance(word, str) else ""

    def _text(self) -> str:
        word = self._next() if self._at < len(self._words) else ""
        return word if isinstance(word, str) else ""


def _named(words: list[str | Block], path: str) -> tuple[str, str, list[str | Block]]:
    """Family (`ip` where none is given), name of the table, and what follows."""
    match words:
        case ["ip" | "ip6" | "inet" | "arp" | "bridge" | "netdev" as family, str(name), *rest]:
            return str(family), name, rest
        case [str(name), *rest]:
            return "ip", name, rest
        case _:
            raise Unreadable(path, "a table without a name")


def _flat(words: list[str | Block]) -> list[str]:
    found: list[str] = []
    for word in words:
        found += [word] if isinstance(word, str) else word.words()
    return [one for one in found if one != ","]


def _parse(probe: Probe, text: str, path: str) -> Block:
    stack = [Block()]
    for kind, piece in _pieces(probe, text, path):
        statements = stack[-1].statements
        if kind == "end":
            if statements[-1]:
                statements.append([])
        elif kind == "mark" and piece == "{":
            block = Block()
            statements[-1].append(block)
            stack.append(block)
            if len(stack) > DEPTH_MAX:
                raise Unreadable(path, f"blocks within blocks, more than {DEPTH_MAX}")
        elif kind == "mark" and piece == "}":
            if len(stack) == 1:
                raise Unreadable(path, "a block ends that never began")
            stack.pop()
        else:
            statements[-1].append(piece)
    if len(stack) > 1:
        raise Unreadable(path, "a block does not end")
    return stack[0]


def _pieces(probe: Probe, text: str, path: str) -> Iterator[tuple[str, str]]:
    at = 0
    while at < len(text):
        probe.tick()
        found = _TOKEN.match(text, at)
        if found is None:
            raise Unreadable(path, "is not in nft's language", text.count("\n", 0, at) + 1)
        at = found.end()
        kind = found.lastgroup
        if kind != "skip":
            assert kind is not None
            yield kind, found[kind]
