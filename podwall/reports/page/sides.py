"""One analysis as the page has it: the verdicts by role, and the rules that explain them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from podwall.reachability.endpoints import Endpoints
from podwall.reachability.grouping import IntArray
from podwall.reachability.port_rules import Direction
from podwall.reports.page.document import Side
from podwall.reports.page.grain import Grain, grain_of
from podwall.reports.page.registries import EndpointSets, Numbers, Verdicts, runs_of
from podwall.reports.page.rulebook import Rulebook
from podwall.verdict_table import OPEN, VerdictTable, is_one_pod

__all__ = ["Moment", "moment_of"]

_ABSENT: Final = -1


@dataclass(frozen=True, slots=True)
class Moment:
    """A side of the page, with its tables as arrays for comparing it with another.

    `cells` has page verdicts by class; `rows` and `columns` are the classes of the endpoints.
    """

    side: Side
    rows: IntArray
    columns: IntArray
    cells: IntArray
    selves: IntArray


def moment_of(table: VerdictTable, places: IntArray, verdicts: Verdicts) -> Moment:
    """Return one analysis for the page; `places` are the page's endpoints in the table."""
    here = places != _ABSENT
    grain = grain_of(table, verdicts)
    rows = np.where(here, grain.rows[places], _ABSENT)
    columns = np.where(here, grain.columns[places], _ABSENT)
    selves = _selves(table, places, grain)
    tables = (rows, columns, grain.cells, selves)
    return Moment(_side(table, places, verdicts, tables), *tables)


def _selves(table: VerdictTable, places: IntArray, grain: Grain) -> IntArray:
    found = grain.cells[grain.rows[places], grain.columns[places]]
    ends = table.endpoints
    for number, place in enumerate(places.tolist()):
        if place == _ABSENT:
            found[number] = 0
        elif is_one_pod(ends[place]):
            found[number] = OPEN
    return found


Tables = tuple[IntArray, IntArray, IntArray, IntArray]


def _side(table: VerdictTable, places: IntArray, verdicts: Verdicts, tables: Tables) -> Side:
    rows, columns, cells, selves = tables
    analysis = table.reachability.analysis
    ends = Endpoints(analysis.cluster.workloads, analysis.classes, analysis.addresses)
    elements = np.where(places != _ABSENT, ends.element[places], EndpointSets.ABSENT)
    sets = EndpointSets(elements, len(analysis.classes) + len(analysis.addresses))
    book = Rulebook(analysis, sets, verdicts)
    lists: Numbers[tuple[int, ...]] = Numbers(())
    ingress, egress = (
        _lists(book.restricting(way), elements, lists)
        for way in (Direction.INGRESS, Direction.EGRESS)
    )
    return Side(
        rows=tuple(rows.tolist()),
        columns=tuple(columns.tolist()),
        cells=tuple(map(runs_of, cells)),
        selves=tuple(selves.tolist()),
        lists=lists.values,
        ingress=ingress,
        egress=egress,
        policies=book.policies(),
        exempt={way.value: book.exemptions(way) for way in Direction},
        sets=sets.values,
    )


def _lists(
    found: list[list[int]], elements: IntArray, lists: Numbers[tuple[int, ...]]
) -> tuple[int, ...]:
    numbers = [lists.of(tuple(each)) for each in found]
    return tuple(0 if e == EndpointSets.ABSENT else numbers[e] for e in elements.tolist())
