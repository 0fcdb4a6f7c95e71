"""`podwall explain`: why a flow passes, or does not."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from podwall.cli.command import Command
from podwall.cli.inputs import add_stack
from podwall.cli.options import add_engine, add_format

__all__ = ["COMMAND"]


def _declare(parser: ArgumentParser) -> None:
    parser.add_argument(
        "words",
        metavar="[SOURCE] FROM TO [PORT]",
        nargs="+",
        help="FROM and TO are workloads (`namespace/name`), addresses or ranges; PORT is as in "
        "`8080`, `53/udp` or `metrics`, a port name of TO (default: all ports); SOURCE is "
        "manifests, a preview or a stack (default: the Pulumi program in this folder)",
    )
    add_stack(parser)
    add_format(parser, ("text", "json", "md"))
    add_engine(parser)


def _run(options: Namespace) -> int:
    from podwall.cli.explaining import show_explanation  # noqa: PLC0415 - help is not to wait

    return show_explanation(options)


COMMAND = Command(
    name="explain",
    summary="why a flow passes or does not: every policy and rule, and what comes nearest",
    example="podwall explain manifests/ shop/web shop/api 8080",
    declare=_declare,
    run=_run,
)
