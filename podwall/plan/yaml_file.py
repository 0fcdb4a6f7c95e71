"""Read a YAML file of Pulumi's, and remember on which line each key stands."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from podwall.policies.errors import Place, SourceError

__all__ = ["PlainLoader", "YamlFile", "read_yaml"]


@dataclass(frozen=True, slots=True)
class YamlFile:
    """The mapping that a file holds; `lines` gives the line of each key by its path."""

    path: str
    values: Mapping[str, Any]
    lines: Mapping[tuple[str, ...], int]

    def place(self, *keys: str) -> Place:
        """Return where a key stands, or the nearest key around it that is there.

        >>> YamlFile("Pulumi.yaml", {}, {("config",): 3}).place("config", "shop:step")
        Place(source='Pulumi.yaml', line=3, path='')
        """
        found = (self.lines[keys[:n]] for n in range(len(keys), 0, -1) if keys[:n] in self.lines)
        return Place(self.path, next(found, None))


class PlainLoader(yaml.SafeLoader):
    """Reads dates as the text they are, as Pulumi does."""


PlainLoader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if not tag.endswith(":timestamp")]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def read_yaml(path: Path, shown: str) -> YamlFile:
    """Return the mapping in the file at `path`, which messages call `shown`.

    Raises:
        SourceError: the file can't be read, is not YAML, or holds no mapping.
    """
    try:
        loader = PlainLoader(path.read_text(encoding="utf-8"))
        node = loader.get_single_node()
        values = loader.construct_document(node) if node else {}
    except OSError as problem:
        message = f"can't be read: {(problem.strerror or '').lower()}"
        raise SourceError(message, place=Place(shown)) from None
    except (yaml.YAMLError, UnicodeDecodeError) as problem:
        raise _malformed(problem, shown) from None
    if not isinstance(values, dict):
        raise SourceError("expected a mapping of keys to values", place=Place(shown, 1))
    return YamlFile(shown, values, dict(_lines(node, ())))


def _malformed(problem: Exception, shown: str) -> SourceError:
    mark = getattr(problem, "problem_mark", None)
    line = None if mark is None else mark.line + 1
    reason = getattr(problem, "problem", None) or "it is not UTF-8 text"
    return SourceError(f"malformed YAML: {reason}", place=Place(shown, line))


def _lines(node: yaml.Node | None, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], int]]:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            inner = (*path, str(key.value))
            yield inner, key.start_mark.line + 1
            yield from _lines(value, inner)
