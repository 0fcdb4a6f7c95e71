"""The arguments of each command, which the parser of the command that is asked for is given.

To the `--fail-on` of `podwall diff`, a connection that opens is an error and one that closes a
warning; the connections of workloads that are new or gone are notes, which only `any` fails on.
"""

from __future__ import annotations

from argparse import ArgumentParser, ArgumentTypeError
from pathlib import Path
from typing import TYPE_CHECKING, Final

from podwall.cli.arguments import (
    ENGINE_NAMES,
    add_closed,
    add_cluster,
    add_cluster_name,
    add_engine,
    add_expectations,
    add_fail_on,
    add_format,
    add_kubeconfig,
    add_manifests,
    add_out,
    add_source,
    add_stack,
)
from podwall.cli.commands import EXPORTER_ADDRESS
from podwall.cli.typed_options import add_comment, add_focus
from podwall.exit_code import FailOn
from podwall.policies.syntax import digits

if TYPE_CHECKING:
    from podwall.model import IpProtocol

__all__ = [
    "check_arguments",
    "config_arguments",
    "diff_arguments",
    "explain_arguments",
    "import_arguments",
    "init_arguments",
    "lint_arguments",
    "migrate_arguments",
    "preview_arguments",
    "reach_arguments",
    "suggest_arguments",
    "verify_arguments",
    "walkthrough_arguments",
    "watch_arguments",
]


def preview_arguments(parser: ArgumentParser) -> None:
    """Add the arguments of `podwall preview`."""
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
    add_cluster(parser)
    add_fail_on(parser)
    parser.add_argument(
        "--out",
        metavar="DIR",
        type=Path,
        help="where manifests, plan.json and a page go, in a folder by the stack's name "
        "(default: out, in the project's folder); what the last preview left there is replaced",
    )


def _add_flows(parser: ArgumentParser, name: str, use: str) -> None:
    parser.add_argument(
        f"--{name}",
        metavar="FILE",
        action="append",
        default=[],
        help=f"flow records of Hubble or of AKS container network logs, one a line, {use}; can be "
        "given several times, - is the standard input",
    )


def reach_arguments(parser: ArgumentParser) -> None:
    """Add the arguments of `podwall reach`."""
    add_source(parser)
    add_manifests(parser)
    add_format(parser, ("text", "json", "csv", "md", "html", "svg", "dot", "groups"))
    add_cluster(parser)
    add_focus(parser)
    parser.add_argument(
        "--format-version",
        metavar="NUMBER",
        type=int,
        choices=(1, 2),
        default=2,
        help="of `-o json`: 1 leaves out pods that are not shown (default: 2)",
    )
    _add_flows(parser, "flows", "beside what is predicted: in use and denied, open and not in use")
    add_fail_on(parser)


def explain_arguments(parser: ArgumentParser) -> None:
    """Add the arguments of `podwall explain`."""
    parser.add_argument(
        "words",
        metavar="[SOURCE ...] FROM TO [PORT]",
        nargs="*",
        help="FROM and TO are workloads (`namespace/name`), addresses or ranges, or pods that are "
        "not shown, by labels as kubectl writes them: `shop/any:role=batch` of a namespace that is "
        "shown, `any:team=x@env=dev` of others; PORT is as in "
        "`8080`, `53/udp` or `metrics`, a port name of TO (default: all ports); SOURCE is "
        "manifests, a preview or a stack (default: the Pulumi program in this folder)",
    )
    parser.add_argument(
        "--all",
        action="store_true",
        help="why every pair is open or not: the words are `[SOURCE ...] [END [PORT]]`, and END, "
        "as for `reach --focus`, is at one of the two ends",
    )
    add_stack(parser)
    add_manifests(parser)
    add_format(parser, ("text", "json", "md"))
    add_cluster(parser)


def diff_arguments(parser: ArgumentParser) -> None:
    """Add the arguments of `podwall diff`."""
    parser.add_argument(
        "sources",
        metavar="OLD NEW | PREVIEW.json | --base REF [SOURCE ...]",
        nargs="*",
        help="two sources (manifests, previews or stacks), or one preview, which holds what there "
        "is and what there will be; beside `cluster`, the running one, also a program's folder",
    )
    add_stack(parser)
    parser.add_argument(
        "--base",
        metavar="REF",
        help="compare the files and folders given, or the Pulumi program in this folder, with what "
        "they were at a commit, as in `main`: where this branch left it",
    )
    add_manifests(parser)
    add_format(parser, ("text", "json", "csv", "md", "html"))
    add_focus(parser)
    add_comment(parser)
    _intent_arguments(parser)
    parser.add_argument(
        "--out",
        metavar="DIR",
        type=Path,
        help="a folder for every report at once: comment.md, index.html, changes.json, "
        "podwall.sarif, podwall.xml, outputs.txt and annotations for build agents",
    )
    parser.add_argument(
        "--project",
        metavar="DIR",
        type=Path,
        default=Path(),
        help="where the program of a preview is, so that findings in files (--out) are found there "
        "(default: this folder)",
    )
    add_cluster(parser)
    add_fail_on(parser)


def _intent_arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--expectations",
        metavar="FILE",
        help="who may and who must not reach whom: what is broken afterwards is an error, and an "
        "opening that is stated passes",
    )
    parser.add_argument(
        "--accepted",
        metavar="FILE",
        help="openings that are meant, with the reason: they pass; what else opens is an error",
    )


def check_arguments(parser: ArgumentParser) -> None:
    """Add the arguments of `podwall check`."""
    add_expectations(parser)
    add_manifests(parser)
    add_format(parser, ("text", "json"))
    add_cluster(parser)
    parser.add_argument(
        "--fail-on",
        metavar="LEVEL",
        choices=("any", "error", "warning", "undetermined"),
        default="undetermined",
        help="exit with 1 on a broken expectation, whatever the level; undetermined: "
        "exit with 3 where it is not certain that one is fulfilled (default: undetermined)",
    )


def add_patch(parser: ArgumentParser, what: str) -> None:
    parser.add_argument(
        "--patch",
        action="store_true",
        help=f"{what} as a patch for `git apply`, instead of a report: only where it is certain "
        "what the edit does; the rest is named on the standard error",
    )


def lint_arguments(parser: ArgumentParser) -> None:
    """Add the arguments of `podwall lint`."""
    add_source(parser)
    add_manifests(parser)
    add_format(parser, ("text", "json", "sarif", "junit"))
    add_patch(parser, "what the findings propose")
    add_cluster(parser)
    add_fail_on(parser)


def migrate_arguments(parser: ArgumentParser) -> None:
    """Add the arguments of `podwall migrate`."""
    add_source(parser)
    add_manifests(parser)
    parser.add_argument(
        "--from",
        dest="old",
        metavar="ENGINE",
        choices=ENGINE_NAMES,
        help="the engine of today (default: what the source declares, else azure)",
    )
    parser.add_argument(
        "--to", dest="new", metavar="ENGINE", choices=ENGINE_NAMES, default="cilium",
        help="the engine to come (default: cilium)",
    )  # fmt: skip
    add_cluster_name(parser)
    add_closed(parser)
    add_format(parser, ("text", "json", "yaml", "py"))
    add_patch(parser, "the edits that keep connections")
    add_fail_on(parser)


def import_arguments(parser: ArgumentParser) -> None:
    """Add the arguments of `podwall import`."""
    parser.add_argument(
        "sources",
        metavar="SOURCE",
        nargs="+",
        help="manifests (a file, a folder, or - for the standard input), or the output of "
        "`pulumi preview --json --show-sames` or of `pulumi stack export`",
    )
    add_manifests(parser)
    add_cluster_name(parser)
    add_out(parser)
    add_fail_on(parser)


def suggest_arguments(parser: ArgumentParser) -> None:
    """Add the arguments of `podwall suggest`."""
    add_expectations(parser)
    add_manifests(parser)
    add_format(parser, ("py", "yaml"))
    add_out(parser)
    add_cluster(parser)
    _add_flows(parser, "from-flows", "which are kept: all words are sources then")
    parser.add_argument(
        "--baseline",
        action="store_true",
        help="close what goes between namespaces instead: all words are sources then",
    )
    parser.add_argument(
        "--rare",
        metavar="NUMBER",
        type=int,
        default=3,
        help="with --from-flows: list what was seen so often at most (default: 3)",
    )
    add_fail_on(parser, FailOn.UNDETERMINED)


def walkthrough_arguments(parser: ArgumentParser) -> None:
    """Add the arguments of `podwall walkthrough`."""
    add_format(parser)
    add_engine(parser)
    add_live_steps(parser)


def init_arguments(parser: ArgumentParser) -> None:
    """Add the arguments of `podwall init`."""
    parser.add_argument(
        "folder",
        metavar="DIR",
        nargs="?",
        type=Path,
        default=Path(),
        help="the folder to look at (default: this one)",
    )
    parser.add_argument("--force", action="store_true", help="replace podwall.toml if it exists")


def config_arguments(parser: ArgumentParser) -> None:
    """Add the arguments of `podwall config`."""
    parser.add_argument("--all", action="store_true", help="what is not set, too: the defaults")
    add_format(parser)


def watch_arguments(parser: ArgumentParser) -> None:
    """Add the arguments of `podwall watch`."""
    parser.add_argument(
        "--namespace",
        "-n",
        metavar="NAMESPACE",
        help="the only namespace that is followed (default: all)",
    )
    add_kubeconfig(parser)
    add_format(parser)
    add_engine(parser)
    parser.add_argument(
        "--exporter",
        metavar="ADDRESS:PORT",
        nargs="?",
        const=EXPORTER_ADDRESS,
        help="serve metrics for Prometheus at /metrics "
        f"(without an address: {EXPORTER_ADDRESS}, which only this machine reaches)",
    )
    parser.add_argument(
        "--verified",
        metavar="FILE",
        help="serve how many probes of this output of `podwall verify -o json` disagree, too",
    )
    parser.add_argument(
        "--seconds",
        metavar="NUMBER",
        type=float,
        help="end after so many seconds (default: follow until it is stopped)",
    )


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
    if not (number := digits(text)):
        raise ArgumentTypeError(f"`{text}` is not a whole number from 1 on")
    return number


def _protocols(text: str) -> tuple[IpProtocol, ...]:
    from podwall.model import IpProtocol  # noqa: PLC0415 - help must not wait for the model

    known = {each.lower(): each for each in IpProtocol if each is not IpProtocol.OTHER}
    unknown = [each for each in text.split(",") if each.strip().lower() not in known]
    if unknown:
        raise ArgumentTypeError(f"`{unknown[0]}` is none of {', '.join(known)}")
    return tuple(dict.fromkeys(known[each.strip().lower()] for each in text.split(",")))
