"""The parser of the command line, what it offers as a command, and where a folder's settings are.

To look for settings costs nothing where there are none.
"""

from __future__ import annotations

import os
import sys
from argparse import (
    PARSER,
    Action,
    ArgumentError,
    ArgumentParser,
    Namespace,
    RawDescriptionHelpFormatter,
)
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib import import_module
from itertools import chain, islice
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, NamedTuple, NoReturn

from podwall.streams import one_line, write_usage

__all__ = ["FILE", "Command", "parsed", "settings_near"]


class Command(NamedTuple):
    """One command of the command line.

    `declares` names the function that adds its arguments to a parser, `does` the one that does the
    work and returns the exit code, each as `module:function`; they are imported when the command is
    asked for, so that help never waits for them. `is_set_by_files`: a settings file can set its
    options.
    """

    name: str
    summary: str
    example: str
    declares: str
    does: str
    is_set_by_files: bool = True

    def declare(self, parser: ArgumentParser) -> None:
        """Add the arguments to a parser."""
        _named(self.declares)(parser)

    def run(self, options: Namespace) -> int:
        """Do what the options ask for, and return the exit code."""
        from podwall.cli.effort import within_bounds, working  # noqa: PLC0415 - help has no bound

        with _numpy_on_one_core():
            does = _named(self.does)
        with within_bounds():
            return int(working(does, options))


def _named(place: str) -> Callable[..., Any]:
    """Return the function that stands as `module:function`."""
    module, _, function = place.partition(":")
    found: Callable[..., Any] = getattr(import_module(module), function)
    return found


_THREADS = "OPENBLAS_NUM_THREADS"


@contextmanager
def _numpy_on_one_core() -> Iterator[None]:
    """Let numpy start no threads for linear algebra, of which podwall has none.

    Starting them takes a sixth of the time in which numpy is imported. Programs that a command
    runs find the environment as it was.
    """
    if _THREADS in os.environ:
        yield
        return
    os.environ[_THREADS] = "1"
    try:
        yield
    finally:
        del os.environ[_THREADS]


_DESCRIPTION = "Who will be able to reach whom: network policies, seen before anything is deployed."
_EXAMPLES = """\
examples:
  podwall reach manifests/                            who can reach whom
  podwall explain manifests/ shop/web shop/api 8080   why, or why not
  podwall diff --base main manifests/                 what this branch opens and closes"""
_MORE = "`podwall COMMAND --help` tells more, with an example."
_EXIT_CODES = """\
exit codes:
  0  fine
  1  a finding, difference or broken expectation at or above --fail-on
  2  the input or the usage is wrong
  3  certainty was asked for, and a verdict is undetermined"""


def parsed(
    commands: Sequence[Command],
    arguments: Sequence[str] | None = None,
    defaults: Mapping[str, Any] = MappingProxyType({}),
) -> Namespace:
    """Return what the arguments mean; the chosen command is in `command`.

    `defaults` count where the arguments say nothing, by the names that options have in Python.

    What is misspelt ends the process with exit code 2, and with the word that is likely meant.
    """
    words = sys.argv[1:] if arguments is None else arguments
    parser = _Parser(
        prog="podwall",
        description=_DESCRIPTION,
        epilog=f"{_EXAMPLES}\n\n{_EXIT_CODES}\n\n{_MORE}",
        formatter_class=_Formatter,
    )
    shows_version = any(word.startswith("--v") for word in words)
    parser.add_argument("--version", action="version", version=_version() if shows_version else "")
    choices = parser.add_subparsers(title="commands", metavar="COMMAND", dest="chosen")
    # A parser for each command takes longer than many a command: those not asked for are left out.
    asked = [each for each in commands if [each.name] == list(words[:1])]
    for command in asked or commands:
        sub = choices.add_parser(
            command.name,
            help=command.summary,
            description=_sentence(command.summary),
            epilog=f"example:\n  {command.example}",
            formatter_class=_Formatter,
        )
        if command.name in words:
            command.declare(sub)
        sub.add_argument("--debug", action="store_true", help="show the traceback of an error")
        sub.set_defaults(**{"default_sources": [], **defaults}, command=command, parser=sub)
    options: Namespace
    options, further = parser.parse_known_args(words)
    if options.chosen is None and not further:
        parser.print_help()
        parser.exit(2)
    if further:
        getattr(options, "parser", parser).refuse(further)
    return options


def _version() -> str:
    # Imported only where somebody asks: it takes longer than all the rest of help.
    from importlib.metadata import version  # noqa: PLC0415 - as above

    return f"podwall {version('podwall')}"


class _Parser(ArgumentParser):
    """A parser that proposes the word that is likely meant."""

    def __init__(self, *arguments: Any, **settings: Any) -> None:
        self._options: list[str] = []
        super().__init__(*arguments, **settings)

    def add_argument(self, *names: Any, **settings: Any) -> Action:
        """Add an argument, and remember what it is called."""
        self._options += names
        return super().add_argument(*names, **settings)

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Parse as argparse does, which knows no words on both sides of an option."""
        words = self._get_positional_actions()
        if args is not None and any(each.nargs != PARSER for each in words):
            args = list(chain(*self._options_and_words(args)))
        return super().parse_known_args(args, namespace)

    def _options_and_words(self, arguments: Sequence[str]) -> tuple[list[str], list[str]]:
        """Return the options, each with its value, and apart from them the words of a command."""
        options: list[str] = []
        words: list[str] = []
        rest = iter(arguments)
        for each in rest:
            if each == "--":
                words += [each, *rest]
            elif not each.startswith("-") or each == "-":
                words.append(each)
            else:
                options += [each, *(islice(rest, 1) if self._takes_next(each) else ())]
        return options, words

    def _takes_next(self, option: str) -> bool:
        """Return whether the next argument is an option's value; a long one may be cut short."""
        named = self._option_string_actions  # those of groups are here as well
        is_long = option.startswith("--")
        meant = [each for each in named if is_long and each.startswith(option)]
        whole = [option] if option in named else meant
        return len(whole) == 1 and named[whole[0]].nargs is None

    def refuse(self, words: Sequence[str]) -> NoReturn:
        """Stop because of words that are no arguments of the command."""
        from podwall.policies.wording import guess  # noqa: PLC0415 - few words are misspelt

        guesses = (guess(word.partition("=")[0], self._options) for word in words)
        proposed = next(filter(None, guesses), "")
        self.error(_with_proposal(f"unrecognized arguments: {' '.join(words)}", proposed))

    def error(self, message: str) -> NoReturn:
        """Say what is wrong with the words, on one line, and where all of them are."""
        more = f"`{self.prog} --help` lists what it takes"
        self.exit(2, f"{self.prog}: error: {one_line(message)}\n help: {more}\n")

    def _print_message(self, message: str, file: Any = None) -> None:
        if message:
            write_usage(message, file)

    def _check_value(self, action: Action, value: Any) -> None:
        try:
            super()._check_value(action, value)
        except ArgumentError as problem:
            from podwall.policies.wording import guess  # noqa: PLC0415 - as above

            proposed = guess(value, map(str, action.choices or ()))
            raise ArgumentError(action, _with_proposal(problem.message, proposed)) from None


def _with_proposal(message: str, proposed: str) -> str:
    return f"{message}; {proposed}" if proposed else message


class _Formatter(RawDescriptionHelpFormatter):
    """Leaves the examples as they are, and gives the explanations most of the width."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, max_help_position=16)

    def _format_args(self, action: Action, default_metavar: str) -> str:
        """Show words that are spelled out, as in `OLD NEW | PREVIEW.json`, once and as they are."""
        if isinstance(action.metavar, str) and " " in action.metavar:
            return action.metavar
        return super()._format_args(action, default_metavar)


def _sentence(summary: str) -> str:
    """Return a summary as a sentence of its own."""
    return f"{summary[:1].upper()}{summary[1:]}."


FILE: Final = "podwall.toml"
_PROJECT: Final = "pyproject.toml"


def settings_near(folder: Path) -> Path | None:
    """Return the nearest file with settings, from a folder upwards to the root of the repository.

    It is `podwall.toml`, or else a `pyproject.toml` that has a table `tool.podwall`.
    """
    for each in (folder, *folder.parents):
        if (each / FILE).is_file():
            return each / FILE
        if (each / _PROJECT).is_file() and b"[tool.podwall" in (each / _PROJECT).read_bytes():
            return each / _PROJECT
        if (each / ".git").exists():
            break
    return None
