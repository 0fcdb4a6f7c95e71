"""The few numbers with which a report begins, and the sentence that says them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from podwall.engines import SPEC, Engine
from podwall.reachability.arrays import IntArray
from podwall.reachability.profiles import OPEN
from podwall.reports.words import counted
from podwall.verdict_table import VerdictTable, is_one_pod

__all__ = ["Summary", "engine_sentence", "headline", "summary"]


@dataclass(frozen=True, slots=True)
class Summary:
    """What a verdict table amounts to; numbers of workloads are places in its endpoints.

    A connection is an ordered pair of workloads, or a workload of several pods and itself; it is
    open if anything may pass. `from_outside` can be reached from some address outside the cluster;
    `admitting` accept everyone and `roaming` may connect to anyone, as no policy restricts them.
    """

    workloads: int
    namespaces: int
    connections: int
    open: int
    undetermined: int
    from_outside: tuple[int, ...]
    admitting: tuple[int, ...]
    roaming: tuple[int, ...]


def summary(table: VerdictTable) -> Summary:
    """Return the summary of a verdict table."""
    join = table.reachability.analysis.join
    workloads = table.reachability.workloads
    count = len(workloads)
    sources, destinations = table.sources[:count], table.destinations[:count]
    opens, doubts = _numbers(table)
    return Summary(
        workloads=count,
        namespaces=len({each.workload.namespace for each in workloads}),
        connections=count * count - sum(map(is_one_pod, workloads)),
        open=_pairs(table, opens),
        undetermined=_pairs(table, doubts),
        from_outside=_numbers_where(_reached_from_outside(table, opens)[destinations]),
        admitting=_numbers_where(join.destinations.profile[destinations] == OPEN),
        roaming=_numbers_where(join.sources.profile[sources] == OPEN),
    )


def engine_sentence(engine: Engine) -> str:
    """Return on whose behaviour the verdicts rest, as a sentence.

    >>> from podwall.engines import CILIUM, SPEC
    >>> engine_sentence(CILIUM)
    'Judged as Cilium enforces network policies.'
    """
    if engine == SPEC:
        return "Judged by the NetworkPolicy specification: no engine was named, and they differ."
    return f"Judged as {engine.title} enforces network policies."


def _numbers(table: VerdictTable) -> tuple[IntArray, IntArray]:
    """Return the verdicts that allow something, and those that allow nothing for certain."""
    known = enumerate(table.verdicts)
    opens = [number for number, verdict in known if verdict.allowed]
    known = enumerate(table.verdicts)
    doubts = [number for number, each in known if each.undetermined and not each.allowed]
    return np.array(opens, dtype=np.int64), np.array(doubts, dtype=np.int64)


def _pairs(table: VerdictTable, verdicts: IntArray) -> int:
    """Return how many ordered pairs of workloads have one of the verdicts."""
    count = len(table.reachability.workloads)
    sources = np.bincount(table.sources[:count], minlength=table.cells.shape[0])
    destinations = np.bincount(table.destinations[:count], minlength=table.cells.shape[1])
    found = np.isin(table.cells, verdicts)
    alone = [k for k, each in enumerate(table.reachability.workloads) if is_one_pod(each)]
    selves = np.isin(table.cells[table.sources[alone], table.destinations[alone]], verdicts)
    return int(sources @ found @ destinations) - int(selves.sum())


def _reached_from_outside(table: VerdictTable, opens: IntArray) -> np.typing.NDArray[np.bool_]:
    """Return for each destination role whether some address outside may connect to it."""
    outside = np.unique(table.sources[len(table.reachability.workloads) :])
    return np.asarray(np.isin(table.cells[outside], opens).any(axis=0), dtype=np.bool_)


def _numbers_where(flags: np.typing.NDArray[np.bool_]) -> tuple[int, ...]:
    return tuple(np.flatnonzero(flags).tolist())


def headline(found: Summary) -> str:
    """Return the answer to who can reach whom, in a sentence.

    >>> print(headline(Summary(3, 2, 6, 2, 1, (), (), ())))
    2 of 6 connections between 3 workloads in 2 namespaces are open, 1 more is undetermined
    """
    workloads = counted(found.workloads, "workload")
    between = f"between {workloads} in {counted(found.namespaces, 'namespace')}"
    if found.connections == 0:
        return f"{workloads}, and no two pods to connect"
    if found.open == found.connections:
        return f"all {found.connections:,} connections {between} are open"
    opens = f"{found.open:,}" if found.open else "none"
    are = "is" if found.open == 1 else "are"
    said = f"{opens} of {found.connections:,} connections {between} {are} open"
    if not found.undetermined:
        return said
    more = "is" if found.undetermined == 1 else "are"
    return f"{said}, {found.undetermined:,} more {more} undetermined"
