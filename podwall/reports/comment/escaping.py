"""Text that anybody may have written, as Markdown that means only that text.

GitHub turns names into links and notifications on the finished page, so that an escape is not
enough: `@name`, `#12` and addresses are split by an empty HTML comment.
https://github.github.com/gfm/#code-spans
"""

from __future__ import annotations

import re
from typing import Final

from podwall.reports.words import printable

__all__ = ["code", "text"]

_SPECIAL: Final = re.compile(r"([\\`*_{}\[\]()<>#+!|~$])")
_REFERENCE: Final = re.compile(r"[@#](?=\S)|:(?=//)|www(?=\.)|GH(?=-\d)")
_RUN: Final = re.compile(r"`+")


def code(written: str) -> str:
    r"""Return a text as a code span, in which nothing has a meaning; also inside a table.

    >>> print(code("shop/web"), code("a`b|c"))
    `shop/web` ``a`b\|c``
    """
    shown = printable(written) or " "
    fence = "`" * (max(map(len, _RUN.findall(shown)), default=0) + 1)
    pad = " " if shown.startswith("`") or shown.endswith("`") else ""
    # A backslash before the bar would escape the escape.
    inner = shown.replace("|", r"\|")
    return f"{fence}{pad}{inner}{pad}{fence}"


def text(written: str) -> str:
    r"""Return a message as Markdown; what stands between backticks becomes code.

    >>> print(text("policy `shop/web` asks @all <now>"))
    policy `shop/web` asks @<!-- -->all \<now\>
    """
    parts = printable(written).split("`")
    return "".join(
        code(part) if number % 2 and number < len(parts) - 1 else _plain(part)
        for number, part in enumerate(parts)
    )


def _plain(part: str) -> str:
    escaped = _SPECIAL.sub(r"\\\1", part).replace("&", "&amp;")
    return _REFERENCE.sub(lambda match: f"{match.group(0)}<!-- -->", escaped)
