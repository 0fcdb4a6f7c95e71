"""The nearest miss: the least that would have to be different for a rule to match."""

from __future__ import annotations

from typing import TYPE_CHECKING

from podwall.explain.wording import blocks_text, carrying, ports_text
from podwall.model import Operator, PodPeer, Unknown
from podwall.reachability.matching import Match, requirement_matches
from podwall.reachability.namespaces import NAME_LABEL
from podwall.reachability.pod_classes import host_match
from podwall.reachability.values import ExternalRange

if TYPE_CHECKING:
    from collections.abc import Iterator

    from podwall.model import IpPeer, Policy, Requirement, Rule
    from podwall.portset import PortSet
    from podwall.reachability.cluster import Cluster
    from podwall.reachability.replayed import PeerReplay, RuleReplay
    from podwall.reachability.values import Endpoint, WorkloadEndpoint

__all__ = ["peer_miss", "port_miss"]

Miss = tuple[int, str]
"""How many conditions fail, and the sentence."""


def peer_miss(cluster: Cluster, policy: Policy, rule: RuleReplay, other: Endpoint) -> str:
    """Return why no peer of a rule is the other endpoint: the peer that comes nearest."""
    missing = (_peer_miss(cluster, policy, each, other) for each in rule.peers)
    return min(missing, default=(0, "it names no peer"))[1]


def _peer_miss(cluster: Cluster, policy: Policy, replay: PeerReplay, other: Endpoint) -> Miss:
    peer = replay.peer
    if isinstance(peer, tuple):
        return 9, _block_miss(cluster, peer, other)
    if isinstance(other, ExternalRange):
        return 8, "it speaks of pods, and the other end is outside the cluster"
    if host_match(other.workload) is Match.YES:
        return 8, "no selector matches a pod on the host network: to policies it is a node"
    assert isinstance(peer, PodPeer)
    conditions = list(_conditions(cluster, policy, peer, other))
    return len(conditions), f"it would match if {' and '.join(conditions)}"


def _conditions(
    cluster: Cluster, policy: Policy, peer: PodPeer, other: WorkloadEndpoint
) -> Iterator[str]:
    """Yield what would have to be for a peer to be a workload."""
    workload = other.workload
    if peer.namespaces is None:
        if policy.namespace != workload.namespace:
            yield f"the pod were in namespace {policy.namespace}"
    else:
        labels = cluster.namespaces.of(workload.namespace)
        for each in peer.namespaces.requirements:
            if requirement_matches(each, labels) is Match.NO:
                yield _namespace_condition(each)
    for each in peer.pods.requirements:
        if requirement_matches(each, workload.labels) is Match.NO:
            yield f"the pod {carrying(each)}"


def _namespace_condition(requirement: Requirement) -> str:
    if requirement.key == NAME_LABEL and requirement.operator is Operator.IN:
        return f"the pod were in namespace {' or '.join(requirement.values)}"
    return f"the pod's namespace {carrying(requirement)}"


def _block_miss(cluster: Cluster, blocks: tuple[IpPeer, ...], other: Endpoint) -> str:
    written = blocks_text(blocks)
    if isinstance(other, ExternalRange):
        return f"it speaks of {written}"
    engine = cluster.engine
    on_host = host_match(other.workload) is Match.YES
    fact = engine.nodes_by_block if on_host else engine.pods_by_block
    return f"it speaks of {written}, and {fact.says}"


def port_miss(rule: Rule | Unknown, allowed: PortSet, asked: PortSet) -> str:
    """Return why a rule whose peers match does not allow the asked ports."""
    ports = None if isinstance(rule, Unknown) else rule.ports
    written = ports_text(ports)
    same = written == str(allowed).replace(";", ",")
    meaning = "" if same else f" (here {allowed})"
    return f"it allows {written}{meaning}, not {asked}"
