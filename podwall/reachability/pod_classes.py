"""Classes of pods: pods that no policy of the cluster can tell apart are analysed once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from podwall.model import Unknown
from podwall.reachability.matching import Match

if TYPE_CHECKING:
    from collections.abc import Sequence
    from collections.abc import Set as AbstractSet

    from podwall.model import LabelMap, Workload, WorkloadPort
    from podwall.reachability.grouping import IntArray
    from podwall.reachability.label_index import Mentions

__all__ = ["PodClasses", "PortNaming", "host_match", "pod_classes"]

PortNaming = tuple[tuple["WorkloadPort", ...], Unknown | None]
"""The declared ports whose names some rule mentions, and why there may be more."""


@dataclass(frozen=True, slots=True)
class PodClasses:
    """The classes of a cluster's workloads, numbered in the order of first appearance.

    `of_workload` gives each workload's class; the other arrays have one entry for each class:
    numbers into `namespaces`, `labels` and `namings`, and whether its pods use the host network.
    """

    of_workload: IntArray
    example: tuple[Workload, ...]
    namespace: IntArray
    label: IntArray
    naming: IntArray
    host: IntArray
    namespaces: tuple[str | Unknown, ...]
    labels: tuple[LabelMap, ...]
    namings: tuple[PortNaming, ...]

    def __len__(self) -> int:
        """Return the number of classes."""
        return len(self.example)


def host_match(workload: Workload) -> Match:
    """Return whether a workload's pods use the network of their node."""
    match workload.host_network:
        case Unknown():
            return Match.MAYBE
        case True:
            return Match.YES
        case False:
            return Match.NO


def pod_classes(
    workloads: Sequence[Workload], mentions: Mentions, port_names: AbstractSet[str]
) -> PodClasses:
    """Return the classes of workloads, given what the selectors and rules of a cluster mention."""
    namespaces: dict[str | Unknown, int] = {}
    labels: dict[LabelMap, int] = {}
    namings: dict[PortNaming, int] = {}
    seen: dict[object, int] = {}
    classes: dict[tuple[int, int, int, Match], int] = {}
    examples: list[Workload] = []
    of_workload: list[int] = []
    for workload in workloads:
        raw = _everything(workload, with_ports=bool(port_names))
        number = seen.get(raw)
        if number is None:
            key = (
                namespaces.setdefault(workload.namespace, len(namespaces)),
                labels.setdefault(mentions.abstract(workload.labels), len(labels)),
                namings.setdefault(_naming(workload, port_names), len(namings)),
                host_match(workload),
            )
            number = seen[raw] = classes.setdefault(key, len(classes))
            if number == len(examples):
                examples.append(workload)
        of_workload.append(number)
    columns = np.array(list(classes), dtype=np.int64).reshape(-1, 4)
    return PodClasses(
        of_workload=np.array(of_workload, dtype=np.int64),
        example=tuple(examples),
        namespace=columns[:, 0],
        label=columns[:, 1],
        naming=columns[:, 2],
        host=columns[:, 3],
        namespaces=tuple(namespaces),
        labels=tuple(labels),
        namings=tuple(namings),
    )


def _everything(workload: Workload, *, with_ports: bool) -> object:
    """Return all of a workload that policies could look at, as a key that is cheap to compare."""
    labels = workload.labels
    key = (workload.namespace, labels.items, labels.more, workload.host_network)
    return (key, workload.ports, workload.open_ports) if with_ports else key


def _naming(workload: Workload, port_names: AbstractSet[str]) -> PortNaming:
    ports = {port for port in workload.ports if port.name in port_names}
    more = workload.open_ports if port_names else None
    return tuple(sorted(ports, key=lambda p: (p.name or "", p.protocol, p.number))), more
