"""Text that Markdown shows as it is."""

from __future__ import annotations

import re
from typing import Final

__all__ = ["escaped"]

_SPECIAL: Final = re.compile(r"([\\`*_\[\]<>|~])")


def escaped(text: str) -> str:
    r"""Return a text with everything escaped that means something to Markdown.

    >>> print(escaped("a_b|<c>"))
    a\_b\|\<c\>
    """
    return _SPECIAL.sub(r"\\\1", text)
