"""Elements that a list has twice: legal, without effect, and mostly a slip."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence

from policies.findings import Severity
from policies.validation.shapes import Findings, note

__all__ = ["repetitions"]


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


def _hashable(value: object) -> Hashable:
    match value:
        case str() | int() | float() | None:
            return value
        case Mapping():
            return frozenset((key, _hashable(each)) for key, each in value.items())
        case list() | tuple():
            return tuple(_hashable(each) for each in value)
        # Two values that only deployment will tell need not be the same, even with one cause.
        case _:
            return id(value)
