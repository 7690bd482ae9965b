"""Which of a runbook's remedies a shadow evaluation takes for an answer to what was found."""

from typing import Any

import pytest

from wardline.central.learning import shadow
from wardline.core.incidents import catalogue

SCANNER, KEYS = "antivirus.enable_scanner", "remote_access.require_keys"


@pytest.mark.parametrize(
    ("book", "facts", "answers"),
    [
        (KEYS, {"failing": ["ssh.guessable"], "key_files": 1}, [True]),
        (KEYS, {"failing": ["ssh.guessable"], "key_files": 0}, [False]),
        (KEYS, {"failing": ["ssh.guessable"]}, [False]),
        (
            SCANNER,
            {"failing": ["scanning_off"], "scanners_installed": ["clamd@scan.service"]},
            [False, True, False, False],
        ),
        (
            SCANNER,
            {"failing": ["old"], "scanners_installed": ["clamd@scan.service"]},
            [False, False, False, False],
        ),
    ],
)
def test_where_a_runbook_must_not_run_or_takes_other_inputs_it_is_no_answer(
    book: str, facts: dict[str, Any], answers: list[bool]
) -> None:
    known = catalogue.runbooks()[book].remedies
    assert [shadow._answers(one, facts, of=len(known)) for one in known] == answers


def test_the_remedy_that_answers_most_of_what_was_found_is_taken() -> None:
    known = catalogue.runbooks()[SCANNER].remedies
    debian, fedora = (
        {"facts": {"failing": ["scanning_off"], "scanners_installed": [unit]}, "choice": None}
        for unit in ("clamav-daemon.service", "clamd@scan.service")
    )
    assert shadow._fitting(known, [debian, fedora, fedora]) == known[1]
    assert shadow._fitting(known, [debian, fedora, debian]) == known[0]
