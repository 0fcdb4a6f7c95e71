"""Makes the page's document of one analysis, or of the two before and after a change."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np

from podwall.diff import AnalysisView, ConnectionChangeKind, SideBySide, side_by_side
from podwall.engines import Engine
from podwall.overview import ExposureGroup, Summary, exposure_groups, summary
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
from podwall.reports.page.unseen_rows import (
    UnseenVerdicts,
    extended,
    unseen_changes,
    unseen_rows,
)
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
