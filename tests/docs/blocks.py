"""Executes the code blocks of a Markdown document."""

from __future__ import annotations

from pathlib import Path

import yaml
from sybil import Example, Sybil
from sybil.parsers.markdown import CodeBlockParser, PythonCodeBlockParser

from tests.docs.console import check, commands


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


SYBIL = Sybil(parsers=[PythonCodeBlockParser(), ConsoleBlocks(), YamlBlocks()])


def run_blocks(document: Path) -> None:
    """Execute every block of a document, from top to bottom, in one namespace."""
    for example in SYBIL.parse(document).examples():
        example.evaluate()
