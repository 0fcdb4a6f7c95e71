"""Damage to the structure of documents: what a parser accepts, and no writer would have written.

A document is a tree of mappings, lists and scalars. A change picks one place in it and puts there
a value of another type, a value from elsewhere in the document, one key more, less or renamed, or
a piece twice. Most results are still read almost to their end, which damaged text seldom is.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from random import Random
from typing import Any, Final

__all__ = ["VALUES", "changed", "written"]

Tree = Any
Slot = tuple[Any, Any]
"""A container and the key or index of one of its parts."""

VALUES: Final[tuple[Any, ...]] = (
    *(None, True, False, 0, 1, -1, 65535, 65536, 10**30, 1.5, 8080.0, -0.0, float("inf")),
    *(
        "",
        " ",
        "x",
        "X_y",
        "-",
        "a" * 300,
        "9" * 5000,
        "a\nb",
        "\x1b[31m",
        "##vso[x]",
        "::error::x",
    ),
    *("\u202e", "\ud800", "é", "<b>", "=1+1", "@everyone", "{{ .Values.x }}", "*", "!", "::1", "0"),
    *("10.0.0.0/8", "10.0.0.5/8", "::/0", "0.0.0.0/0", "300.1.1.1/8", "10.0.0.0/99", "10.0.0.1"),
    *("http", "8080", "80-90", "TCP", "SCTP", "sctp", "NetworkPolicy", "Pod", "List", "v1", "v2"),
    *("urn:pulumi:a::b::c::d", "urn:pulumi:a", "a::b", "shop/web", "shop/", "/", "//", "any:a=b@c"),
    *("delete", "same", "create-replacement", "nonsense", "DoesNotExist", "In", "Ingress"),
    "04da6b54-80e4-46f7-96ec-b56ff0331ba9",
    *([], {}, [None], [[]], [{}], {"": None}, {"a": {"b": {"c": []}}}, {"matchLabels": None}),
    {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", "value": "x"},
    {"4dabf18193072939515e22adb298388d": "nonsense"},
    {"key": "a", "operator": "In", "values": []},
    {"apiVersion": "v1", "kind": "List", "items": None},
)
"""What documents do not expect: limits, other types, hostile texts, and Pulumi's own signs."""


def changed(rng: Random, tree: Tree) -> Tree:
    """Return a copy of a tree with one to three changes of its structure."""
    root = {"": copy.deepcopy(tree)}
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        container, key = rng.choice(list(_slots(root)))
        rng.choice(_CHANGES)(rng, root, container, key)
    return root.get("")


def _slots(tree: Tree) -> Iterator[Slot]:
    """Yield every place of a tree that holds a value."""
    pairs: list[tuple[Any, Any]] = []
    if isinstance(tree, dict):
        pairs = list(tree.items())
    elif isinstance(tree, list):
        pairs = list(enumerate(tree))
    for key, value in pairs:
        yield tree, key
        yield from _slots(value)


def _other_value(rng: Random, _: Tree, container: Any, key: Any) -> None:
    container[key] = copy.deepcopy(rng.choice(VALUES))


def _value_from_elsewhere(rng: Random, root: Tree, container: Any, key: Any) -> None:
    other, place = rng.choice(list(_slots(root)))
    container[key] = copy.deepcopy(other[place])


def _without(_: Random, root: Tree, container: Any, key: Any) -> None:
    if container is not root:
        del container[key]


def _twice(rng: Random, _: Tree, container: Any, key: Any) -> None:
    if isinstance(container, list):
        container.insert(rng.randint(0, len(container)), copy.deepcopy(container[key]))
    elif isinstance(container[key], list):
        container[key] = container[key] * 2


def _another_key(rng: Random, root: Tree, container: Any, key: Any) -> None:
    if isinstance(container, dict) and container is not root:
        name = rng.choice(VALUES)
        container[name if isinstance(name, str) else str(key).swapcase()] = container.pop(key)


def _one_key_more(rng: Random, _: Tree, container: Any, key: Any) -> None:
    if isinstance(container[key], dict):
        name = rng.choice(VALUES)
        container[key][name if isinstance(name, str) else "spec"] = rng.choice(VALUES)


def _wrapped(rng: Random, _: Tree, container: Any, key: Any) -> None:
    value = container[key]
    container[key] = rng.choice(([value], {"spec": value}, json.dumps(_plain(value)), str(value)))


def _plain(value: Any) -> Any:
    return value if isinstance(value, str | int | list | dict) else None


_CHANGES: Final[tuple[Callable[[Random, Tree, Any, Any], None], ...]] = (
    *(_other_value, _other_value, _other_value, _value_from_elsewhere, _without),
    *(_twice, _another_key, _one_key_more, _wrapped),
)


def written(rng: Random, tree: Tree) -> bytes:
    """Return a tree as JSON; now and then a key stands twice, which JSON allows."""
    text = json.dumps(tree, ensure_ascii=rng.random() < 0.5)
    if rng.random() < 0.03:
        text = text.replace("{", '{"kind": 1, "kind": "Pod", ', 1)
    return text.encode("utf-8", "surrogatepass")
