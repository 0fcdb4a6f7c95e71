"""The pods that answer for names in every cluster, whether a source shows them or not."""

from __future__ import annotations

from typing import Final

from podwall.lint.scene import Scene
from podwall.model import LabelMap, PodPeer, Unknown
from podwall.reachability.matching import Match, labels_match

__all__ = ["is_cluster_dns", "may_be_cluster_dns"]

SYSTEM: Final = "kube-system"
DNS_LABEL: Final = ("k8s-app", "kube-dns")
#: CoreDNS carries this label in every distribution, for old clients' sake, and others besides.
DNS_PODS: Final = LabelMap.of(dict([DNS_LABEL]), Unknown("further labels of CoreDNS"))


def may_be_cluster_dns(scene: Scene, peer: PodPeer) -> bool:
    """Say whether a peer can stand for the cluster's DNS."""
    if peer.namespaces is None or labels_match(peer.pods, DNS_PODS) is Match.NO:
        return False
    labels = scene.reachability.cluster.namespaces.of(SYSTEM)
    return labels_match(peer.namespaces, labels) is not Match.NO


def is_cluster_dns(scene: Scene, peer: PodPeer) -> bool:
    """Say whether a peer is meant for the cluster's DNS, which few sources contain."""
    named = any((each.key, *each.values) == DNS_LABEL for each in peer.pods.requirements)
    return named and may_be_cluster_dns(scene, peer)
