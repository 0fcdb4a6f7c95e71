"""What a running cluster's changes open and close: as text, as JSON lines, and as metrics.

A JSON line is `podwall/watch/v1`, described in docs/schemas/watch.schema.json. Metrics are the text
format of Prometheus: https://prometheus.io/docs/instrumenting/exposition_formats/
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Annotated, Final

import msgspec

from podwall.change_review import WatchedChange
from podwall.documents import TypedDocument, about
from podwall.overview import summary
from podwall.policies.errors import Severity
from podwall.reports.change_files import change_document
from podwall.reports.changes import ChangesDocument, changes_text
from podwall.reports.words import printable
from podwall.review import Review
from podwall.streams import shown_json
from podwall.verdict_table import verdict_table

__all__ = ["WatchDocument", "metrics_text", "watch_line", "watch_text"]


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


def watch_text(change: WatchedChange, at: str) -> Iterator[str]:
    """Yield the lines on a change for people: who changed what, and what that opens or closes."""
    for each in change.objects:
        by = f" by {printable(each.manager)}" if each.manager else ""
        yield f"{at} {each.kind} {printable(each.name)} {each.event}{by}\n"
    for text in changes_text(change.review.difference):
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
    "podwall_last_change_seconds": "Seconds since the last such change, or the beginning.",
    "podwall_silent_watches": "Kinds whose watch gets no answer: what is known may be old.",
}
_TYPES: Final = {"podwall_changes_total": "counter"}
_Sample = tuple[str, Mapping[str, str], float]


def metrics_text(found: Review, changes: int, seconds: float, silent: int) -> str:
    """Return the state of a followed cluster as metrics.

    Args:
        found: what the cluster means now.
        changes: how many changes were seen.
        seconds: how long ago the last of them was.
        silent: of how many kinds the watch gets no answer.
    """
    samples = [
        *_of_review(found),
        ("podwall_changes_total", {}, changes),
        ("podwall_last_change_seconds", {}, round(seconds, 1)),
        ("podwall_silent_watches", {}, silent),
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


def _lines(samples: list[_Sample]) -> Iterator[str]:
    seen = set[str]()
    for name, labels, value in samples:
        if name not in seen:
            seen.add(name)
            yield f"# HELP {name} {_HELP[name]}\n# TYPE {name} {_TYPES.get(name, 'gauge')}\n"
        pairs = ",".join(f'{key}="{text}"' for key, text in labels.items())
        yield f"{name}{f'{{{pairs}}}' if pairs else ''} {value}\n"
