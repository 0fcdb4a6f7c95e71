"""What `podwall import` does: read, write as Python, and say what could not be kept."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Sequence

from podwall.cli.arguments import paused_collector, read_review, write_out
from podwall.cli.findings import write_findings
from podwall.exit_code import FailOn, exit_code
from podwall.policies import ClusterNetworkPolicy, Finding, NetworkPolicy, Severity
from podwall.policies.errors import Place, SourceError
from podwall.python_code import policies_module
from podwall.reading import typed_policies
from podwall.reports.words import counted
from podwall.review import Review
from podwall.sources.yaml_documents import unkept_comments
from podwall.streams import write_message

__all__ = ["show_import"]


_HEADLINE = "Network policies, imported from Kubernetes manifests."


def show_import(options: Namespace) -> int:
    """Write the policies of the source as a Python module, and return the exit code."""
    with paused_collector():
        found = read_review(options)
        policies, across, findings = _read(found)
    write_findings(findings, most=len(findings))
    if policies or across:
        _write(policies, across, options)
    elif not any(each.severity is Severity.ERROR for each in findings):
        raise _nothing_in(found.source.name)
    return exit_code(FailOn(options.fail_on), findings, certain=True)


def _read(
    found: Review,
) -> tuple[list[NetworkPolicy], list[ClusterNetworkPolicy], tuple[Finding, ...]]:
    source = found.source
    read = typed_policies(source.planned.documents)
    places = (place for _, place in (*read.policies, *read.cluster_policies))
    comments = unkept_comments(places, source.texts)
    findings = found.kept((*found.source_findings, *read.findings, *comments))
    policies = [policy for policy, _ in read.policies]
    return policies, [policy for policy, _ in read.cluster_policies], found.located(findings)


def _write(
    policies: Sequence[NetworkPolicy],
    across: Sequence[ClusterNetworkPolicy],
    options: Namespace,
) -> None:
    if write_out(policies_module(policies, _HEADLINE, across), options):
        written = counted(len(policies) + len(across), "policy", "policies")
        spaces = counted(len({policy.namespace for policy in policies}), "namespace")
        beyond = f", {len(across)} of them of the cluster" if across else ""
        write_message(f"wrote {written} of {spaces}{beyond} to {options.out}")


def _nothing_in(name: str) -> SourceError:
    return SourceError(
        f"`{name}` has no NetworkPolicy",
        help="give manifests of `networking.k8s.io/v1` NetworkPolicies",
        place=Place(name),
    )
