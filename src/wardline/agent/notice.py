"""What the agent says on its terminal: that something is wrong, once, and that it is over, once."""

from collections.abc import Callable

Say = Callable[[str], None]


class Notice:
    """One thing that can be wrong for long; told by one loop, however often that meets it."""

    def __init__(self, say: Say) -> None:
        self._say = say
        self._lasts = False

    @property
    def lasts(self) -> bool:
        """Whether it was said to be so and not yet to be over."""
        return self._lasts

    def begins(self, text: str) -> None:
        """It is so; said where it was not so already."""
        if not self._lasts:
            self._lasts = True
            self._say(text)

    def ends(self, text: str) -> None:
        """It is not, or no longer."""
        if self._lasts:
            self._lasts = False
            self._say(text)
