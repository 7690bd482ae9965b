"""What can be wrong with an expression, when it is read and when it is evaluated."""


class Misplaced(Exception):
    """Something wrong at `offset`, counted in characters from 0."""

    def __init__(self, offset: int, why: str) -> None:
        super().__init__(why)
        self.offset = offset
        self.why = why


class Unreadable(Misplaced):
    """An expression that cannot be used."""


class Fault(Misplaced):
    """An operation that has no value for this request, such as a key that is not there."""


def place(text: str, offset: int) -> str:
    """Where an offset stands, for people: `line 1, column 7`, both counted from 1."""
    before = text[:offset]
    line = before.count("\n") + 1
    return f"line {line}, column {offset - before.rfind(chr(10))}"
