"""Evaluates the expressions of workflows, as far as the ones of this repository go.

https://docs.github.com/en/actions/reference/workflows-and-actions/expressions
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

__all__ = ["Contexts", "condition", "filled"]

Contexts = Mapping[str, Any]
_TOKEN = re.compile(r"\s*(?:'((?:[^']|'')*)'|(\|\||&&|==|!=|[!(),])|([\w.*-]+))")
_PLACE = re.compile(r"\$\{\{(.*?)\}\}", re.DOTALL)


def filled(text: Any, contexts: Contexts) -> str:
    """Return a text with every expression in it replaced by its value."""
    return _PLACE.sub(lambda found: _text(_value(found[1], contexts)), str(text))


def condition(text: Any, contexts: Contexts) -> bool:
    """Return whether an `if` holds; without a status function it also wants success."""
    bare = str(text).strip()
    bare = bare[3:-2] if bare.startswith("${{") and bare.endswith("}}") else bare
    asked = re.search(r"\b(cancelled|always|failure|success)\(\)", bare)
    return bool(_value(bare, contexts)) and bool(asked or contexts["functions"]["success"]())


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None else str(value)


def _value(text: str, contexts: Contexts) -> Any:
    tokens: list[tuple[str, str]] = []
    position, text = 0, text.strip()
    while position < len(text):
        found = _TOKEN.match(text, position)
        if found is None:
            raise ValueError(f"not understood: {text[position:]}")
        kind = "text" if found[1] is not None else "sign" if found[2] else "name"
        tokens.append((kind, found[1] or found[2] or found[3] or ""))
        position = found.end()
    parser = _Parser(tokens, contexts)
    result = parser.either()
    assert not parser.tokens, parser.tokens
    return result


class _Parser:
    """By precedence: `||`, `&&`, comparison, `!`, a value."""

    def __init__(self, tokens: list[tuple[str, str]], contexts: Contexts) -> None:
        self.tokens = tokens
        self.contexts = contexts

    def either(self) -> Any:
        value = self._both()
        while self._took("||"):
            other = self._both()
            value = value or other
        return value

    def _both(self) -> Any:
        value = self._compared()
        while self._took("&&"):
            other = self._compared()
            value = other if value else value
        return value

    def _compared(self) -> Any:
        value = self._single()
        if self._took("=="):
            return _text(value) == _text(self._single())
        if self._took("!="):
            return _text(value) != _text(self._single())
        return value

    def _single(self) -> Any:
        if self._took("!"):
            return not self._single()
        if self._took("("):
            value = self.either()
            assert self._took(")")
            return value
        kind, word = self.tokens.pop(0)
        if kind == "text":
            return word.replace("''", "'")
        return self._called(word) if self._took("(") else self._looked_up(word)

    def _called(self, name: str) -> Any:
        arguments = []
        while not self._took(")"):
            arguments.append(self.either())
            self._took(",")
        function: Callable[..., Any] = self.contexts["functions"][name]
        return function(*arguments)

    def _looked_up(self, name: str) -> Any:
        value: Any = self.contexts
        for part in name.split("."):
            value = value.get(part) if isinstance(value, Mapping) else None
        return value

    def _took(self, sign: str) -> bool:
        if self.tokens and self.tokens[0] == ("sign", sign):
            self.tokens.pop(0)
            return True
        return False
