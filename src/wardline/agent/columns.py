"""Rows as aligned columns of plain text, for what the agent's commands print."""

import shutil
import textwrap
from collections.abc import Sequence

from wardline.core import plain

GAP = "  "


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Every column as wide as its widest cell; the last one may run to the end of the line and is
    wrapped under itself where the terminal is narrower. Nothing in a cell is obeyed by it."""
    cells = [[plain.line(cell) for cell in row] for row in rows]
    lines = [list(head), *cells] if any(head) else cells
    if not lines:
        return ""
    widths = [max(len(line[at]) for line in lines) for at in range(len(lines[0]) - 1)]
    left = sum(widths) + len(GAP) * len(widths)
    room = max(20, shutil.get_terminal_size().columns - left)
    return "\n".join(_line(line, widths, left, room) for line in lines)


def _line(cells: list[str], widths: list[int], left: int, room: int) -> str:
    first = GAP.join(cell.ljust(width) for cell, width in zip(cells, widths, strict=False))
    wrapped = textwrap.wrap(cells[-1], room) or [""]
    whole = f"{first}{GAP}{wrapped[0]}" if widths else wrapped[0]
    return "\n".join([whole.rstrip(), *(" " * left + more for more in wrapped[1:])])
