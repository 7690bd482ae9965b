"""The scrubber on real logs and configurations: how much it reads in a second of processor time."""

import argparse
import json
import statistics
import time
from collections.abc import Callable
from pathlib import Path

from _appliance import machine

from wardline.agent.scrub.marks import Marker
from wardline.agent.scrub.patient_names import PatientNames
from wardline.agent.scrub.scrubber import Scrubber

DATA = Path(__file__).resolve().parent.parent / "tests" / "data"
PIECE_CHARS = 4096
ROUNDS, ROUNDS_QUICK = 15, 5
NAMES = 5000
FACTS = 200
SYLLABLES = ("ba", "do", "ke", "li", "mo", "nu", "pe", "ri", "sa", "tu")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="only the last line")
    parser.add_argument("--quick", action="store_true", help="a third of the rounds")
    options = parser.parse_args()
    rounds = ROUNDS_QUICK if options.quick else ROUNDS
    logs = _pieces("scrub/logs")
    settings = _pieces("scrub/texts") + _pieces("debian12")
    names = PatientNames.of(_names())
    with_names = Scrubber(Marker(bytes(32)), names)
    plain = Scrubber(Marker(bytes(32)))
    figures = {
        "mb_per_s_logs": _mb_per_s(logs, plain.text, rounds),
        "mb_per_s_settings": _mb_per_s(settings, plain.text, rounds),
        "mb_per_s_logs_5000_names": _mb_per_s(logs, with_names.text, rounds),
        "us_known_word": _us_known_word(plain, rounds),
    }
    if not options.json:
        print(f"{sum(map(len, logs))} characters of logs, {sum(map(len, settings))} of settings")
    print(json.dumps({"bench": "scrub", "figures": figures, "machine": machine()}))
    return 0


def _pieces(folder: str) -> list[str]:
    """The files of a folder, in pieces as long as the output of a command may be."""
    texts = [path.read_text() for path in sorted((DATA / folder).iterdir())]
    return [
        text[at : at + PIECE_CHARS] for text in texts for at in range(0, len(text), PIECE_CHARS)
    ]


def _names() -> list[str]:
    """Made-up ones, all different."""
    made = []
    for number in range(NAMES):
        digits = f"{number:04}"
        first = "".join(SYLLABLES[int(one)] for one in digits)
        made.append(f"{first} {first[::-1]}")
    return made


def _mb_per_s(pieces: list[str], scrub: Callable[[str], str], rounds: int) -> float:
    size = sum(len(piece.encode()) for piece in pieces)
    return round(size / 1e6 / _seconds(lambda: [scrub(piece) for piece in pieces], rounds), 2)


def _us_known_word(scrubber: Scrubber, rounds: int) -> float:
    """A short text that was seen before, as most texts of a cycle were."""
    words = [f"word {number}" for number in range(FACTS)]
    for word in words:
        scrubber.text(word)
    seconds = _seconds(lambda: [scrubber.text(word) for word in words], rounds)
    return round(seconds / FACTS * 1e6, 2)


def _seconds(work: Callable[[], object], rounds: int) -> float:
    """Of processor time, the median."""
    taken = []
    for _ in range(rounds):
        began = time.process_time()
        work()
        taken.append(time.process_time() - began)
    return statistics.median(taken)


if __name__ == "__main__":
    raise SystemExit(main())
