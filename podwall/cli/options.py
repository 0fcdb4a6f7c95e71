"""Arguments that several commands share."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path

__all__ = ["FailOn", "add_engine", "add_fail_on", "add_format", "add_out"]

_ENGINES = ("spec", "azure", "calico", "cilium")


class FailOn(StrEnum):
    """The least serious thing that makes a command fail."""

    ANY = "any"
    WARNING = "warning"
    ERROR = "error"
    UNDETERMINED = "undetermined"


def add_format(parser: ArgumentParser, formats: Sequence[str] = ("text", "json")) -> None:
    """Add `-o`."""
    parser.add_argument(
        "-o",
        "--output",
        metavar="FORMAT",
        choices=formats,
        default=formats[0],
        help=f"{', '.join(formats[:-1])} or {formats[-1]} (default: {formats[0]})",
    )


def add_engine(parser: ArgumentParser) -> None:
    """Add `--engine`."""
    parser.add_argument(
        "--engine",
        metavar="ENGINE",
        choices=_ENGINES,
        help=f"who enforces the policies: {', '.join(_ENGINES)} "
        "(default: what the source declares, else spec)",
    )


def add_fail_on(parser: ArgumentParser, default: FailOn = FailOn.ERROR) -> None:
    """Add `--fail-on`."""
    parser.add_argument(
        "--fail-on",
        metavar="LEVEL",
        choices=[level.value for level in FailOn],
        default=default.value,
        help="exit with 1 on any finding, on a warning or worse, or on an error; "
        f"undetermined: exit with 3 where a verdict is not certain (default: {default.value})",
    )


def add_out(parser: ArgumentParser) -> None:
    """Add `--out` for a file that is written once and then belongs to its owner, and `--force`."""
    parser.add_argument(
        "--out",
        metavar="FILE",
        type=Path,
        help="where the policies go (default: the standard output)",
    )
    parser.add_argument("--force", action="store_true", help="replace FILE if it exists")
