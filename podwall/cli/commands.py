"""The commands of the command line: their names, arguments and examples, in the order of help.

Nothing here reads, analyses or prints: what a command does stands in the module of its name, which
is imported when the command runs. So help never waits for numpy or Pulumi.

To the `--fail-on` of `podwall diff`, a connection that opens is an error and one that closes a
warning; the connections of workloads that are new or gone are notes, which only `any` fails on.
"""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Final

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
from podwall.cli.completion import COMPLETION
from podwall.cli.parser import Command
from podwall.cli.typed_options import add_focus, line_link, report_link
from podwall.cli.verify_arguments import add_live_steps, verify_arguments
from podwall.exit_code import FailOn

__all__ = [
    "CHECK",
    "COMMANDS",
    "COMPLETION",
    "CONFIG",
    "DIFF",
    "EXPLAIN",
    "IMPORT",
    "INIT",
    "LINT",
    "MIGRATE",
    "PREVIEW",
    "REACH",
    "SUGGEST",
    "VERIFY",
    "WALKTHROUGH",
    "WATCH",
]


EXPORTER_ADDRESS: Final = "127.0.0.1:9797"


def _preview_arguments(parser: ArgumentParser) -> None:
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


PREVIEW = Command(
    name="preview",
    summary="plan the stack: resources, who can reach whom, warnings, and the manifests in out/",
    example="podwall preview --stack prod -o json | jq '.reachability.connections'",
    declare=_preview_arguments,
    does="podwall.cli.preview:show_preview",
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


def _reach_arguments(parser: ArgumentParser) -> None:
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


REACH = Command(
    name="reach",
    summary="who can reach whom, on which ports, in manifests, a preview, a stack or the program",
    example="podwall reach manifests/ -o csv",
    declare=_reach_arguments,
    does="podwall.cli.reach:show_reach",
)


def _explain_arguments(parser: ArgumentParser) -> None:
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


EXPLAIN = Command(
    name="explain",
    summary="why a flow passes or does not: every policy and rule, and what comes nearest",
    example="podwall explain manifests/ shop/web shop/api 8080",
    declare=_explain_arguments,
    does="podwall.cli.explain:show_explanation",
)


def _diff_arguments(parser: ArgumentParser) -> None:
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
    _comment_arguments(parser)
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


def _comment_arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--subject",
        metavar="TEXT",
        help="what changes, as the comment (md) and the page (html) call it "
        "(default: the stack of a preview or state, else the last source)",
    )
    parser.add_argument(
        "--link",
        metavar="URL",
        type=report_link,
        default="",
        help="where the comment (md) says that the rest is",
    )
    parser.add_argument(
        "--line-link",
        metavar="URL",
        type=line_link,
        help="the address of a line of a file on the host, with {path} and {line}, as in "
        "https://github.com/acme/shop/blob/COMMIT/{path}#L{line}",
    )


DIFF = Command(
    name="diff",
    summary="which connections a change adds, removes, widens or narrows, and by which policy",
    example="podwall diff --base main manifests/",
    declare=_diff_arguments,
    does="podwall.cli.diff:show_changes",
)


def _check_arguments(parser: ArgumentParser) -> None:
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


CHECK = Command(
    name="check",
    summary="stated intent against what is computed: who may and who must not reach whom",
    example="podwall check manifests/ expectations.yaml",
    declare=_check_arguments,
    does="podwall.cli.check:show_results",
)


def add_patch(parser: ArgumentParser, what: str) -> None:
    parser.add_argument(
        "--patch",
        action="store_true",
        help=f"{what} as a patch for `git apply`, instead of a report: only where it is certain "
        "what the edit does; the rest is named on the standard error",
    )


def _lint_arguments(parser: ArgumentParser) -> None:
    add_source(parser)
    add_manifests(parser)
    add_format(parser, ("text", "json", "sarif", "junit"))
    add_patch(parser, "what the findings propose")
    add_cluster(parser)
    add_fail_on(parser)


LINT = Command(
    name="lint",
    summary="findings: policies that do nothing, open too much, or are not enforced as written",
    example="podwall lint manifests/ --engine azure --fail-on warning",
    declare=_lint_arguments,
    does="podwall.cli.lint:show_findings",
)


def _migrate_arguments(parser: ArgumentParser) -> None:
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


MIGRATE = Command(
    name="migrate",
    summary="what another network policy engine opens and closes, and the edits that keep it as is",
    example="podwall migrate manifests/ --from azure --to cilium -o yaml",
    declare=_migrate_arguments,
    does="podwall.cli.migrate:show_migration",
)


def _import_arguments(parser: ArgumentParser) -> None:
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


IMPORT = Command(
    name="import",
    summary="manifests of policies as typed Python that makes equal policies",
    example="podwall import manifests/ --out network_policies.py",
    declare=_import_arguments,
    does="podwall.cli.import_:show_import",
)


def _suggest_arguments(parser: ArgumentParser) -> None:
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


SUGGEST = Command(
    name="suggest",
    summary="policies that open what expectations state, and nothing else, as typed Python or YAML",
    example="podwall suggest manifests/ expectations.yaml --out network_policies.py",
    declare=_suggest_arguments,
    does="podwall.cli.suggest:show_suggestion",
)


VERIFY = Command(
    name="verify",
    summary="prove predictions on the running cluster: temporary pods connect, and it is compared",
    example="podwall verify --context aks-dev --image REGISTRY/busybox@sha256:...",
    declare=verify_arguments,
    does="podwall.cli.verify:show_verification",
)


def _walkthrough_arguments(parser: ArgumentParser) -> None:
    add_format(parser)
    add_engine(parser)
    add_live_steps(parser)


WALKTHROUGH = Command(
    name="walkthrough",
    summary="the five steps, predicted: which client reaches the backend, and which does not",
    example="podwall walkthrough -o json",
    declare=_walkthrough_arguments,
    does="podwall.cli.walkthrough:show_walkthrough",
)


def _init_arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "folder",
        metavar="DIR",
        nargs="?",
        type=Path,
        default=Path(),
        help="the folder to look at (default: this one)",
    )
    parser.add_argument("--force", action="store_true", help="replace podwall.toml if it exists")


INIT = Command(
    name="init",
    summary="settings for a folder, podwall.toml, written with comments after a look at it",
    example="podwall init",
    declare=_init_arguments,
    does="podwall.cli.init:write_settings",
    is_set_by_files=False,
)


def _config_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--all", action="store_true", help="what is not set, too: the defaults")
    add_format(parser)


CONFIG = Command(
    name="config",
    summary="what podwall.toml, or [tool.podwall] of pyproject.toml, sets, and at which line",
    example="podwall config --all",
    declare=_config_arguments,
    does="podwall.cli.config:show_settings",
    is_set_by_files=False,
)


def _watch_arguments(parser: ArgumentParser) -> None:
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


WATCH = Command(
    name="watch",
    summary="follow the running cluster: what each change opens and closes, and who made it",
    example="podwall watch --context aks-prod --exporter",
    declare=_watch_arguments,
    does="podwall.cli.watch:show_watch",
    is_set_by_files=False,  # a folder must not open a port, nor narrow what is followed
)


COMMANDS: Final[tuple[Command, ...]] = (
    PREVIEW,
    REACH,
    EXPLAIN,
    DIFF,
    CHECK,
    LINT,
    MIGRATE,
    IMPORT,
    SUGGEST,
    VERIFY,
    WALKTHROUGH,
    INIT,
    CONFIG,
    COMPLETION,
    WATCH,
)
