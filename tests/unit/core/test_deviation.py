"""An accepted deviation: one observed state on named hosts until a date, and nothing else."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from wardline.core import canonical, clock, deviation, mandate
from wardline.core.deviation import AcceptedState, Deviation, End, SectionFull
from wardline.core.errors import Malformed
from wardline.core.evidence.bundle import Outcome, Result
from wardline.core.evidence.signing import SigningKey
from wardline.core.mandate import Mandate
from wardline.core.severity import Severity

ULID = "01k9xq7v0000000000000000a1"
HOST, OTHER = f"host_{ULID}", f"host_{ULID[:-1]}2"
KEY = SigningKey.from_seed(b"m" * 32)
AT = clock.parse("2026-11-25T10:00:00.000Z")
UNTIL = clock.parse("2026-12-25T10:00:00.000Z")
FACTS = {"failing": ["PermitRootLogin"], "effective": {"PermitRootLogin": "yes"}}
FAILED = Result(
    check="ssh_config",
    outcome=Outcome.FAIL,
    severity=Severity.HIGH,
    summary="unsafe: PermitRootLogin",
    facts=FACTS,
    facts_digest=canonical.digest(FACTS),
    measured_at=AT,
    duration_ms=3,
)
STATE = AcceptedState(HOST, FAILED.facts_digest, Severity.HIGH)
ONE = Deviation(
    *(f"dev_{ULID}", "ssh_config", AT, UNTIL, "Mia", "Dr. Berg"),
    *("the scanner logs in as root", "its network is closed"),
    (STATE,),
)
OBJECT = deviation.to_wire(ONE)
WORDS = (
    "accepted until 2026-12-25T10:00:00.000Z by Mia, owner Dr. Berg: the scanner logs in as root;"
    " compensating control: its network is closed"
)


def is_accepted(measured: Result, host: str = HOST, at: Any = AT) -> bool:
    return deviation.accepting([ONE], host, measured, at) is ONE


def test_exactly_the_observed_state_is_accepted_there_and_until_then() -> None:
    assert is_accepted(FAILED)
    assert is_accepted(FAILED, at=UNTIL - timedelta(milliseconds=1))
    assert not is_accepted(FAILED, at=UNTIL)
    assert not is_accepted(FAILED, OTHER)


@pytest.mark.parametrize(
    "change",
    [
        {"facts_digest": canonical.digest({**FACTS, "failing": []})},
        {"severity": Severity.CRITICAL},
        {"severity": Severity.LOW},
        {"outcome": Outcome.PASS},
        {"outcome": Outcome.UNKNOWN},
        {"outcome": Outcome.NOT_APPLICABLE},
        {"check": "firewall"},
    ],
)
def test_anything_else_is_not(change: dict[str, Any]) -> None:
    assert not is_accepted(replace(FAILED, **change))


def test_of_two_for_one_host_the_newer_one_speaks() -> None:
    newer = replace(
        ONE,
        id=f"dev_{ULID[:-1]}3",
        accepted_at=AT + timedelta(days=1),
        states=(replace(STATE, facts_digest="f" * 64),),
    )
    for order in ([ONE, newer], [newer, ONE]):
        assert deviation.concerning(order, HOST, "ssh_config") is newer
        assert deviation.accepting(order, HOST, FAILED, AT) is None


def test_facts_that_were_left_out_name_no_state() -> None:
    assert deviation.is_whole(FACTS)
    assert not deviation.is_whole({"failing": ["x"], "left_out_bytes": 40_000})
    assert not deviation.is_whole({})


def test_an_incident_says_on_whose_word_and_then_why_no_more() -> None:
    told = deviation.decision(ONE)
    assert (told["verdict"], told["code"], told["reason"]) == ("block", "accepted", WORDS)
    assert told["deviation"] == {key: OBJECT[key] for key in OBJECT if key != "states"}
    assert deviation.is_accepted(told)
    for how in End:
        after = deviation.ended_decision(told, how)
        assert not deviation.is_accepted(after)
        assert after["deviation"] == {"id": ONE.id, "ended": how.value}
    assert deviation.ended_decision({}, End.REVOKED)["deviation"]["id"] is None


def test_a_mandate_carries_it_and_the_first_schema_does_not() -> None:
    made = Mandate(f"site_{ULID}", f"appl_{ULID}", 1, 4, deviations=(ONE,))
    assert mandate.opened(mandate.seal(made, KEY), KEY.verify_key) == made
    first = mandate.opened(mandate.seal(made, KEY, 1), KEY.verify_key)
    assert first == replace(made, deviations=())


def test_what_has_room_is_what_a_mandate_takes_and_not_a_word_more() -> None:
    states = tuple(replace(STATE, host_id=f"host_{ULID[:-3]}{n:03d}") for n in range(300))
    wide = replace(ONE, reason="\N{PILE OF POO}" * 500, states=states)
    full = [replace(wide, id=f"dev_{ULID[:-3]}{n:03d}") for n in range(1)]
    while True:
        more = [*full, replace(ONE, id=f"dev_{ULID[:-3]}{len(full):03d}", control="c" * 2000)]
        try:
            deviation.require_room(more)
        except SectionFull:
            break
        full = more
    sealed = Mandate(f"site_{ULID}", f"appl_{ULID}", 1, 4, deviations=tuple(full))
    assert mandate.opened(mandate.seal(sealed, KEY), KEY.verify_key) == sealed
    with pytest.raises(Malformed, match="deviations"):
        mandate.seal(replace(sealed, deviations=tuple(more)), KEY)
    many = [replace(ONE, id=f"dev_{ULID[:-3]}{n:03d}") for n in range(deviation.PER_SITE_MAX + 1)]
    deviation.require_room(many[:-1])
    with pytest.raises(SectionFull, match="at most 100"):
        deviation.require_room(many)


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"id": f"inc_{ULID}"}, "id"),
        ({"check": "no such name!"}, "check"),
        ({"until": "2026-12-25"}, "until"),
        ({"owner": ""}, "owner"),
        ({"reason": ""}, "reason"),
        ({"control": ""}, "control"),
        ({"reason": "x" * 2001}, "reason"),
        ({"states": [{}]}, "states[0].facts_digest"),
        ({"states": [{**OBJECT["states"][0], "facts_digest": "x"}]}, "states[0].facts_digest"),
        ({"states": [{**OBJECT["states"][0], "severity": "warn"}]}, "states[0].severity"),
        ({"states": OBJECT["states"] * 501}, "states"),
        ({"more": 1}, "more"),
    ],
)
def test_a_field_that_is_wrong_is_named(change: dict[str, Any], place: str) -> None:
    with pytest.raises(Malformed) as refused:
        deviation.from_wire({**OBJECT, **change})
    assert str(refused.value).startswith(place)
