"""core.frozen: what it makes is what the class itself would have made."""

from dataclasses import FrozenInstanceError, dataclass

import pytest

from wardline.core import frozen


@dataclass(frozen=True, slots=True)
class Point:
    x: int
    y: int
    label: str = "here"


@dataclass(frozen=True, slots=True)
class Checked:
    x: int

    def __post_init__(self) -> None:
        if self.x < 0:
            raise ValueError("below zero")


make_point = frozen.maker(Point)


def test_what_is_made_is_equal_to_what_the_class_makes_and_of_its_type():
    made = make_point(1, y=2)
    assert type(made) is Point
    assert made == Point(1, 2, "here")
    assert hash(made) == hash(Point(1, 2, "here"))
    assert make_point(1, 2, "there") != made


def test_what_is_made_cannot_be_changed():
    with pytest.raises(FrozenInstanceError):
        make_point(1, 2).x = 3


def test_a_field_that_is_missing_or_unknown_is_refused():
    with pytest.raises(TypeError):
        make_point(1)
    with pytest.raises(TypeError):
        make_point(1, 2, z=3)


def test_a_class_that_looks_at_itself_once_made_is_refused():
    with pytest.raises(TypeError):
        frozen.maker(Checked)
