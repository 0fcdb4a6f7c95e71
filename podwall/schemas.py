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
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

import msgspec

from podwall.cli.settings_file import settings_document
from podwall.plan.plan_json import PlanDocument
from podwall.reports.change_files import WatchDocument
from podwall.reports.changes import ChangesDocument, MigrationDocument
from podwall.reports.expectations import CheckDocument, ObservedDocument
from podwall.reports.explanation import ExplanationsDocument
from podwall.reports.findings.documents import LintDocument
from podwall.reports.preview import PreviewDocument
from podwall.reports.reach.documents import (
    ReachDocument,
    ReachDocumentV1,
    ReachGroupsDocument,
)
from podwall.reports.verification import (
    LiveWalkthroughDocument,
    ProbePlanDocument,
    VerificationDocument,
    WalkthroughDocument,
)
from podwall.sources.expectations import AcceptedDocument, ExpectationsDocument

__all__ = ["SCHEMAS", "schema", "schema_text"]

SCHEMAS: Final[Mapping[str, Any]] = {
    "settings": settings_document(),
    "accepted": AcceptedDocument,
    "check": CheckDocument,
    "diff": ChangesDocument,
    "expectations": ExpectationsDocument,
    "explain": ExplanationsDocument,
    "lint": LintDocument,
    "migrate": MigrationDocument,
    "observed": ObservedDocument,
    "plan": PlanDocument,
    "preview": PreviewDocument,
    "probes": ProbePlanDocument,
    "reach": ReachDocument,
    "reach-groups": ReachGroupsDocument,
    "reach-v1": ReachDocumentV1,
    "verify": VerificationDocument,
    "walkthrough": WalkthroughDocument,
    "walkthrough-live": LiveWalkthroughDocument,
    "watch": WatchDocument,
}


def schema(name: str) -> dict[str, Any]:
    """Return the JSON schema of a document, in the draft of 2020-12.

    >>> schema("expectations")["required"]
    ['expectations']
    """
    type_ = SCHEMAS[name]
    (root,), parts = msgspec.json.schema_components([type_], ref_template="#/$defs/{name}")
    defs = {each: _part(each, part) for each, part in parts.items()}
    whole = defs.pop(root["$ref"].rpartition("/")[2]) if "$ref" in root else root
    title = getattr(getattr(type_, "__struct_config__", None), "tag", None) or f"podwall {name}"
    draft = "https://json-schema.org/draft/2020-12/schema"
    return {"$schema": draft, "title": title, **whole, "$defs": defs}


def schema_text(name: str) -> str:
    """Return the JSON schema of a document as it stands in its file."""
    return f"{_laid_out(schema(name), '')}\n"


def _laid_out(value: Any, indent: str) -> str:
    """Return a value as JSON, on one line where that is short."""
    line = json.dumps(value, ensure_ascii=False)
    if len(indent) + len(line) <= _WIDTH or not isinstance(value, dict | list):
        return line
    inner = f"{indent}  "
    if isinstance(value, dict):
        parts = [f"{json.dumps(key)}: {_laid_out(each, inner)}" for key, each in value.items()]
        start, end = "{", "}"
    else:
        parts, start, end = [_laid_out(each, inner) for each in value], "[", "]"
    between = f",\n{inner}"
    return f"{start}\n{inner}{between.join(parts)}\n{indent}{end}"


_WIDTH: Final = 116


def _part(name: str, part: Mapping[str, Any]) -> dict[str, Any]:
    named = (each for each in _subclasses(msgspec.Struct, StrEnum) if each.__name__ == name)
    class_ = next(named)
    about = " ".join((inspect.getdoc(class_) or "").partition("\n\n")[0].split())
    rest = {key: each for key, each in part.items() if key not in {"title", "description"}}
    return {"description": about, **rest, **getattr(class_, "schema_rules", {})}


def _subclasses(*classes: type[Any]) -> Iterator[type[Any]]:
    for each in classes:
        yield from each.__subclasses__()
        yield from _subclasses(*each.__subclasses__())


if __name__ == "__main__":
    for file in SCHEMAS:
        Path(sys.argv[1], f"{file}.schema.json").write_text(schema_text(file), "utf-8")
