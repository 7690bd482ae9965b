"""Diffs that people read in evidence: right, capped, and never slow."""

import difflib
import time

import pytest

from wardline.agent.runbooks import diff
from wardline.core.evidence.bundle import DIFF_BYTES_MAX

LINES = [f"line {number}" for number in range(40)]


@pytest.mark.parametrize(
    ("cut", "put"),
    [
        (slice(0, 0), ["new"]),
        (slice(40, 40), ["new"]),
        (slice(5, 6), []),
        (slice(5, 6), ["new", "newer"]),
        (slice(0, 40), ["new"]),
    ],
)
def test_a_small_change_reads_as_difflib_writes_it(cut: slice, put: list[str]) -> None:
    new = list(LINES)
    new[cut] = put
    new[20:21] = ["changed"] if len(new) > 20 else []
    found = diff.of_texts("/x", "\n".join(LINES), "\n".join(new))
    assert found.split("\n")[:-1] == list(
        difflib.unified_diff(LINES, new, "/x", "/x", lineterm="", n=diff.CONTEXT_LINES)
    )


def test_no_change_has_no_diff() -> None:
    assert diff.of_bytes("/x", b"a\n", b"a\n") == diff.of_bytes("/x", b"a", None) == ""
    assert diff.of_texts("/x", "a\n", "a\n") == ""


def test_a_new_file_is_all_additions() -> None:
    assert diff.of_bytes("/x", None, b"a\n") == "--- /x\n+++ /x\n@@ -0,0 +1 @@\n+a\n"


def test_bytes_that_are_no_text_are_shown_and_fit() -> None:
    found = diff.of_bytes("/x", b"\xff\x00\n", b"ok\n" * 10_000)
    assert "-\\xff\\x00" in found
    assert len(found.encode()) <= DIFF_BYTES_MAX
    assert found.endswith("[cut]\n")


@pytest.mark.parametrize("values", [1, 2, 300, 150_000])
def test_a_large_file_is_compared_quickly(values: int) -> None:
    old = [str(number % values) for number in range(150_000)]
    new = ["first", *old[:75_000], *old[75_001:]]
    started = time.thread_time()
    found = diff.of_texts("/x", "\n".join(old), "\n".join(new))
    assert time.thread_time() - started < 2
    assert found.startswith("--- /x\n")
    assert len(found.encode()) <= DIFF_BYTES_MAX


def test_the_end_of_an_output_is_kept_in_whole_lines() -> None:
    text = "".join(f"{number}\n" for number in range(1000))
    assert diff.fit(text, 30, from_end=True).split("\n")[0] == "[cut]"
    assert diff.fit(text, 30, from_end=True).endswith("\n998\n999\n")
    assert diff.fit("short", 30, from_end=True) == "short"
