"""Read the `{…}` and `[…]` of plain manifests: nested, with short scalars, on one line."""

from __future__ import annotations

import re
from typing import Any, Final

from podwall.sources.scalars import PlainScalars

__all__ = ["ATOM", "KEY", "NotPlain", "PlainFlow"]

INNER: Final = r"[A-Za-z0-9_./@+=%*-]"
KEY: Final = r"[A-Za-z0-9_][A-Za-z0-9_./-]*"
#: A scalar that means the same in every context: one word without a colon, or a quoted text.
ATOM: Final = rf"[A-Za-z0-9_./]{INNER}*|\"[ !#-\[\]-~]*\"|'[ -&(-~]*'"
TOKEN: Final = re.compile(rf"(?P<open>[\[{{]) *| *(?P<close>[\]}}])|(?P<key>{KEY}): +|({ATOM})")
COMMA: Final = re.compile(r" *, *")
DEEPEST: Final = 20


class NotPlain(Exception):  # noqa: N818 - tells what the text is
    """A text that needs the whole parser."""


class PlainFlow:
    """Reads the scalars and the flow collections of plain documents."""

    def __init__(self) -> None:
        """Start without any scalar known."""
        self._plain = PlainScalars()

    def key(self, word: str) -> str:
        """Return a key, which must be a text."""
        text = self._plain[word]
        if type(text) is not str:
            raise NotPlain
        return text

    def scalar(self, atom: str) -> Any:
        """Return the value of a word, several words, or a quoted text."""
        if atom[0] in "\"'":
            return atom[1:-1]
        value = self._plain[atom]
        if isinstance(value, str) and type(value) is not str:
            raise NotPlain
        return value

    def collection(self, text: str) -> Any:
        """Return the value of a text that begins with a bracket."""
        value, end = self._value(text, 0, DEEPEST)
        if end != len(text):
            raise NotPlain
        return value

    def _value(self, text: str, start: int, depth: int) -> tuple[Any, int]:
        token = TOKEN.match(text, start)
        if token is None or depth == 0 or token["close"] or token["key"]:
            raise NotPlain
        if token["open"] == "[":
            return self._list(text, token.end(), depth - 1)
        if token["open"] == "{":
            return self._mapping(text, token.end(), depth - 1)
        return self.scalar(token[0]), token.end()

    def _list(self, text: str, start: int, depth: int) -> tuple[list[Any], int]:
        items: list[Any] = []
        end = _closed(text, start, "]")
        while end is None:
            value, start = self._value(text, start, depth)
            items.append(value)
            start, end = _next(text, start, "]")
        return items, end

    def _mapping(self, text: str, start: int, depth: int) -> tuple[dict[str, Any], int]:
        pairs: dict[str, Any] = {}
        end = _closed(text, start, "}")
        while end is None:
            token = TOKEN.match(text, start)
            if token is None or token["key"] is None or self.key(token["key"]) in pairs:
                raise NotPlain
            value, start = self._value(text, token.end(), depth)
            pairs[self.key(token["key"])] = value
            start, end = _next(text, start, "}")
        return pairs, end


def _closed(text: str, start: int, bracket: str) -> int | None:
    """Return where the text goes on if the bracket closes here."""
    token = TOKEN.match(text, start)
    return token.end() if token is not None and token["close"] == bracket else None


def _next(text: str, start: int, bracket: str) -> tuple[int, int | None]:
    """Return where the next entry starts, and where the text goes on if there is none."""
    end = _closed(text, start, bracket)
    comma = COMMA.match(text, start)
    if end is None and comma is None:
        raise NotPlain
    return (comma.end() if comma else start), end
