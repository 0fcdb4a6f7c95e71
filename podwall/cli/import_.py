"""`podwall import`: NetworkPolicy manifests as typed Python."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from podwall.cli.command import Command
from podwall.cli.options import add_fail_on, add_out

__all__ = ["COMMAND"]


def _declare(parser: ArgumentParser) -> None:
    parser.add_argument(
        "source",
        metavar="SOURCE",
        help="manifests (a file, a folder, or - for the standard input), or the output of "
        "`pulumi preview --json --show-sames` or of `pulumi stack export`",
    )
    parser.add_argument(
        "--namespace",
        "-n",
        metavar="NAMESPACE",
        default="default",
        help="where policies belong that name no namespace (default: default)",
    )
    add_out(parser)
    add_fail_on(parser)


def _run(options: Namespace) -> int:
    from podwall.cli.importing import show_import  # noqa: PLC0415 - help must not wait

    return show_import(options)


COMMAND = Command(
    name="import",
    summary="NetworkPolicy manifests as typed Python that makes equal policies",
    example="podwall import manifests/ --out network_policies.py",
    declare=_declare,
    run=_run,
)
