"""Makes the page's document of one analysis, or of two, each endpoint once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np

from podwall.diff import AnalysisView, ConnectionChangeKind, SideBySide, side_by_side
from podwall.engines import Engine
from podwall.model import IpNetwork, LabelMap, SnapshotWorkload, Unknown
from podwall.overview import ExposureGroup, Summary, exposure_groups, external_names, summary
from podwall.policies.rules import Direction
from podwall.reachability import Reachability, WorkloadEndpoint
from podwall.reports.page.document import (
    PageChange,
    PageDocument,
    PageEndpoint,
    PageEngine,
    PageEngineNote,
    PageIsolation,
    PageNote,
    PageSide,
)
from podwall.reports.page.policies import (
    EndpointSets,
    IntArray,
    Numbering,
    PagePolicies,
    VerdictNumbers,
    runs_of,
)
from podwall.reports.page.unseen_rows import UnseenVerdicts, extended, unseen_changes, unseen_rows
from podwall.reports.words import printable

__all__ = [
    "document_of",
    "first_notes",
    "labels_of",
    "page_document",
    "page_endpoints",
]

UNKNOWN: Final = "…"


def page_endpoints(view: SideBySide) -> tuple[PageEndpoint, ...]:
    """Return the endpoints of one or two analyses of the same stack."""
    outside = map(_outside, external_names(view.outside), view.outside)
    return (*map(_workload, view.workloads), *outside)


def _workload(endpoint: WorkloadEndpoint) -> PageEndpoint:
    workload = endpoint.workload
    return PageEndpoint(
        id=printable(endpoint.id),
        namespace=printable(endpoint.namespace),
        name=printable(endpoint.name),
        kind=printable(workload.kind),
        replicas=None if isinstance(workload.replicas, Unknown) else workload.replicas,
        labels=labels_of(workload.labels),
        host=workload.host_network is True,
        place=printable(_written(workload)),
    )


def _written(workload: SnapshotWorkload) -> str:
    place = workload.place
    return place.source if place.line is None else f"{place.source}:{place.line}"


def labels_of(labels: LabelMap) -> tuple[tuple[str, str], ...]:
    """Return labels as the page shows them; a value that is not known yet is an ellipsis."""
    return tuple(
        (printable(key), UNKNOWN if isinstance(value, Unknown) else printable(value))
        for key, value in labels.items
    )


def _outside(name: str, networks: Sequence[IpNetwork]) -> PageEndpoint:
    shown = tuple(("range", str(network)) for network in networks)
    return PageEndpoint(name, "", name, replicas=None, labels=shown, external=True)


_PHRASES: Final = (
    ("can be reached from outside the cluster", "can be reached from outside the cluster"),
    ("accepts connections from anyone", "accept connections from anyone"),
    ("may connect to anyone", "may connect to anyone"),
)
_PERHAPS: Final = "can perhaps be reached from outside the cluster"


def first_notes(found: Summary, view: SideBySide) -> Iterator[PageNote]:
    """Yield the notes on an analysis, that after the change.

    Where something is undetermined, "no workload" is not more than what is certain.
    """
    if not found.workloads:
        return
    number = {index: k for k, index in enumerate(view.after.indices.tolist())}
    lists = (found.from_outside, found.open_ingress, found.open_egress)
    in_doubt = bool(found.undetermined or found.perhaps_from_outside)
    for indices, (one, many) in zip(lists, _PHRASES, strict=True):
        endpoints = tuple(number[index] for index in indices)
        if in_doubt and not endpoints:
            yield PageNote("No", f"workload {one} for certain.")
        else:
            yield _note(endpoints, found.workloads, one, many)
    if perhaps := tuple(number[index] for index in found.perhaps_from_outside):
        yield _note(perhaps, found.workloads, _PERHAPS, _PERHAPS)


def _note(endpoints: tuple[int, ...], workloads: int, one: str, many: str) -> PageNote:
    match len(endpoints):
        case 0:
            return PageNote("No", f"workload {one}.")
        case count if count == workloads:
            # Their names would add nothing.
            return PageNote("Every", f"workload {one}.")
        case 1:
            return PageNote("1", f"workload {one}:", endpoints)
        case count:
            return PageNote(f"{count:,}", f"workloads {many}:", endpoints)


_CHANGES: Final = {
    ConnectionChangeKind.ADDED: "opens",
    ConnectionChangeKind.WIDENED: "widens",
    ConnectionChangeKind.CHANGED: "changes",
    ConnectionChangeKind.NARROWED: "narrows",
    ConnectionChangeKind.REMOVED: "closes",
}


def page_document(after: Reachability, before: Reachability | None = None) -> PageDocument:
    """Return the document of an analysis, and of the change that led to it if `before` is given."""
    view = side_by_side(after, before)
    return document_of(view, summary(view.after.table), exposure_groups(after))


def document_of(
    view: SideBySide, found: Summary, exposure: Sequence[ExposureGroup]
) -> PageDocument:
    """Return the document of one or two analyses.

    `found` is the summary of that after, and `exposure` what it lets pods do that are not shown.
    """
    numbers = VerdictNumbers()
    sides = [each for each in (view.after, view.before) if each is not None]
    verdicts = [np.array([numbers.verdict(v) for v in side.verdicts.verdicts]) for side in sides]
    exposures = [exposure, *(exposure_groups(each.reachability) for each in sides[1:])]
    rows = unseen_rows(exposures)
    names = [*(each.id for each in view.workloads), *("" for _ in view.outside)]
    unseen = [
        UnseenVerdicts.of(side.reachability, rows, groups, names, numbers)
        for side, groups in zip(sides, exposures, strict=True)
    ]
    written = [_side(*each, numbers) for each in zip(sides, verdicts, unseen, strict=True)]
    return PageDocument(
        engine=_engine(view.after.reachability.engine),
        endpoints=(*page_endpoints(view), *(each.endpoint() for each in rows)),
        labels=_namespace_labels(view),
        ports=numbers.page_ports(),
        verdicts=numbers.page_verdicts(),
        after=written[0],
        before=written[1] if view.before is not None else None,
        changes=tuple(dict.fromkeys(_changes(view, verdicts, unseen, numbers))),
        notes=tuple(first_notes(found, view)),
    )


def _side(
    side: AnalysisView, verdicts: IntArray, unseen: UnseenVerdicts, numbers: VerdictNumbers
) -> PageSide:
    """Return one analysis for the page; `verdicts` has the page's number of each verdict."""
    rows, columns, cells = extended(
        side.sources, side.destinations, verdicts[side.verdicts.cells], unseen
    )
    nothing = np.zeros(len(rows) - len(side.sources), np.int64)
    sets = EndpointSets(side.elements, side.scopes.universe)
    policies = PagePolicies(side.scopes, sets, numbers)
    isolations: Numbering[PageIsolation] = Numbering(PageIsolation(()))
    ingress, egress = (
        tuple(map(isolations.of, policies.isolations(way, side.elements)))
        for way in (Direction.INGRESS, Direction.EGRESS)
    )
    return PageSide(
        rows=tuple(rows.tolist()),
        columns=tuple(columns.tolist()),
        cells=tuple(map(runs_of, cells)),
        selves=tuple(np.concatenate([verdicts[side.selves], nothing]).tolist()),
        isolations=isolations.values,
        ingress=(*ingress, *nothing.tolist()),
        egress=(*egress, *nothing.tolist()),
        policies=policies.policies(),
        exempt={way.field: policies.exemptions(way) for way in Direction},
        hiding=policies.hiding(),
        tiers={way.field: policies.tiers(way) for way in Direction},
        sets=sets.values,
    )


def _changes(
    view: SideBySide,
    verdicts: list[IntArray],
    unseen: list[UnseenVerdicts],
    numbers: VerdictNumbers,
) -> Iterator[PageChange]:
    """Yield the changes with the page's numbers of verdicts, which are those after, then before."""
    for before, after, kind in view.changes():
        yield PageChange(int(verdicts[1][before]), int(verdicts[0][after]), _CHANGES[kind])
    if view.before is not None:
        for old, new, kind in unseen_changes(unseen[1], unseen[0], numbers):
            yield PageChange(old, new, _CHANGES[kind])


def _engine(engine: Engine) -> PageEngine:
    notes = tuple(PageEngineNote(fact.says, fact.link) for fact in engine.departures().values())
    pods, nodes = engine.pods_by_block.says, engine.nodes_by_block.says
    return PageEngine(engine.name, engine.title, pods, nodes, notes)


def _namespace_labels(view: SideBySide) -> dict[str, tuple[tuple[str, str], ...]]:
    """Return the labels of the namespaces that are shown, as they are after the change."""
    labels: dict[str, tuple[tuple[str, str], ...]] = {}
    sides = [each for each in (view.after, view.before) if each is not None]
    for reachability in (each.reachability for each in sides):
        for each in reachability.workloads:
            name = each.workload.namespace
            if isinstance(name, str) and printable(name) not in labels:
                labels[printable(name)] = labels_of(reachability.cluster.namespaces.of(name))
    return labels
