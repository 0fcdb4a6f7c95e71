"""Classes of pods: pods that no policy of the cluster can tell apart are analysed once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from podwall.model import LabelMap, Unknown
from podwall.reachability.grouping import unique_rows
from podwall.reachability.matching import Match
from podwall.reachability.places import ANYWHERE
from podwall.reachability.registry import Registry

if TYPE_CHECKING:
    from collections.abc import Sequence
    from collections.abc import Set as AbstractSet

    from podwall.model import Workload, WorkloadPort
    from podwall.reachability.grouping import IntArray
    from podwall.reachability.label_index import Mentions
    from podwall.reachability.places import Places

__all__ = ["PodClasses", "PortNaming", "host_match", "pod_classes"]

PortNaming = tuple[tuple["WorkloadPort", ...], Unknown | None]
"""The declared ports whose names some rule mentions, and why there may be more."""


@dataclass(frozen=True, slots=True)
class PodClasses:
    """The classes of a cluster's workloads.

    `of_workload` gives each workload's class; the other arrays have one entry for each class:
    numbers into `namespaces`, `labels`, `namings` and `places`, and whether its pods use the host
    network.
    """

    of_workload: IntArray
    namespace: IntArray
    label: IntArray
    naming: IntArray
    host: IntArray
    place: IntArray
    namespaces: tuple[str | Unknown, ...]
    labels: tuple[LabelMap, ...]
    namings: tuple[PortNaming, ...]
    places: Places

    def __len__(self) -> int:
        """Return the number of classes."""
        return len(self.namespace)


def host_match(workload: Workload) -> Match:
    """Return whether a workload's pods use the network of their node."""
    host = workload.host_network
    if isinstance(host, Unknown):
        return Match.MAYBE
    return Match.YES if host else Match.NO


def pod_classes(
    workloads: Sequence[Workload],
    mentions: Mentions,
    port_names: AbstractSet[str],
    places: Places,
) -> PodClasses:
    """Return the classes of workloads, given what the selectors and rules of a cluster mention.

    Pods whose doubts have other causes are in other classes.
    """
    namespaces = Registry[str | Unknown]()
    labels = _Labels(mentions)
    namings = _Namings(port_names)
    hosts = Registry[bool | Unknown]()
    rows = np.array(
        [
            (
                namespaces.number(each.namespace),
                labels.number(each.labels),
                namings.number(each) if port_names else 0,
                host_match(each),
                places.number(each) if each.addresses else ANYWHERE,
                hosts.number(each.host_network) if isinstance(each.host_network, Unknown) else 0,
            )
            for each in workloads
        ],
        dtype=np.int64,
    ).reshape(-1, 6)
    classes, of_workload = unique_rows(rows)
    return PodClasses(
        of_workload=of_workload,
        namespace=classes[:, 0],
        label=classes[:, 1],
        naming=classes[:, 2],
        host=classes[:, 3],
        place=classes[:, 4],
        namespaces=tuple(namespaces.values),
        labels=tuple(labels.registry.values),
        namings=tuple(namings.registry.values),
        places=places,
    )


class _Labels:
    """Numbers label maps by what selectors mention of them, each written form once."""

    def __init__(self, mentions: Mentions) -> None:
        self.registry = Registry[LabelMap]()
        self._mentions = mentions
        self._written: dict[object, int] = {}

    def number(self, labels: LabelMap) -> int:
        key = labels.items if labels.more is None else (labels.items, labels.more)
        number = self._written.get(key)
        if number is None:
            number = self.registry.number(self._mentions.abstract(labels))
            self._written[key] = number
        return number


class _Namings:
    """Numbers the ways in which pods name the ports that rules mention by name."""

    def __init__(self, names: AbstractSet[str]) -> None:
        self.registry = Registry[PortNaming]()
        self.registry.number(((), None))
        self._names = names

    def number(self, workload: Workload) -> int:
        named = {port for port in workload.ports if port.name in self._names}
        if not named and workload.open_ports is None:
            return 0
        order = sorted(named, key=lambda p: (p.name or "", p.protocol, p.number))
        return self.registry.number((tuple(order), workload.open_ports))
