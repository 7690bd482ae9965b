"""What the uplink makes of addresses and headers that nobody vouches for."""

import socket
from datetime import timedelta
from email.utils import format_datetime
from pathlib import Path

import httpx2
import pytest

from wardline.agent import uplink
from wardline.agent.uplink import Address, BatchRefused, CentralUnavailable, InsecureAddress, Uplink
from wardline.core import clock


def _answering(status: int, body: bytes = b"{}", **headers: bytes) -> Uplink:
    raw = [(name.replace("_", "-").encode(), value) for name, value in headers.items()]
    answer = httpx2.MockTransport(lambda _: httpx2.Response(status, content=body, headers=raw))
    return Uplink(Address("http://127.0.0.1:8000"), transport=answer)


def _retry_after_s(value: bytes) -> float | None:
    with pytest.raises(CentralUnavailable) as caught:
        _answering(503, retry_after=value).policy()
    return caught.value.retry_after_s


@pytest.mark.parametrize(
    "value",
    [
        "²".encode("latin-1"),
        "١٢".encode(),
        b"9" * 5000,
        b"Mon, 01 Jan 99999999999999999999 00:00:00 GMT",
        b"Mon, 99 Jan 2026 00:00:00 GMT",
        b"Mon, 01 Jan 2026 99:00:00 GMT",
        b"1,2",
        b"-1",
        b"1e9",
        b"\xff\xfe",
        b"",
    ],
)
def test_a_retry_after_that_is_no_time_is_none(value: bytes) -> None:
    assert _retry_after_s(value) is None


def test_a_retry_after_is_seconds_or_a_date_within_a_day() -> None:
    assert _retry_after_s(b" 12 ") == 12
    assert _retry_after_s(b"9" * 60) == uplink.RETRY_AFTER_S_MAX
    later = format_datetime(clock.system() + timedelta(minutes=5), usegmt=True).encode()
    assert 290 < (_retry_after_s(later) or 0) <= 300
    assert _retry_after_s(b"Sat, 01 Jan 2000 00:00:00 GMT") == 0
    assert _retry_after_s(b"Fri, 31 Dec 9999 23:59:59 GMT") == uplink.RETRY_AFTER_S_MAX


@pytest.mark.parametrize(
    "url",
    [
        "http://localhost.evil.com",
        "http://127.0.0.1@evil.com",
        "http://127.0.0.1:80\\@evil.com",
        "http://127.0.0.1\t.evil.com",
        "https://c.example\n.evil.com",
        "https://c.example:99999",
        "https://c.example:65536",
        "https://c.example:0",
        "https://c.example:x",
        "http://①②⑦.0.0.1/",
        "https://c.éxample",
        "https:// c.example",
        "https://[::1",
        "ftp://127.0.0.1",
        "https://",
        "",
    ],
)
def test_what_is_no_safe_address_is_refused(url: str) -> None:
    with pytest.raises(InsecureAddress):
        uplink.check_address(url)


@pytest.mark.parametrize(
    ("url", "wanted"),
    [
        ("HTTPS://C.example/", "https://C.example"),
        ("HtTp://LOCALHOST:1", "http://LOCALHOST:1"),
        ("https://c.example:65535/x/", "https://c.example:65535/x"),
        ("http://[::1]:8000", "http://[::1]:8000"),
    ],
)
def test_an_address_keeps_its_form_and_its_scheme_is_lower_case(url: str, wanted: str) -> None:
    assert uplink.check_address(url) == wanted


@pytest.mark.parametrize("scheme", ["https", "HTTPS", "Https"])
def test_the_pinned_authority_counts_however_the_scheme_is_written(
    scheme: str, tmp_path: Path
) -> None:
    """An authority that cannot be read is an error, which shows that it was asked for."""
    with pytest.raises(FileNotFoundError):
        Uplink(Address(f"{scheme}://c.example", tmp_path / "missing.pem"))


@pytest.mark.parametrize(
    ("body", "wanted"),
    [
        (b'{"code": "schema_invalid"}', "schema_invalid"),
        (b'{"code": "Not A Code!"}', "http_422"),
        (b'{"code": 5}', "http_422"),
        (b"[1]", "http_422"),
        (b"<html>", "http_422"),
    ],
)
def test_a_refused_batch_names_its_problem_or_its_status(body: bytes, wanted: str) -> None:
    with pytest.raises(BatchRefused) as caught:
        _answering(422, body).evidence([], 0, [])
    assert (caught.value.problem, caught.value.answered) == (wanted, 422)


def test_a_port_that_nobody_listens_on_says_what_to_look_at() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
        uplink = Uplink(Address(url))
        with pytest.raises(CentralUnavailable, match="look whether Central runs there"):
            uplink.keys("00" * 16)
        uplink.close()
