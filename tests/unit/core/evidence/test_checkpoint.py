"""Checkpoints, signed notes and cosignatures against the examples of their specifications."""

import base64
import hashlib

import pytest

from tests.unit.core.evidence import site_log
from wardline.core.errors import Malformed
from wardline.core.evidence import checkpoint
from wardline.core.evidence.checkpoint import Checkpoint, Note
from wardline.core.evidence.signing import BadSignature

# The example of C2SP tlog-cosignature.
EXAMPLE_BODY = (
    b"example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
)
EXAMPLE = (
    EXAMPLE_BODY.decode()
    + "\n— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJur"
    "mRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n"
    "— witness.example.com/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2"
    "oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA==\n"
)
# The example of C2SP signed-note: a text with an empty line in it.
POEM = (
    "Ognuno sta solo sul cuor della terra\ntrafitto da un raggio di sole:\n\ned è subito sera.\n\n"
    "— quasimodo.example/salvatore NnugSzTjtVAewIS+Z/iJhUPeFDkO/5QQ2i5ddnGITLlC+EhfLW9oJKONrMouFSQU0"
    "xMcXxj99ihAQwaqP3ZekRwNtIc=\n"
)
# The example of the Go module sumdb/note, whose verifier key is published with it.
NEUMANN = (
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n\n"
    "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6K"
    "E6RyyBwJnAM=\n"
)
NEUMANN_KEY = base64.b64decode("ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW")[1:]

KEY, WITNESS = site_log.key(1), site_log.key(2)
ORIGIN, NAME = site_log.ORIGIN, checkpoint.witness_name(site_log.named("appl", 1))
HEAD = Checkpoint(ORIGIN, 14, hashlib.sha256(b"root").digest())
TIME_S = 1_795_000_000


def note() -> str:
    return checkpoint.sign_note(HEAD.body(), ORIGIN, KEY)


def test_the_published_note_verifies_with_its_published_key() -> None:
    parsed = checkpoint.parse_note(NEUMANN)
    assert parsed.verify("PeterNeumann", NEUMANN_KEY)
    assert parsed.signatures[0].key_hash.hex() == "c74f20a3"
    assert not parsed.verify("EnochRoot", NEUMANN_KEY)
    assert not parsed.verify("PeterNeumann", KEY.public)


def test_a_changed_text_of_the_published_note_is_refused() -> None:
    changed = checkpoint.parse_note(NEUMANN.replace("answer", "Answer"))
    assert not changed.verify("PeterNeumann", NEUMANN_KEY)


def test_the_specifications_examples_parse_and_keep_their_text() -> None:
    parsed = checkpoint.parse_note(EXAMPLE)
    assert parsed.body == EXAMPLE_BODY
    assert parsed.text() == EXAMPLE
    head = parsed.checkpoint()
    assert (head.origin, head.size, head.extensions) == (
        "example.com/behind-the-sofa",
        20852163,
        (),
    )
    assert head.body() == EXAMPLE_BODY
    poem = checkpoint.parse_note(POEM)
    assert poem.body.endswith("\n\ned è subito sera.\n".encode())
    assert [item.name for item in poem.signatures] == ["quasimodo.example/salvatore"]
    assert poem.text() == POEM


def test_the_examples_cosignature_line_carries_the_time_of_the_specification() -> None:
    blob = checkpoint.parse_note(EXAMPLE).signatures[1].blob
    assert int.from_bytes(blob[:8], "big") == 1679315147
    assert len(blob) == 8 + 64


def test_a_signed_checkpoint_verifies_by_origin_and_key() -> None:
    parsed = checkpoint.parse_note(note())
    assert parsed.checkpoint() == HEAD
    assert parsed.verify(ORIGIN, KEY.public)
    assert not parsed.verify(ORIGIN, WITNESS.public)
    assert not parsed.verify(NAME, KEY.public)


def test_key_ids_follow_the_specification() -> None:
    signed = checkpoint.parse_note(note()).signatures[0]
    expected = hashlib.sha256(ORIGIN.encode() + b"\n\x01" + KEY.public).digest()[:4]
    assert signed.key_hash == expected
    cosigned = checkpoint.parse_signature_line(
        checkpoint.cosign(HEAD.body(), NAME, WITNESS, TIME_S)
    )
    assert (
        cosigned.key_hash
        == (hashlib.sha256(NAME.encode() + b"\n\x04" + WITNESS.public).digest()[:4])
    )


def test_a_cosignature_signs_the_message_of_the_specification() -> None:
    line = checkpoint.cosign(EXAMPLE_BODY, NAME, WITNESS, 1679315147)
    blob = checkpoint.parse_signature_line(line).blob
    message = b"cosignature/v1\ntime 1679315147\n" + EXAMPLE_BODY
    assert WITNESS.verify_key.verify(message, blob[8:])
    assert checkpoint.verify_cosignature(EXAMPLE_BODY, line, NAME, WITNESS.public) == 1679315147


def test_a_cosignature_is_refused_over_another_body_name_or_key() -> None:
    line = checkpoint.cosign(HEAD.body(), NAME, WITNESS, TIME_S)
    other = Checkpoint(ORIGIN, 15, HEAD.root).body()
    for body, name, public in (
        (other, NAME, WITNESS.public),
        (HEAD.body(), f"{NAME}2", WITNESS.public),
        (HEAD.body(), NAME, KEY.public),
    ):
        with pytest.raises(BadSignature):
            checkpoint.verify_cosignature(body, line, name, public)


def test_a_cosignatures_time_cannot_be_changed() -> None:
    signature = checkpoint.parse_signature_line(
        checkpoint.cosign(HEAD.body(), NAME, WITNESS, TIME_S)
    )
    for time_s in (TIME_S - 1, TIME_S + 1, 0, 2**63, 2**64 - 1):
        moved = checkpoint.NoteSignature(
            NAME, signature.key_hash, time_s.to_bytes(8, "big") + signature.blob[8:]
        )
        with pytest.raises(BadSignature):
            checkpoint.verify_cosignature(HEAD.body(), moved.line(), NAME, WITNESS.public)


def test_a_note_with_cosignatures_names_their_times() -> None:
    lines = [checkpoint.cosign(HEAD.body(), NAME, WITNESS, TIME_S + at) for at in (0, 7, 3)]
    parsed = checkpoint.parse_note(note() + "".join(lines))
    assert parsed.cosigned_at(NAME, WITNESS.public) == [TIME_S, TIME_S + 7, TIME_S + 3]
    assert parsed.cosigned_at(NAME, KEY.public) == []
    assert parsed.verify(ORIGIN, KEY.public)


def test_a_note_is_refused_when_one_of_a_known_keys_lines_fails() -> None:
    good = checkpoint.parse_note(note())
    signature = good.signatures[0]
    forged = checkpoint.NoteSignature(ORIGIN, signature.key_hash, bytes(64))
    assert not Note(good.body, (signature, forged)).verify(ORIGIN, KEY.public)
    assert not Note(good.body, ()).verify(ORIGIN, KEY.public)


def test_a_log_signature_is_no_cosignature_even_with_the_same_key_and_name() -> None:
    parsed = checkpoint.parse_note(checkpoint.sign_note(HEAD.body(), NAME, WITNESS))
    assert parsed.verify(NAME, WITNESS.public)
    assert parsed.cosigned_at(NAME, WITNESS.public) == []


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n",
        "\n\n",
        "text\n",
        "text\n\n",
        "text\n\n— name AAAAAAA=",
        NEUMANN[:-1],
        NEUMANN + "\n",
        NEUMANN.replace("\n\n", "\n"),
        NEUMANN.replace("— ", "- "),
        NEUMANN.replace("— ", "—"),
        NEUMANN.replace("\n", "\r\n"),
        NEUMANN.replace("Neumann ", "Neumann  "),
        NEUMANN.replace("PeterNeumann", "Peter+Neumann"),
        NEUMANN.replace("PeterNeumann", "Peter\u00a0Neumann"),
        NEUMANN.replace("PeterNeumann", ""),
        NEUMANN.replace("problem", "pro\tblem"),
        NEUMANN.replace("problem", "pro\ud800blem"),
        NEUMANN.replace("x08go", "x08g"),
        NEUMANN.replace("nAM=", "nAN="),
        NEUMANN.replace("nAM=", "nAM= "),
        NEUMANN + "— short x08gow==\n",
        NEUMANN + "— name\n",
        NEUMANN + NEUMANN.splitlines(keepends=True)[-1] * 64,
        "x" * checkpoint.NOTE_BYTES_MAX + NEUMANN,
    ],
)
def test_a_malformed_note_is_refused(text: str) -> None:
    with pytest.raises(Malformed):
        checkpoint.parse_note(text)


def test_sixteen_signatures_are_accepted() -> None:
    line = NEUMANN.splitlines(keepends=True)[-1]
    assert checkpoint.parse_note(NEUMANN + line * 15).verify("PeterNeumann", NEUMANN_KEY)


ROOT_LINE = base64.b64encode(HEAD.root).decode()


@pytest.mark.parametrize(
    "body",
    [
        "",
        "origin\n",
        "origin\n1\n",
        f"origin\n1\n{ROOT_LINE}",
        f"\n1\n{ROOT_LINE}\n",
        f"origin\n01\n{ROOT_LINE}\n",
        f"origin\n+1\n{ROOT_LINE}\n",
        f"origin\n-1\n{ROOT_LINE}\n",
        f"origin\n1.0\n{ROOT_LINE}\n",
        f"origin\n１\n{ROOT_LINE}\n",
        f"origin\n\n{ROOT_LINE}\n",
        f"origin\n{2**63}\n{ROOT_LINE}\n",
        f"origin\n{10**30}\n{ROOT_LINE}\n",
        "origin\n1\nAAAA\n",
        f"origin\n1\n{ROOT_LINE[:-1]}\n",
        f"origin\n1\n{ROOT_LINE}\n\n",
        f"origin\n1\n{ROOT_LINE}\n\nextension\n",
        f"origin\n1\n{ROOT_LINE}\n" + "x\n" * 9,
        f"origin\r\n1\n{ROOT_LINE}\n",
    ],
)
def test_a_malformed_checkpoint_is_refused(body: str) -> None:
    with pytest.raises(Malformed):
        checkpoint.parse_body(body.encode())


def test_extension_lines_are_kept_and_signed() -> None:
    head = Checkpoint(ORIGIN, 0, HEAD.root, ("one", "two words"))
    parsed = checkpoint.parse_note(checkpoint.sign_note(head.body(), ORIGIN, KEY))
    assert parsed.checkpoint() == head
    assert parsed.verify(ORIGIN, KEY.public)


@pytest.mark.parametrize(
    "head",
    [
        Checkpoint("two\nlines", 1, HEAD.root),
        Checkpoint("", 1, HEAD.root),
        Checkpoint(ORIGIN, -1, HEAD.root),
        Checkpoint(ORIGIN, 1, b"short"),
        Checkpoint(ORIGIN, 1, HEAD.root, ("",)),
        Checkpoint(ORIGIN, 1, HEAD.root, ("a\nb",)),
    ],
)
def test_a_head_that_could_not_be_read_back_is_not_signed(head: Checkpoint) -> None:
    with pytest.raises(Malformed):
        head.body()


@pytest.mark.parametrize("name", ["", "a b", "a+b", "a\u2003b", "x" * 256])
def test_names_that_could_not_be_read_back_are_not_signed(name: str) -> None:
    with pytest.raises(Malformed):
        checkpoint.sign_note(HEAD.body(), name, KEY)
    with pytest.raises(Malformed):
        checkpoint.cosign(HEAD.body(), name, KEY, TIME_S)


def test_names_of_log_and_witness() -> None:
    assert checkpoint.log_origin("i", "s") == "wardline.local/log/i/s/g1"
    assert checkpoint.log_origin("i", "s", 2) == "wardline.local/log/i/s/g2"
    assert checkpoint.witness_name("a") == "wardline.local/appliance/a"
