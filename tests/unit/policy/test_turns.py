"""How many costly questions run at once: refused beyond it, and free again however one ends."""

import contextlib

import pytest

from wardline.policy.turns import Busy, OwnerBusy, Turns


def test_an_owner_has_some_of_the_places_and_all_owners_together_no_more_than_there_are() -> None:
    turns = Turns("looks", 3, 2)
    with turns.taken("a"), turns.taken("a"):
        with pytest.raises(OwnerBusy, match="looks: at most 2 at once of the same rules"):
            turns.taken("a").__enter__()
        with turns.taken("b"), pytest.raises(Busy, match="at most 3 at once here") as refused:
            turns.taken("c").__enter__()
        assert (OwnerBusy.status, refused.value.status) == (429, 503)
        with turns.taken("c"):
            pass
    assert not turns.is_taken


def test_a_place_is_free_again_after_a_question_that_failed() -> None:
    turns = Turns("looks", 1, 1)
    for _ in range(3):
        with contextlib.suppress(ValueError), turns.taken("a"):
            raise ValueError
    assert not turns.is_taken
