"""How much one analysis may look at, so that no set of rules can hold up a save."""


class Budget:
    """Steps that may still be taken; what it refuses once, it refuses from then on."""

    def __init__(self, steps: int) -> None:
        self._left = steps

    @property
    def is_spent(self) -> bool:
        return self._left < 0

    def take(self, steps: int) -> bool:
        """Whether so many more may be taken."""
        self._left = -1 if self.is_spent else self._left - steps
        return not self.is_spent
