"""What a preview says, in the words the tests ask with."""

from __future__ import annotations

from typing import Any

from tests.engine.workspace import Document

__all__ = ["inputs_of", "operations", "resource_names", "step_of"]


def operations(preview: Document) -> dict[str, str]:
    """Return what is done to each resource, by its logical name."""
    return {_name(step): step["op"] for step in preview["steps"]}


def resource_names(preview: Document, operation: str) -> set[str]:
    """Return the logical names of the resources to which `operation` is done."""
    return {name for name, done in operations(preview).items() if done == operation}


def step_of(preview: Document, name: str) -> Document:
    """Return the one step of the resource with this logical name."""
    (step,) = [step for step in preview["steps"] if _name(step) == name]
    found: Document = step
    return found


def inputs_of(preview: Document, name: str) -> Any:
    """Return what the program asks for, for the resource with this logical name."""
    return step_of(preview, name)["newState"]["inputs"]


def _name(step: Document) -> str:
    return str(step["urn"]).rsplit("::", 1)[-1]
