"""What a preview says, in the words the tests ask with."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tests.engine.workspace import Document

__all__ = ["inputs_of", "names", "operations", "step_of", "types"]


def operations(preview: Document) -> set[str]:
    """Return what is done to some resource."""
    return {str(step["op"]) for step in preview["steps"]}


def names(preview: Document, operation: str) -> set[str]:
    """Return the logical names of the resources to which `operation` is done."""
    return {_name(step) for step in _steps(preview, operation)}


def types(preview: Document, operation: str) -> set[str]:
    """Return the types of the resources to which `operation` is done."""
    return {_type(step) for step in _steps(preview, operation)}


def step_of(preview: Document, identity: str) -> Document:
    """Return the one step of the resource `type::name`, or `name` where nothing else has it."""
    ends = (f":{identity}", f"${identity}")
    (step,) = [step for step in preview["steps"] if step["urn"].endswith(ends)]
    found: Document = step
    return found


def inputs_of(preview: Document, identity: str) -> Any:
    """Return what the program asks for, for the resource `identity` as in `step_of`."""
    return step_of(preview, identity)["newState"]["inputs"]


def _steps(preview: Document, operation: str) -> Iterator[Document]:
    return (step for step in preview["steps"] if step["op"] == operation)


def _name(step: Document) -> str:
    return str(step["urn"]).rsplit("::", 1)[-1]


def _type(step: Document) -> str:
    return str(step["urn"]).split("::")[2].rsplit("$", 1)[-1]
