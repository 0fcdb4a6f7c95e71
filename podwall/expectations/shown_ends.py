"""What an expectation means that says the names in the cluster, where others are shown."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TypeVar

from podwall.expectations.acceptance import Acceptance
from podwall.expectations.expectation import (
    Expectation,
    Outside,
    PodSelection,
    Selection,
    WorkloadId,
)
from podwall.reachability import Reachability

__all__ = ["in_shown_names"]


S = TypeVar("S", Expectation, Acceptance, Expectation | Acceptance)


def in_shown_names(found: Reachability) -> Callable[[S], S]:
    """Return what writes statements in the names that an analysis shows.

    A program's name for something is shown where the name in the cluster is made up; people may
    write either.
    """
    workloads = {also: each.id for each in found.workloads for also in each.workload.also}
    namespaces = {each.also: each.name for each in found.snapshot.namespaces if each.also}
    if not workloads and not namespaces:
        return lambda statement: statement

    def written(statement: S) -> S:
        return replace(
            statement,
            sources=tuple(_shown(each, workloads, namespaces) for each in statement.sources),
            destinations=tuple(
                _shown(each, workloads, namespaces) for each in statement.destinations
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
