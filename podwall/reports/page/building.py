"""Makes the page's document of one analysis, or of the two before and after a change."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np

from podwall.diff import AnalysisView, ConnectionChangeKind, SideBySide, side_by_side
from podwall.engines import Engine
from podwall.overview import Summary, summary
from podwall.policies.rules import Direction
from podwall.reachability import Reachability
from podwall.reports.page.document import (
    PageChange,
    PageDocument,
    PageEngine,
    PageEngineNote,
    PageIsolation,
    PageSide,
)
from podwall.reports.page.endpoints import first_notes, labels_of, page_endpoints
from podwall.reports.page.policies import PagePolicies
from podwall.reports.page.verdicts import EndpointSets, IntArray, Numbering, VerdictNumbers, runs_of
from podwall.reports.words import printable

__all__ = ["document_of", "page_document"]


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
    return document_of(view, summary(view.after.table))


def document_of(view: SideBySide, found: Summary) -> PageDocument:
    """Return the document of one or two analyses; `found` is the summary of that after."""
    numbers = VerdictNumbers()
    sides = [each for each in (view.after, view.before) if each is not None]
    verdicts = [np.array([numbers.verdict(v) for v in side.verdicts.verdicts]) for side in sides]
    written = [_side(*each, numbers) for each in zip(sides, verdicts, strict=True)]
    return PageDocument(
        engine=_engine(view.after.reachability.engine),
        endpoints=page_endpoints(view),
        labels=_namespace_labels(view),
        ports=numbers.page_ports(),
        verdicts=numbers.page_verdicts(),
        after=written[0],
        before=written[1] if view.before is not None else None,
        changes=tuple(_changes(view, verdicts)),
        notes=tuple(first_notes(found, view)),
    )


def _side(side: AnalysisView, verdicts: IntArray, numbers: VerdictNumbers) -> PageSide:
    """Return one analysis for the page; `verdicts` has the page's number of each verdict."""
    sets = EndpointSets(side.elements, side.scopes.universe)
    policies = PagePolicies(side.scopes, sets, numbers)
    isolations: Numbering[PageIsolation] = Numbering(PageIsolation(()))
    ingress, egress = (
        tuple(map(isolations.of, policies.isolations(way, side.elements)))
        for way in (Direction.INGRESS, Direction.EGRESS)
    )
    return PageSide(
        rows=tuple(side.sources.tolist()),
        columns=tuple(side.destinations.tolist()),
        cells=tuple(map(runs_of, verdicts[side.verdicts.cells])),
        selves=tuple(verdicts[side.selves].tolist()),
        isolations=isolations.values,
        ingress=ingress,
        egress=egress,
        policies=policies.policies(),
        exempt={way.field: policies.exemptions(way) for way in Direction},
        hiding=policies.hiding(),
        tiers={way.field: policies.tiers(way) for way in Direction},
        sets=sets.values,
    )


def _changes(view: SideBySide, verdicts: list[IntArray]) -> Iterator[PageChange]:
    """Yield the changes with the page's numbers of verdicts, which are those after, then before."""
    for before, after, kind in view.changes():
        yield PageChange(int(verdicts[1][before]), int(verdicts[0][after]), _CHANGES[kind])


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
