"""A site's limits, split over its appliances: what each may use without asking anybody."""

from dataclasses import dataclass
from decimal import Decimal

# What a percentage, and an amount that is no whole number, is split in.
STEP = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class Share:
    """Which part of its site's limits an appliance has: the `index`-th, from 0, of `of`."""

    index: int = 0
    of: int = 1

    def __post_init__(self) -> None:
        if not 0 <= self.index < self.of:
            raise ValueError(f"there is no part {self.index} of {self.of}, counted from 0")

    @property
    def words(self) -> str:
        """Which part it is, for a person."""
        return f"the share of appliance {self.index + 1} of {self.of}"


WHOLE = Share()


def part(whole: int | Decimal, share: Share, *, finely: bool = False) -> int | Decimal:
    """How much of `whole` belongs to `share`: an even part, and what does not divide to the first.

    The parts of all shares add up to `whole` exactly, and none is below 0. A whole number is split
    into whole numbers, unless `finely`; everything else in steps of STEP.
    """
    if share.of == 1:
        return whole
    step: int | Decimal = 1 if isinstance(whole, int) and not finely else STEP
    even = whole // (step * share.of) * step
    return whole - even * (share.of - 1) if share.index == 0 else even
