"""Checkpoints: signed tree heads of a site's log, and the cosignatures of its witnesses.

Formats: C2SP signed-note (Ed25519, signature type 0x01), tlog-checkpoint, tlog-cosignature
(Ed25519, `cosignature/v1`, type 0x04). A log's key name is its origin.
"""

import base64
import hashlib
import re
from dataclasses import dataclass

from wardline.core.errors import Malformed
from wardline.core.evidence import log, signing
from wardline.core.evidence.signing import BadSignature, SigningKey, VerifyKey

NOTE_BYTES_MAX = 16 * 1024
SIGNATURES_MAX = 64
NAME_CHARS_MAX = 255
EXTENSIONS_MAX = 8
SIGNATURE_LINE_BYTES_MAX = 8 * 1024
TIME_S_MAX = 2**63 - 1
KEY_HASH_BYTES = 4
TIME_BYTES = 8

_TYPE_NOTE = b"\x01"
_TYPE_COSIGNATURE = b"\x04"
_DASH = "— "
_FORBIDDEN = re.compile("[\x00-\x09\x0b-\x1f\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A tree head: this log had this root at this size."""

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()

    def body(self) -> bytes:
        """The note text that is signed; raises Malformed for a head that could not be parsed."""
        root = base64.b64encode(self.root).decode()
        lines = (self.origin, str(self.size), root, *self.extensions)
        body = "".join(f"{line}\n" for line in lines).encode()
        if parse_body(body) != self:
            raise Malformed("checkpoint", "a field holds a line break")
        return body


@dataclass(frozen=True, slots=True)
class NoteSignature:
    """One signature line: `blob` is what follows the four bytes of key id."""

    name: str
    key_hash: bytes
    blob: bytes

    def line(self) -> str:
        return f"{_DASH}{self.name} {base64.b64encode(self.key_hash + self.blob).decode()}\n"


@dataclass(frozen=True, slots=True)
class Note:
    """A parsed signed note; nothing in it is verified yet."""

    body: bytes
    signatures: tuple[NoteSignature, ...]

    def text(self) -> str:
        return self.body.decode() + "\n" + "".join(item.line() for item in self.signatures)

    def checkpoint(self) -> Checkpoint:
        """The tree head in the body; raises Malformed when the note is none."""
        return parse_body(self.body)

    def verify(self, name: str, public_key: bytes) -> bool:
        """Whether the note carries this key's signature, and none of its lines fails."""
        mine = self._of(name, _key_hash(name, _TYPE_NOTE, public_key))
        key = VerifyKey(public_key)
        return bool(mine) and all(key.verify(self.body, item.blob) for item in mine)

    def cosigned_at(self, name: str, public_key: bytes) -> list[int]:
        """The times (s) at which this key cosigned the body; raises BadSignature when a line that
        claims to be this key's is not."""
        mine = self._of(name, _key_hash(name, _TYPE_COSIGNATURE, public_key))
        return [_open_cosignature(self.body, item, public_key) for item in mine]

    def _of(self, name: str, key_hash: bytes) -> list[NoteSignature]:
        return [s for s in self.signatures if s.name == name and s.key_hash == key_hash]


def log_origin(installation_id: str, site_id: str, generation: int = 1) -> str:
    """The origin, and the signer's name, of a site's log."""
    return f"wardline.local/log/{installation_id}/{site_id}/g{generation}"


def audit_origin(installation_id: str, partner_id: str, generation: int = 1) -> str:
    """The origin, and the signer's name, of a partner's audit log."""
    return f"wardline.local/audit/{installation_id}/{partner_id}/g{generation}"


def witness_name(appliance_id: str) -> str:
    """The name under which an appliance cosigns."""
    return f"wardline.local/appliance/{appliance_id}"


def sign_note(body: bytes, name: str, key: SigningKey) -> str:
    """The note: body, blank line, one signature line."""
    _check_text(body)
    _check_name(name)
    signature = NoteSignature(name, _key_hash(name, _TYPE_NOTE, key.public), key.sign(body))
    return Note(body, (signature,)).text()


def parse_note(text: str) -> Note:
    """The note of its text; raises Malformed. The text must be the one this note has."""
    if len(text.encode(errors="surrogatepass")) > NOTE_BYTES_MAX:
        raise Malformed("note", f"more than {NOTE_BYTES_MAX} bytes")
    _check_characters(text)
    body, blank, lines = text.rpartition("\n\n")
    if not blank or not lines.endswith("\n"):
        raise Malformed("note", "no blank line and signature lines at its end")
    found = lines[:-1].split("\n")
    if len(found) > SIGNATURES_MAX:
        raise Malformed("note", f"more than {SIGNATURES_MAX} signatures")
    signatures = tuple(parse_signature_line(f"{line}\n") for line in found)
    return Note(f"{body}\n".encode(), signatures)


def parse_signature_line(line: str) -> NoteSignature:
    """The signature of `— <name> <base64>` with its line break; raises Malformed."""
    if not line.startswith(_DASH) or not line.endswith("\n") or len(line.split(" ")) != 3:
        raise Malformed("signature line", "not of the form: — name base64")
    _, name, text = line[:-1].split(" ")
    _check_name(name)
    data = signing.unbase64(text, "signature line", SIGNATURE_LINE_BYTES_MAX)
    if len(data) <= KEY_HASH_BYTES:
        raise Malformed("signature line", "no signature after the key id")
    return NoteSignature(name, data[:KEY_HASH_BYTES], data[KEY_HASH_BYTES:])


def parse_body(body: bytes) -> Checkpoint:
    """The checkpoint in a note's text; raises Malformed."""
    _check_text(body)
    lines = body.decode()[:-1].split("\n")
    if len(lines) < 3 or not all(lines):
        raise Malformed("checkpoint", "not at least three lines with none of them empty")
    origin, size, root, *extensions = lines
    if len(extensions) > EXTENSIONS_MAX:
        raise Malformed("checkpoint", f"more than {EXTENSIONS_MAX} extension lines")
    number = _decimal(size)
    digest = signing.unbase64(root, "checkpoint.root", log.HASH_BYTES)
    if len(digest) != log.HASH_BYTES:
        raise Malformed("checkpoint.root", f"{len(digest)} bytes, not {log.HASH_BYTES}")
    return Checkpoint(origin, number, digest, tuple(extensions))


def cosign(body: bytes, name: str, key: SigningKey, time_s: int) -> str:
    """The signature line by which `name` states that it saw this head grow from every one before,
    `time_s` seconds after the Unix epoch."""
    parse_body(body)
    _check_name(name)
    blob = time_s.to_bytes(TIME_BYTES, "big") + key.sign(_cosigned(body, time_s))
    return NoteSignature(name, _key_hash(name, _TYPE_COSIGNATURE, key.public), blob).line()


def verify_cosignature(body: bytes, line: str, name: str, public_key: bytes) -> int:
    """The time (s) of a cosignature line over this note body; raises Malformed when it is no such
    line, BadSignature when it is not this name's and key's."""
    signature = parse_signature_line(line)
    if signature.name != name:
        raise BadSignature(f"the line is of {signature.name[:80]}, not of {name}")
    if signature.key_hash != _key_hash(name, _TYPE_COSIGNATURE, public_key):
        raise BadSignature(f"the line names another key than the one known for {name}")
    return _open_cosignature(body, signature, public_key)


def _open_cosignature(body: bytes, signature: NoteSignature, public_key: bytes) -> int:
    if len(signature.blob) != TIME_BYTES + signing.SIGNATURE_BYTES:
        raise BadSignature(f"the cosignature of {signature.name} has a wrong length")
    time_s = int.from_bytes(signature.blob[:TIME_BYTES], "big")
    message = _cosigned(body, time_s) if time_s <= TIME_S_MAX else b""
    if not message or not VerifyKey(public_key).verify(message, signature.blob[TIME_BYTES:]):
        raise BadSignature(f"the cosignature of {signature.name} is not over this checkpoint")
    return time_s


def _cosigned(body: bytes, time_s: int) -> bytes:
    return b"cosignature/v1\ntime %d\n%b" % (time_s, body)


def _key_hash(name: str, kind: bytes, public_key: bytes) -> bytes:
    digest = hashlib.sha256(name.encode() + b"\n" + kind + public_key).digest()
    return digest[:KEY_HASH_BYTES]


def _decimal(text: str) -> int:
    digits = text.isascii() and text.isdigit() and len(text) <= len(str(log.SIZE_MAX))
    if not digits or (text[0] == "0" and text != "0") or int(text) > log.SIZE_MAX:
        raise Malformed("checkpoint.size", "not a decimal number without leading zeros")
    return int(text)


def _check_name(name: str) -> None:
    if not 0 < len(name) <= NAME_CHARS_MAX or "+" in name or any(c.isspace() for c in name):
        raise Malformed("key name", "empty, too long, or with a space or a plus sign in it")


def _check_text(body: bytes) -> None:
    try:
        text = body.decode()
    except UnicodeDecodeError:
        raise Malformed("note", "not UTF-8") from None
    _check_characters(text)
    if not text.endswith("\n"):
        raise Malformed("note", "the text does not end in a line break")


def _check_characters(text: str) -> None:
    if _FORBIDDEN.search(text):
        raise Malformed("note", "holds a control character or a lone surrogate")
