"""What `podwall import` does: read, write as Python, and say what could not be kept."""

from __future__ import annotations

from argparse import Namespace

from podwall.cli.arguments import paused_collector, read_review, write_out
from podwall.cli.findings import write_findings
from podwall.exit_code import FailOn, exit_code
from podwall.policies import Finding, Severity
from podwall.policies.errors import Place, SourceError
from podwall.python_code import policies_module
from podwall.reading import TypedPolicies, typed_policies
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
        read, findings = _read(found)
    write_findings(findings, most=len(findings))
    if read.policies or read.cluster_policies or read.cilium_policies:
        _write(read, options)
    elif not any(each.severity is Severity.ERROR for each in findings):
        raise _nothing_in(found.source.name)
    return exit_code(FailOn(options.fail_on), findings, certain=True)


def _read(found: Review) -> tuple[TypedPolicies, tuple[Finding, ...]]:
    source = found.source
    read = typed_policies(source.planned.documents)
    everything = (*read.policies, *read.cluster_policies, *read.cilium_policies)
    comments = unkept_comments((place for _, place in everything), source.texts)
    findings = found.kept((*found.source_findings, *read.findings, *comments))
    return read, found.located(findings)


def _write(read: TypedPolicies, options: Namespace) -> None:
    policies = [policy for policy, _ in read.policies]
    across = [policy for policy, _ in read.cluster_policies]
    of_cilium = [policy for policy, _ in read.cilium_policies]
    if write_out(policies_module(policies, _HEADLINE, across, of_cilium), options):
        count = len(policies) + len(across) + len(of_cilium)
        written = counted(count, "policy", "policies")
        spaces = counted(
            len({*(each.namespace for each in policies), *(each.namespace for each in of_cilium)}),
            "namespace",
        )
        beyond = f", {len(across)} of them of the cluster" if across else ""
        write_message(f"wrote {written} of {spaces}{beyond} to {options.out}")


def _nothing_in(name: str) -> SourceError:
    return SourceError(
        f"`{name}` has no NetworkPolicy",
        help="give manifests of `networking.k8s.io/v1` NetworkPolicies",
        place=Place(name),
    )
