"""How values and remedies are worded in messages."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from podwall.policies.errors import InvalidValue, Place

__all__ = ["did_you_mean", "guess", "listed", "refused", "shown"]

_LONGEST: Final = 80
_HUGE: Final = 10**20
_WORDS: Final = {None: "null", True: "true", False: "false"}
_KINDS: Final[dict[type, str]] = {dict: "a mapping", list: "a list", tuple: "a list"}


def shown(value: object) -> str:
    r"""Return any value of a document as it is quoted in a message: in backticks, one short line.

    >>> shown("a\nb"), shown(80), shown({"app": "web"})
    ('`a\\nb`', '`80`', '`a mapping`')
    """
    return f"`{_text_of(value)}`"


def _text_of(value: object) -> str:
    if isinstance(value, str):
        start = value[:_LONGEST]
        return _clipped("".join(c if c.isprintable() else ascii(c)[1:-1] for c in start))
    if value is None or isinstance(value, bool):
        return _WORDS[value]
    if isinstance(value, int) and abs(value) > _HUGE:
        # Python refuses to write integers of some thousand digits.
        return "a huge number"
    if isinstance(value, int | float):
        return str(value)
    return _KINDS.get(type(value), f"a value of type {type(value).__name__}")


def _clipped(text: str) -> str:
    return text if len(text) < _LONGEST else f"{text[: _LONGEST - 1]}…"


def refused(path: str, value: object, problem: str, help_: str) -> InvalidValue:
    """Return the error that a value of a Kubernetes field is not what it has to be.

    >>> print(refused("port", 0, "is not a port number", "port numbers are from 1 to 65535"))
    port: `0` is not a port number
    """
    message = f"{shown(value)} {problem}"
    return InvalidValue(message, help=help_, place=Place(path=path), value=value)


def did_you_mean(given: object, allowed: Iterable[str]) -> str:
    """Return a remedy that names the likeliest of the allowed words, or all of them.

    >>> did_you_mean("ingress", ("Ingress", "Egress"))
    'did you mean `Ingress`?'
    """
    words = [str(word) for word in allowed]
    return guess(given, words) or "one of " + ", ".join(f"`{word}`" for word in words)


def guess(given: object, known: Iterable[str]) -> str:
    """Return a remedy that names the likeliest of the known words, or nothing if none is like it.

    >>> guess("shop/wbe", ["shop/api", "shop/web"])
    'did you mean `shop/web`?'
    >>> guess("shop/wbe", ["logs"]), guess(80, ["80"])
    ('', '')
    """
    from difflib import get_close_matches  # noqa: PLC0415 - few words are misspelt

    by_lower = {str(word).lower(): str(word) for word in known}
    near = get_close_matches(given.lower(), by_lower, n=1) if isinstance(given, str) else []
    return f"did you mean `{by_lower[near[0]]}`?" if near else ""


def listed(parts: Sequence[str]) -> str:
    """Return parts as a list in a sentence.

    >>> listed(["web"]), listed(["web", "api", "db"])
    ('web', 'web, api and db')
    """
    return " and ".join(filter(None, (", ".join(parts[:-1]), *parts[-1:])))
