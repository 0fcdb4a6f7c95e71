"""The parts from which benchmark clusters are built."""

from __future__ import annotations

from typing import TYPE_CHECKING

from podwall.model import (
    LabelMap,
    Operator,
    PodPeer,
    Policy,
    Rule,
    Selector,
    SelectorRequirement,
    SnapshotNamespace,
    SnapshotWorkload,
)

if TYPE_CHECKING:
    from podwall.model import Peer, PortRule

__all__ = ["allowing", "equal", "namespace", "pods", "workload"]


def namespace(name: str, **labels: str) -> SnapshotNamespace:
    """Return a namespace with its labels and the label with its name."""
    return SnapshotNamespace(name, LabelMap.of({"kubernetes.io/metadata.name": name, **labels}))


def workload(where: str, name: str, labels: dict[str, str], replicas: int = 1) -> SnapshotWorkload:
    """Return a bare pod, or a Deployment where it has replicas."""
    kind = "Pod" if replicas == 1 else "Deployment"
    return SnapshotWorkload(where, name, kind, LabelMap.of(dict(labels)), replicas=replicas)


def equal(**labels: str) -> Selector:
    """Return a selector of labels; none selects everything."""
    items = sorted(labels.items())
    return Selector(tuple(SelectorRequirement(key, Operator.IN, (value,)) for key, value in items))


def pods(namespaces: Selector | None = None, /, **labels: str) -> PodPeer:
    """Return pods by label, of the policy's namespace if no namespaces are given."""
    return PodPeer(equal(**labels), namespaces)


def allowing(
    where: str, name: str, target: Selector, *peers: Peer, ports: tuple[PortRule, ...] = ()
) -> Policy:
    """Return an ingress policy that allows some peers; without any, it allows nothing."""
    rules = (Rule(peers, ports or None),) if peers else ()
    return Policy(where, name, target, ingress=rules)
