"""Which endpoints of an analysis a selection means: for certain, and perhaps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from ipaddress import ip_network
from typing import Final

from podwall.engines import Engine, Treatment
from podwall.expectations.expectation import (
    Addresses,
    Anything,
    Internet,
    Outside,
    PodSelection,
    Selection,
    WorkloadId,
)
from podwall.intervals import Ranges, difference, intersection, merged
from podwall.model import Operator, Selector, SelectorRequirement, Unknown
from podwall.reachability.addresses import is_ipv6, network_ranges
from podwall.reachability.cluster import MOST_ASKED, EnforcedCluster
from podwall.reachability.matching import Match, labels_match
from podwall.reachability.values import Endpoint, ExternalRange, NodeEndpoint, WorkloadEndpoint

__all__ = [
    "SelectedEndpoints",
    "has_ipv6",
    "is_real",
    "matches",
    "not_public",
    "selected",
]

_SPECIAL: Final = (
    "0.0.0.0/8",
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.168.0.0/16",
    "224.0.0.0/3",
    "::/3",
    "4000::/2",
    "8000::/1",
)
"""Everything that is not globally reachable unicast; of IPv6 that is `2000::/3` only."""


@dataclass(frozen=True, slots=True)
class SelectedEndpoints:
    """Endpoints by id, each with whether it is meant for certain."""

    certain: frozenset[str]
    perhaps: frozenset[str]

    @property
    def all(self) -> frozenset[str]:
        """Those that are meant, or may be."""
        return self.certain | self.perhaps


def selected(
    selections: Sequence[Selection],
    endpoints: Sequence[Endpoint],
    *,
    ipv6: bool = True,
    nodes: Ranges = (),
) -> SelectedEndpoints:
    """Return the endpoints that one of the selections means.

    Without `ipv6` only a selection that names addresses means ranges of IPv6: the cluster has none.
    `nodes` are addresses that are asked about as nodes, and not as parts of ranges.
    """
    counted = [each for each in selections if not _only_nodes(each, nodes)]
    answers = {
        end.id: _best(selections if isinstance(end, NodeEndpoint) else counted, end, ipv6=ipv6)
        for end in endpoints
    }
    return SelectedEndpoints(
        frozenset(name for name, match in answers.items() if match is Match.YES),
        frozenset(name for name, match in answers.items() if match is Match.MAYBE),
    )


def _only_nodes(selection: Selection, nodes: Ranges) -> bool:
    if not isinstance(selection, Addresses):
        return False
    return not difference(network_ranges(selection.network), nodes)


def _best(selections: Sequence[Selection], end: Endpoint, *, ipv6: bool) -> Match:
    named = ipv6 or not (isinstance(end, ExternalRange) and is_ipv6(end.network))
    counted = (each for each in selections if named or isinstance(each, Addresses))
    return max((matches(each, end) for each in counted), default=Match.NO)


def matches(selection: Selection, end: Endpoint) -> Match:
    """Return whether a selection means an endpoint; a range counts if it means a part of it."""
    if isinstance(end, NodeEndpoint):
        return Match.YES if _names_node(selection, end) else Match.NO
    if isinstance(selection, Anything):
        return Match.YES
    if isinstance(end, ExternalRange):
        return Match.YES if _means_range(selection, end) else Match.NO
    return _means_workload(selection, end)


def is_real(end: Endpoint, cluster: EnforcedCluster) -> bool:
    """Return whether traffic can come from an endpoint, or go there.

    The ranges that pods get their addresses from are not outside the cluster, nor are nodes.
    """
    if not isinstance(end, ExternalRange):
        return True
    pods = network_ranges(*cluster.snapshot.pod_cidrs)
    inside = merged((*pods, *cluster.node_ranges))
    return bool(difference(network_ranges(end.network), inside))


def has_ipv6(engine: Engine) -> bool:
    """Return whether clusters of an engine can have IPv6.

    One that ignores policies with IPv6 blocks runs in clusters without only.
    """
    return not engine.enforces or engine.ipv6_blocks.value is not Treatment.IGNORED


def _names_node(selection: Selection, end: NodeEndpoint) -> bool:
    """Return whether a selection names addresses, few enough to be asked about node by node."""
    if not isinstance(selection, Addresses) or selection.network.num_addresses > MOST_ASKED:
        return False
    return end.workload.addresses[0] in selection.network


def _means_range(selection: Selection, end: ExternalRange) -> bool:
    match selection:
        case Outside():
            return True
        case Internet():
            return bool(difference(network_ranges(end.network), not_public()))
        case Addresses(network):
            return bool(intersection(network_ranges(end.network), network_ranges(network)))
        case _:
            return False


@cache
def not_public() -> Ranges:
    """Return the addresses that are not of the internet."""
    return network_ranges(*map(ip_network, _SPECIAL))


def _means_workload(selection: Selection, end: WorkloadEndpoint) -> Match:
    match selection:
        case WorkloadId(id_):
            return Match.YES if end.id == id_ else Match.NO
        case PodSelection(namespace, labels):
            there = Match.YES if namespace is None else _within(namespace, end)
            return min(there, _carries(labels, end))
        case Outside(namespace):
            return Match(Match.YES - _within(namespace, end))
        case _:
            return Match.NO


def _within(namespace: str, end: WorkloadEndpoint) -> Match:
    own = end.workload.namespace
    if isinstance(own, Unknown):
        return Match.MAYBE
    return Match.YES if own == namespace else Match.NO


def _carries(labels: tuple[tuple[str, str], ...], end: WorkloadEndpoint) -> Match:
    equal = (SelectorRequirement(key, Operator.IN, (value,)) for key, value in labels)
    return labels_match(Selector(tuple(equal)), end.workload.labels)
