"""A plan as a tree of its resources, for the terminal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from rich.table import Table
from rich.text import Text

from podwall.plan.model import Origin, Plan, PlannedResource
from podwall.plan.unknowns import kind_of
from podwall.reports.resource_summary import resource_summary
from podwall.reports.symbols import CHANGES, Symbols

__all__ = ["resource_tree"]

Children = Mapping[str | None, Sequence[PlannedResource]]


def resource_tree(plan: Plan, symbols: Symbols) -> Table:
    """Return the resources of a plan under their parents, in the order of the program.

    A plan of the Pulumi CLI tells what happens to each of them; an embedded one makes them all.
    """
    changes = plan.origin is Origin.PULUMI
    table = Table.grid(padding=(0, 2))
    for _ in range(2 if changes else 1):
        table.add_column(no_wrap=True)
    table.add_column(ratio=1)
    for row in _rows(_children(plan), None, "", symbols):
        mark, style = CHANGES[row.resource.change] if changes else ("", "")
        name = Text.assemble((row.guide, "dim"), (f"{_kind(row.resource)} ", "bold"))
        cells = (name.append(row.resource.name), _details(row.resource))
        table.add_row(*((Text(mark, style), *cells) if changes else cells))
    return table


class _Row(NamedTuple):
    guide: str
    resource: PlannedResource


def _children(plan: Plan) -> Children:
    """Return the resources by their parents; None has those whose parent is not in the plan."""
    urns = {resource.urn for resource in plan.resources}
    found: dict[str | None, list[PlannedResource]] = {}
    for resource in plan.resources:
        found.setdefault(resource.parent if resource.parent in urns else None, []).append(resource)
    return found


def _rows(children: Children, parent: str | None, stem: str, symbols: Symbols) -> Iterator[_Row]:
    """Yield a parent's children, each followed by what is under it."""
    below = children.get(parent, ())
    for resource in below:
        last = resource is below[-1]
        branch = "" if parent is None else symbols.last_branch if last else symbols.branch
        yield _Row(f"{stem}{branch}", resource)
        inner = "" if parent is None else " " * len(symbols.stem) if last else symbols.stem
        yield from _rows(children, resource.urn, f"{stem}{inner}", symbols)


def _kind(resource: PlannedResource) -> str:
    """Return the last word of a type, except of a provider's, where it is the first that counts."""
    provider = resource.type.startswith("pulumi:providers:")
    return "Provider" if provider else kind_of(resource.type)


def _details(resource: PlannedResource) -> Text:
    protected = Text("protected", "bold") if resource.protect else Text()
    replaced = ", ".join(resource.replaced_by)
    parts = [
        protected,
        Text(resource_summary(resource), "dim"),
        Text(f"replaced because of {replaced}" if replaced else "", "bold magenta"),
    ]
    return Text(", ", "dim").join([part for part in parts if part])
