"""Random clusters of ClusterNetworkPolicies and NetworkPolicies, for a judge that reads documents.

python -m tests.peers.tier_cases 1000 > clusters.jsonl
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from random import Random
from typing import Any, Final

from podwall.model import IpProtocol, LabelMap, Policy, Snapshot, SnapshotNamespace
from tests.core.clusters import NAMESPACES, NUMBERS, POD_CIDR, Size, random_cluster
from tests.core.tier_clusters import Manifest, random_tier_policies, with_tier_policies
from tests.peers.documents import documents

__all__ = ["OUTSIDE", "PACKETS", "case", "document", "has_ties"]

OUTSIDE: Final = ("10.0.0.9", "130.0.0.1", "200.0.0.1", "241.0.0.1")
PACKETS: Final = [
    *product((IpProtocol.TCP, IpProtocol.UDP, IpProtocol.SCTP), NUMBERS),
    (IpProtocol.TCP, 54),
]
_TIED: Final = 5
_SIZE: Final = Size(workloads=5, policies=3, ipv6=False, hosts=False, replicas=(1,))


def case(number: int) -> tuple[Snapshot, list[Manifest]]:
    """Return a cluster, and its policies with tiers as manifests.

    Of one tier no two have one priority, but in every fifth cluster, where they have few: the judge
    orders those by name. NetworkPolicies isolate in both directions, because the judge leaves the
    Baseline tier out in both if one of them selects the pod in any.
    """
    rng = Random(f"judged {number}")
    cluster = random_cluster(rng, _SIZE)
    written = [each for each in random_tier_policies(rng, 6) if _is_new(each)]
    for priority, each in zip(rng.sample(range(1001), len(written)), written, strict=True):
        each["spec"]["priority"] = priority % 2 if has_ties(number) else priority
    policies = tuple(map(_both_ways, cluster.policies))
    known = {each.name: each for each in cluster.namespaces}
    spaces = tuple(known.get(name) or SnapshotNamespace(name, LabelMap()) for name in NAMESPACES)
    cluster = replace(cluster, policies=policies, namespaces=spaces)
    return with_tier_policies(cluster, written), written


def has_ties(number: int) -> bool:
    """Return whether policies of one tier may have one priority in a cluster."""
    return number % _TIED == _TIED - 1


def _is_new(manifest: Manifest) -> bool:
    return bool(manifest["kind"] == "ClusterNetworkPolicy")


def _both_ways(policy: Policy) -> Policy:
    ingress, egress = policy.ingress, policy.egress
    return replace(policy, ingress=() if ingress is None else ingress,
                   egress=() if egress is None else egress)  # fmt: skip


def document(number: int) -> dict[str, Any]:
    """Return a cluster as the judge reads it."""
    cluster, tiers = case(number)
    found = documents(cluster)
    pods = [each for each in found if each["kind"] == "Deployment"]
    return {
        "name": str(number),
        "namespaces": {
            each["metadata"]["name"]: each["metadata"]["labels"]
            | {"kubernetes.io/metadata.name": each["metadata"]["name"]}
            for each in found
            if each["kind"] == "Namespace"
        },
        "pods": [_pod(each, str(POD_CIDR[n])) for n, each in enumerate(pods, 1)],
        "outside": OUTSIDE,
        "policies": [_stored(each) for each in found if each["kind"] == "NetworkPolicy"],
        "tiers": tiers,
        "packets": [{"protocol": str(protocol), "port": port} for protocol, port in PACKETS],
    }


def _stored(policy: dict[str, Any]) -> dict[str, Any]:
    """Return a policy as the API server stores it: to the judge an empty list is everything."""
    return policy | {"spec": {key: each for key, each in policy["spec"].items() if each != []}}


def _pod(deployment: dict[str, Any], address: str) -> dict[str, Any]:
    template = deployment["spec"]["template"]
    ports = (port for each in template["spec"]["containers"] for port in each.get("ports", ()))
    return {
        "namespace": deployment["metadata"]["namespace"],
        "name": deployment["metadata"]["name"],
        "address": address,
        "labels": template["metadata"]["labels"],
        "ports": list(ports),
    }


def _lines(count: int) -> Iterator[str]:
    for number in range(count):
        yield json.dumps(document(number))


if __name__ == "__main__":
    for line in _lines(int(sys.argv[1])):
        sys.stdout.write(f"{line}\n")
