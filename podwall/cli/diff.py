"""`podwall diff`: what a change does to who can reach whom.

`-o md` is the comment for a pull request, `-o html` a page with both states and their difference;
`--out` writes these and what build servers read, also where there is nothing to compare because
the input can't be read: then the comment says so.

To `--fail-on`, a connection that opens is an error and one that closes a warning; the connections
of workloads that are new or gone are notes, which only `any` fails on.
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path

from podwall.cli.command import Command
from podwall.cli.options import add_engine, add_fail_on, add_format

__all__ = ["COMMAND"]


def _declare(parser: ArgumentParser) -> None:
    parser.add_argument(
        "sources",
        metavar="OLD NEW | PREVIEW.json",
        nargs="+",
        help="two sources (manifests, previews or stacks), or one preview, "
        "which holds what there is and what there will be",
    )
    add_format(parser, ("text", "json", "csv", "md", "html"))
    parser.add_argument(
        "--subject",
        metavar="TEXT",
        help="what changes, as the comment (md) and the page (html) call it "
        "(default: the stack of a preview or state, else the last source)",
    )
    parser.add_argument(
        "--link", metavar="URL", default="", help="where the comment (md) says that the rest is"
    )
    parser.add_argument(
        "--expectations",
        metavar="FILE",
        help="who shall, and shall not, reach whom: what is broken afterwards is an error",
    )
    parser.add_argument(
        "--out",
        metavar="DIR",
        type=Path,
        help="a folder for every report at once: comment.md, index.html, changes.json, "
        "podwall.sarif, podwall.xml and outputs.txt",
    )
    parser.add_argument(
        "--project",
        metavar="DIR",
        type=Path,
        default=Path(),
        help="where the program of a preview is, so that findings in files (--out) are found there "
        "(default: this folder)",
    )
    add_engine(parser)
    add_fail_on(parser)


def _run(options: Namespace) -> int:
    from podwall.cli.differing import show_changes  # noqa: PLC0415 - help must not wait for numpy

    return show_changes(options)


COMMAND = Command(
    name="diff",
    summary="which connections a change adds, removes, widens or narrows, and by which policy",
    example="podwall diff main/manifests/ manifests/ --fail-on error",
    declare=_declare,
    run=_run,
)
