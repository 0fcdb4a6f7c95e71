"""One comparison as files, and each change of a running cluster that is followed.

Files are the comment, the page, JSON, SARIF, JUnit, and what a shell reads. Changes are written as
text, as JSON lines `podwall/watch/v1`, and as metrics in the text format of Prometheus.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Final
from urllib.parse import quote

import msgspec

from podwall.change_review import ChangeReview, WatchedChange
from podwall.diff import (
    ConnectionChangeKind,
    PolicyChange,
    PolicyChangeKind,
    TierPolicyChange,
    new_fields,
)
from podwall.documents import TypedDocument, about
from podwall.exit_code import ExitCode, FailOn
from podwall.expectations import Outcome, Result
from podwall.focus import EVERYTHING, Focus
from podwall.overview import summary
from podwall.policies.errors import Finding, Place, PodwallError, Severity
from podwall.reports.annotations import (
    annotations_of,
    azure_annotations,
    github_annotations,
    line_here,
)
from podwall.reports.changes import ChangesDocument, changes_document, changes_text
from podwall.reports.comment import (
    ChangeReport,
    GateVerdict,
    asked_part,
    change_report,
    change_sentence,
    comment,
    unread_comment,
)
from podwall.reports.findings.documents import sarif_document
from podwall.reports.findings.junit import findings_suite, junit_text
from podwall.reports.formats import document_text, json_text
from podwall.reports.page import html_page
from podwall.reports.words import counted, left_out, place_words, printable
from podwall.review import Review
from podwall.streams import shown_json
from podwall.verdict_table import verdict_table
from podwall.verify import Agreement

__all__ = [
    "FollowedCounts",
    "VerifiedCounts",
    "WatchDocument",
    "change_document",
    "change_files",
    "change_lacks",
    "change_page",
    "metrics_text",
    "report_of",
    "unread_files",
    "verified_counts",
    "watch_line",
    "watch_text",
    "with_links",
]


_OPENS: Final = (ConnectionChangeKind.ADDED, ConnectionChangeKind.WIDENED)
_CLOSES: Final = (ConnectionChangeKind.REMOVED, ConnectionChangeKind.NARROWED)


def report_of(
    found: ChangeReview,
    subject: str,
    fail_on: FailOn = FailOn.ERROR,
    link: str = "",
    focus: Focus = EVERYTHING,
) -> ChangeReport:
    """Return what the comment says of a change.

    Args:
        found: the change.
        subject: what changes, as a reviewer calls it.
        fail_on: the least serious thing that stops it.
        link: the address of the full report.
        focus: which connections are listed; all of them count.

    Raises:
        InvalidValue: an end or a port name of the focus is not there.
    """
    asked = asked_part(found.difference.narrowed(focus), found.stated_by)
    report = change_report(found.difference, subject, found.brought, stated_by=found.stated_by)
    changes = found.difference.port_changes()
    verdict = GateVerdict(
        fail_on,
        found.exit_code(fail_on),
        found.counting,
        certain=not any(each.after.undetermined for each in changes),
    )
    held, lacking = _held(found.results), change_lacks(found)
    whole = replace(report, artifact=link, verdict=verdict, held=held, lacking=lacking, asked=asked)
    return _with_lines_of_rules(whole, found)


def _with_lines_of_rules(report: ChangeReport, found: ChangeReview) -> ChangeReport:
    """Return the report, each rule that is new at its own line."""
    fields = {each.name: _rule_places(each, found.after) for each in found.difference.every_policy}
    policies = (replace(each, rule_places=fields.get(each.name, {})) for each in report.policies)
    return replace(report, policies=tuple(policies))


def _rule_places(change: PolicyChange | TierPolicyChange, after: Review) -> dict[str, str]:
    if change.kind is PolicyChangeKind.REMOVED:
        return {}
    written = {
        words: after.locate(replace(change.latest.place, path=path))
        for words, path in new_fields(change).items()
    }
    return {
        words: place_words(Place(each.source, each.line))
        for words, each in written.items()
        if each.line
    }


def with_links(report: ChangeReport, template: str, project: Path = Path()) -> ChangeReport:
    """Return the report with links to the lines of files that are here.

    Args:
        report: what the comment says.
        template: the address of a line on the host, with `{path}` and `{line}`.
        project: the folder of the program that a preview is of.
    """
    objects = (*report.policies, *report.workloads)
    places = {each.place for each in objects if each.change is not PolicyChangeKind.REMOVED}
    places |= {place for each in report.policies for place in each.rule_places.values()}
    places |= {place_words(each.place) for each in report.findings}
    places |= {stated.place for each in report.connections for stated in each.accepted}
    links = {place: _line_link(place, template, project) for place in sorted(places)}
    return replace(report, links={place: link for place, link in links.items() if link})


def _line_link(place: str, template: str, project: Path) -> str:
    """Return the address of a place such as `shop.yaml:3`; empty if no such file is here."""
    here = line_here(place, project)
    if here is None or not template:
        return ""
    return template.replace("{path}", quote(here[0])).replace("{line}", str(here[1]))


def _held(results: Sequence[Result]) -> str:
    """Return how many expectations hold, empty where none is stated."""
    held = sum(each.outcome is Outcome.PASS for each in results)
    return f"{held:,} of {counted(len(results), 'expectation')} held" if results else ""


def change_lacks(found: ChangeReview) -> tuple[str, ...]:
    """Return what was not read of the two states, in sentences, each once.

    Where a running cluster is what there was, so is whatever keeps its engine from what is shown.
    """
    after = left_out(found.after.not_read)
    before = [each for each in left_out(found.before.not_read) if each not in after]
    before += [each.message for each in found.unenforced]
    return (*after, *(f"before the change, {each}" for each in before))


def change_files(
    found: ChangeReview,
    report: ChangeReport,
    code: ExitCode,
    project: Path = Path(),
    focus: Focus = EVERYTHING,
) -> Mapping[str, str]:
    """Return the text of each report by its file name.

    `project` is the folder of the program that a preview is of. The engine names lines as they are
    seen from there; build servers want them as they are seen from here.

    `podwall.sarif` has all findings on the state after the change, because GitHub takes a finding
    that is left out for repaired; the others have those that the change brings. The
    annotations are commands to build agents, which show them beside the lines.
    """
    at_lines = annotations_of(report, project)
    seen_from_here = [_seen_from_here(each, project) for each in found.findings]
    return {
        "comment.md": comment(report),
        "index.html": change_page(found, report, focus),
        "changes.json": document_text(change_document(found, focus)),
        "podwall.sarif": json_text(sarif_document(seen_from_here, category=report.subject)),
        "podwall.xml": junit_text([findings_suite("podwall diff", report.findings)]),
        "github-annotations.txt": github_annotations(at_lines),
        "azure-annotations.txt": azure_annotations(at_lines),
        "outputs.txt": _outputs({"exit-code": int(code), **_counts(report)}),
    }


def change_document(found: ChangeReview, focus: Focus = EVERYTHING) -> ChangesDocument:
    """Return the change as a JSON document, of which a part may be asked for."""
    asked = found.difference.narrowed(focus)
    return changes_document(asked, found.weighed, found.after.not_read, found.stated_by)


def _counts(report: ChangeReport) -> Mapping[str, int]:
    kinds = Counter(each.kind for each in report.connections)
    severities = Counter(each.severity for each in report.findings)
    return {
        "opened": sum(kinds[kind] for kind in _OPENS),
        "accepted": sum(bool(each.accepted) for each in report.connections),
        "closed": sum(kinds[kind] for kind in _CLOSES),
        "changed": kinds[ConnectionChangeKind.CHANGED],
        "errors": severities[Severity.ERROR],
        "warnings": severities[Severity.WARNING],
    }


def _seen_from_here(finding: Finding, project: Path) -> Finding:
    """Return the finding, its file named from this folder if it lies in the program's."""
    place = finding.place
    if not place.source or not (project / place.source).is_file():
        return finding
    return replace(finding, place=replace(place, source=(project / place.source).as_posix()))


def change_page(found: ChangeReview, report: ChangeReport, focus: Focus = EVERYTHING) -> str:
    """Return the page with both states and their difference, which begins with a focus."""
    return html_page(
        found.difference.new,
        report.subject.strip("`"),
        before=found.difference.old,
        change=change_sentence(report),
        findings=report.findings,
        lacking=report.lacking,
        focus=focus,
    )


def unread_files(subject: str, link: str, problem: PodwallError) -> Mapping[str, str]:
    """Return the reports of a change that can't be read: a comment that says so, and the code."""
    return {
        "comment.md": unread_comment(subject, problem, artifact=link),
        "outputs.txt": _outputs({"exit-code": int(ExitCode.BAD_INPUT)}),
    }


def _outputs(values: Mapping[str, int]) -> str:
    """Return `name=value` lines, the form that GitHub Actions and shells read."""
    return "".join(f"{name}={value}\n" for name, value in values.items())


class WatchedObjectDocument(TypedDocument):
    """An object that changed."""

    kind: str
    name: Annotated[str, about("The namespace and the name, or the name alone.")]
    event: Annotated[str, about("`added`, `modified` or `deleted`.")]
    manager: Annotated[str, about("Who changed it last, as managed fields say; else empty.")]
    at: Annotated[str, about("When that was, in RFC 3339; else empty.")]


class WatchDocument(TypedDocument, tag_field="format", tag="podwall/watch/v1"):
    """A line of `podwall watch -o json`: what came together, and what it changes."""

    at: Annotated[str, about("When it was seen, in RFC 3339.")]
    objects: tuple[WatchedObjectDocument, ...]
    changes: Annotated[ChangesDocument, about("As `podwall diff -o json` prints them.")]


def watch_line(change: WatchedChange, at: str) -> str:
    """Return a change as one line of JSON."""
    objects = tuple(
        WatchedObjectDocument(each.kind, each.name, each.event, each.manager, each.at)
        for each in change.objects
    )
    document = WatchDocument(at, objects, change_document(change.review))
    return shown_json(f"{msgspec.json.encode(document).decode()}\n")


_MOST_LISTED: Final = 100


def watch_text(change: WatchedChange, at: str) -> Iterator[str]:
    """Yield the lines on a change for people: who changed what, and what that opens or closes.

    Of many connections the first are listed, and the others are counted.
    """
    for each in change.objects:
        by = f" by {printable(each.manager)}" if each.manager else ""
        yield f"{at} {each.kind} {printable(each.name)} {each.event}{by}\n"
    for text in changes_text(change.review.difference, most=_MOST_LISTED):
        yield from (f"  {line}\n" for line in text.splitlines() if line)
    for finding in change.review.brought:
        if finding.severity is Severity.ERROR:
            yield f"  {printable(str(finding))}\n"


_HELP: Final = {
    "podwall_workloads": "Workloads in the cluster.",
    "podwall_policies": "Policies that are read, and those that are not.",
    "podwall_connections": "Ordered pairs of workloads by what passes between them.",
    "podwall_exposed_workloads": "Workloads that addresses outside of the cluster reach.",
    "podwall_open_workloads": "Workloads that no policy isolates, by direction.",
    "podwall_findings": "Findings by severity.",
    "podwall_changes_total": "Changes that were seen, of objects that decide something.",
    "podwall_full_analyses_total": "Changes after which everything was analysed again.",
    "podwall_last_change_seconds": "Seconds since the last such change, or the beginning.",
    "podwall_verify_probes": "Probes of the last verification, by whether they agree.",
    "podwall_verify_age_seconds": "Seconds since the last verification was written.",
    "podwall_silent_watches": "Kinds whose watch gets no answer: what is known may be old.",
}
_TYPES: Final = dict.fromkeys(("podwall_changes_total", "podwall_full_analyses_total"), "counter")
_Sample = tuple[str, Mapping[str, str], float]


@dataclass(frozen=True, slots=True)
class VerifiedCounts:
    """How many probes of a verification agree, disagree and were not observed, and its age."""

    counts: Mapping[Agreement, int]
    seconds: float


def verified_counts(document: bytes, seconds: float) -> VerifiedCounts | None:
    """Return the counts of what `podwall verify -o json` has printed, None where it is no such.

    >>> text = b'{"format":"podwall/verify/v1","results":[{"agreement":"disagrees"}]}'
    >>> verified_counts(text, 60).counts[Agreement.DISAGREES]
    1
    >>> verified_counts(b"{}", 60) is None
    True
    """
    try:
        found = msgspec.json.decode(document, type=_Verified)
    except msgspec.MsgspecError:
        return None
    agreements = Counter(each.agreement for each in found.results)
    return VerifiedCounts({each: agreements[each] for each in Agreement}, seconds)


class _ProbeResult(msgspec.Struct):
    agreement: Agreement


class _Verified(msgspec.Struct, tag_field="format", tag="podwall/verify/v1"):
    results: list[_ProbeResult]


@dataclass(frozen=True, slots=True)
class FollowedCounts:
    """How many changes of a cluster were seen, and how it is followed.

    `seconds` is how long ago the last change was. `full_analyses` counts the changes after which
    everything was analysed again, and `silent` the kinds whose watch gets no answer.
    """

    changes: int
    seconds: float
    full_analyses: int
    silent: int


def metrics_text(
    found: Review, followed: FollowedCounts, verified: VerifiedCounts | None = None
) -> str:
    """Return the state of a followed cluster as metrics.

    Args:
        found: what the cluster means now.
        followed: how it is followed.
        verified: what came of the last verification; None: it is not known, and no zero.
    """
    samples = [
        *_of_review(found),
        ("podwall_changes_total", {}, followed.changes),
        ("podwall_full_analyses_total", {}, followed.full_analyses),
        ("podwall_last_change_seconds", {}, round(followed.seconds, 1)),
        ("podwall_silent_watches", {}, followed.silent),
        *(_of_verification(verified) if verified else ()),
    ]
    return "".join(_lines(samples))


def _of_review(found: Review) -> Iterator[_Sample]:
    counted = summary(verdict_table(found.reachability))
    snapshot = found.reading.snapshot
    yield "podwall_workloads", {}, counted.workloads
    yield "podwall_policies", {"read": "yes"}, len(snapshot.policies)
    yield "podwall_policies", {"read": "no"}, len(snapshot.unread_policies)
    closed = counted.connections - counted.open - counted.undetermined
    numbers = {"open": counted.open, "undetermined": counted.undetermined, "denied": closed}
    for verdict, number in numbers.items():
        yield "podwall_connections", {"verdict": verdict}, number
    outside = {"yes": counted.from_outside, "perhaps": counted.perhaps_from_outside}
    for certain, workloads in outside.items():
        yield "podwall_exposed_workloads", {"reached": certain}, len(workloads)
    yield "podwall_open_workloads", {"direction": "ingress"}, len(counted.open_ingress)
    yield "podwall_open_workloads", {"direction": "egress"}, len(counted.open_egress)
    severities = Counter(each.severity for each in found.findings)
    for severity in Severity:
        yield "podwall_findings", {"severity": severity.value}, severities[severity]


def _of_verification(found: VerifiedCounts) -> Iterator[_Sample]:
    for agreement, count in found.counts.items():
        yield "podwall_verify_probes", {"agreement": agreement.value}, count
    yield "podwall_verify_age_seconds", {}, round(found.seconds, 1)


def _lines(samples: list[_Sample]) -> Iterator[str]:
    seen = set[str]()
    for name, labels, value in samples:
        if name not in seen:
            seen.add(name)
            yield f"# HELP {name} {_HELP[name]}\n# TYPE {name} {_TYPES.get(name, 'gauge')}\n"
        pairs = ",".join(f'{key}="{text}"' for key, text in labels.items())
        yield f"{name}{f'{{{pairs}}}' if pairs else ''} {value}\n"
