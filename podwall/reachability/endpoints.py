"""Endpoints by id, in the order in which connections are listed, and whom selectors mean there."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from difflib import get_close_matches
from functools import cached_property
from typing import NamedTuple

import numpy as np

from podwall.model import Peer, PodPeer, Policy, Rule, Selector, SnapshotWorkload, Unknown
from podwall.policies.errors import InvalidValue
from podwall.reachability.addresses import first_address, networks
from podwall.reachability.analysis import Analysis
from podwall.reachability.arrays import Atoms, IntArray, distinct
from podwall.reachability.peers import peer_set_elements
from podwall.reachability.pod_classes import PodClasses
from podwall.reachability.policy_rules import PeerSets
from podwall.reachability.values import Endpoint, ExternalRange, WorkloadEndpoint

__all__ = ["Endpoints", "PeerResolver", "ResolvedPeers"]


class Endpoints:
    """Workloads by id, then external ranges by address; `element` has each one's class or part.

    `workload_numbers` has for each workload by id its index among the cluster's workloads.
    """

    def __init__(
        self, workloads: Sequence[SnapshotWorkload], classes: PodClasses, addresses: Atoms
    ) -> None:
        """Name the workloads, and write the address parts as networks."""
        named = sorted(zip(_ids(workloads), range(len(workloads)), strict=True))
        self.workloads = tuple(WorkloadEndpoint(name, workloads[n]) for name, n in named)
        outside = sorted(
            (
                (network, part)
                for part, ranges in enumerate(addresses.ranges())
                for network in networks(ranges)
            ),
            key=lambda pair: first_address(pair[0]),
        )
        self.externals = tuple(ExternalRange(network) for network, _ in outside)
        self.workload_numbers: IntArray = np.array([number for _, number in named], dtype=np.int64)
        inside = classes.of_workload[self.workload_numbers]
        parts = np.array([part for _, part in outside], dtype=np.int64)
        self.element: IntArray = np.concatenate([inside, parts + len(classes)])
        self.all: tuple[Endpoint, ...] = (*self.workloads, *self.externals)
        self._number = {each.id: number for number, each in enumerate(self.all)}
        self._also = {also: each.id for each in self.workloads for also in each.workload.also}

    def of_element(self, element: int) -> Endpoint:
        """Return the first endpoint of an element, which stands for all that are like it."""
        return self.all[int(self._firsts[element])]

    @cached_property
    def _firsts(self) -> IntArray:
        found = np.zeros(int(self.element.max(initial=0)) + 1, dtype=np.int64)
        found[self.element[::-1]] = np.arange(len(self.all))[::-1]
        return found

    def number(self, endpoint_id: str) -> int:
        """Return an endpoint's index in `all`; a workload may be asked for by its real name.

        Raises:
            InvalidValue: there is no endpoint with that id.
        """
        number = self._number.get(endpoint_id)
        if number is None:
            number = self._number.get(self._also.get(endpoint_id, ""))
        if number is None:
            raise _unknown_endpoint(endpoint_id, self._number)
        return number


def _ids(workloads: Sequence[SnapshotWorkload]) -> list[str]:
    """Return each workload's id: `namespace/name`, with the kind where two kinds would clash.

    Workloads whose namespace is unknown may still clash; the second is then `…#2`.
    """
    short = [each.full_name for each in workloads]
    count = Counter(short)
    seen: defaultdict[str, int] = defaultdict(int)
    result = []
    for each, name in zip(workloads, short, strict=True):
        namespace = name.partition("/")[0]
        full = name if count[name] == 1 else f"{namespace}/{each.kind}/{each.name}"
        seen[full] += 1
        result.append(full if seen[full] == 1 else f"{full}#{seen[full]}")
    return result


def _unknown_endpoint(endpoint_id: str, known: dict[str, int]) -> InvalidValue:
    """Return the error for an id that is not there, with the nearest one that is."""
    short = (name for name in known if name.split("/")[-1] == endpoint_id)
    near = [*short, *get_close_matches(endpoint_id, known, n=1)]
    help_ = f"did you mean `{near[0]}`?" if near else "`podwall reach` lists all endpoints"
    return InvalidValue(f"there is no workload or external range `{endpoint_id}`", help=help_)


class ResolvedPeers(NamedTuple):
    """Elements, that is classes of pods and address parts: meant for certain, and at most."""

    must: IntArray
    may: IntArray


class PeerResolver:
    """Resolves what the policies of an analysis mention; other labels are not told apart."""

    def __init__(self, analysis: Analysis) -> None:
        """Keep what the analysis has indexed."""
        self._analysis = analysis
        self.everyone = np.arange(len(analysis.classes) + len(analysis.addresses))

    def within(self, namespace: str | Unknown, pods: Selector) -> ResolvedPeers:
        """Return the pods of one namespace that a selector selects."""
        peer_sets = PeerSets()
        return self._resolved(peer_sets, peer_sets.of_pods(namespace, pods))

    def across(self, namespaces: Selector, pods: Selector) -> ResolvedPeers:
        """Return the pods that a selector selects in all namespaces that another selects."""
        return self._peers("", (PodPeer(pods, namespaces),))

    def peer(self, policy: Policy, *peer: Peer) -> ResolvedPeers:
        """Return whom a peer of a policy's rule means; ip blocks of one rule go together."""
        return self._peers(policy.namespace, peer)

    def _peers(self, namespace: str | Unknown, peers: tuple[Peer, ...]) -> ResolvedPeers:
        peer_sets = PeerSets()
        (number,) = peer_sets.of_rule(namespace, Rule(peers))
        return self._resolved(peer_sets, number)

    def _resolved(self, peer_sets: PeerSets, number: int) -> ResolvedPeers:
        analysis = self._analysis
        found = peer_set_elements(analysis.cluster, peer_sets, analysis.lookup, analysis.addresses)
        must, perhaps = found.of(number)
        shown = len(self.everyone)
        must, perhaps = must[must < shown], perhaps[perhaps < shown]
        return ResolvedPeers(must, distinct(np.concatenate([must, perhaps])))
