"""What `podwall init` and `podwall config` do: write settings for a folder, and show them."""

from __future__ import annotations

import json
from argparse import Namespace
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

from podwall.cli.commands import COMMANDS
from podwall.cli.parser import FILE, settings_near
from podwall.cli.settings_file import FolderSettings, command_keys, settings_in
from podwall.exit_code import ExitCode
from podwall.policies.errors import InvalidValue
from podwall.policies.wording import shown
from podwall.reports.files import write_file
from podwall.streams import write_message, write_output

__all__ = ["show_settings", "write_settings"]


_KINDS: Final = ("*.yaml", "*.yml", "*.json")
_STATED: Final = {"expectations": "expectations:", "accepted": "accepted:"}
_SKIPPED: Final = frozenset({"node_modules", "venv", "out", "dist", "build"})
_MOST: Final = 2_000
"""So many files of a folder are looked into."""


def write_settings(options: Namespace) -> int:
    """Write `podwall.toml`, and say what was found.

    Raises:
        SourceError: it exists, and `--force` was not given.
        InvalidValue: there is no such folder.
    """
    folder = options.folder
    if not folder.is_dir():
        raise InvalidValue(f"{shown(str(folder))} is no folder", help="name one that is there")
    text = "".join(_lines(folder))
    write_file(folder / FILE, text, replace=options.force)
    write_message(f"wrote {folder / FILE}; `podwall config` shows what is set")
    return ExitCode.FINE


def _lines(folder: Path) -> Iterator[str]:
    files = _files(folder)
    yield _HEAD
    yield from _sources(folder, files)
    yield "\n# Who may, and who must not, reach whom: for check, diff and suggest.\n"
    yield _named("expectations", folder, files)
    yield "\n# Openings that are meant, each with its reason: for diff.\n"
    yield _named("accepted", folder, files)
    yield _MIDDLE
    if (folder / "Pulumi.yaml").is_file():
        yield f"\n# The stack that is planned.\n{_stack(folder)}\n{_ANSWERS}"
    yield _TABLE


_HEAD: Final = """\
# Settings of podwall: what a command line says counts instead. `podwall config` shows them.

# Who enforces the policies: spec, azure, calico, cilium or none.
# Without it what is declared counts, else the specification.
# engine = "cilium"

# What is read where a command names no SOURCE.
"""
_MIDDLE: Final = """
# The least that makes a command end with 1: any, warning, error or undetermined.
# fail-on = "error"

# The files show the whole cluster: nothing else is in it.
# closed = true

# Where objects belong that name no namespace.
# namespace = "default"
"""
_ANSWERS: Final = """
# What the cloud would answer the program, by the tokens of functions.
# [answers]
# "azure-native:network:getVirtualNetwork" = { location = "westeurope" }
"""
_TABLE: Final = """
# A table has what counts for one command.
# [diff]
# fail-on = "warning"
"""


def _files(folder: Path) -> list[Path]:
    """Return the documents of a folder, without those of hidden and made folders."""
    found: list[Path] = []
    for kind in _KINDS:
        for path in sorted(folder.rglob(kind)):
            steps = path.relative_to(folder).parts[:-1]
            if not any(each.startswith(".") or each in _SKIPPED for each in steps):
                found.append(path)
            if len(found) >= _MOST:
                return found
    return found


def _sources(folder: Path, files: list[Path]) -> Iterator[str]:
    if (folder / "Pulumi.yaml").is_file():
        yield "# This folder has a Pulumi program, which is planned if nothing is named here.\n"
        yield '# sources = ["manifests"]\n'
        return
    tops = {path.relative_to(folder).parts[0] for path in files if _is_manifest(path)}
    if any((folder / top).is_file() for top in tops):
        yield 'sources = ["."]\n'
    elif tops:
        yield f"sources = [{', '.join(map(_quoted, sorted(tops)))}]\n"
    else:
        yield '# sources = ["manifests"]\n'


def _is_manifest(path: Path) -> bool:
    return "apiVersion" in _beginning(path)


def _named(key: str, folder: Path, files: list[Path]) -> str:
    """Return the line of a file that holds statements, as a comment where there is none."""
    lines = (path for path in files if _begins(path, _STATED[key]))
    path = next(lines, None)
    if path is None:
        return f'# {key} = "{key}.yaml"\n'
    return f"{key} = {_quoted(path.relative_to(folder).as_posix())}\n"


def _begins(path: Path, word: str) -> bool:
    return any(line.startswith(word) for line in _beginning(path).splitlines())


def _beginning(path: Path) -> str:
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            return file.read(4_000)
    except OSError:
        return ""


def _stack(folder: Path) -> str:
    names = sorted(path.name.split(".")[1] for path in folder.glob("Pulumi.*.yaml"))
    name = "dev" if "dev" in names else next(iter(names), "dev")
    return f"stack = {_quoted(name)}" if names else '# stack = "dev"'


def _quoted(text: str) -> str:
    """Return a text as TOML writes it: JSON's strings are TOML's, too."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


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
