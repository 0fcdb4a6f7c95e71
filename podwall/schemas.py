"""The JSON schemas of what podwall reads and writes, made from the types that read and write it.

`python -m podwall.schemas docs/schemas` writes them; a test fails where a file says anything else.
A struct describes itself by the first paragraph of its docstring. What no type can say, such as one
field that needs another, is its `schema_rules`.
"""

from __future__ import annotations

import inspect
import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import msgspec

from podwall.sources.expectations import ExpectationsDocument

__all__ = ["SCHEMAS", "schema", "schema_text"]

SCHEMAS: Final[Mapping[str, Any]] = {
    "expectations": ExpectationsDocument,
}


def schema(name: str) -> dict[str, Any]:
    """Return the JSON schema of a document, in the draft of 2020-12.

    >>> schema("expectations")["required"]
    ['expectations']
    """
    type_ = SCHEMAS[name]
    (root,), parts = msgspec.json.schema_components([type_], ref_template="#/$defs/{name}")
    defs = {each: _part(_struct(each), part) for each, part in parts.items()}
    whole = defs.pop(root["$ref"].rpartition("/")[2]) if "$ref" in root else root
    title = getattr(getattr(type_, "__struct_config__", None), "tag", None) or f"podwall {name}"
    draft = "https://json-schema.org/draft/2020-12/schema"
    return {"$schema": draft, "title": title, **whole, "$defs": defs}


def schema_text(name: str) -> str:
    """Return the JSON schema of a document as it stands in its file."""
    return f"{json.dumps(schema(name), indent=2, ensure_ascii=False)}\n"


def _part(struct: Any, part: Mapping[str, Any]) -> dict[str, Any]:
    about = " ".join((inspect.getdoc(struct) or "").partition("\n\n")[0].split())
    rules = getattr(struct, "schema_rules", {})
    return {"description": about, **{k: v for k, v in part.items() if k not in _NAMES}, **rules}


_NAMES: Final = {"title", "description"}


def _struct(name: str) -> Any:
    """Return the struct, or the enumeration, of a name."""
    return next((found for found in _subclasses(msgspec.Struct) if found.__name__ == name), None)


def _subclasses(class_: type[Any]) -> Iterator[type[Any]]:
    for inner in class_.__subclasses__():
        yield inner
        yield from _subclasses(inner)


if __name__ == "__main__":
    for file in SCHEMAS:
        Path(sys.argv[1], f"{file}.schema.json").write_text(schema_text(file), "utf-8")
