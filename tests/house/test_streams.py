"""Only one module writes to a stream, so that nothing reaches a terminal or a log as it is."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
WRITER = "podwall/streams.py"
NAMES = {
    "sys.stdout",
    "sys.stderr",
    "sys.__stdout__",
    "sys.__stderr__",
    "traceback.print_exc",
    "traceback.print_exception",
    "os.write",
}
LAST = {name.rpartition(".")[2] for name in NAMES}
ALLOWED = {
    ("podwall/cli/__init__.py", "sys.stdout"): "gives up a pipe that nobody reads",
    ("podwall/reports/screen.py", "sys.stdout"): "what is printed passes the shown stream",
}


def used(text: str) -> Iterator[str]:
    """Yield what a module names of the streams, and its calls of `print`."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Attribute) and node.attr in LAST and ast.unparse(node) in NAMES:
            yield ast.unparse(node)
        if isinstance(node, ast.ImportFrom) and node.module in {"sys", "traceback"}:
            yield from (f"{node.module}.{each.name}" for each in node.names)
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Name)
            and node.func.id == "print"
        ):
            yield "print"


def test_no_other_module_writes_to_a_stream() -> None:
    found = {
        (path.relative_to(ROOT).as_posix(), name)
        for path in sorted((ROOT / "podwall").rglob("*.py"))
        for name in used(path.read_text("utf-8"))
        if path.relative_to(ROOT).as_posix() != WRITER
    }
    assert found == set(ALLOWED)


@pytest.mark.parametrize(
    "text",
    ["import sys\nsys.stdout.write('a')", "print('a')", "from sys import stderr"],
)
def test_a_second_writer_is_found(text: str) -> None:
    assert list(used(text))
