"""The keys of `podwall.toml`: made of the options of the commands, so that no option lacks one.

Every option has a key of its name. One that means the same to several commands stands at the top,
and may stand in the table of a command, too, where it counts for this command alone; one of a
single command stands in its table only.
"""

from __future__ import annotations

from argparse import Action, ArgumentParser
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Annotated, Any, Final, Literal

import msgspec

from podwall.cli.commands import COMMANDS
from podwall.cli.pod_settings import PodSettingsDocument
from podwall.documents import TypedDocument, about

__all__ = ["PATHS", "UNSET_IN_FILES", "command_keys", "settings_document"]

UNSET_IN_FILES: Final[Mapping[str, str]] = {
    "--help": "it is no setting",
    "--debug": "it is no setting",
    "--force": "what is replaced is said each time",
    "--secret": "a secret stands in no file",
    "--allow-network": "what a folder says must not let anything be fetched",
    "--kubeconfig": "such a file can run programs, and a folder must not name one",
    "--image": "a folder must not choose what runs in a cluster",
    "--live": "a folder must not let anything be made in a cluster",
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
        "from",
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
