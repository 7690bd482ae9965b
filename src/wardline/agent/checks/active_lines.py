"""The lines of a configuration file that say something: no comments, nothing empty."""

from collections.abc import Iterator

from wardline.agent.checks.probe import Probe


def of(probe: Probe, path: str, comments: str = "#") -> Iterator[tuple[int, str]]:
    """Number and text of each line that does not begin with one of the characters `comments`."""
    for number, line in probe.lines(path):
        text = line.strip()
        if text and text[0] not in comments:
            yield number, text


def of_all(probe: Probe, patterns: tuple[str, ...], comments: str = "#") -> Iterator[str]:
    """The text of each such line of every file that fits one of the globs, in their order."""
    for pattern in patterns:
        for path in probe.glob(pattern):
            for _, text in of(probe, path, comments):
                yield text


def ini(probe: Probe, path: str, comments: str = "#;") -> Iterator[tuple[str, str, str]]:
    """Section, key and value of each `key = value`, section and key in lower case."""
    section = ""
    for _, text in of(probe, path, comments):
        if text.startswith("["):
            section = text.strip("[]").strip().lower()
            continue
        key, equals, value = text.partition("=")
        if equals:
            yield section, key.strip().lower(), value.strip()
