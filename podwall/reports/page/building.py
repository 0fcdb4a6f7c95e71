"""Makes the page's document of one analysis, or of the two before and after a change."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from podwall.engines import Engine
from podwall.overview import Summary, summary
from podwall.policies.rules import Direction
from podwall.reachability import Reachability
from podwall.reachability.arrays import IntArray
from podwall.reports.page.document import (
    PageChange,
    PageDocument,
    PageEngine,
    PageEngineNote,
    PageSide,
)
from podwall.reports.page.endpoints import PageEndpoints, first_notes, labels_of, page_endpoints
from podwall.reports.page.policies import PagePolicies
from podwall.reports.page.verdicts import (
    EndpointSets,
    Numbering,
    VerdictNumbers,
    changes_between,
    runs_of,
)
from podwall.reports.words import printable
from podwall.verdict_table import DENIED, VerdictTable, caused_verdicts, verdict_table

__all__ = ["SideTables", "document_of", "page_document", "side_tables"]


_NOT_HERE: Final = -1


@dataclass(frozen=True, slots=True)
class SideTables:
    """A side of the page, with its tables as arrays for comparing it with another.

    `cells` has page verdicts by class; `rows` and `columns` are the classes of the endpoints.
    """

    side: PageSide
    rows: IntArray
    columns: IntArray
    cells: IntArray
    selves: IntArray


def side_tables(table: VerdictTable, places: IntArray, verdicts: VerdictNumbers) -> SideTables:
    """Return one analysis for the page; `places` are the page's endpoints in the table."""
    here = places != _NOT_HERE
    found = caused_verdicts(table)
    numbers = np.array([verdicts.verdict(each) for each in found.verdicts], dtype=np.int64)
    rows = np.where(here, found.sources[places], _NOT_HERE)
    columns = np.where(here, found.destinations[places], _NOT_HERE)
    selves = np.where(here, numbers[found.selves[places]], DENIED)
    tables = (rows, columns, numbers[found.cells], selves)
    return SideTables(_side(table, places, verdicts, tables), *tables)


Tables = tuple[IntArray, IntArray, IntArray, IntArray]


def _side(
    table: VerdictTable, places: IntArray, verdicts: VerdictNumbers, tables: Tables
) -> PageSide:
    rows, columns, cells, selves = tables
    analysis = table.reachability.analysis
    elements = np.where(
        places != _NOT_HERE, table.reachability.ends.element[places], EndpointSets.ABSENT
    )
    sets = EndpointSets(elements, len(analysis.classes) + len(analysis.addresses))
    book = PagePolicies(table.reachability, sets, verdicts)
    lists: Numbering[tuple[int, ...]] = Numbering(())
    ingress, egress = (_lists(book.restricting(way), elements, lists) for way in Direction)
    return PageSide(
        rows=tuple(rows.tolist()),
        columns=tuple(columns.tolist()),
        cells=tuple(map(runs_of, cells)),
        selves=tuple(selves.tolist()),
        lists=lists.values,
        ingress=ingress,
        egress=egress,
        policies=book.policies(),
        exempt={way.field: book.exemptions(way) for way in Direction},
        sets=sets.values,
    )


def _lists(
    found: list[list[int]], elements: IntArray, lists: Numbering[tuple[int, ...]]
) -> tuple[int, ...]:
    numbers = [lists.of(tuple(each)) for each in found]
    return tuple(0 if e == EndpointSets.ABSENT else numbers[e] for e in elements.tolist())


def page_document(after: Reachability, before: Reachability | None = None) -> PageDocument:
    """Return the document of an analysis, and of the change that led to it if `before` is given."""
    tables = [verdict_table(each) for each in (after, before) if each is not None]
    return document_of(tables, summary(tables[0]))


def document_of(tables: Sequence[VerdictTable], found: Summary) -> PageDocument:
    """Return the document of one analysis, or of two: that after a change, then that before.

    `found` is the summary of the first.
    """
    ends = page_endpoints(tables)
    verdicts = VerdictNumbers()
    moments = [
        side_tables(table, places, verdicts)
        for table, places in zip(tables, ends.places, strict=True)
    ]
    before = moments[1] if len(moments) > 1 else None
    return PageDocument(
        engine=_enforcement(tables[0].reachability.engine),
        endpoints=ends.endpoints,
        labels=_namespace_labels([each.reachability for each in tables], ends),
        ports=verdicts.page_ports(),
        verdicts=verdicts.page_verdicts(),
        after=moments[0].side,
        before=None if before is None else before.side,
        changes=() if before is None else tuple(_changes(verdicts, before, moments[0])),
        notes=tuple(first_notes(found, ends)),
    )


def _changes(
    verdicts: VerdictNumbers, before: SideTables, after: SideTables
) -> Iterator[PageChange]:
    """Yield the changes between two moments, over the combinations of roles that occur."""
    rows = np.unique(np.stack([before.rows, after.rows]), axis=1)
    columns = np.unique(np.stack([before.columns, after.columns]), axis=1)
    cells = [
        _cells(moment, row, column)
        for moment, row, column in zip((before, after), rows, columns, strict=True)
    ]
    yield from changes_between(verdicts, (cells[0], before.selves), (cells[1], after.selves))


def _cells(moment: SideTables, rows: IntArray, columns: IntArray) -> IntArray:
    absent = np.pad(moment.cells, ((0, 1), (0, 1)), constant_values=DENIED)
    return absent[np.ix_(rows, columns)]


def _enforcement(engine: Engine) -> PageEngine:
    notes = tuple(PageEngineNote(fact.says, fact.link) for fact in engine.departures().values())
    return PageEngine(engine.name, engine.title, notes)


def _namespace_labels(
    found: Sequence[Reachability], ends: PageEndpoints
) -> dict[str, tuple[tuple[str, str], ...]]:
    """Return the labels of the namespaces that are shown, as they are after the change."""
    shown = {each.namespace for each in ends.endpoints if not each.external}
    labels: dict[str, tuple[tuple[str, str], ...]] = {}
    for each in found:
        namespaces = each.analysis.cluster.namespaces
        for workload in each.workloads:
            name = workload.workload.namespace
            if isinstance(name, str) and printable(name) in shown:
                labels.setdefault(printable(name), labels_of(namespaces.of(name)))
    return labels
