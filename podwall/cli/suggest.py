"""What `podwall suggest` does: read both, draft policies, prove them, write them."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Mapping, Sequence
from typing import Final

from podwall.cli.arguments import (
    paused_collector,
    read_review,
    sources_and_expectations,
    write_out,
)
from podwall.cli.findings import write_findings, write_unmade_names, write_unread
from podwall.exit_code import FailOn, exit_code
from podwall.policies import NetworkPolicy
from podwall.policies.errors import InvalidValue, Place, SourceError
from podwall.python_code import policies_module
from podwall.reports.expectations import baseline_text, suggestion_text
from podwall.reports.files import kubernetes_yaml
from podwall.reports.words import as_comments, left_out
from podwall.review import Review
from podwall.sources.expectations import expectations_in
from podwall.sources.files import STDIN, read_bytes
from podwall.sources.yaml_lines import at_their_lines, exact_place
from podwall.streams import write_message
from podwall.suggest import Suggestion, baseline, suggest

__all__ = ["show_suggestion"]


_HEADLINE: Final = "Network policies of least privilege, suggested from {}."


def show_suggestion(options: Namespace) -> int:
    """Write policies that open what is stated, say what they do, and return the exit code."""
    if options.from_flows:
        return _show_from_flows(options)
    if options.baseline:
        return _show_baseline(options)
    options.sources, path = sources_and_expectations(
        options.words, "suggest", getattr(options, "expectations", None)
    )
    expectations = expectations_in(path)
    with paused_collector():
        found = read_review(options)
        write_findings(found.reading_findings)
        write_unread(found, found.reading_findings)
        texts = {**found.source.texts, **_text_of(path)}
        try:
            suggestion = suggest(found.reading.snapshot, expectations, options.engine)
        except InvalidValue as problem:
            problem.place = exact_place(problem.place, texts)
            raise
    _write(options, found, suggestion, texts)
    weighed = (*found.reading_findings, *suggestion.findings)
    return exit_code(FailOn(options.fail_on), weighed, certain=suggestion.is_certain)


def _show_from_flows(options: Namespace) -> int:
    """Write policies that keep what was observed, say what is to be known of it, and how it ends.

    Raises:
        SourceError: a file of records can't be read, or the source has no workload.
    """
    from podwall.cli.flows import observed_in, write_refused  # noqa: PLC0415 - few ask for it
    from podwall.observed import FlowRecords, stated  # noqa: PLC0415 - as above
    from podwall.reports.expectations import stated_text  # noqa: PLC0415 - as above

    options.sources = options.words
    with paused_collector():
        found = read_review(options)
        write_findings(found.reading_findings)
        write_unread(found, found.reading_findings)
        declared = found.reading.snapshot
        # Without policies the addresses outside are one range, of which the seen ones are kept.
        bare = found.without_policies()
        records = FlowRecords()
        observed = observed_in(options.from_flows, bare, records, options.sources)
        kept = stated(observed, options.rare)
        suggestion = suggest(declared, kept.expectations, options.engine)
    write_refused(records)
    for line in stated_text(kept, observed, records):
        write_message(line)
    _write(options, found, suggestion, found.source.texts)
    weighed = (*found.reading_findings, *suggestion.findings, *records.findings)
    certain = suggestion.is_certain and observed.is_whole and not records.lost
    return exit_code(FailOn(options.fail_on), weighed, certain=certain)


def _show_baseline(options: Namespace) -> int:
    """Write policies that close what goes between namespaces, and say what closes.

    Raises:
        SourceError: the source has no workload that they could protect.
    """
    options.sources = options.words
    with paused_collector():
        found = read_review(options)
        write_findings(found.reading_findings)
        write_unread(found, found.reading_findings)
        suggested = baseline(found.reading.snapshot, options.engine)
    across, inside = suggested.cluster_policies, suggested.policies
    if not (across or inside):
        raise _nothing_in(found.source.name)
    write_findings(suggested.findings, most=len(suggested.findings))
    for line in baseline_text(suggested):
        write_message(line)
    policies = _in_cluster(inside, found)
    headline = "What pods of other namespaces may do while nothing else is written."
    text = policies_module(policies, headline, across)
    if options.output == "yaml":
        manifests = [each.to_manifest() for each in policies]
        manifests += [each.to_manifest() for each in across]
        text = "---\n".join(map(kubernetes_yaml, manifests))
    if write_out(as_comments(left_out(found.not_read)) + text, options):
        write_message(f"wrote {options.out}")
    weighed = (*found.reading_findings, *suggested.findings)
    return exit_code(FailOn(options.fail_on), weighed, certain=suggested.is_certain)


def _write(
    options: Namespace, found: Review, suggestion: Suggestion, texts: Mapping[str, bytes]
) -> None:
    """Write the policies and what they do.

    Raises:
        SourceError: there is no policy, because there is no workload.
    """
    if not suggestion.policies:
        raise _nothing_in(found.source.name)
    _write_summary(suggestion, texts)
    policies = _in_cluster(suggestion.policies, found)
    lacking = as_comments(left_out(found.not_read))
    if write_out(lacking + _text(options, policies), options):
        write_message(f"wrote {options.out}")


def _text_of(path: str) -> Mapping[str, bytes]:
    return {} if path == STDIN else dict([read_bytes(path)])


def _write_summary(suggestion: Suggestion, texts: Mapping[str, bytes]) -> None:
    findings = tuple(at_their_lines(suggestion.findings, texts))
    write_findings(findings, most=len(findings))
    for line in suggestion_text(suggestion):
        write_message(line)


def _in_cluster(policies: Sequence[NetworkPolicy], found: Review) -> list[NetworkPolicy]:
    """Return policies as the cluster knows their namespaces; say so where it does not yet."""
    manifests = [each.to_manifest() for each in policies]
    write_unmade_names(found, manifests)
    return [NetworkPolicy.from_manifest(found.real_names.written(each)) for each in manifests]


def _text(options: Namespace, policies: Sequence[NetworkPolicy]) -> str:
    origin = "observed flows" if options.from_flows else "expectations"
    if options.output == "yaml":
        return "---\n".join(kubernetes_yaml(policy.to_manifest()) for policy in policies)
    return policies_module(policies, _HEADLINE.format(origin))


def _nothing_in(name: str) -> SourceError:
    return SourceError(
        f"`{name}` has no workload that policies could protect",
        help="give the manifests of the workloads, too",
        place=Place(name),
    )
