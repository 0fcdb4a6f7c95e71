"""`podwall preview`: plan the stack and show what it will mean."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path

from podwall.cli.command import Command
from podwall.cli.inputs import add_stack
from podwall.cli.options import add_engine, add_fail_on, add_format

__all__ = ["COMMAND"]


def _declare(parser: ArgumentParser) -> None:
    add_stack(parser)
    parser.add_argument(
        "--with",
        dest="planner",
        metavar="PLANNER",
        choices=("auto", "pulumi", "embedded"),
        default="auto",
        help="who plans: pulumi (the Pulumi CLI), embedded (no CLI, no account, no cloud), "
        "or auto: pulumi where it is installed and has the stack, else embedded (default)",
    )
    add_format(parser)
    add_engine(parser)
    add_fail_on(parser)
    parser.add_argument(
        "--out",
        metavar="DIR",
        type=Path,
        help="where manifests, plan.json and a page go, in a folder by the stack's name "
        "(default: out, in the project's folder); what the last preview left there is replaced",
    )


def _run(options: Namespace) -> int:
    from podwall.cli.previewing import show_preview  # noqa: PLC0415 - help must not wait for Pulumi

    return show_preview(options)


COMMAND = Command(
    name="preview",
    summary="plan the stack: resources, who can reach whom, warnings, and the manifests in out/",
    example="podwall preview --stack prod -o json | jq '.reachability.connections'",
    declare=_declare,
    run=_run,
)
