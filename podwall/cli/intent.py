"""The words of commands that hold a source against expectations."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import TYPE_CHECKING

from podwall.cli.inputs import add_stack
from podwall.policies.errors import InvalidValue

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["add_intent", "source_and_expectations"]


def add_intent(parser: ArgumentParser) -> None:
    """Add `[SOURCE] EXPECTATIONS.yaml`, and `--stack` for the source that is a program."""
    parser.add_argument(
        "words",
        metavar="[SOURCE] EXPECTATIONS.yaml",
        nargs="+",
        help="the file that says who shall, and shall not, reach whom; SOURCE is manifests, a "
        "preview or a stack (default: the Pulumi program in this folder)",
    )
    add_stack(parser)


def source_and_expectations(words: Sequence[str], command: str) -> tuple[str | None, str]:
    """Return the source, which may be left out, and the file of expectations.

    Raises:
        InvalidValue: there are more words, or only a folder, which is no file of expectations.
    """
    example = f"as in `podwall {command} manifests/ expectations.yaml`"
    match words:
        case [path] if Path(path).is_dir():
            raise InvalidValue(
                f"`{path}` is a folder, and {command} also needs a file of expectations",
                help=example,
            )
        case [path]:
            return None, path
        case [source, path]:
            return source, path
        case _:
            raise InvalidValue(f"{command} takes one or two words, not {len(words)}", help=example)
