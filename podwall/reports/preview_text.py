"""A preview for the terminal: resources, who can reach whom, and what a person should know."""

from __future__ import annotations

import sys
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
from podwall.reports.terminal import line_width

__all__ = ["print_preview"]

_INDENT: Final = "  "
_MOST_ALIKE: Final = 20
"""So many alike resources are shown to a person; a file has them all, and so has `plan.json`."""
_WORDS: Final = {change: f"to {change}" for change in Change} | {Change.SAME: "unchanged"}


def print_preview(preview: Preview, console: Console) -> None:
    """Print a preview, as wide as the console is."""
    shown = symbols(console.encoding)
    console.print(_title(preview.plan))
    most = _MOST_ALIKE if console.is_terminal else sys.maxsize
    for line in resource_tree(preview.plan, console.width - len(_INDENT), shown, most):
        console.print(Text.assemble(_INDENT, line))
    console.print()
    for part in reach_section(preview.reachability, console, shown):
        console.print(part)
    for line in findings_section(preview.findings, line_width(console)):
        console.print(line, soft_wrap=True)


def _title(plan: Plan) -> Text:
    """Say how many resources there are, and what happens to them if that is not all the same."""
    resources = [each for each in plan.resources if each.type != "pulumi:pulumi:Stack"]
    changes = Counter(each.change for each in resources)
    counted = ", ".join(f"{changes[each]} {_WORDS[each]}" for each in Change if changes[each])
    made = {
        Origin.PULUMI: f"planned by the Pulumi CLI: {counted}",
        Origin.EMBEDDED: "planned without a cloud",
    }[plan.origin]
    return Text.assemble(("Resources", "bold underline"), f"  {len(resources)} {made}")
