"""What `podwall import` does: read, write as Python, and say what could not be kept."""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Sequence

from podwall.cli.arguments import paused_collector, read_source
from podwall.cli.messages import write_finding, write_message
from podwall.exit_code import FailOn, exit_code
from podwall.policies import Finding, NetworkPolicy, Severity
from podwall.policies.errors import Place, SourceError
from podwall.python_code import policies_module
from podwall.reading import typed_policies
from podwall.reports.output_folder import write_file
from podwall.reports.words import counted
from podwall.sources import Source
from podwall.sources.yaml_documents import unkept_comments

__all__ = ["show_import"]


_HEADLINE = "Network policies, imported from Kubernetes manifests."


def show_import(options: Namespace) -> int:
    """Write the policies of the source as a Python module, and return the exit code."""
    with paused_collector():
        source = read_source(options)
        policies, findings = _read(source, options.namespace)
    for finding in findings:
        write_finding(finding)
    if policies:
        _write(policies_module(policies, _HEADLINE), policies, options)
    elif not any(each.severity is Severity.ERROR for each in findings):
        raise _nothing_in(source)
    return exit_code(FailOn(options.fail_on), findings, certain=True)


def _read(source: Source, namespace: str) -> tuple[list[NetworkPolicy], list[Finding]]:
    found = typed_policies(source.planned.documents, namespace)
    places = (place for _, place in found.policies)
    findings = [
        *source.findings,
        *source.at_lines(found.findings),
        *unkept_comments(places, source.texts),
    ]
    return [policy for policy, _ in found.policies], findings


def _write(text: str, policies: Sequence[NetworkPolicy], options: Namespace) -> None:
    if options.out is None:
        sys.stdout.write(text)
        sys.stdout.flush()
        return
    write_file(options.out, text, replace=options.force)
    written = counted(len(policies), "policy", "policies")
    spaces = counted(len({policy.namespace for policy in policies}), "namespace")
    write_message(f"wrote {written} of {spaces} to {options.out}")


def _nothing_in(source: Source) -> SourceError:
    return SourceError(
        f"`{source.name}` has no NetworkPolicy",
        help="give manifests of `networking.k8s.io/v1` NetworkPolicies",
        place=Place(source.name),
    )
