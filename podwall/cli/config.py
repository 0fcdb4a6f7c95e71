"""What `podwall config` does: show what is set where, key by key."""

from __future__ import annotations

import json
from argparse import Namespace
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from podwall.cli.commands import COMMANDS
from podwall.cli.parser import FILE, settings_near
from podwall.cli.settings_file import FolderSettings, command_keys, settings_in
from podwall.exit_code import ExitCode
from podwall.streams import write_output

__all__ = ["show_settings"]


class _Row(NamedTuple):
    """A key, its value, and where that is set: a file and its line, or the default."""

    key: str
    value: Any
    place: str


def show_settings(options: Namespace) -> int:
    """Show every setting that a file makes, and with `--all` the defaults, too."""
    path = settings_near(Path.cwd())
    settings = FolderSettings() if path is None else settings_in(path)
    rows = [*_rows(settings), *(_defaults(settings) if options.all else ())]
    if options.output == "json":
        write_output([f"{json.dumps([each._asdict() for each in rows], indent=2)}\n"])
        return ExitCode.FINE
    write_output(_text(settings, rows))
    return ExitCode.FINE


def _rows(settings: FolderSettings) -> Iterator[_Row]:
    for key, value in settings.values.items():
        inner = value.items() if isinstance(value, dict) and key != "answers" else ()
        for name, each in inner:
            yield _Row(f"{key}.{name}", each, str(settings.place(name, key)))
        if not inner:
            yield _Row(key, value, str(settings.place(key)))


def _defaults(settings: FolderSettings) -> Iterator[_Row]:
    for command in COMMANDS:
        if not command.is_set_by_files:
            continue
        given = settings.of(command.name)
        for key, action in sorted(command_keys(command.name).items()):
            if key not in given:
                plain = action.default
                value = str(plain) if isinstance(plain, Path) else plain
                yield _Row(f"{command.name}.{key}", value, "default")


def _text(settings: FolderSettings, rows: list[_Row]) -> Iterator[str]:
    if not settings.path:
        yield f"no file sets anything here: `podwall init` writes `{FILE}`\n"
    shown = [(each.key, json.dumps(each.value), each.place) for each in rows]
    widths = [max((len(row[column]) for row in shown), default=0) for column in (0, 1)]
    for key, value, place in shown:
        yield f"{key:{widths[0]}}  {value:{widths[1]}}  {place}\n"
