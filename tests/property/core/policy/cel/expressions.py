"""Random expressions over the variables of a condition, written as text, and requests for them."""

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from random import Random
from typing import Any, TypeVar

from wardline.core.canonical import Json
from wardline.core.policy.request import Alert, Request
from wardline.core.severity import Severity

T = TypeVar("T")

LEVELS_MAX = 4
NOISE = 0.06
TEXTS = ("", "a", "web", "web-1", "9", "1.5", "-7", "true", "linux/debian")
PATTERNS = ("^web", "b-[0-9]+$", "^(a|web)$", "[^0-9]", "x*", "(w|e){2}b", "")
SPACES = ("", "", "", " ", "  ", "\n", "\t", " // so\n")
# What a fact may be, by its name: the writer knows what it asks for, and errs now and then.
FACTS: dict[str, tuple[Json, ...]] = {
    "count": (0, 1, 3, -4, 2**53 - 1),
    "ratio": (Decimal("1.5"), Decimal("-0.25"), Decimal("0.1")),
    "name": TEXTS,
    "flag": (True, False),
    "none": (None,),
    "numbers": ([], [1, 2, 3], [3, Decimal("1.5")]),
    "names": ([], ["a", "web"], ["9", "web-1", "a"]),
    "mixed": ([1, "a", None, True, [2]],),
    "inner": ({}, {"count": 3}, {"count": 1, "name": "web"}),
}
VARIABLES = {"severity": "text", "kpiId": "text", "platform": "text", "hostId": "text"}


class Writer:
    """A source of expressions; the same random source gives the same ones.

    `noise` is the share of operands whose type does not fit.
    """

    def __init__(self, random: Random, noise: float = NOISE) -> None:
        self.random = random
        self.noise = noise

    def condition(self) -> str:
        return self._write("flag", self.random.randint(1, LEVELS_MAX))

    def anything(self) -> str:
        kinds = ("flag", "count", "ratio", "name", "numbers", "names", "inner")
        return self._write(self._one(kinds), self.random.randint(0, LEVELS_MAX))

    def _write(self, kind: str, levels: int) -> str:
        if self.random.random() < self.noise:
            kind = self._one(tuple(FACTS))
        if levels <= 0 or self.random.random() < 0.1:
            return self._leaf(kind)
        written = getattr(self, f"_{kind}", self._leaf_of(kind))(levels - 1)
        return f"({written})" if self.random.random() < 0.3 else written

    def _leaf_of(self, kind: str) -> Any:
        return lambda _: self._leaf(kind)

    def _leaf(self, kind: str) -> str:
        if self.random.random() < 0.5:
            return self._one((f"facts.{kind}", f'facts["{kind}"]', f"facts . {kind}"))
        if self.random.random() < 0.05:
            return "facts.absent"
        literals = {
            "count": (
                "0",
                "1",
                "3",
                "-4",
                "0x1F",
                "9007199254740991",
                "007",
                "-9223372036854775807",
            ),
            "ratio": ("1.5", "-0.25", ".5", "1e3", "2.0", "-0.0", "1E-2"),
            "name": ('"a"', "'web'", 'r"web"', '"""9"""', r"'\x61'", r'"\u0077eb"', "''", "kpiId"),
            "flag": ("true", "false", "has(facts.inner.count)", "delta == null"),
            "none": ("null", "delta"),
            "numbers": ("[]", "[1, 2, 3]", "[1, 1.5,]"),
            "names": ("[]", '["a", "web"]', "tags", '["web"] + tags'),
            "mixed": ('[1, "a", null, true, [2]]',),
            "inner": ("{}", '{"count": 3}', "{'name': 'web', \"count\": 1,}"),
        }
        return self._one(literals[kind])

    def _flag(self, levels: int) -> str:
        return self._one(
            (
                self._joined,
                self._joined,
                self._compared,
                self._compared,
                self._equal,
                self._member,
                self._asked,
                self._inverted,
                self._tested,
                lambda levels: self._choice("flag", levels),
            )
        )(levels)

    def _joined(self, levels: int) -> str:
        operator = self._one(("&&", "||"))
        parts = [self._bracketed("flag", levels) for _ in range(self.random.randint(2, 4))]
        return f"{self._space()}{operator}{self._space()}".join(parts)

    def _compared(self, levels: int) -> str:
        left, right = self._one(
            (("count", "count"), ("count", "ratio"), ("ratio", "ratio"), ("name", "name"))
        )
        operator = self._one(("<", "<=", ">", ">="))
        return self._two(left, operator, right, levels)

    def _equal(self, levels: int) -> str:
        kind = self._one(("count", "ratio", "name", "flag", "none", "numbers", "names", "inner"))
        other = self._one(("count", "ratio")) if kind in ("count", "ratio") else kind
        return self._two(kind, self._one(("==", "!=")), other, levels)

    def _member(self, levels: int) -> str:
        left, right = self._one((("count", "numbers"), ("name", "names"), ("name", "inner")))
        return self._two(left, " in ", right, levels)

    def _asked(self, levels: int) -> str:
        if self.random.random() < 0.25:
            return f'{self._bracketed("name", levels)}.matches("{self._one(PATTERNS)}")'
        name = self._one(("contains", "startsWith", "endsWith"))
        return f"{self._bracketed('name', levels)}.{name}({self._write('name', levels)})"

    def _inverted(self, levels: int) -> str:
        count = self.random.randint(1, 3)
        operand = self._bracketed if count == 1 else self._exactly
        return "!" * count + operand("flag", levels)

    def _tested(self, levels: int) -> str:
        return f"has({self._bracketed('inner', levels)}.{self._one(('count', 'name', 'z'))})"

    def _choice(self, kind: str, levels: int) -> str:
        parts = [self._bracketed("flag", levels), self._bracketed(kind, levels)]
        return f"{parts[0]} ? {parts[1]} : {self._write(kind, levels)}"

    def _count(self, levels: int) -> str:
        form = self.random.randrange(6)
        if form == 0:
            return f"size({self._write(self._one(('name', 'numbers', 'inner')), levels)})"
        if form == 1:
            return f"int({self._write(self._one(('ratio', 'name', 'count')), levels)})"
        if form == 2:
            return f"-{self._exactly('count', levels)}"
        if form == 3:
            return f"{self._bracketed('numbers', levels)}[{self._write('count', levels)}]"
        if form == 4:
            return self._choice("count", levels)
        return self._two("count", self._one(("+", "-", "*", "/", "%")), "count", levels)

    def _ratio(self, levels: int) -> str:
        form = self.random.randrange(4)
        if form == 0:
            return f"double({self._write(self._one(('ratio', 'name', 'count')), levels)})"
        if form == 1:
            return f"-{self._exactly('ratio', levels)}"
        return self._two("ratio", self._one(("+", "-", "*", "/")), "ratio", levels)

    def _name(self, levels: int) -> str:
        form = self.random.randrange(4)
        if form == 0:
            return f"string({self._exactly(self._one(('ratio', 'name', 'count')), levels)})"
        if form == 1:
            return f"{self._bracketed('names', levels)}[{self._write('count', levels)}]"
        if form == 2:
            return self._one(tuple(VARIABLES))
        return self._two("name", "+", "name", levels)

    def _numbers(self, levels: int) -> str:
        if self.random.random() < 0.5:
            return self._two("numbers", "+", "numbers", levels)
        items = [self._write("count", levels) for _ in range(self.random.randint(0, 3))]
        return f"[{', '.join(items)}]"

    def _names(self, levels: int) -> str:
        items = [self._write("name", levels) for _ in range(self.random.randint(0, 3))]
        return f"[{', '.join(items)}]"

    def _inner(self, levels: int) -> str:
        return f'{{"count": {self._write("count", levels)}, "name":{self._write("name", levels)}}}'

    def _two(self, left: str, operator: str, right: str, levels: int) -> str:
        space = self._space()
        one, other = self._bracketed(left, levels), self._bracketed(right, levels)
        return f"{one}{space}{operator}{space}{other}"

    def _bracketed(self, kind: str, levels: int) -> str:
        """An operand; mostly in brackets, so that its type is the one meant."""
        written = self._write(kind, levels)
        is_meant = not self.noise or self.random.random() < 0.8
        return f"({written})" if is_meant else written

    def _exactly(self, kind: str, levels: int) -> str:
        """An operand in brackets and without noise: where the binding takes what CEL refuses."""
        noise, self.noise = self.noise, 0.0
        written = self._write(kind, min(levels, 1))
        self.noise = noise
        return f"({written})"

    def _space(self) -> str:
        return self._one(SPACES)

    def _one(self, values: Sequence[T]) -> T:
        return self.random.choice(values)


def request(random: Random) -> Request:
    """A request whose facts are those that a writer asks for, one of them left out at times."""
    facts = {name: random.choice(values) for name, values in FACTS.items()}
    if random.random() < 0.3:
        del facts[random.choice(tuple(facts))]
    alert = Alert(
        id="a",
        kpi_id="disk",
        title="",
        message="",
        severity=random.choice(list(Severity)),
        delta=random.choice((None, 3, -1, Decimal("2.5"))),
    )
    return Request(
        alert=alert,
        at=datetime(2026, 11, 20, tzinfo=UTC),
        zone="UTC",
        decision_id="d",
        host=random.choice((None, "web-1")),
        platform=random.choice((None, "linux/debian")),
        tags=random.choice((frozenset(), frozenset({"a", "web"}))),
        facts=facts,
    )


def context(given: Request) -> dict[str, Json]:
    """The same for the binding, which takes Decimals as doubles too."""
    return {
        "severity": given.alert.severity.value,
        "kpiId": given.alert.kpi_id,
        "delta": given.alert.delta,
        "siteId": given.site,
        "hostId": given.host,
        "platform": given.platform,
        "tags": sorted(given.tags),
        "facts": given.facts,
    }
