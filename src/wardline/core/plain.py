"""Words of others on a terminal: an appliance, a host or a file may have put anything into them."""

_BLANKS = str.maketrans({"\t": "    ", "\n": " "})


def shown(text: str) -> str:
    """`text` without anything that a terminal would obey."""
    return "".join(
        letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text
    )


def line(text: str) -> str:
    """The same on one line, with blanks for the breaks and tabs in it."""
    return shown(text.translate(_BLANKS))


def lines(text: str) -> list[str]:
    """The same line by line, as a text or a diff has them."""
    return [line(one) for one in text.splitlines()]
