"""What was typed: options that would change nothing, which are refused, and the words of a source.

Who types an option expects something of it; where it does nothing, the answer would not be what it
seems. What a settings file says is no such word: it is said once for many commands.
"""

from __future__ import annotations

import shlex
from argparse import Namespace
from collections.abc import Callable, Iterator
from typing import Any, Final, NamedTuple

from podwall.policies.errors import InvalidValue

__all__ = ["refuse_idle_options", "source_words"]


class _Need(NamedTuple):
    """An option, what it needs, in words and as a question, and what to do without it."""

    option: str
    needs: str
    is_met: Callable[[Namespace], bool]
    help: str = ""

    @property
    def key(self) -> str:
        """The name that the option's value has."""
        return self.option.removeprefix("--").replace("-", "_")


def _writes(*formats: str) -> Callable[[Namespace], bool]:
    """Return the question if one of the formats is written; `--out` of a change writes all."""

    def is_written(options: Namespace) -> bool:
        all_at_once = options.command.name == "diff" and options.out is not None
        return all_at_once or options.output in formats

    return is_written


def _has(key: str) -> Callable[[Namespace], bool]:
    return lambda options: bool(getattr(options, key, None))


def _plans_a_program(options: Namespace) -> bool:
    sources = getattr(options, "sources", None)
    return options.command.name == "diff" or not sources


_NEEDS: Final = (
    _Need("--raw-cells", "is about `-o csv`", lambda options: options.output == "csv"),
    _Need("--format-version", "is about `-o json`", lambda options: options.output == "json"),
    _Need("--subject", "is about the comment and the page", _writes("md", "html")),
    _Need("--link", "is about the comment", _writes("md"), "add `-o md`, or --out"),
    _Need("--line-link", "is about the comment", _writes("md"), "add `-o md`, or --out"),
    _Need("--direction", "is that of --focus", _has("focus"), "name the workload with --focus"),
    _Need("--force", "replaces what --out names", _has("out"), "add --out, or leave it out"),
    _Need(
        "--stack",
        "chooses the stack of a program, and something else is what is read",
        _plans_a_program,
        "leave SOURCE out to plan the program in this folder",
    ),
)


def refuse_idle_options(options: Namespace) -> None:
    """Stop where an option was typed that changes nothing.

    Raises:
        InvalidValue: there is one.
    """
    for need in _typed(options):
        if not need.is_met(options):
            given = f"-o {options.output}" if need.needs.startswith("is about") else ""
            instead = f", and this is `{given}`" if given else ""
            raise InvalidValue(f"{need.option} {need.needs}{instead}", help=need.help)


def _typed(options: Namespace) -> Iterator[_Need]:
    """Yield the needs of the options whose values are not those that the parser starts with."""
    known: dict[str, Any] = vars(options)
    for need in _NEEDS:
        is_there = need.key in known and not (need.option == "--force" and "out" not in known)
        if is_there and known[need.key] != options.parser.get_default(need.key):
            yield need


def source_words(options: Namespace) -> str:
    """Return the words that say what is read, to be repeated in a command that is proposed."""
    sources = list(getattr(options, "sources", None) or ())
    if sources == (getattr(options, "default_sources", None) or ()):
        sources = []
    stack = getattr(options, "stack", None)
    return shlex.join([*sources, *(["--stack", stack] if stack and not sources else [])])
