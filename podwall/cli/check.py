"""`podwall check`: stated intent against what is computed."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from podwall.cli.command import Command
from podwall.cli.intent import add_intent
from podwall.cli.options import add_engine, add_format

__all__ = ["COMMAND"]


def _declare(parser: ArgumentParser) -> None:
    add_intent(parser)
    add_format(parser, ("text", "json"))
    add_engine(parser)
    parser.add_argument(
        "--fail-on",
        metavar="LEVEL",
        choices=("any", "error", "warning", "undetermined"),
        default="undetermined",
        help="exit with 1 on a broken expectation, whatever the level; undetermined: "
        "exit with 3 where it is not certain that one is fulfilled (default: undetermined)",
    )


def _run(options: Namespace) -> int:
    from podwall.cli.checking import show_results  # noqa: PLC0415 - help must not wait for numpy

    return show_results(options)


COMMAND = Command(
    name="check",
    summary="stated intent against what is computed: who shall, and shall not, reach whom",
    example="podwall check manifests/ expectations.yaml",
    declare=_declare,
    run=_run,
)
