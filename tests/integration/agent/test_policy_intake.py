"""What an appliance does with a snapshot that it must not take: it keeps the old one, says why."""

from typing import Any

import pytest

from tests.harness.fake_central import on, problem
from tests.integration.agent.bench import BAD_MODE, Bench
from wardline.agent import intake
from wardline.agent.store import policies
from wardline.agent.store.policies import Active
from wardline.core import canonical, protocol
from wardline.core.evidence import signing
from wardline.core.evidence.signing import SigningKey
from wardline.core.policy import compiled, covering, opening, parse
from wardline.core.policy.rule import Policy
from wardline.core.protocol import KeyPurpose

Change = Any


@pytest.fixture
def newer(bench: Bench) -> Bench:
    """An appliance whose Central speaks schema 2."""
    bench.central.snapshot_schema = 2
    return bench


def active(bench: Bench) -> Active | None:
    key = policies.public_key(bench.settings.central.policy_key)
    with bench.agent.ledger.reading() as tx:
        return policies.load(tx, key, bench.settings.site.id)


def revision(bench: Bench) -> int:
    held = active(bench)
    assert held is not None
    return held.snapshot.revision


def fetched(bench: Bench) -> int:
    return [name for name, _ in bench.central.requests].count("/policy")


def refused(bench: Bench) -> dict[str, Any]:
    """What Central was told last."""
    told: dict[str, Any] = bench.central.policy_reports[-1]["refused"]
    return told


def test_a_snapshot_with_cases_is_tried_and_taken(newer: Bench) -> None:
    newer.check_in()
    held = active(newer)
    assert held is not None
    assert held.snapshot.cases is not None
    assert len(held.snapshot.cases.rows) >= len(held.rules) - held.snapshot.cases.without > 0
    assert newer.central.policy_reports == [{"v": 1, "epoch": 1, "revision": 1, "refused": None}]
    newer.check_in()
    assert len(newer.central.policy_reports) == 1, "what did not change is not said again"


@pytest.mark.parametrize(
    ("change", "code", "words"),
    [
        ({"rules": [{"id": "x", "colour": "red"}]}, "rules", "colour"),
        ({"site_id": "site_other"}, "site", "site_other"),
        ({"zone": 7}, "form", "zone"),
        ({"cases": None}, "form", "conformance cases"),
        ({"epoch": 0}, "form", "epoch"),
    ],
)
def test_what_does_not_compile_is_refused_told_and_not_fetched_again(
    newer: Bench, change: Change, code: str, words: str
) -> None:
    newer.check_in()
    newer.central.revision = 2
    newer.central.odd_snapshot = change
    newer.check_in()
    told = refused(newer)
    assert told["code"] == code
    assert words in told["reason"]
    assert newer.central.policy_reports[-1]["revision"] == 1
    assert "policy_refused" in newer.alarms()
    assert revision(newer) == 1
    before = fetched(newer)
    newer.check_in()
    newer.restart()
    newer.check_in()
    assert fetched(newer) == before, "the same snapshot would be refused again"
    assert revision(newer) == 1
    newer.central.odd_snapshot = {}
    newer.check_in()
    assert revision(newer) == 2
    assert newer.central.policy_reports[-1] == {
        "v": 1,
        "epoch": 1,
        "revision": 2,
        "refused": None,
    }
    assert "policy_refused" not in newer.alarms()


def test_a_case_that_comes_out_otherwise_refuses_the_set_and_is_named(newer: Bench) -> None:
    newer.check_in()
    newer.central.revision = 2
    cases = newer.central.cases()
    position = next(at for at, row in enumerate(cases["rows"]) if row[4] != "block")
    cases["rows"][position][4:6] = ["block", "denied"]
    newer.central.odd_snapshot = {"cases": cases}
    newer.check_in()
    told = refused(newer)
    assert told["code"] == "drift"
    assert f"conformance case {position}:" in told["reason"]
    assert "Central decides block (denied)" in told["reason"]
    assert revision(newer) == 1
    newer.central.odd_snapshot = {}
    newer.check_in()
    assert revision(newer) == 2


def test_an_upgraded_agent_tries_again_what_the_one_before_refused(
    newer: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    newer.check_in()
    newer.central.revision = 2
    newer.central.odd_snapshot = {"cases": newer.central.cases() | {"rows": [["x"]]}}
    newer.check_in()
    assert refused(newer)["code"] == "form"
    before = fetched(newer)
    monkeypatch.setattr(intake, "__version__", "99.0.0")
    newer.check_in()
    assert fetched(newer) == before + 1


def test_tampering_on_the_way_is_refused_and_fetched_again(newer: Bench) -> None:
    newer.check_in()
    newer.central.revision = 2
    wire = newer.central.sealed(newer.central.snapshot(healing="heal"))
    honest = newer.central.sealed(newer.central.snapshot())
    tampered = honest | {"payload": wire["payload"]}
    newer.central.odd.append(on("/policy", (200, tampered, {})))
    newer.check_in()
    assert refused(newer)["code"] == "signature"
    assert revision(newer) == 1
    newer.check_in()
    assert revision(newer) == 2, "what was damaged on the way comes whole the next time"
    assert newer.central.policy_reports[-1]["refused"] is None


def test_a_signature_by_another_key_stays_refused(newer: Bench) -> None:
    newer.check_in()
    newer.central.revision = 2
    forged = newer.central.sealed(newer.central.snapshot(), SigningKey.generate())
    newer.central.odd.append(on("/policy", (200, forged, {})))
    newer.check_in()
    assert refused(newer)["code"] == "signature"
    assert revision(newer) == 1


def test_a_schema_in_the_envelope_of_another_is_refused(newer: Bench) -> None:
    newer.check_in()
    newer.central.revision = 2
    key = newer.central.keys[KeyPurpose.POLICY]
    payload = newer.central.snapshot()
    mislabelled = signing.sign(key, protocol.POLICY_PAYLOAD_TYPE, payload).to_wire()
    newer.central.odd.append(on("/policy", (200, mislabelled, {})))
    newer.check_in()
    assert refused(newer)["code"] == "form"
    assert revision(newer) == 1


@pytest.mark.parametrize(
    "lower", [{"revision": 4}, {"policy_epoch": 1}, {"settings_revision": 4}, {"revision": 9}]
)
def test_what_is_lower_in_any_count_of_its_epoch_is_older(
    newer: Bench, lower: dict[str, int]
) -> None:
    central = newer.central
    central.revision = central.policy_epoch = central.settings_revision = 5
    newer.check_in()
    if lower == {"revision": 9}:
        central.settings_revision = 4
    for name, value in lower.items():
        setattr(central, name, value)
    newer.check_in()
    assert refused(newer)["code"] == "older"
    assert "epoch has to be raised" in refused(newer)["reason"]
    held = active(newer)
    assert held is not None
    assert held.version == (5, 5, 5)


def test_a_raised_epoch_is_followed_to_a_lower_revision(newer: Bench) -> None:
    newer.central.revision = 5
    newer.check_in()
    newer.central.revision = 2
    newer.check_in()
    assert revision(newer) == 5
    newer.central.policy_epoch = 1_795_661_000
    newer.check_in()
    held = active(newer)
    assert held is not None
    assert held.version == (1_795_661_000, 2, 1)
    assert newer.central.policy_reports[-1]["refused"] is None


def test_other_rules_under_the_same_revision_are_refused(newer: Bench) -> None:
    newer.check_in()
    kept = newer.central.rules
    newer.central.rules = kept[1:]
    newer.central.settings_revision = 2
    newer.check_in()
    assert refused(newer)["code"] == "other_rules"
    held = active(newer)
    assert held is not None
    assert len(held.rules) == len(kept)
    newer.central.rules = kept
    newer.check_in()
    held = active(newer)
    assert held is not None
    assert held.snapshot.settings_revision == 2


def test_a_central_that_knows_schema_1_alone_is_understood(bench: Bench) -> None:
    bench.central.odd.append(on("/policy/report", problem(404, "no such route")))
    bench.check_in()
    held = active(bench)
    assert held is not None
    assert held.snapshot.cases is None
    assert bench.central.policy_reports == []
    bench.check_in()
    assert [name for name, _ in bench.central.requests].count("/policy/report") == 1


def test_an_upgraded_central_gives_the_same_revision_in_the_newer_schema(bench: Bench) -> None:
    bench.check_in()
    bench.central.snapshot_schema = 2
    bench.check_in()
    held = active(bench)
    assert held is not None
    assert held.snapshot.cases is not None
    assert revision(bench) == 1


def test_it_boots_without_central_and_its_decisions_say_revision_and_age(newer: Bench) -> None:
    newer.central.healing = "observe"
    newer.central.revision = 3
    newer.check_in()
    newer.restart()
    newer.central.odd += [on("/checkin", problem(503, "down")) for _ in range(3)]
    newer.clock.offset = newer.clock.offset.__class__(hours=5)
    assert not newer.check_in()
    newer.drift()
    newer.observe("file_permissions")
    newer.act()
    newer.report()
    newer.report()
    (decision,) = [
        record.decision
        for record in newer.central.records("file_permissions")
        if record.decision is not None
    ][:1]
    assert decision["policyRevision"] == 3
    assert 5 * 3600 <= decision["policyAgeSeconds"] < 6 * 3600


def test_a_stored_copy_that_drifts_under_a_new_agent_is_not_decided_by(
    newer: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    newer.check_in()
    healing = compiled.build

    def other(policy: Policy) -> compiled.Compiled:
        return healing(Policy((), policy.revision, policy.epoch))

    monkeypatch.setattr(policies.compiled, "build", other)
    newer.restart()
    newer.drift()
    newer.observe("file_permissions")
    newer.act()
    assert "conformance case" in newer.alarms()["policy_refused"].detail
    assert newer.mode == BAD_MODE, "without rules to believe nothing is repaired"


def test_the_cases_of_the_seeded_rules_cover_them_all(newer: Bench) -> None:
    rules = tuple(parse.rule(rule) for rule in newer.central.rules)
    cover = covering.cover(rules, compiled.build(Policy(rules, 1)), "UTC")
    assert cover.without == 0
    assert canonical.dumps(list(cover.rows))
    assert opening.wire(covering.OPENING_HOURS[0])["start"] == "08:00"
