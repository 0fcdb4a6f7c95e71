"""The parser of the command line, and what it offers as a command."""

from __future__ import annotations

from argparse import Action, ArgumentParser, Namespace, RawDescriptionHelpFormatter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import version

__all__ = ["Command", "command_parser"]


@dataclass(frozen=True, slots=True)
class Command:
    """One command of the command line.

    `declare` adds its arguments to a parser. `run` does the work and returns the exit code; it
    imports what it needs by itself, so that help never waits for it.
    """

    name: str
    summary: str
    example: str
    declare: Callable[[ArgumentParser], None]
    run: Callable[[Namespace], int]


_DESCRIPTION = "Who will be able to reach whom: network policies, seen before anything is deployed."
_EXIT_CODES = """\
exit codes:
  0  fine
  1  a finding, difference or broken expectation at or above --fail-on
  2  the input or the usage is wrong
  3  certainty was asked for, and a verdict is undetermined"""


def command_parser(commands: Sequence[Command]) -> ArgumentParser:
    """Return the parser of all commands; the chosen one is left in `command`."""
    parser = ArgumentParser(
        prog="podwall",
        description=_DESCRIPTION,
        epilog=f"{_EXIT_CODES}\n\n`podwall COMMAND --help` tells more, with an example.",
        formatter_class=_Formatter,
    )
    parser.add_argument("--version", action="version", version=f"podwall {version('podwall')}")
    choices = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for command in commands:
        sub = choices.add_parser(
            command.name,
            help=command.summary,
            description=_sentence(command.summary),
            epilog=f"example:\n  {command.example}",
            formatter_class=_Formatter,
        )
        command.declare(sub)
        sub.add_argument("--debug", action="store_true", help="show the traceback of an error")
        sub.set_defaults(command=command)
    return parser


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
