"""The arguments of `podwall verify`."""

from __future__ import annotations

from argparse import ArgumentParser, ArgumentTypeError
from typing import TYPE_CHECKING, Final

from podwall.cli.arguments import add_cluster, add_format, add_kubeconfig, add_manifests, add_stack

if TYPE_CHECKING:
    from podwall.model import IpProtocol

__all__ = ["add_live_steps", "verify_arguments"]


def verify_arguments(parser: ArgumentParser) -> None:
    """Add the arguments of `podwall verify`."""
    parser.add_argument(
        "sources",
        metavar="SOURCE",
        nargs="*",
        help="what is predicted from: manifests, a preview or a stack "
        "(default: the running cluster's own policies)",
    )
    add_stack(parser)
    add_manifests(parser)
    add_cluster(parser)
    add_format(parser, ("text", "json", "junit", "tap", "sarif"))
    _add_image(parser)
    parser.add_argument(
        "--exec",
        dest="existing",
        action="store_true",
        help="execute the attempts in pods that exist, and make none; their images need `sh`, "
        "`env` and `nc`",
    )
    _add_choice(parser)
    _add_extent(parser)
    _add_ways(parser)
    doing = parser.add_mutually_exclusive_group()
    doing.add_argument(
        "--dry-run", action="store_true", help="list what would be probed, and make nothing"
    )
    doing.add_argument(
        "--export",
        metavar="TOOL",
        choices=("netassert",),
        help="write what would be probed as tests of another tool, netassert, and make nothing",
    )
    doing.add_argument(
        "--cleanup", action="store_true", help="only remove what earlier runs left behind"
    )


def add_live_steps(parser: ArgumentParser) -> None:
    """Add what lets the walkthrough be tried on a running cluster."""
    parser.add_argument(
        "--live",
        action="store_true",
        help="try the steps on the running cluster, in namespaces that are removed at the end",
    )
    add_kubeconfig(parser)
    _add_image(parser)


def _add_image(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--image",
        metavar="IMAGE",
        default=_IMAGE,
        help="of the temporary pods, with `sh`, `nc` and `nslookup` as busybox has them, best by "
        "its digest (default: busybox 1.36.1 of Docker Hub, by its digest)",
    )


#: An index for all architectures: who builds the tag anew puts no other image in its place.
_IMAGE: Final = (
    "docker.io/library/busybox:1.36.1"
    "@sha256:73aaf090f3d85aa34ee199857f03fa3a95c8ede2ffd4cc2cdb5b94e566b11662"
)


def _add_choice(parser: ArgumentParser) -> None:
    """Add which pairs are probed."""
    chosen = parser.add_mutually_exclusive_group()
    chosen.add_argument(
        "--changed", metavar="PREVIEW", help="probe the pairs that this preview touches"
    )
    chosen.add_argument(
        "--expectations", metavar="FILE", help="probe the pairs that these expectations state"
    )


def _add_extent(parser: ArgumentParser) -> None:
    """Add how much is probed, and in which ways."""
    parser.add_argument(
        "--max-probes",
        metavar="NUMBER",
        type=_positive,
        default=200,
        help="so many at most, of all kinds in turns (default: 200)",
    )
    parser.add_argument(
        "--seed",
        metavar="NUMBER",
        type=int,
        default=0,
        help="chooses among what is alike; the same chooses the same (default: 0)",
    )
    parser.add_argument(
        "--parallel",
        metavar="NUMBER",
        type=_positive,
        default=8,
        help="so many temporary pods run at a time, at most (default: 8)",
    )


def _add_ways(parser: ArgumentParser) -> None:
    """Add over which protocols, and by which addresses, is probed."""
    parser.add_argument(
        "--protocols",
        metavar="NAMES",
        type=_protocols,
        default="tcp,udp",
        help="over which is probed: tcp, udp, sctp, separated by commas (default: tcp,udp)",
    )
    parser.add_argument(
        "--services",
        action="store_true",
        help="try what is probed by the addresses of services as well, where they lead to it",
    )
    parser.add_argument(
        "--outside",
        action="store_true",
        help="also connect from this machine to the node ports and load balancers of services",
    )


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise ArgumentTypeError(f"`{text}` is not a whole number from 1 on")
    return int(text)


def _protocols(text: str) -> tuple[IpProtocol, ...]:
    from podwall.model import IpProtocol  # noqa: PLC0415 - help must not wait for the model

    known = {each.lower(): each for each in IpProtocol if each is not IpProtocol.OTHER}
    unknown = [each for each in text.split(",") if each.strip().lower() not in known]
    if unknown:
        raise ArgumentTypeError(f"`{unknown[0]}` is none of {', '.join(known)}")
    return tuple(dict.fromkeys(known[each.strip().lower()] for each in text.split(",")))
