"""Settings of a folder: `podwall.toml`, or `[tool.podwall]` of `pyproject.toml`.

The nearest file counts, from this folder upwards to the root of the repository. What the command
line says counts instead of it, and a command's own table instead of what stands at the top.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from os.path import relpath
from pathlib import Path
from typing import Any, Final

from podwall.cli.settings_place import FILE
from podwall.cli.settings_schema import PATHS, command_keys, settings_document
from podwall.documents import convert
from podwall.policies.errors import InvalidValue, Place, SourceError

__all__ = ["FolderSettings", "defaults_of", "settings_in"]

_TABLE: Final = "tool.podwall"
_WORDS: Final = frozenset({"-", "cluster"})
"""Sources that are no paths."""


@dataclass(frozen=True, slots=True)
class FolderSettings:
    """What a file sets: by key, and by command and key; and where each key stands."""

    path: str = ""
    values: Mapping[str, Any] = field(default_factory=dict)
    lines: Mapping[str, int] = field(default_factory=dict)

    def of(self, command: str) -> Mapping[str, Any]:
        """Return the settings that count for a command, by key."""
        keys = command_keys(command)
        top = {key: value for key, value in self.values.items() if key in keys}
        return {**top, **self.values.get(command, {})}

    def place(self, key: str, command: str = "") -> Place:
        """Return where a key is set for a command."""
        own = f"{command}.{key}"
        return Place(self.path, self.lines.get(own if own in self.lines else key))


def settings_in(path: Path) -> FolderSettings:
    """Return the settings of a file.

    Raises:
        SourceError: it is no TOML, or can't be read.
        InvalidValue: a key is unknown, or its value is none; the place has the line.
    """
    return _read(path, "" if path.name == FILE else _TABLE)


def defaults_of(settings: FolderSettings, command: str) -> dict[str, Any]:
    """Return the defaults of a command's options, by the names that they have in Python."""
    keys = command_keys(command)
    found = {keys[key].dest: value for key, value in settings.of(command).items()}
    found["default_sources"] = settings.values.get("sources", [])
    if "answers" in settings.values:
        found["answers"] = settings.values["answers"]
    if "pods" in settings.values:
        found["pods"] = settings.values["pods"]
    if "expectations" in settings.values:
        found["expectations"] = settings.values["expectations"]
    return found


def _read(path: Path, table: str) -> FolderSettings:
    name = relpath(path)
    text = _text(path, name)
    lines = dict(_lines(text, table))
    document = _parsed(text, name)
    for step in filter(None, table.split(".")):
        document = document.get(step, {})
    try:
        convert(document, settings_document(), Place(name))
    except InvalidValue as problem:
        problem.place = Place(name, _line(problem.place.path, lines), problem.place.path)
        raise
    return FolderSettings(name, _seen_from_here(document, Path(relpath(path.parent))), lines)


def _text(path: Path, name: str) -> str:
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeError) as problem:
        raise SourceError(
            f"can't be read: {problem}", help="it is TOML, in UTF-8", place=Place(name)
        ) from None


def _parsed(text: str, name: str) -> Mapping[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as problem:
        words, _, where = str(problem).partition(" (at line ")
        line = where.partition(",")[0]
        raise SourceError(
            f"this is not TOML: {words[:1].lower()}{words[1:]}",
            help='a key stands before its value, as in `engine = "cilium"`',
            place=Place(name, int(line) if line.isdigit() else None),
        ) from None


_HEADER: Final = re.compile(r"\s*\[+\s*([^\]]+?)\s*\]+")
_KEY: Final = re.compile(r"""\s*["']?([A-Za-z0-9_-]+)["']?\s*=""")


def _lines(text: str, table: str) -> Iterator[tuple[str, int]]:
    """Yield the keys, those of a table after its name, and the lines that they stand at."""
    own = f"{table}." if table else ""
    inside = "" if not table else None
    for number, line in enumerate(text.splitlines(), 1):
        if header := _HEADER.match(line):
            name = header[1].replace('"', "").replace(" ", "")
            if name == table:
                inside = ""
            else:
                inside = f"{name.removeprefix(own)}." if name.startswith(own) else None
            if inside:
                yield inside.rstrip("."), number
        elif inside is not None and (key := _KEY.match(line)):
            yield f"{inside}{key[1]}", number


def _line(path: str, lines: Mapping[str, int]) -> int | None:
    """Return the line of the nearest key on the way to a field."""
    while path and path not in lines:
        path = path.rpartition(".")[0] if "." in path else path.partition("[")[0] * ("[" in path)
    return lines.get(path)


def _seen_from_here(document: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """Return the settings with their paths seen from the folder in which podwall runs."""
    return {
        key: _seen_from_here(value, folder)
        if isinstance(value, Mapping) and key != "answers"
        else _paths(value, folder)
        if key in PATHS
        else value
        for key, value in document.items()
    }


def _paths(value: Any, folder: Path) -> Any:
    if isinstance(value, list):
        return [_paths(each, folder) for each in value]
    return value if value in _WORDS else (folder / value).as_posix()
