"""What a plain YAML scalar means to Kubernetes, whose YAML is 1.1 with exceptions.

kubectl reads YAML with go-yaml v2: `yes` and `on` are booleans, `010` is eight, `1e3` is a number,
while dates and `12:30` are strings. A label written so is not the string it looks like, and is
refused. The bare letters `y` and `n` are booleans to kubectl too, which then refuses the object,
and strings to most other libraries: they are read as what they look like, with a finding.
https://github.com/kubernetes-sigs/yaml, https://github.com/yaml/go-yaml/blob/v2/resolve.go
"""

from __future__ import annotations

import math
import re
from typing import Any, Final

__all__ = ["BareLetter", "PlainScalars", "Scalar", "plain_scalar", "with_text_keys"]

Scalar = str | int | float | bool | None


class Merge(str):
    """The plain `<<`: as a key it merges a mapping, anywhere else it is a string."""

    __slots__ = ()


class BareLetter(str):
    """A plain `y` or `n`: a string to most libraries, and a boolean to kubectl."""

    __slots__ = ()


MERGE: Final = Merge("<<")
WORDS: Final[dict[str, Scalar]] = {
    **{letter: BareLetter(letter) for letter in "yYnN"},
    **dict.fromkeys(("yes", "Yes", "YES", "on", "On", "ON"), True),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("no", "No", "NO", "off", "Off", "OFF"), False),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    MERGE: MERGE,
    **dict.fromkeys((".nan", ".NaN", ".NAN"), math.nan),
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"), math.inf),
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), -math.inf),
}
SMALLEST: Final = -(2**63)
LARGEST: Final = 2**64 - 1
OCTAL: Final = 8
#: From here on JSON writes floats with an exponent.
JSON_EXPONENT: Final = 1e21
NUMBER_STARTS: Final = frozenset("+-.0123456789")
FLOAT: Final = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
INTEGERS: Final = (
    (re.compile(r"[-+]?0[xX][0-9a-fA-F]+"), 16),
    (re.compile(r"[-+]?0[bB][01]+"), 2),
    (re.compile(r"[-+]?0[oO]?[0-7]+"), OCTAL),
    (re.compile(r"[-+]?(?:0|[1-9][0-9]*)"), 10),
)


def plain_scalar(written: str) -> Scalar:
    """Return what an unquoted scalar means.

    >>> plain_scalar("on"), plain_scalar("010"), plain_scalar("1e3"), plain_scalar("2026-11-23")
    (True, 8, 1000.0, '2026-11-23')
    """
    if written in WORDS:
        return WORDS[written]
    if written[0] not in NUMBER_STARTS:
        return written
    return written if written[0] == "." and not FLOAT.fullmatch(written) else _number(written)


def _number(written: str) -> Scalar:
    digits = written.replace("_", "")
    for pattern, base in INTEGERS:
        if pattern.fullmatch(digits):
            value = _integer(digits, base)
            if SMALLEST <= value <= LARGEST:
                return value
    return _float(digits, written) if FLOAT.fullmatch(digits) else written


def _float(digits: str, written: str) -> Scalar:
    """Return a whole number where JSON, to which Kubernetes converts, would show one."""
    value = float(digits)
    if math.isinf(value):
        return written
    return int(value) if value.is_integer() and abs(value) < JSON_EXPONENT else value


def _integer(digits: str, base: int) -> int:
    return int(digits, base) if base != OCTAL else int(digits.lower().replace("o", ""), 8)


class PlainScalars(dict[str, Scalar]):
    """The meanings of the scalars of one stream, each worked out once.

    Manifests repeat their keys and values, so this halves the time a file takes.
    """

    def __missing__(self, written: str) -> Scalar:
        value = self[written] = plain_scalar(written)
        return value


def with_text_keys(items: list[Any]) -> dict[str, Any]:
    """Return the mapping of alternating keys and values, its keys as strings, its `<<` merged.

    What comes later wins, also over a merge, as in go-yaml v2. Raises `TypeError` for a key or a
    merge that can't be one.
    """
    pairs: dict[str, Any] = {}
    for key, value in zip(items[::2], items[1::2], strict=True):
        if isinstance(key, Merge):
            pairs.update(_merged(value))
        else:
            pairs[_key_text(key)] = value
    return pairs


def _merged(value: Any) -> dict[str, Any]:
    """Return what a `<<` brings: a mapping, or a list of them of which the first wins."""
    merged: dict[str, Any] = {}
    for part in reversed(value) if isinstance(value, list) else [value]:
        if not isinstance(part, dict):
            raise TypeError("`<<` needs a mapping, or a list of them")
        merged.update(part)
    return merged


def _key_text(key: Any) -> str:
    if isinstance(key, bool):
        return str(key).lower()
    if isinstance(key, (str, int, float)):
        return str(key)
    raise TypeError(f"a key must be a string, is {'null' if key is None else 'a list or mapping'}")
