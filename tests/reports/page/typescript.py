"""The types of the page's document for its scripts: `python -m tests.reports.page.typescript`.

The scripts are checked against `document.d.ts`, which is made from the dataclasses; a test fails
when the two differ.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Final, get_args, get_origin, get_type_hints

from podwall.reports.page import document

__all__ = ["FILE", "declarations"]

FILE: Final = Path(document.__file__).with_name("assets") / "document.d.ts"
_PLAIN: Final = {str: "string", int: "number", bool: "boolean", NoneType: "null"}


def declarations() -> str:
    """Return the text of `document.d.ts`."""
    head = (
        "// Made from podwall/reports/page/document.py: `python -m tests.reports.page.typescript`."
    )
    return "\n".join([head, *_interfaces()]) + "\n"


def _interfaces() -> Iterator[str]:
    for name in document.__all__:
        kind = getattr(document, name)
        if is_dataclass(kind) and isinstance(kind, type):
            hints = get_type_hints(kind)
            yield f"\nexport interface {name} {{"
            yield from (f"  {each.name}: {_written(hints[each.name])};" for each in fields(kind))
            yield "}"


def _written(hint: Any) -> str:
    """Return a Python type in TypeScript, as JSON carries it."""
    arguments = get_args(hint)
    if isinstance(hint, UnionType):
        return " | ".join(map(_written, arguments))
    if get_origin(hint) is dict:
        return f"Record<string, {_written(arguments[1])}>"
    if get_origin(hint) is tuple and arguments[-1] is Ellipsis:
        return f"{_written(arguments[0])}[]"
    if get_origin(hint) is tuple:
        return f"[{', '.join(map(_written, arguments))}]"
    return _PLAIN.get(hint) or str(hint.__name__)


if __name__ == "__main__":
    FILE.write_text(declarations(), encoding="utf-8")
