"""What differs between two property trees, and which of it cannot be changed in place."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import zip_longest
from typing import Any

__all__ = ["Change", "ChangeKind", "changes", "forces_replacement"]

_ABSENT = object()
_INDEX = re.compile(r"\[\d+\]")


class ChangeKind(StrEnum):
    """The engine's words for what happens to one property."""

    ADD = "ADD"
    UPDATE = "UPDATE"
    DELETE = "DELETE"


@dataclass(frozen=True, slots=True)
class Change:
    """One property that differs, at a Pulumi property path such as `spec.ingress[0].from`."""

    path: str
    kind: ChangeKind


def changes(old: Any, new: Any, path: str = "") -> Iterator[Change]:
    """Yield what differs, as deep as both sides have the same shape.

    >>> [(c.path, c.kind.value) for c in changes({"spec": {"a": 1}}, {"spec": {"a": 2, "b": [1]}})]
    [('spec.a', 'UPDATE'), ('spec.b', 'ADD')]
    """
    if isinstance(old, dict) and isinstance(new, dict):
        for key in sorted(old.keys() | new.keys()):
            yield from _entry(old.get(key, _ABSENT), new.get(key, _ABSENT), _member(path, key))
    elif isinstance(old, list) and isinstance(new, list):
        for index, (left, right) in enumerate(zip_longest(old, new, fillvalue=_ABSENT)):
            yield from _entry(left, right, f"{path}[{index}]")
    elif old != new:
        yield Change(path, ChangeKind.UPDATE)


def _entry(old: Any, new: Any, path: str) -> Iterator[Change]:
    if old is _ABSENT:
        yield Change(path, ChangeKind.ADD)
    elif new is _ABSENT:
        yield Change(path, ChangeKind.DELETE)
    else:
        yield from changes(old, new, path)


def _member(path: str, key: str) -> str:
    if not key.isidentifier():
        return f'{path}["{key}"]'
    return f"{path}.{key}" if path else key


def forces_replacement(change: Change, immutable: Iterable[str]) -> bool:
    """Return whether `change` touches an immutable property, or a part of one.

    Indices do not count: `spec.containers[].image` names the image of every container.

    >>> image = Change("spec.containers[1].image", ChangeKind.UPDATE)
    >>> forces_replacement(image, ["spec.containers[].image"])
    True
    """
    path = _INDEX.sub("[]", change.path)
    return any(path == one or path.startswith((f"{one}.", f"{one}[")) for one in immutable)
