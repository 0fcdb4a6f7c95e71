"""The ends of expectations as peers of the typed language."""

from __future__ import annotations

from ipaddress import ip_network
from typing import TYPE_CHECKING, Final

from podwall.engines import BlockMatch, Treatment
from podwall.expectations import (
    Addresses,
    Anything,
    Internet,
    Outside,
    Selection,
    WorkloadId,
)
from podwall.expectations.selecting import not_public
from podwall.expectations.selections import Pods as PodsOf
from podwall.intervals import difference, intersection
from podwall.model import IpPeer
from podwall.policies import (
    ALL_NAMESPACES,
    ALL_PODS,
    ANYWHERE,
    IpBlock,
    Labels,
    LabelSelector,
    Namespace,
    Peer,
    Pods,
    PodsIn,
    ip_block,
    namespaces,
    not_in,
)
from podwall.policies.addresses import Anywhere
from podwall.policies.peers import METADATA_NAME
from podwall.reachability.addresses import block_ranges, networks

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from podwall.intervals import Ranges
    from podwall.reachability.cluster import Cluster
    from podwall.reachability.values import WorkloadEndpoint
    from podwall.suggest.selectors import Chosen

__all__ = ["Peers"]

_FAMILIES: Final = (ip_network("0.0.0.0/0"), ip_network("::/0"))


class Peers:
    """Writes ends as peers, seen from a policy of a namespace."""

    def __init__(
        self,
        cluster: Cluster,
        workloads: Mapping[str, WorkloadEndpoint],
        chosen: Mapping[str, Chosen],
    ) -> None:
        """Take the cluster, its workloads by id, and the selectors of those that have one."""
        self._cluster = cluster
        self._workloads = workloads
        self._chosen = chosen
        ignored = cluster.engine.ipv6_blocks.value is Treatment.IGNORED
        self._families = _FAMILIES[:1] if ignored else _FAMILIES
        self._versions = frozenset(each.version for each in self._families)

    def of(self, selection: Selection, own: str) -> tuple[Peer, ...] | Anywhere:
        """Return the peers that mean an end to a policy of the namespace `own`.

        There are none where no selector means a workload, such as one on the network of its node,
        and for IPv6 addresses under an engine that would ignore the whole policy for them.
        """
        match selection:
            case Anything():
                return ANYWHERE
            case WorkloadId(id_):
                return tuple(self._workload(id_, own))
            case PodsOf(namespace, labels):
                pods = Pods(LabelSelector(Labels(dict(labels))))
                return (_in(namespace, pods, own),)
            case Addresses(network):
                return (ip_block(network),) if network.version in self._versions else ()
            case Internet():
                return tuple(self._without(not_public()))
            case Outside(namespace):
                elsewhere = namespaces(not_in(METADATA_NAME, namespace))
                return (elsewhere, *self._without(self._where_pods_are()))

    def _workload(self, id_: str, own: str) -> Iterator[Peer]:
        chosen = self._chosen.get(id_)
        if chosen is not None:
            yield _in(str(self._workloads[id_].workload.namespace), chosen.pods, own)

    def _where_pods_are(self) -> Ranges:
        """Return the addresses by which an ip block could mean pods."""
        if self._cluster.engine.pods_by_block.value is BlockMatch.NEVER:
            return ()
        return self._cluster.pods_at.possible

    def _without(self, left_out: Ranges) -> Iterator[IpBlock]:
        """Yield blocks for each family of addresses that there is, without what is left out."""
        for family in self._families:
            line = block_ranges((IpPeer(family),))
            rest = tuple(networks(difference(line, left_out)))
            if len(rest) == 1:
                yield ip_block(rest[0])
            elif rest:
                yield ip_block(family, except_=tuple(networks(intersection(line, left_out))))


def _in(namespace: str | None, pods: Pods, own: str) -> Peer:
    if namespace == own:
        return pods
    if namespace is None:
        return ALL_NAMESPACES if pods == ALL_PODS else PodsIn(ALL_NAMESPACES, pods)
    there = Namespace(namespace)
    return there if pods == ALL_PODS else PodsIn(there, pods)
