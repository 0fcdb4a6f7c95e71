"""The commands of the command line: their names, summaries and examples, in the order of help.

Nothing here is read, analysed, printed or declared: what a command takes stands in `declared`, and
what it does in the module of its name. Both are imported when the command is asked for, so that
help waits for neither.
"""

from __future__ import annotations

from typing import Final

from podwall.cli.parser import Command

__all__ = ["COMMANDS", "COMPLETE", "EXPORTER_ADDRESS"]


EXPORTER_ADDRESS: Final = "127.0.0.1:9797"

COMPLETE: Final = "--complete"
"""Stands before what a shell asks, in the place of a command."""

COMMANDS: Final[tuple[Command, ...]] = (
    Command(
        name="preview",
        summary="plan the stack: resources, who can reach whom, warnings, and the "
        "manifests in out/",
        example="podwall preview --stack prod -o json | jq '.reachability.connections'",
        declares="podwall.cli.declared:preview_arguments",
        does="podwall.cli.preview:show_preview",
    ),
    Command(
        name="reach",
        summary="who can reach whom, on which ports, in manifests, a preview, a stack "
        "or the program",
        example="podwall reach manifests/ -o csv",
        declares="podwall.cli.declared:reach_arguments",
        does="podwall.cli.reach:show_reach",
    ),
    Command(
        name="explain",
        summary="why a flow passes or does not: every policy and rule, and what comes nearest",
        example="podwall explain manifests/ shop/web shop/api 8080",
        declares="podwall.cli.declared:explain_arguments",
        does="podwall.cli.explain:show_explanation",
    ),
    Command(
        name="diff",
        summary="which connections a change adds, removes, widens or narrows, and by which policy",
        example="podwall diff --base main manifests/",
        declares="podwall.cli.declared:diff_arguments",
        does="podwall.cli.diff:show_changes",
    ),
    Command(
        name="check",
        summary="stated intent against what is computed: who may and who must not reach whom",
        example="podwall check manifests/ expectations.yaml",
        declares="podwall.cli.declared:check_arguments",
        does="podwall.cli.check:show_results",
    ),
    Command(
        name="lint",
        summary="findings: policies that do nothing, open too much, or are not enforced as written",
        example="podwall lint manifests/ --engine azure --fail-on warning",
        declares="podwall.cli.declared:lint_arguments",
        does="podwall.cli.lint:show_findings",
    ),
    Command(
        name="migrate",
        summary="what another network policy engine opens and closes, and the edits "
        "that keep it as is",
        example="podwall migrate manifests/ --from azure --to cilium -o yaml",
        declares="podwall.cli.declared:migrate_arguments",
        does="podwall.cli.migrate:show_migration",
    ),
    Command(
        name="import",
        summary="manifests of policies as typed Python that makes equal policies",
        example="podwall import manifests/ --out network_policies.py",
        declares="podwall.cli.declared:import_arguments",
        does="podwall.cli.import_:show_import",
    ),
    Command(
        name="suggest",
        summary="policies that open what expectations state, and nothing else, as "
        "typed Python or YAML",
        example="podwall suggest manifests/ expectations.yaml --out network_policies.py",
        declares="podwall.cli.declared:suggest_arguments",
        does="podwall.cli.suggest:show_suggestion",
    ),
    Command(
        name="verify",
        summary="prove predictions on the running cluster: temporary pods connect, and "
        "it is compared",
        example="podwall verify --context aks-dev --image REGISTRY/busybox@sha256:...",
        declares="podwall.cli.declared:verify_arguments",
        does="podwall.cli.verify:show_verification",
    ),
    Command(
        name="walkthrough",
        summary="the five steps, predicted: which client reaches the backend, and which does not",
        example="podwall walkthrough -o json",
        declares="podwall.cli.declared:walkthrough_arguments",
        does="podwall.cli.walkthrough:show_walkthrough",
    ),
    Command(
        name="init",
        summary="settings for a folder, podwall.toml, written with comments after a look at it",
        example="podwall init",
        declares="podwall.cli.declared:init_arguments",
        does="podwall.cli.settings:write_settings",
        is_set_by_files=False,
    ),
    Command(
        name="config",
        summary="what podwall.toml, or [tool.podwall] of pyproject.toml, sets, and at which line",
        example="podwall config --all",
        declares="podwall.cli.declared:config_arguments",
        does="podwall.cli.settings:show_settings",
        is_set_by_files=False,
    ),
    Command(
        name="completion",
        summary="a script that completes commands, options and workloads: bash, zsh, "
        "fish, powershell",
        example="podwall completion bash > podwall.bash",
        declares="podwall.cli.completion:arguments",
        does="podwall.cli.completion:show_script",
        is_set_by_files=False,
    ),
    Command(
        name="watch",
        summary="follow the running cluster: what each change opens and closes, and who made it",
        example="podwall watch --context aks-prod --exporter",
        declares="podwall.cli.declared:watch_arguments",
        does="podwall.cli.watch:show_watch",
        is_set_by_files=False,  # a folder must not open a port, nor narrow what is followed
    ),
)
