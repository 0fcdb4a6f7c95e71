"""A preview for the terminal: resources, who can reach whom, and what a person should know."""

from __future__ import annotations

from collections import Counter
from typing import Final

from rich.console import Console
from rich.text import Text

from podwall.plan.model import Change, Origin, Plan
from podwall.preview import Preview
from podwall.reports.findings_text import findings_section
from podwall.reports.reach_section import reach_section
from podwall.reports.resource_tree import resource_tree
from podwall.reports.symbols import symbols

__all__ = ["print_preview"]

_INDENT: Final = "  "


def print_preview(preview: Preview, console: Console) -> None:
    """Print a preview, as wide as the console is."""
    shown = symbols(console.encoding)
    console.print(_title(preview.plan))
    for line in resource_tree(preview.plan, console.width - len(_INDENT), shown):
        console.print(Text.assemble(_INDENT, line))
    console.print()
    for part in reach_section(preview.reachability, console, shown):
        console.print(part)
    for line in findings_section(preview.findings):
        console.print(line, soft_wrap=True)


def _title(plan: Plan) -> Text:
    count = sum(not resource.type.endswith(":Stack") for resource in plan.resources)
    made = (
        "planned by the Pulumi CLI" if plan.origin is Origin.PULUMI else "planned without a cloud"
    )
    title = Text.assemble(("Resources", "bold underline"), f"  {count} {made}")
    changes = Counter(resource.change for resource in plan.resources)
    if plan.origin is Origin.PULUMI:
        title.append(
            f": {', '.join(f'{changes[each]} {each}' for each in Change if changes[each])}"
        )
    return title
