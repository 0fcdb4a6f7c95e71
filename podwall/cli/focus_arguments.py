"""The arguments that narrow an answer to what is asked for, and what they mean."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from typing import TYPE_CHECKING, Final

from podwall.policies.errors import InvalidValue

if TYPE_CHECKING:
    from podwall.focus import Focus

__all__ = ["ENDS", "add_focus", "chosen_focus"]

ENDS: Final = ("--focus", "--from", "--to")
"""The options whose values are ends of connections."""
_LATEST: Final = 2
_END: Final = (
    "a workload (`shop/api`), a namespace (`shop`), several by `*`, an address or a range, or "
    "`outside`; as often as needed"
)


def add_focus(parser: ArgumentParser) -> None:
    """Add what narrows the answer to what is asked for."""
    for option, dest, words in (
        ("--focus", "focus", "only connections with END at one of their ends"),
        ("--from", "from_ends", "only connections from END"),
        ("--to", "to_ends", "only connections to END"),
    ):
        parser.add_argument(
            option,
            dest=dest,
            metavar="END",
            action="append",
            default=[],
            help=f"{words}; {_END if option == '--focus' else 'as for --focus'}",
        )
    parser.add_argument(
        "--direction",
        metavar="DIRECTION",
        choices=("ingress", "egress"),
        help="of --focus: ingress is what comes to it, egress what it sends (default: both)",
    )
    parser.add_argument(
        "--port", metavar="PORT", help="only these ports, as in `8080`, `53/udp` or `metrics`"
    )


def chosen_focus(options: Namespace) -> Focus | None:
    """Return what is asked for, None where that is everything.

    Raises:
        InvalidValue: an older format has no place to say so, or flows are asked for as well.
    """
    words = (options.focus, options.from_ends, options.to_ends, options.direction, options.port)
    if not any(words):
        return None
    # Imported only here: help must not wait for numpy, and few ask for a part.
    from podwall.focus import Focus  # noqa: PLC0415 - as above
    from podwall.policies.rules import Direction  # noqa: PLC0415 - as above

    way = options.direction and Direction[options.direction.upper()]
    ends = (options.focus, options.from_ends, options.to_ends)
    focus, sources, destinations = map(tuple, ends)
    found = Focus(focus, way, sources, destinations, options.port or "")
    if (
        found
        and options.output == "json"
        and getattr(options, "format_version", _LATEST) != _LATEST
    ):
        raise InvalidValue(
            "the format of version 1 can't say that only a part was asked for",
            help="leave --format-version out",
        )
    if found and getattr(options, "flows", None):
        raise InvalidValue(
            "observed flows are shown as a whole", help="leave out --focus and its like, or --flows"
        )
    return found
