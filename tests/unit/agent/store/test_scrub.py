"""What scrubbing takes out, what it leaves alone, and that hostile text does not slow it down."""

import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from wardline.agent.store import scrub
from wardline.core import canonical
from wardline.core.evidence import bundle
from wardline.core.evidence.bundle import Action, Outcome, Result
from wardline.core.severity import Severity

DEFAULTS = Path(__file__).parents[3] / "data" / "debian12"
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
    ("PGPASSWORD=hunter2secret psql", "PGPASSWORD=[secret removed] psql"),
    ("export DBPASS=hunter2secret", "export DBPASS=[secret removed]"),
    ("bindpw hunter2secret", "bindpw [secret removed]"),
    ("db_password hunter2secret", "db_password [secret removed]"),
    ("rocommunity s3cr3tcomm 10.0.0.0/8", "rocommunity [secret removed] 10.0.0.0/8"),
    ("SECRET_KEY_BASE=0123abcdef", "SECRET_KEY_BASE=[secret removed]"),
    ("sshpass -p hunter2 ssh x", "sshpass -p [secret removed] ssh x"),
    ("sshpass -phunter2 ssh x", "sshpass -p[secret removed] ssh x"),
    ("mysql -u root -phunter2 clinic", "mysql -u root -p[secret removed] clinic"),
    ("curl -s -u admin:hunter2 http://x", "curl -s -u admin:[secret removed] http://x"),
    ("ldapsearch -x -w hunter2 -b dc=x", "ldapsearch -x -w [secret removed] -b dc=x"),
    ("//password: hunter2", "//password: [secret removed]"),
    ("user/password: hunter2", "user/password: [secret removed]"),
    ("/x/password=hunter2", "/x/password=[secret removed]"),
    ("psk=hunter2secret", "psk=[secret removed]"),
    ("wpa_psk hunter2secret", "wpa_psk [secret removed]"),
    ("root password is hunter2secret", "root password is [secret removed]"),
    ("the password was Swordfish!", "the password was [secret removed]"),
    ("requirepass hunter2secret", "requirepass [secret removed]"),
    ("login nurse password hunter2", "login nurse password [secret removed]"),
    ("redis://:hunter2@cache/0", "redis://:[secret removed]@cache/0"),
    ("password=Hun#ter,2;x", "password=[secret removed]"),
    ("token = [x]yz", "token = [secret removed]"),
    ("-password=hunter2\n+x", "-password=[secret removed]\n+x"),
    ("[cut]\nMIIEow/+=\n+AAAA\n-----END RSA PRIVATE KEY-----", "[cut]\n[private key removed]"),
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
    "PASS_MAX_DAYS 90\nPASS_WARN_AGE=7\nENCRYPT_METHOD YESCRYPT",
    "minlen = 14\ndcredit = -1\nenforce_for_root\nretry=3",
    "auth [success=1 default=ignore] pam_unix.so nullok try_first_pass retry=3",
    "-password\trequisite\tpam_pwquality.so retry=3",
    "PermitRootLogin prohibit-password",
    "PermitEmptyPasswords=no",
    "remembered_passwords=24 old_passwords: 128",
    "the password is required, and the password is not stored",
    "PWD=/var/lib/wardline",
    "/etc/passwd: has 2 names (hard links)",
    "/etc/pam.d/common-password: does not exist; /run/secrets/token: is a fifo, not a file",
    "private_key: /etc/ssl/private/clinic.key",
    "smtp_sasl_password_maps = hash:/etc/postfix/sasl_passwd",
    "mysql -u root -p clinic",
    "bypass=true compass: north",
    "secret keys and password hashes are kept",
    "HostKey /etc/ssh/ssh_host_ed25519_key",
    "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
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
    assert scrub.text(text) == wanted
    assert scrub.text(wanted) == wanted


@pytest.mark.parametrize("text", KEPT)
def test_what_evidence_needs_stays(text: str) -> None:
    assert scrub.text(text) == text


@pytest.mark.parametrize("name", sorted(path.name for path in DEFAULTS.iterdir()))
def test_the_default_configuration_of_a_host_is_left_as_it_is(name: str) -> None:
    shipped = (DEFAULTS / name).read_text()
    # An example address is an address all the same.
    assert scrub.text(shipped) == shipped.replace("user@example.com", "[e-mail removed]")


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
        "/a/b/password: x " * 12_000,
        "/a.b" * 50_000 + "/password: x",
        "a_password" * 20_000,
        "a_" * 100_000,
        "mysql " * 40_000,
        "curl -u " * 25_000,
        "curl -u a" * 25_000,
        "sshpass" * 30_000,
        "login a " * 25_000,
        'password="' * 20_000,
        "password is " * 20_000,
        "-----END PRIVATE KEY-----\n" * 8_000,
        "AAAA\n" * 40_000 + "-----END PRIVATE KEY-----",
    ],
    ids=lambda text: text[:12],
)
def test_hostile_text_takes_linear_time(text: str) -> None:
    started = time.thread_time()
    scrub.text(text)
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
    clean = scrub.result(result)
    assert clean.facts == {"failing": ["x"], "note": ["password=[secret removed]"]}
    assert clean.facts_digest == canonical.digest(clean.facts)
    assert clean.summary == "ask [e-mail removed]"


def test_an_action_is_scrubbed_in_every_text() -> None:
    text = "token: abcdefgh"
    action = Action("step", "type", text, False, True, 1, 1, text, text, text)
    clean = scrub.action(action)
    assert scrub.action(clean) == clean
    for found in (clean.target, clean.output, clean.diff, clean.error):
        assert found == "token: [secret removed]"


def test_marks_that_are_longer_than_what_they_stand_for_still_fit() -> None:
    texts = ("psk=abc\n" * 500, "psk=abc\n" * 2000)
    action = Action("step", "type", "x", False, True, 1, 1, *texts, "psk=abc\n" * 500)
    clean = scrub.action(action)
    assert len(clean.output.encode()) <= bundle.OUTPUT_BYTES_MAX
    assert len(clean.diff.encode()) <= bundle.DIFF_BYTES_MAX
    assert len((clean.error or "").encode()) <= bundle.ERROR_BYTES_MAX
    assert scrub.action(clean) == clean


def test_the_digest_of_facts_that_were_left_out_is_left_alone() -> None:
    told = canonical.digest({"failing": ["x"]})
    at = datetime(2026, 11, 21, tzinfo=UTC)
    beat = Result("ssh_config", Outcome.FAIL, Severity.HIGH, "", {}, told, at, 1)
    assert scrub.result(beat).facts_digest == told


def test_a_name_that_a_host_gave_is_scrubbed_too() -> None:
    assert scrub.value({"jane@example.org": 1}) == {"[e-mail removed]": 1}


def test_what_is_remembered_is_harmless_short_and_bounded() -> None:
    """The short way gives what the long way gives, and keeps no secret in memory."""
    secret = "password=hunter2hunter2"
    for number in range(3 * scrub.HARMLESS_MAX):
        assert scrub.text(f"word {number}") == f"word {number}"
        assert len(scrub._HARMLESS) <= scrub.HARMLESS_MAX
    for raw in (secret, "x" * (scrub.HARMLESS_CHARS_MAX + 1)):
        assert scrub.text(raw) == scrub.text(raw)
        assert raw not in scrub._HARMLESS
    assert scrub.text(secret) != secret
