"""Elements that a list has twice: legal, without effect, and mostly a slip."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Final

from policies.findings import Severity
from policies.validation.shapes import Findings, note

__all__ = ["repetitions"]

#: No peer and no port is nested deeper; below, a document is junk that must not exhaust the stack.
_DEEPEST: Final = 6
_ATOMS: Final = (str, int, float, type(None))


def repetitions(items: Sequence[object], path: str) -> Findings:
    """Yield a note for every element of a list that is there before."""
    if len(items) < 2:  # noqa: PLR2004 - one element cannot be there twice
        return
    seen: dict[Hashable, int] = {}
    for index, item in enumerate(items):
        first = seen.setdefault(_hashable(item), index)
        if first != index:
            yield note(
                "repetition",
                f"{path}[{index}]",
                f"the same is already in `{path}[{first}]`",
                "remove one of the two",
                Severity.INFO,
            )


def _hashable(value: object, depth: int = _DEEPEST) -> Hashable:
    if isinstance(value, _ATOMS):
        return value
    if isinstance(value, dict) and depth:
        return frozenset([(key, _hashable(each, depth - 1)) for key, each in value.items()])
    if isinstance(value, list) and depth:
        return tuple([_hashable(each, depth - 1) for each in value])
    # Two values that only deployment will tell need not be the same, even with one cause.
    return id(value)
