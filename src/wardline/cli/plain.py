"""Words of others on a terminal: an appliance, a host or a file may have put anything into them."""


def shown(text: str) -> str:
    """`text` without anything that a terminal would obey."""
    return "".join(
        letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text
    )
