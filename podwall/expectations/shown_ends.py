"""What an expectation means that says the names in the cluster, where others are shown."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from podwall.expectations.expectation import (
    Expectation,
    Outside,
    PodSelection,
    Selection,
    WorkloadId,
)
from podwall.reachability import Reachability

__all__ = ["in_shown_names"]


def in_shown_names(found: Reachability) -> Callable[[Expectation], Expectation]:
    """Return what writes expectations in the names that an analysis shows.

    A program's name for something is shown where the name in the cluster is made up; people may
    write either.
    """
    workloads = {also: each.id for each in found.workloads for also in each.workload.also}
    namespaces = {each.also: each.name for each in found.snapshot.namespaces if each.also}
    if not workloads and not namespaces:
        return lambda expectation: expectation

    def written(expectation: Expectation) -> Expectation:
        return replace(
            expectation,
            sources=tuple(_shown(each, workloads, namespaces) for each in expectation.sources),
            destinations=tuple(
                _shown(each, workloads, namespaces) for each in expectation.destinations
            ),
        )

    return written


def _shown(
    selection: Selection, workloads: Mapping[str, str], namespaces: Mapping[str, str]
) -> Selection:
    match selection:
        case WorkloadId(id_) if id_ in workloads:
            return WorkloadId(workloads[id_])
        case PodSelection(str() as namespace, labels) if namespace in namespaces:
            return PodSelection(namespaces[namespace], labels)
        case Outside(namespace) if namespace in namespaces:
            return Outside(namespaces[namespace])
        case _:
            return selection
