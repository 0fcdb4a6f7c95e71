"""`podwall migrate`: what another network policy engine changes, and the edits that keep it."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from podwall.cli.command import Command
from podwall.cli.inputs import add_source
from podwall.cli.options import add_fail_on, add_format

__all__ = ["COMMAND"]

_ENGINES = ("azure", "calico", "cilium", "none", "spec")


def _declare(parser: ArgumentParser) -> None:
    add_source(parser)
    parser.add_argument(
        "--from",
        dest="old",
        metavar="ENGINE",
        choices=_ENGINES,
        help="the engine of today (default: what the source declares, else azure)",
    )
    parser.add_argument(
        "--to", dest="new", metavar="ENGINE", choices=_ENGINES, default="cilium",
        help="the engine to come (default: cilium)",
    )  # fmt: skip
    add_format(parser, ("text", "json", "yaml", "py"))
    add_fail_on(parser)


def _run(options: Namespace) -> int:
    from podwall.cli.migrating import show_migration  # noqa: PLC0415 - help is not to wait

    return show_migration(options)


COMMAND = Command(
    name="migrate",
    summary="what another network policy engine opens and closes, and the edits that keep it as is",
    example="podwall migrate manifests/ --from azure --to cilium -o yaml",
    declare=_declare,
    run=_run,
)
