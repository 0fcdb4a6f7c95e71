"""The commands of the command line, in the order in which help lists them."""

from __future__ import annotations

from typing import Final

from podwall.cli import (
    check,
    diff,
    explain,
    import_,
    lint,
    migrate,
    preview,
    reach,
    suggest,
    walkthrough,
)
from podwall.cli.command import Command

__all__ = ["COMMANDS"]

COMMANDS: Final[tuple[Command, ...]] = (
    preview.COMMAND,
    reach.COMMAND,
    explain.COMMAND,
    diff.COMMAND,
    check.COMMAND,
    lint.COMMAND,
    migrate.COMMAND,
    import_.COMMAND,
    suggest.COMMAND,
    walkthrough.COMMAND,
)
