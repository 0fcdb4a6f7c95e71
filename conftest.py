"""Executes the code blocks of README.md and docs/ (see tests/docs/console.py)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import yaml
from sybil import Sybil
from sybil.parsers.markdown import CodeBlockParser, PythonCodeBlockParser

from tests.docs.console import check, commands

if TYPE_CHECKING:
    from sybil import Example


class ConsoleBlocks(CodeBlockParser):
    """Shell sessions with their output."""

    language = "console"

    def evaluate(self, example: Example) -> str | None:
        """Run each command; a difference is the failure message."""
        wrong = [error for command in commands(str(example.parsed)) if (error := check(command))]
        return "\n".join(wrong) or None


class YamlBlocks(CodeBlockParser):
    """YAML documents, which must at least be YAML."""

    language = "yaml"

    def evaluate(self, example: Example) -> str | None:
        """Parse every document of the block."""
        list(yaml.safe_load_all(str(example.parsed)))
        return None


pytest_collect_file = Sybil(
    parsers=[PythonCodeBlockParser(), ConsoleBlocks(), YamlBlocks()],
    patterns=["README.md", "docs/**/*.md", "docs/*.md"],
).pytest()
