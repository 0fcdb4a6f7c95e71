"""The source that commands read: a path, the standard input, or the program in this folder."""

from __future__ import annotations

import gc
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from podwall.cli.talk import progress, tell

if TYPE_CHECKING:
    from podwall.policies.findings import Finding
    from podwall.sources import Source

__all__ = ["add_source", "add_stack", "paused_collector", "read_source", "tell_findings"]

MOST_TOLD: Final = 10


def add_source(parser: ArgumentParser) -> None:
    """Add `SOURCE`, and `--stack` for the source that is a program."""
    parser.add_argument(
        "source",
        metavar="SOURCE",
        nargs="?",
        help="manifests (a file, a folder, or - for the standard input), the output of "
        "`pulumi preview --json --show-sames` or of `pulumi stack export` "
        "(default: the Pulumi program in this folder)",
    )
    add_stack(parser)


def add_stack(parser: ArgumentParser) -> None:
    """Add `--stack`, for commands that plan a program."""
    parser.add_argument(
        "--stack", "-s", metavar="STACK", help="the program's stack (default: dev, or the only one)"
    )


def read_source(options: Namespace) -> Source:
    """Return the source that the options name.

    Raises:
        SourceError: there is nothing to read there.
    """
    from podwall.sources import source  # noqa: PLC0415 - help must not wait for the readers

    with progress("reading"):
        return _program(options) if options.source is None else source(options.source)


def _program(options: Namespace) -> Source:
    from podwall.plan.documents import unseen_objects  # noqa: PLC0415 - only a program needs it
    from podwall.planners import Planner, planned  # noqa: PLC0415 - only a program needs it
    from podwall.sources import Source, SourceKind, stage_of  # noqa: PLC0415 - as above

    plan = planned(Path.cwd(), options.stack, Planner.EMBEDDED, tell)
    findings = (*plan.warnings, *unseen_objects(plan))
    return Source(SourceKind.PROGRAM, plan.project, stage_of(plan), findings=findings)


def tell_findings(findings: Sequence[Finding]) -> None:
    """Say what was found while reading: the first few, and how many more there are."""
    for finding in findings[:MOST_TOLD]:
        tell(f"{finding}")
    if len(findings) > MOST_TOLD:
        tell(f"and {len(findings) - MOST_TOLD} more findings: see `podwall lint`")


@contextmanager
def paused_collector() -> Iterator[None]:
    """Keep Python's cycle collector from looking at millions of values that all stay."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
