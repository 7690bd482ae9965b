"""What scrubbing takes out, what it leaves alone, and that hostile text does not slow it down."""

import time
from datetime import UTC, datetime

import pytest

from wardline.agent import scrub
from wardline.core import canonical
from wardline.core.evidence.bundle import Action, Outcome, Result
from wardline.core.severity import Severity

REMOVED = [
    ("password=hunter2 x", "password=[secret removed] x"),
    ("db_password: 's3cr3t value'", "db_password: [secret removed]"),
    ('{"api_key": "abcdef123456"}', '{"api_key": [secret removed]}'),
    ("AWS_SECRET_ACCESS_KEY=abcd/efgh", "AWS_SECRET_ACCESS_KEY=[secret removed]"),
    ("mysql --password hunter2 -u root", "mysql --password [secret removed] -u root"),
    ("Authorization: Bearer abcdefgh.ijkl", "Authorization: Bearer [secret removed]"),
    ("postgres://app:pa55@db/x", "postgres://app:[secret removed]@db/x"),
    ("AKIAIOSFODNN7EXAMPLE", "[token removed]"),
    ("ghp_" + "a1B2" * 9, "[token removed]"),
    ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln", "[token removed]"),
    ("root:$y$j9T$abc./def$0123456789abcdef:1::", "root:[password hash removed]:1::"),
    (
        "-----BEGIN RSA PRIVATE KEY-----\nMII\n-----END RSA PRIVATE KEY-----",
        "[private key removed]",
    ),
    ("-----BEGIN OPENSSH PRIVATE KEY-----\nabc", "[private key removed]"),
    ("mail jane.doe@clinic.example.org now", "mail [e-mail removed] now"),
    ("ssn 123-45-6789.", "ssn [SSN removed]."),
    ("SSN: 123456789", "SSN: [SSN removed]"),
    ("call (212) 555-0123 or +1 212-555-0123", "call [phone removed] or [phone removed]"),
    ("MRN: 00123456 seen", "MRN: [record number removed] seen"),
    ("patient id=AB-12345", "patient id=[record number removed]"),
    ("DOB 02/29/1980", "DOB [date of birth removed]"),
    ("card 4111 1111 1111 1111!", "card [card removed]!"),
    ("5500-0000-0000-0004", "[card removed]"),
]
KEPT = [
    "a3f5" * 16,
    "openssh-server 1:9.2p1-2+deb12u10 3.0.19-1~deb12u2 2025b-0+deb12u2",
    "/etc/ssh/ssh_host_ed25519_key: 0644 0:0",
    "/var/lib/apt/lists/deb.debian.org_debian-security_dists_bookworm-security_InRelease",
    "password requisite pam_pwquality.so retry=3",
    "PasswordAuthentication no",
    "password_authentication: true",
    "PASS_MAX_DAYS\t365",
    "failing_pam: pam_pwquality, pam_faillock",
    "net.ipv4.conf.all.rp_filter = 1",
    "aes256-gcm@openssh.com,chacha20-poly1305@openssh.com,curve25519-sha256@libssh.org",
    "hmac-sha2-256-etm@openssh.com sntrup761x25519-sha512@openssh.com",
    "2026-11-21T09:00:00.123Z 192.168.100.200 10.0.0.0/8 2001:db8::1",
    "host_01JD5Q0V8Z3N4R5S6T7V8W9XYZ seq 1234567890123456 epoch 1",
    "-0666 0:0\n+0640 0:42",
    "4111111111111112",
    "0000000000000000",
]


@pytest.mark.parametrize(("text", "wanted"), REMOVED)
def test_secrets_and_personal_data_are_taken_out(text: str, wanted: str) -> None:
    assert scrub.scrub(text) == wanted
    assert scrub.scrub(wanted) == wanted


@pytest.mark.parametrize("text", KEPT)
def test_what_evidence_needs_stays(text: str) -> None:
    assert scrub.scrub(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "a" * 200_000,
        "1 " * 100_000,
        "1-" * 100_000,
        "@" * 200_000,
        "a@" * 100_000,
        "a." * 100_000,
        "password=" * 20_000,
        "a-password" * 20_000,
        "-----BEGIN PRIVATE KEY-----" * 8_000,
        "eyJ" * 60_000,
        "$6$" * 60_000,
        "x://" * 50_000,
        "mrn:" * 50_000,
        "patient id " * 20_000,
    ],
    ids=lambda text: text[:12],
)
def test_hostile_text_takes_linear_time(text: str) -> None:
    started = time.thread_time()
    scrub.scrub(text)
    assert time.thread_time() - started < 3


def test_a_result_keeps_a_digest_that_fits_its_facts() -> None:
    facts = {"failing": ["x"], "note": ["password=hunter2"]}
    result = Result(
        check="ssh_config",
        outcome=Outcome.FAIL,
        severity=Severity.HIGH,
        summary="ask jane@example.org",
        facts=facts,
        facts_digest=canonical.digest(facts),
        measured_at=datetime(2026, 11, 21, tzinfo=UTC),
        duration_ms=1,
    )
    clean = scrub.scrub_result(result)
    assert clean.facts == {"failing": ["x"], "note": ["password=[secret removed]"]}
    assert clean.facts_digest == canonical.digest(clean.facts)
    assert clean.summary == "ask [e-mail removed]"


def test_an_action_is_scrubbed_in_every_text() -> None:
    text = "token: abcdefgh"
    action = Action("step", "type", text, False, True, 1, 1, text, text, text)
    clean = scrub.scrub_action(action)
    for found in (clean.target, clean.output, clean.diff, clean.error):
        assert found == "token: [secret removed]"
