"""keys.txt: what it may hold and what is refused at which line."""

import pytest

from tests.unit.core.evidence import site_log
from tests.unit.core.evidence.site_log import Appliance
from wardline.core.errors import Malformed
from wardline.core.evidence import trust

SITE, (FIRST, SECOND) = site_log.clinic()
KEYS = site_log.keys_txt(SITE, FIRST, SECOND)


def test_keys_and_checkpoints_survive_the_text() -> None:
    head = SITE.head()
    text = f"# from the clinic\n\n{KEYS}{trust.checkpoint_line(head)}"
    found = trust.parse(text)
    assert found.logs == {SITE.origin: frozenset({SITE.log_key.public})}
    assert found.appliances[FIRST.id] == frozenset({FIRST.key.public})
    assert found.witnesses[SECOND.id] == frozenset({SECOND.witness.public})
    assert found.held == (head,)


def test_a_name_may_have_several_keys() -> None:
    text = KEYS + trust.line("appliance", FIRST.id, site_log.key(9).public)
    assert len(trust.parse(text).appliances[FIRST.id]) == 2


def test_comments_and_line_ends_of_other_systems_are_accepted() -> None:
    text = KEYS.replace("\n", "  # noted by hand\r\n")
    assert trust.parse(text) == trust.parse(KEYS)


LINE = trust.line("appliance", FIRST.id, FIRST.key.public).rstrip("\n")
OTHER = trust.line("appliance", FIRST.id, Appliance(3).key.public).split(" ")[3].rstrip("\n")


@pytest.mark.parametrize(
    "line",
    [
        "appliance",
        LINE + " more",
        LINE.replace(" ", "  ", 1),
        LINE.replace("appliance", "host"),
        LINE.replace(FIRST.id, "appl_1"),
        LINE[:-1],
        LINE[:-4],
        LINE.rsplit(" ", 1)[0] + " " + OTHER,
        LINE.replace(FIRST.key.key_id, "0" * 16),
        "checkpoint origin 01 AAAA",
        "checkpoint origin 1 AAAA",
    ],
)
def test_a_wrong_line_is_refused_by_its_number(line: str) -> None:
    with pytest.raises(Malformed, match=r"^keys.txt line 6: "):
        trust.parse(KEYS + line)


def test_too_much_text_is_refused() -> None:
    with pytest.raises(Malformed, match="more than"):
        trust.parse("#" * (trust.TRUST_BYTES_MAX + 1))


def test_a_line_is_of_a_known_kind() -> None:
    with pytest.raises(ValueError, match="not of 'host'"):
        trust.line("host", "x", FIRST.key.public)
