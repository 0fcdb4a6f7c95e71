"""Makes the page's document of one analysis, or of the two before and after a change."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np

from podwall.engines import Engine
from podwall.portset import ALL_PORTS
from podwall.reachability import Reachability
from podwall.reachability.grouping import IntArray
from podwall.reports.page.changes import changes_between
from podwall.reports.page.document import Change, Document, Enforcement, EnforcementNote
from podwall.reports.page.ends import Ends, ends_of, labels_of
from podwall.reports.page.glance import glance
from podwall.reports.page.registries import Verdicts
from podwall.reports.page.sides import Moment, moment_of
from podwall.reports.summary import summary
from podwall.reports.words import printable
from podwall.verdict_table import verdict_table

__all__ = ["page_document"]

_ABSENT: Final = 0


def page_document(after: Reachability, before: Reachability | None = None) -> Document:
    """Return the document of an analysis, and of the change that led to it if `before` is given."""
    found = [after] if before is None else [after, before]
    tables = [verdict_table(each) for each in found]
    ends = ends_of(tables)
    verdicts = Verdicts()
    verdicts.verdict(ALL_PORTS)
    moments = [
        moment_of(table, places, verdicts)
        for table, places in zip(tables, ends.places, strict=True)
    ]
    changes = tuple(_changes(verdicts, moments[1], moments[0])) if before is not None else ()
    return Document(
        engine=_enforcement(after.engine),
        endpoints=ends.endpoints,
        labels=_namespace_labels(found, ends),
        ports=verdicts.page_ports(),
        verdicts=verdicts.page_verdicts(),
        after=moments[0].side,
        before=moments[1].side if before is not None else None,
        changes=changes,
        notes=tuple(glance(summary(tables[0]), ends)),
    )


def _changes(verdicts: Verdicts, before: Moment, after: Moment) -> Iterator[Change]:
    """Yield the changes between two moments, over the combinations of roles that occur."""
    rows = np.unique(np.stack([before.rows, after.rows]), axis=1)
    columns = np.unique(np.stack([before.columns, after.columns]), axis=1)
    cells = [
        _cells(moment, row, column)
        for moment, row, column in zip((before, after), rows, columns, strict=True)
    ]
    yield from changes_between(verdicts, (cells[0], before.selves), (cells[1], after.selves))


def _cells(moment: Moment, rows: IntArray, columns: IntArray) -> IntArray:
    absent = np.pad(moment.cells, ((0, 1), (0, 1)), constant_values=_ABSENT)
    return absent[np.ix_(rows, columns)]


def _enforcement(engine: Engine) -> Enforcement:
    notes = tuple(EnforcementNote(fact.says, fact.link) for fact in engine.departures().values())
    return Enforcement(engine.name, engine.title, notes)


def _namespace_labels(
    found: Sequence[Reachability], ends: Ends
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
