"""Makes the report of a change from the difference of two analyses."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Final

from podwall.diff import Change, Diff, Effect, PolicyChange, PolicyChangeKind
from podwall.policies.errors import Place
from podwall.policies.findings import Finding
from podwall.reachability import Reachability
from podwall.reports.change_rows import passage_text, told_kind
from podwall.reports.comment.places import place_words
from podwall.reports.comment.values import (
    ChangedConnection,
    ChangedObject,
    ChangeReport,
    Existence,
)
from podwall.reports.summary import headline, judged_by, summary
from podwall.reports.words import listed
from podwall.verdict_table import verdict_table

__all__ = ["MOST_CHANGES", "change_report"]

MOST_CHANGES: Final = 100_000
"""So many changed connections are told; nobody reads more."""

_REASONS: Final = {
    Effect.POLICY: "",
    Effect.NEW: "a workload is new",
    Effect.GONE: "a workload is gone",
    Effect.OTHER: "labels, ports, services, namespaces or the engine",
}
_EXISTENCE: Final = {
    PolicyChangeKind.ADDED: Existence.ADDED,
    PolicyChangeKind.EDITED: Existence.CHANGED,
    PolicyChangeKind.REMOVED: Existence.REMOVED,
}


def change_report(
    difference: Diff,
    subject: str,
    findings: Sequence[Finding] = (),
    *,
    artifact: str = "",
    most: int = MOST_CHANGES,
) -> ChangeReport:
    """Return the report of a difference; its own findings come before the given ones."""
    changes = difference.changes()
    told = tuple(islice(_connections(changes), most))
    ends = {end for each in told for end in (each.source, each.destination)}
    known = {end.id for end in (*difference.old.workloads, *difference.new.workloads)}
    return ChangeReport(
        subject=subject,
        connections=told,
        policies=tuple(map(_policy, difference.policies)),
        workloads=tuple(_workloads(difference)),
        findings=(*difference.findings, *findings),
        namespaces=_namespaces(difference.new),
        ranges=frozenset(ends - known),
        state=headline(summary(verdict_table(difference.new))),
        judged=judged_by(difference.new.engine),
        artifact=artifact,
        partial=next(changes, None) is not None,
    )


def _connections(changes: Iterator[Change]) -> Iterator[ChangedConnection]:
    for change in changes:
        kind = told_kind(change)
        if kind is not None:
            yield ChangedConnection(
                change.source.id,
                change.destination.id,
                kind,
                passage_text(change.before),
                passage_text(change.after),
                tuple(policy.name for policy in change.policies),
                _reason(change),
            )


def _reason(change: Change) -> str:
    """Return what is behind a change beside policies, and what undetermined ports depend on."""
    return listed(list(filter(None, (_REASONS[change.effect], change.because))))


def _policy(change: PolicyChange) -> ChangedObject:
    return ChangedObject(change.name, _EXISTENCE[change.kind], _written(change.latest.place))


def _workloads(difference: Diff) -> Iterator[ChangedObject]:
    for existence, found in (
        (Existence.ADDED, difference.added),
        (Existence.REMOVED, difference.gone),
    ):
        for each in found:
            yield ChangedObject(each.id, existence, _written(each.workload.place))


def _written(place: Place) -> str:
    return place_words(Place(place.source, place.line))


def _namespaces(reachability: Reachability) -> dict[str, frozenset[str]]:
    found: defaultdict[str, set[str]] = defaultdict(set)
    for each in reachability.workloads:
        found[each.id.split("/")[0]].add(each.id)
    return {name: frozenset(members) for name, members in found.items()}
