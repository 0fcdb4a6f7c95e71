"""Settings of a folder, in `podwall.toml` or `pyproject.toml`, and the keys that they can have.

Every option has a key of its name. One that means the same to several commands stands at the top,
and may stand in the table of a command, too, where it counts for this command alone; one of a
single command stands in its table only.

The nearest file counts, from this folder upwards to the root of the repository. What the command
line says counts instead of it, and a command's own table instead of what stands at the top.
"""

from __future__ import annotations

import re
import tomllib
from argparse import Action, ArgumentParser
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import field
from functools import cache
from os.path import relpath
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import msgspec

from podwall.cli.commands import COMMANDS
from podwall.cli.parser import FILE
from podwall.documents import TypedDocument, about, convert
from podwall.policies.errors import InvalidValue, Place, SourceError
from podwall.quick_dataclass import dataclass
from podwall.reading import MadePods, PodKind

__all__ = [
    "PATHS",
    "UNSET_IN_FILES",
    "FolderSettings",
    "command_keys",
    "defaults_of",
    "pod_kinds",
    "settings_document",
    "settings_in",
]

UNSET_IN_FILES: Final[Mapping[str, str]] = {
    "--help": "it is no setting",
    "--debug": "it is no setting",
    "--force": "what is replaced is said each time",
    "--patch": "it is asked for once, and is no report",
    "--secret": "a secret stands in no file",
    "--all": "it is another question, and is asked each time",
    "--allow-network": "what a folder says must not let anything be fetched",
    "--kubeconfig": "such a file can run programs, and a folder must not name one",
    "--image": "a folder must not choose what runs in a cluster",
    "--live": "a folder must not let anything be made in a cluster",
    "--exec": "a folder must not let anything be executed in pods",
    "--cleanup": "it is asked for once, and is no habit",
    "--context": "a folder must not choose the cluster that is asked",
}
"""The options without a key, and why."""

PATHS: Final = frozenset(
    {"sources", "expectations", "accepted", "changed", "values", "out", "project"}
)
"""The keys whose values are paths, seen from the folder of the file."""

_OF_ITS_COMMAND: Final = frozenset(
    {
        "output",
        "out",
        "project",
        "subject",
        "link",
        "line-link",
        "raw-cells",
        "format-version",
        "direction",
        "focus",
        "from",
        "port",
        "to",
        "with",
        "base",
    }
)
_SOURCES: Final = "What is read where a command names no SOURCE: paths, seen from this file."
_ANSWERS: Final = (
    "What the cloud would answer a program, by the tokens of functions, as `podwall:answers` of a "
    "stack; the stack's own count instead of these."
)
_PODS: Final = (
    "Kinds of other APIs whose controllers make pods, over those that podwall knows: one entry for "
    "each sort of pods that a kind makes."
)


class PodSettingsDocument(TypedDocument, rename="kebab"):
    """Pods that a controller makes of the objects of a kind, alike among each other."""

    kind: Annotated[str, about("The kind and its group, as in `Cache.example.org`.")]
    labels: Annotated[
        dict[str, str], about("Labels that the controller sets; `{name}` is the object's name.")
    ] = msgspec.field(default_factory=dict)
    labels_from: Annotated[
        list[str], about("Fields of labels that users choose, as in `spec.podLabels`.")
    ] = msgspec.field(default_factory=list)
    template: Annotated[str, about("The field of a template of pods.")] = ""
    replicas_from: Annotated[str, about("The field of how many there are.")] = "spec.replicas"
    all_labels: Annotated[
        bool, about("Whether they carry no other labels; else they may, and nobody knows which.")
    ] = False
    name: Annotated[str, about("What they are called, where one object makes several.")] = "{name}"


def command_keys(name: str) -> Mapping[str, Action]:
    """Return the keys that a command's options have in files, with the options."""
    return _keys()[name]


@cache
def _keys() -> dict[str, dict[str, Action]]:
    found = {}
    for command in COMMANDS:
        if not command.is_set_by_files:
            continue
        parser = ArgumentParser(add_help=False)
        command.declare(parser)
        found[command.name] = {
            name.removeprefix("--"): action
            for action in parser._actions  # noqa: SLF001 - argparse tells them nowhere else
            for name in action.option_strings
            if name.startswith("--") and name not in UNSET_IN_FILES
        }
    return found


@cache
def settings_document() -> type[TypedDocument]:
    """Return the type of a settings file: the keys at the top, and a table for each command."""
    tables = [
        (name, Annotated[_table(name), about(f"What counts for `podwall {name}` alone.")])
        for name in _keys()
    ]
    shared = {key: each for keys in _keys().values() for key, each in keys.items()}
    top = [(key, shared[key]) for key in sorted(shared) if key not in _OF_ITS_COMMAND]
    fields = [*_fields(top), ("sources", Annotated[list[str], about(_SOURCES)], msgspec.UNSET)]
    fields.append(("answers", Annotated[dict[str, Any], about(_ANSWERS)], msgspec.UNSET))
    fields.append(("pods", Annotated[list[PodSettingsDocument], about(_PODS)], msgspec.UNSET))
    fields += [(name, type_ | msgspec.UnsetType, msgspec.UNSET) for name, type_ in tables]
    doc = "Settings of podwall: `podwall.toml`, or `[tool.podwall]` of `pyproject.toml`."
    return _struct("SettingsDocument", fields, doc)


def _table(name: str) -> type[TypedDocument]:
    doc = f"The options of `podwall {name}`."
    fields = list(_fields(sorted(_keys()[name].items())))
    return _struct(f"{name.title()}SettingsDocument", fields, doc)


def _struct(name: str, fields: Sequence[Any], doc: str) -> type[TypedDocument]:
    """Return a type; msgspec takes the names of fields as they are written in the file."""
    named = {_python(key): key for key, *_ in fields}
    made: Any = msgspec.defstruct(
        name,
        [(_python(key), *rest) for key, *rest in fields],
        bases=(TypedDocument,),
        namespace={"__doc__": doc},
        rename=named,
        kw_only=True,
    )
    document: type[TypedDocument] = made
    return document


def _python(key: str) -> str:
    return f"{key.replace('-', '_')}_"


def _fields(options: Sequence[tuple[str, Action]]) -> Iterator[tuple[str, Any, Any]]:
    for key, action in options:
        description = (action.help or "").partition(" (default")[0]
        type_: Any = Annotated[
            _type(action), about(description[:1].upper() + description[1:] + ".")
        ]
        yield key, type_ | msgspec.UnsetType, msgspec.UNSET


def _type(action: Action) -> Any:
    """Return the type of a value in a file."""
    if action.nargs == 0:
        return bool
    if action.choices:
        return _one_of(tuple(action.choices))
    if type(action).__name__ == "_AppendAction":
        return list[str]
    return int if action.type is int else str


def _one_of(words: tuple[Any, ...]) -> Any:
    """Return the type of some words, which no type checker can know."""
    return getattr(Literal, "__getitem__")(words)  # noqa: B009 - to a type checker it is no call


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


def pod_kinds(settings: Iterable[Mapping[str, Any]]) -> dict[tuple[str, str], PodKind]:
    """Return the kinds that settings add, by group and kind; several entries of one are one kind.

    >>> found = pod_kinds([{"kind": "Cache.example.org", "labels": {"app": "{name}"}}])
    >>> [kind for _, kind in found]
    ['Cache']
    """
    made: dict[tuple[str, str], tuple[MadePods, ...]] = {}
    for each in settings:
        document = msgspec.convert(each, PodSettingsDocument)
        kind, _, group = document.kind.partition(".")
        made[group, kind] = (*made.get((group, kind), ()), _made(document))
    return {key: PodKind(*key, pods) for key, pods in made.items()}


def _made(document: PodSettingsDocument) -> MadePods:
    return MadePods(
        document.name,
        document.labels,
        tuple(document.labels_from),
        document.template,
        document.replicas_from,
        all_labels=document.all_labels,
    )
