"""Changes of a cluster, as a pull request makes them."""

from __future__ import annotations

from dataclasses import replace
from random import Random

from benchmarks.manifests import manifests
from podwall.model import IpProtocol, Policy, PortRule, Rule, Snapshot
from podwall.reading import DeclaredCluster, Document
from podwall.reading import snapshot as snapshot_of

__all__ = ["as_read", "edited"]

_PORTS = (PortRule(IpProtocol.TCP, 8080),)


def edited(snapshot: Snapshot, fraction: float) -> Snapshot:
    """Return the cluster with so much of its policies edited: their rules get another port."""
    policies = list(snapshot.policies)
    count = max(1, round(len(policies) * fraction))
    for number in Random(count).sample(range(len(policies)), count):
        policies[number] = _edited(policies[number])
    return replace(snapshot, policies=tuple(policies))


def _edited(policy: Policy) -> Policy:
    rules = policy.ingress if isinstance(policy.ingress, tuple) else ()
    known = (each for each in rules if isinstance(each, Rule))
    return replace(policy, ingress=tuple(replace(each, ports=_PORTS) for each in known))


def as_read(snapshot: Snapshot) -> Snapshot:
    """Return the cluster as it is read from manifests of its own: two readings share little."""
    documents = [Document(each) for each in manifests(snapshot)]
    known = DeclaredCluster(pod_cidrs=snapshot.pod_cidrs)
    return snapshot_of(documents, complete=True, cluster=known).snapshot
