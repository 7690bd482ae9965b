"""Frozen dataclasses made at the price of plain ones, where very many are made."""

import dataclasses
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


def maker(kind: Callable[P, T]) -> Callable[P, T]:
    """What makes instances of `kind`, a frozen dataclass with slots and without `__post_init__`,
    at a third of what its own constructor costs.

    That constructor sets each field past the refusal to set any. This one sets them on a class of
    the same layout that refuses nothing, and what it made is frozen before anybody sees it.
    """
    made: Any = kind
    if hasattr(made, "__post_init__"):
        raise TypeError(f"{made.__name__} looks at itself once it is made")

    def freeze(self: Any) -> None:
        self.__class__ = made

    twin: Callable[P, T] = dataclasses.make_dataclass(
        made.__name__,
        [
            (field.name, Any, dataclasses.field(default=field.default))
            if field.default is not dataclasses.MISSING
            else (field.name, Any)
            for field in dataclasses.fields(made)
        ],
        namespace={"__post_init__": freeze},
        slots=True,
    )
    return twin
