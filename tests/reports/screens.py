"""What a report looks like on a screen of some width."""

from __future__ import annotations

import io
from collections.abc import Callable

from podwall.reports.screen import Console

__all__ = ["screen"]


def screen(draw: Callable[[Console], None], width: int = 100) -> str:
    """Return what `draw` prints on a console, without the blanks at the ends of lines."""
    file = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
    draw(Console(file, width=width, is_terminal=False))
    file.flush()
    file.seek(0)
    return "\n".join(line.rstrip() for line in file.read().splitlines())
