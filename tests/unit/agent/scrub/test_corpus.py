"""How much of what is there is found, and how much of what is found is there: measured, printed."""

import random
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.harness import identifiers
from tests.harness.identifiers import KINDS, Planted
from wardline.agent.scrub.marks import MARK, Marker
from wardline.agent.scrub.scrubber import Scrubber

DATA = Path(__file__).parents[3] / "data"
SEED = 20261121
PER_KIND = 200
RECALL_LEAST, PRECISION_LEAST = 0.98, 0.95
# Every so many lines of a real file one gets an identifier.
PLANT_EVERY = 12
STRUCTURED = tuple(KINDS)
_MADE_MAILBOX = re.compile(r"mailbox\d+(?:@|%40)example\.net")
# A found span may take a neighbour along: a bracket, a comma, an extension.
NEIGHBOURS_MAX = 12

Taken = tuple[str, int, int]


@pytest.fixture(scope="module")
def scrub() -> Scrubber:
    return Scrubber(Marker(bytes(32)))


def _taken(scrub: Scrubber, raw: str) -> list[Taken]:
    """Kind and place of what was taken out, from what stayed in between."""
    clean = scrub.text(raw)
    stayed, marks = MARK.split(clean), MARK.findall(clean)
    found: list[Taken] = []
    at = 0
    for index, mark in enumerate(marks):
        start = at + len(stayed[index])
        assert raw[at:start] == stayed[index], "what stays is what was there"
        after = stayed[index + 1]
        if index + 1 == len(marks):
            at = len(raw) - len(after)
        else:
            at = raw.index(after, start + 1)
        found.append((mark[1:].partition(":")[0], start, at))
    return found


def _is_found(one: Planted, taken: list[Taken]) -> bool:
    """Not a letter or digit of it is left."""
    covered = {place for _, start, end in taken for place in range(start, end)}
    places = range(one.start, one.start + len(one.value))
    return all(place in covered for place in places if one.text[place].isalnum())


def test_recall_on_structured_identifiers(
    scrub: Scrubber, capsys: pytest.CaptureFixture[str]
) -> None:
    shares: dict[str, float] = {}
    missed: list[str] = []
    for kind in STRUCTURED:
        made = list(identifiers.planted(SEED, kind, PER_KIND))
        assert all(one.text[one.start :].startswith(one.value) for one in made)
        lost = [one.text for one in made if not _is_found(one, _taken(scrub, one.text))]
        shares[kind] = 1 - len(lost) / len(made)
        missed += [f"{kind}: {text}" for text in lost[:3]]
    overall = sum(shares.values()) / len(shares)
    with capsys.disabled():
        print(f"\nrecall {overall:.4f} on {PER_KIND * len(shares)} identifiers:", end=" ")
        print(", ".join(f"{kind} {share:.3f}" for kind, share in shares.items()))
    assert overall >= RECALL_LEAST, missed
    assert min(shares.values()) >= RECALL_LEAST, missed


def _files() -> Iterator[tuple[str, str]]:
    folders = (DATA / "scrub" / "logs", DATA / "scrub" / "texts", DATA / "debian12")
    for path in sorted(path for folder in folders for path in folder.iterdir()):
        yield path.name, path.read_text()


def _true(name: str, text: str) -> list[tuple[int, int]]:
    """What is really there: the addresses that stand for others, and what was looked at."""
    spans = [found.span() for found in _MADE_MAILBOX.finditer(text)]
    for line in (DATA / "scrub" / "truth.tsv").read_text().splitlines():
        where, _, value = line.split("\t")
        if where == name:
            spans += [found.span() for found in re.finditer(re.escape(value), text)]
    return spans


def _with_planted(name: str, text: str, draw: random.Random) -> tuple[str, list[tuple[int, int]]]:
    """A file with identifiers between its words, and where they and its own ones stand."""
    kinds = [kind for kind in KINDS if kind != "private key"]
    pieces: list[str] = []
    spans: list[tuple[int, int]] = []
    length = 0
    for line in text.splitlines(keepends=True):
        pieces.append(line)
        spans += [(length + start, length + end) for start, end in _true(name, line)]
        length += len(line)
        if draw.randrange(PLANT_EVERY) == 0 and line.endswith("\n"):
            (one,) = identifiers.planted(draw.randrange(1 << 30), draw.choice(kinds), 1)
            told = one.text + "\n"
            pieces.append(told)
            spans.append((length + one.start, length + one.start + len(one.value)))
            length += len(told)
    return "".join(pieces), spans


def test_precision_on_real_logs_and_configurations(
    scrub: Scrubber, capsys: pytest.CaptureFixture[str]
) -> None:
    draw, counts, wrong = random.Random(SEED), Counter[str](), list[str]()
    for name, text in _files():
        mixed, spans = _with_planted(name, text, draw)
        for kind, start, end in _taken(scrub, mixed):
            true = [one for one in spans if one[0] < end and start < one[1]]
            beyond = start < min(one[0] for one in true) - NEIGHBOURS_MAX if true else True
            counts["wrong" if beyond else "right"] += 1
            if beyond:
                wrong.append(f"{name}: {kind}: {mixed[start:end]!r}")
    precision = counts["right"] / counts.total()
    with capsys.disabled():
        print(f"\nprecision {precision:.4f}: {dict(counts)} in real files with planted identifiers")
    assert counts["right"] > 200
    assert precision >= PRECISION_LEAST, wrong


def test_real_logs_and_configurations_stay_as_they_are(
    scrub: Scrubber, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing is planted: what is found and was not looked at is wrong."""
    wrong: list[str] = []
    chars = 0
    for name, text in _files():
        chars += len(text)
        spans = _true(name, text)
        for kind, start, end in _taken(scrub, text):
            if not any(one[0] < end and start < one[1] for one in spans):
                wrong.append(f"{name}: {kind}: {text[start:end]!r}")
    with capsys.disabled():
        print(f"\n{len(wrong)} wrong finds in {chars} characters of real files")
    assert not wrong


def test_numbers_that_are_nobodys_stay(scrub: Scrubber, capsys: pytest.CaptureFixture[str]) -> None:
    lines = list(identifiers.harmless(SEED, 3600))
    wrong = [line for line in lines if scrub.text(line) != line]
    with capsys.disabled():
        print(f"\n{len(wrong)} of {len(lines)} lines of versions, hashes, times … are touched")
    assert len(wrong) <= len(lines) * 0.002, wrong[:20]


def test_scrubbing_is_deterministic_and_idempotent_on_all_of_it(scrub: Scrubber) -> None:
    other = Scrubber(Marker(bytes(32)))
    texts = [text for _, text in _files()]
    texts += [one.text for kind in KINDS for one in identifiers.planted(SEED + 1, kind, 40)]
    for text in texts:
        clean = scrub.text(text)
        assert other.text(text) == clean
        assert scrub.text(clean) == clean
