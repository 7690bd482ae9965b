"""Every request that an appliance makes of Central, and what can come back."""

import gzip
import ipaddress
import re
import ssl
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

import httpx2
import orjson
from pydantic import ValidationError

from wardline import __version__
from wardline.core import clock, mandate, protocol
from wardline.core.errors import WardlineError, WrongUsage
from wardline.core.protocol import (
    CheckinRequest,
    CheckinResponse,
    EnrolRequest,
    EnrolResponse,
    EnvelopeWire,
    EvidenceReceipts,
    EvidenceRefusal,
    LeasedOrders,
    Message,
    OrderKnown,
    OrderLease,
    OrderReport,
    ProofRequest,
    ProofResponse,
    ServerKeys,
)
from wardline.core.snapshot import PolicyReport, PolicyReported

CONNECT_TIMEOUT_S = 5.0
REQUEST_TIMEOUT_S = 20.0
ANSWER_BYTES_MAX = 8 << 20
# A policy snapshot in base64, with its envelope.
SNAPSHOT_BYTES_MAX = 22 << 20
COMPRESSED_FROM_BYTES = 1024
GZIP_LEVEL = 1
RETRY_AFTER_S_MAX = 24 * 3600.0
RETRY_AFTER_CHARS_MAX = 64
REASON_CHARS_MAX = 300
# What this agent can take; a Central that does not know of it does not look.
_READS = {"snapshot": str(protocol.POLICY_SCHEMA_NEWEST)}
_READS_AT_CHECKIN = {**_READS, "mandate": str(mandate.NEWEST)}
_PROBLEM_CODE = re.compile(r"[a-z][a-z0-9_]{0,63}")

_Answer = TypeVar("_Answer", bound=Message)


class InsecureAddress(WrongUsage):
    """Plain HTTP to anything but this machine itself."""

    code = "insecure_address"


class CentralUnavailable(WardlineError):
    """No answer, or one that says: later. Retried for ever."""

    code = "central_unavailable"

    def __init__(self, message: str, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class CredentialRefused(WardlineError):
    """Central does not accept this appliance's credential (401, 403)."""

    code = "credential_refused"


class BodyTooLarge(WardlineError):
    """Central wants it in parts (413)."""

    code = "body_too_large"


class BatchRefused(WardlineError):
    """Central refused a batch of evidence; `refusal` is None where it did not say about which.

    `answered` is the HTTP status, `problem` the code of the problem document, or that status.
    """

    code = "batch_refused"

    def __init__(
        self, message: str, refusal: EvidenceRefusal | None, answered: int, problem: str
    ) -> None:
        super().__init__(message)
        self.refusal = refusal
        self.answered = answered
        self.problem = problem


class RequestRefused(WardlineError):
    """Central refuses this request for good; the message has its words."""

    code = "request_refused"


class AnswerInvalid(CentralUnavailable):
    """An answer that is not of the protocol: a proxy's page, or another release."""

    code = "answer_invalid"


@dataclass(frozen=True, slots=True)
class Address:
    """Where Central is; `ca` is the file of its own authority, None for the system's trust."""

    url: str
    ca: Path | None = None
    verify: bool = True


def check_address(url: str) -> str:
    """`url` with its scheme in lower case and no trailing slash.

    Raises InsecureAddress for plain HTTP beyond loopback, and for what is no address at all.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise InsecureAddress(f"{url!r} is not the address of a Central: {error}") from None
    if not url.isascii() or not url.isprintable() or " " in url or "\\" in url or port == 0:
        raise InsecureAddress(f"{url!r} is not the address of a Central such as https://host:8000")
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise InsecureAddress(f"{url!r} is not the address of a Central such as https://host:8000")
    if parts.username or parts.query or parts.fragment:
        raise InsecureAddress("the address of a Central holds no user, query or fragment")
    if parts.scheme == "http" and not _is_loopback(parts.hostname):
        raise InsecureAddress(
            f"plain HTTP to {parts.hostname} is refused: evidence and credential would be readable"
            " on the way. Use https://, or a Central on this machine (http://127.0.0.1:8000)"
        )
    return (parts.scheme + url[len(parts.scheme) :]).rstrip("/")


class Uplink:
    """One connection to Central; every method is one request and raises what it names above."""

    def __init__(
        self,
        address: Address,
        credential: str | None = None,
        transport: httpx2.BaseTransport | None = None,
    ) -> None:
        self.url = check_address(address.url)
        headers = {"User-Agent": f"wardline-agent/{__version__}", "Accept": "application/json"}
        if credential is not None:
            headers["Authorization"] = f"Bearer {credential}"
        self._client = httpx2.Client(
            base_url=self.url + protocol.PREFIX,
            headers=headers,
            timeout=httpx2.Timeout(REQUEST_TIMEOUT_S, connect=CONNECT_TIMEOUT_S),
            verify=_tls(address) if self.url.startswith("https:") else _no_tls(),
            transport=transport,
            follow_redirects=False,
            trust_env=False,
        )

    def close(self) -> None:
        self._client.close()

    def keys(self, nonce: str) -> ServerKeys:
        return self._read(self._send("GET", "/keys", params={"nonce": nonce}), ServerKeys)

    def enrol(self, request: EnrolRequest) -> EnrolResponse:
        return self._read(self._post("/enrol", request), EnrolResponse)

    def checkin(self, request: CheckinRequest) -> CheckinResponse:
        body = request.model_dump_json().encode()
        answer = self._send("POST", "/checkin", body=body, params=_READS_AT_CHECKIN)
        return self._read(answer, CheckinResponse)

    def policy(self) -> EnvelopeWire:
        answer = self._send("GET", "/policy", params=_READS, bytes_max=SNAPSHOT_BYTES_MAX)
        return self._read(answer, EnvelopeWire)

    def report_policy(self, report: PolicyReport) -> PolicyReported:
        return self._read(self._post("/policy/report", report), PolicyReported)

    def proofs(self, request: ProofRequest) -> ProofResponse:
        return self._read(self._post("/proofs", request), ProofResponse)

    def lease_orders(self, count: int) -> LeasedOrders:
        return self._read(self._post("/orders/lease", OrderLease(count=count)), LeasedOrders)

    def report_order(self, report: OrderReport) -> OrderKnown:
        return self._read(self._post("/orders/report", report), OrderKnown)

    def evidence(
        self, envelopes: list[str], witnessed_size: int, cosignatures: list[str]
    ) -> EvidenceReceipts:
        """Send envelopes byte for byte as stored; raises BatchRefused besides the rest."""
        frame = {"v": 1, "witnessed_size": witnessed_size, "cosignatures": cosignatures}
        body = orjson.dumps(frame)[:-1] + b',"envelopes":[' + ",".join(envelopes).encode() + b"]}"
        answer = self._send("POST", "/evidence", body=body, pass_on=frozenset({400, 409, 422}))
        if answer.status in (400, 409, 422):
            raise BatchRefused(
                answer.reason(), answer.refusal(), answer.status, answer.problem_code()
            )
        return self._read(answer, EvidenceReceipts)

    def _post(self, path: str, message: Message) -> "_Received":
        return self._send("POST", path, body=message.model_dump_json().encode())

    def _read(self, answer: "_Received", kind: type[_Answer]) -> _Answer:
        try:
            return kind.model_validate_json(answer.body)
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            place = ".".join(str(part) for part in first["loc"]) or "body"
            raise AnswerInvalid(
                f"{self.url} did not answer as Wardline's Central does ({place}: {first['msg']})"
            ) from None

    def _send(
        self,
        method: str,
        path: str,
        *,
        body: bytes | None = None,
        params: dict[str, str] | None = None,
        pass_on: frozenset[int] = frozenset(),
        bytes_max: int = ANSWER_BYTES_MAX,
    ) -> "_Received":
        headers = {}
        if body is not None:
            headers["Content-Type"] = "application/json"
            if len(body) >= COMPRESSED_FROM_BYTES:
                body = gzip.compress(body, GZIP_LEVEL)
                headers["Content-Encoding"] = "gzip"
        try:
            with self._client.stream(
                method, path, content=body, params=params, headers=headers
            ) as response:
                answer = _Received(
                    response.status_code, _bounded(response, bytes_max), response.headers
                )
        except (httpx2.TransportError, httpx2.StreamError, httpx2.DecodingError) as error:
            what = str(error) or type(error).__name__
            said = f"{self.url} cannot be reached: {what}{_advice(error)}"
            raise CentralUnavailable(said) from error
        return self._judged(answer, pass_on)

    def _judged(self, answer: "_Received", pass_on: frozenset[int]) -> "_Received":
        status = answer.status
        if status == 200 or status in pass_on:
            return answer
        said = f"{self.url} answered {status}: {answer.reason()}"
        if status in (401, 403):
            raise CredentialRefused(said)
        if status == 413:
            raise BodyTooLarge(said)
        if status in (408, 425, 429) or status >= 500:
            raise CentralUnavailable(said, answer.retry_after_s())
        if status in (400, 404, 409, 410, 422):
            raise RequestRefused(said)
        raise AnswerInvalid(said)


@dataclass(frozen=True, slots=True)
class _Received:
    """An answer as it came, its body within the limit."""

    status: int
    body: bytes
    headers: httpx2.Headers

    def reason(self) -> str:
        """The detail of a problem document, or what there is, in a few words."""
        try:
            problem = orjson.loads(self.body)
            text = str(problem.get("detail") or problem.get("title") or "no reason given")
        except (orjson.JSONDecodeError, AttributeError):
            text = self.body[:REASON_CHARS_MAX].decode(errors="replace") or "no reason given"
        shown = "".join(char if char.isprintable() else " " for char in text)
        return shown[:REASON_CHARS_MAX]

    def problem_code(self) -> str:
        """The `code` of a problem document, where there is one of the form that codes have."""
        try:
            code = str(orjson.loads(self.body).get("code"))
        except (orjson.JSONDecodeError, AttributeError):
            code = ""
        return code if _PROBLEM_CODE.fullmatch(code) else f"http_{self.status}"

    def refusal(self) -> EvidenceRefusal | None:
        try:
            return EvidenceRefusal.model_validate_json(self.body)
        except ValidationError:
            return None

    def retry_after_s(self) -> float | None:
        """Retry-After in seconds, as a number or an HTTP date (RFC 9110 10.2.3)."""
        text = self.headers.get("retry-after")
        if text is None:
            return None
        return _retry_after_s(text.strip())


def _retry_after_s(text: str) -> float | None:
    """None for whatever is neither a number nor a date that this machine's calendar holds."""
    if len(text) > RETRY_AFTER_CHARS_MAX or not text.isascii():
        return None
    if text.isdigit():
        return min(float(text), RETRY_AFTER_S_MAX)
    try:
        until = parsedate_to_datetime(text)
        left_s = (until - clock.system()).total_seconds() if until.tzinfo else None
    except (ValueError, OverflowError):
        return None
    return None if left_s is None else min(max(0.0, left_s), RETRY_AFTER_S_MAX)


def _bounded(response: httpx2.Response, bytes_max: int) -> bytes:
    """The body, as long as it stays within the limit."""
    taken = bytearray()
    for piece in response.iter_bytes():
        taken += piece
        if len(taken) > bytes_max:
            raise AnswerInvalid(f"{response.url.host} answered with more than {bytes_max} bytes")
    return bytes(taken)


def _advice(error: Exception) -> str:
    """What to look at next, where the failure says it; begins with the mark that ends a clause."""
    if "CERTIFICATE_VERIFY_FAILED" in str(error):
        return (
            "; look whether this machine's clock is right, whether Central's certificate is valid"
            " and names this address, and whether it is the Central that this appliance is enrolled"
            " with"
        )
    if isinstance(error, httpx2.ConnectError | httpx2.ConnectTimeout):
        return (
            "; look whether Central runs there and address and port are right, and for a firewall"
        )
    return ""


def _tls(address: Address) -> ssl.SSLContext:
    if address.ca is None:
        context = ssl.create_default_context()
    else:
        # The pinned authority alone: no other one may speak for this Central.
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(cafile=str(address.ca))
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if not address.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _no_tls() -> ssl.SSLContext:
    """For plain HTTP to this machine: no authority is loaded (1.8 MB of them), none is believed."""
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
