"""Find the line of a field in a YAML stream: a second, slower look, for findings only."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

import yaml

from policies.errors import Place
from policies.findings import Finding, Severity

__all__ = ["field_line", "repeated_keys"]

STEP: Final = re.compile(r"\[(\d+)\]|\[([^\]]+)\]|([^.\[]+)")


class _Composer(yaml.CSafeLoader):
    """Composes nodes with their lines; what their scalars mean does not matter here."""

    def resolve(self, kind: type[yaml.Node], value: Any, implicit: Any) -> str:
        del kind, value, implicit
        return "tag:yaml.org,2002:str"


def repeated_keys(data: bytes, before: Place) -> Iterator[Finding]:
    """Yield a finding for every key that stands twice in one mapping."""
    for mapping in _mappings(data):
        seen: set[str] = set()
        for key, _ in mapping.value:
            name = str(key.value)
            if name in seen:
                yield _repeated(name, Place(before.source, (before.line or 0) + _line(key)))
            seen.add(name)


def field_line(data: bytes, document_line: int, path: str) -> int | None:
    r"""Return the line of a field of the document that starts on a line, or of what encloses it.

    >>> field_line(b"kind: Pod\nspec:\n  hostNetwork: 1\n", 1, "spec.hostNetwork")
    3
    """
    root = next((node for node in _roots(data) if _line(node) == document_line), None)
    if root is None:
        return None
    line, node = document_line, root
    for index, label, name in STEP.findall(path):
        found = _item(node, int(index)) if index else _entry(node, label or name)
        if found is None:
            return line
        line, node = found
    return line


def _item(node: yaml.Node, index: int) -> tuple[int, yaml.Node] | None:
    if not isinstance(node, yaml.SequenceNode) or index >= len(node.value):
        return None
    return _line(node.value[index]), node.value[index]


def _entry(node: yaml.Node, name: str) -> tuple[int, yaml.Node] | None:
    if not isinstance(node, yaml.MappingNode):
        return None
    entries = (pair for pair in reversed(node.value) if pair[0].value == name)
    return next(((_line(key), value) for key, value in entries), None)


def _roots(data: bytes) -> Iterator[yaml.Node]:
    composer = _Composer(data)
    try:
        while composer.check_node():
            node = composer.get_node()
            if node is not None:
                yield node
    except yaml.YAMLError:
        return
    finally:
        composer.dispose()


def _mappings(data: bytes) -> Iterator[yaml.MappingNode]:
    todo: list[yaml.Node] = list(_roots(data))
    seen: set[int] = set()
    while todo:
        node = todo.pop()
        if id(node) in seen or isinstance(node, yaml.ScalarNode):
            continue
        seen.add(id(node))
        if isinstance(node, yaml.MappingNode):
            yield node
            todo.extend(part for pair in node.value for part in pair)
        else:
            todo.extend(node.value)


def _line(node: yaml.Node) -> int:
    return int(node.start_mark.line) + 1


def _repeated(name: str, place: Place) -> Finding:
    return Finding(
        "duplicate-key",
        Severity.WARNING,
        f"key `{name}` stands twice in one mapping; the last one is taken",
        place,
        "remove one of the two",
    )
