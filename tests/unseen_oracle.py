"""The judge of exposure: pods that nobody has written, asked about one at a time.

It is given hypothetical pods over the whole universe of labels, values, namespaces and port names
that a cluster mentions, each with a fresh one, and asks the oracle who may connect. On top of the
oracle it only says what a twin is.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from typing import Any, NamedTuple

from podwall.model import (
    IpProtocol,
    LabelMap,
    PodPeer,
    Selector,
    Snapshot,
    SnapshotNamespace,
    SnapshotWorkload,
    WorkloadPort,
)
from tests import oracle
from tests.oracle import Address, Pod, Probes

FRESH = "never-mentioned"


class Hypothetical(NamedTuple):
    """A pod that may exist, and its namespace."""

    namespace: SnapshotNamespace
    labels: LabelMap

    def pod(self, ports: tuple[WorkloadPort, ...] = (), address: Address | None = None) -> Pod:
        """Return the pod, with some ports and perhaps an address."""
        workload = SnapshotWorkload(self.namespace.name, FRESH, "Pod", self.labels, ports)
        return Pod(workload, 0, address, node=FRESH)

    def added_to(self, cluster: Snapshot) -> Snapshot:
        """Return the cluster with the pod's namespace."""
        others = (each for each in cluster.namespaces if each.name != self.namespace.name)
        return replace(cluster, namespaces=(*others, self.namespace))


def universe(cluster: Snapshot) -> Iterator[Hypothetical]:
    """Yield every pod that some policy may tell from another, in every such namespace."""
    pods = [peer.pods for peer in _peers(cluster)]
    pods += [policy.pod_selector for policy in cluster.policies]
    spaces = [peer.namespaces for peer in _peers(cluster) if peer.namespaces is not None]
    shown = {each.name: each for each in cluster.namespaces}
    names = {value for each in spaces for value in _mentioned(each).get(_NAME, ())}
    labels = list(_label_maps(pods))
    for name in sorted({*names, FRESH} - shown.keys()):
        for each in _label_maps(spaces):
            named = dict(each.items) | {_NAME: name}
            there = SnapshotNamespace(name, LabelMap.of(named))
            yield from (Hypothetical(there, own) for own in labels)
    for there in shown.values():
        yield from (Hypothetical(there, own) for own in labels)


_NAME = "kubernetes.io/metadata.name"


def _peers(cluster: Snapshot) -> list[PodPeer]:
    rules = [
        rule
        for policy in cluster.policies
        for rule in (*(policy.ingress or ()), *(policy.egress or ()))  # type: ignore[misc]  # known
    ]
    peers = (peer for rule in rules for peer in rule.peers or ())
    return [peer for peer in peers if isinstance(peer, PodPeer)]


def _mentioned(selector: Selector) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for each in selector.requirements:
        found.setdefault(each.key, set()).update(each.values)
    return found


def _label_maps(selectors: list[Selector]) -> Iterator[LabelMap]:
    values: dict[str, set[str]] = {}
    for selector in selectors:
        for key, mentioned in _mentioned(selector).items():
            if key != _NAME:
                values.setdefault(key, {FRESH}).update(mentioned)
    choices = [[None, *sorted(each)] for each in values.values()]
    for combination in product(*choices):
        pairs = zip(values, combination, strict=True)
        yield LabelMap.of({key: value for key, value in pairs if value is not None})


def every_port_name(cluster: Snapshot, probes: Probes) -> tuple[WorkloadPort, ...]:
    """Return ports that give every name that is mentioned to every port that is asked about."""
    rules = [
        rule
        for policy in cluster.policies
        for rule in (*(policy.ingress or ()), *(policy.egress or ()))  # type: ignore[misc]  # known
    ]
    names = {e.port for r in rules for e in r.ports or () if isinstance(e.port, str)}
    return tuple(
        WorkloadPort(number, protocol, name)
        for name in sorted(names)
        for protocol, number in sorted(probes)
        if protocol is not IpProtocol.OTHER
    )


def passing(
    cluster: Snapshot, hypothetical: Hypothetical, ends: tuple[Pod, Pod], probes: Probes
) -> Probes:
    """Return the probes that pass between two pods, one of which is hypothetical."""
    return oracle.passing(hypothetical.added_to(cluster), *ends, probes)


def new(
    cluster: Snapshot, hypothetical: Hypothetical, ends: tuple[Pod, Pod], probes: Probes
) -> Probes:
    """Return the probes that pass for another reason than that of a twin.

    A hypothetical pod is the twin of a pod that is there, before a selector that means both and
    asks for labels by value, where the two agree in these. What rules grant it as a twin is not
    new: neither by a peer that means the twin, nor by a policy that selects it.
    """
    snapshot = hypothetical.added_to(cluster)
    source, destination = ends
    egress = _grants(snapshot, "egress", source, destination)
    ingress = _grants(snapshot, "ingress", destination, source)
    return frozenset(
        probe
        for probe in probes
        if all(
            any(rule is None or oracle.covers_any([rule], ends[1], *probe) for rule in rules)
            for rules in (egress, ingress)
        )
    )


def _grants(cluster: Snapshot, direction: str, subject: Pod, peer: Pod) -> list[Any]:
    """Return the rules by which an end agrees, without those of twins; None for no restriction."""
    rules = oracle.consulted(cluster, direction, subject, peer)
    if rules is None:
        return [None]
    found = []
    for policy in oracle.isolating(cluster, direction, subject):
        if subject.workload.name == FRESH and _is_twin(
            cluster, subject, policy.namespace, PodPeer(policy.pod_selector)
        ):
            continue
        for rule in getattr(policy, direction):
            means = rule.peers is None or any(
                oracle.is_meant(cluster, policy, each, peer)
                and not (
                    peer.workload.name == FRESH
                    and isinstance(each, PodPeer)
                    and _is_twin(cluster, peer, policy.namespace, each)
                )
                for each in rule.peers
            )
            if means:
                found.append(rule)
    return found


def _is_twin(cluster: Snapshot, pod: Pod, namespace: str, peer: PodPeer) -> bool:
    """Say whether what a peer of a policy in a namespace means has a pod like this one."""
    asked = [each.key for each in peer.pods.requirements if each.operator.value == "In"]
    labels = dict(pod.workload.labels.items)
    policy = _InNamespace(namespace)
    return bool(asked) and any(
        workload.namespace == pod.workload.namespace
        and oracle.is_meant(cluster, policy, peer, Pod(workload))
        and all(dict(workload.labels.items)[key] == labels[key] for key in asked)
        for workload in cluster.workloads
    )


class _InNamespace(NamedTuple):
    namespace: str
