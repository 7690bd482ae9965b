"""Marks of the scrubber without the keyed part, which no test can know."""

from wardline.agent.scrub.marks import MARK


def plain_marks(text: str) -> str:
    """`[ssn:mf4q2xw7ab]` as `[ssn]`."""
    return MARK.sub(lambda mark: f"{mark[0].partition(':')[0]}]", text)
