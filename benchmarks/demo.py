"""Builds pages to look at into `out/demo/`: of the stacks, of 500 workloads, and of a change."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.company import company
from podwall.diff import diff
from podwall.lint import lint, ranked
from podwall.planners import Planner, program_source
from podwall.reachability import reachability
from podwall.reports.comment import change_report, change_sentence, comment
from podwall.reports.page import html_page
from podwall.reports.reach.picture import reach_svg
from podwall.review import review

if TYPE_CHECKING:
    from collections.abc import Iterator

    from podwall.model import Snapshot

FOLDER = Path("out", "demo")


def pages() -> Iterator[tuple[str, str]]:
    """Yield each file's name with its text."""
    for stack in ("dev", "prod"):
        yield from stack_pages(stack)
    large = reachability(company())
    findings = ranked(lint(large))
    yield "company.html", html_page(large, "a company of 500 workloads", findings=findings)
    yield "company.svg", reach_svg(large)
    yield from change_pages(company(6, 8))


def stack_pages(stack: str) -> Iterator[tuple[str, str]]:
    """Yield the page and the picture of a stack of this repository."""
    seen = review(program_source(Path.cwd(), stack, Planner.EMBEDDED, lambda _: None))
    page = html_page(seen.reachability, f"stack {stack}", findings=seen.findings)
    yield f"{stack}.html", page
    yield f"{stack}.svg", reach_svg(seen.reachability)


def change_pages(before: Snapshot) -> Iterator[tuple[str, str]]:
    """Yield the page and the comment of a change: a team drops its policies, another begins."""
    kept = [each for each in before.policies if each.namespace != "billing"]
    new = [replace(each, namespace="docs") for each in kept if each.namespace == "auth"]
    after = replace(before, policies=(*kept, *new))
    difference = diff(reachability(before), reachability(after))
    report = change_report(difference, "a company of 48 workloads")
    said = change_sentence(report)
    page = html_page(difference.new, report.subject, before=difference.old, change=said)
    yield "change.html", page
    yield "change.md", comment(report)


def main() -> None:
    """Write the files, and say where."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, text in pages():
        (FOLDER / name).write_text(text, encoding="utf-8")
        sys.stdout.write(f"{FOLDER / name}  {len(text) // 1000:,} kB\n")


if __name__ == "__main__":
    main()
