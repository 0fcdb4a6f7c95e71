"""Policies and peers that select nothing, told apart by the reason."""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum, auto
from functools import partial
from typing import Final

from podwall.explain.wording import selector_text
from podwall.lint.cluster_dns import is_cluster_dns
from podwall.lint.lint import Lint, Said
from podwall.lint.scene import PeerAt, Scene, said_of
from podwall.lint.selecting import Selected
from podwall.model import Operator, PodPeer, Policy, Selector, Unknown
from podwall.policies.findings import Severity
from podwall.reachability.namespaces import NAME_LABEL

__all__ = ["LINTS"]

DOC: Final = "https://kubernetes.io/docs/concepts/services-networking/network-policies/"
HOST_NETWORK_DOC: Final = f"{DOC}#networkpolicy-and-hostnetwork-pods"


class Reason(Enum):
    """Why a selector has no effect."""

    NO_NAMESPACE = auto()
    NO_POD = auto()
    HOST_NETWORK = auto()


def _policies(reason: Reason, scene: Scene) -> Iterator[Said]:
    for policy in scene.snapshot.policies:
        selected = scene.pods.of_policy(policy)
        if _reason(scene, policy.namespace, selected) is reason:
            yield _said_of_policy(scene, policy, reason)


def _said_of_policy(scene: Scene, policy: Policy, reason: Reason) -> Said:
    written = selector_text(policy.pod_selector)
    severity = None if written else Severity.INFO
    messages = {
        Reason.NO_NAMESPACE: f"there is no pod in namespace `{policy.namespace}`, "
        f"so policy {said_of(policy)} has no effect",
        Reason.NO_POD: f"policy {said_of(policy)} selects `{written}`, which no pod has",
        Reason.HOST_NETWORK: f"policy {said_of(policy)} selects only pods on the host network",
    }
    path = "metadata.namespace" if reason is Reason.NO_NAMESPACE else "spec.podSelector"
    help_ = scene.pods.nearest(policy.pod_selector) if reason is Reason.NO_POD else ""
    return Said(policy.place.at(path), messages[reason], help_, severity)


def _peers(reason: Reason, scene: Scene) -> Iterator[Said]:
    for found in scene.peers:
        if isinstance(found.peer, PodPeer) and _reason_of_peer(scene, found) is reason:
            yield _said_of_peer(found, found.peer, reason, scene)


def _reason_of_peer(scene: Scene, found: PeerAt) -> Reason | None:
    peer, policy = found.peer, found.at.policy
    if not isinstance(peer, PodPeer) or _is_elsewhere(scene, peer):
        return None
    selected = scene.pods.of_peer(policy, peer)
    if peer.namespaces is None:
        return _reason(scene, policy.namespace, selected)
    if not scene.pods.namespaces(peer.namespaces):
        return Reason.NO_NAMESPACE
    return _empty(scene, selected)


def _is_elsewhere(scene: Scene, peer: PodPeer) -> bool:
    """Say whether a peer means what a source which is only a part need not have.

    That is the cluster's DNS, and namespaces that are named.
    """
    if scene.snapshot.complete or peer.namespaces is None:
        return False
    if is_cluster_dns(scene, peer):
        return True
    named = {
        value
        for requirement in peer.namespaces.requirements
        if (requirement.key, requirement.operator) == (NAME_LABEL, Operator.IN)
        for value in requirement.values
    }
    populated = {name for name in named if scene.pods.at(name)}
    return bool(named) and populated != named


def _said_of_peer(found: PeerAt, peer: PodPeer, reason: Reason, scene: Scene) -> Said:
    pods, namespaces = selector_text(peer.pods), selector_text(peer.namespaces or Selector())
    messages = {
        Reason.NO_NAMESPACE: f"no namespace has `{namespaces}`"
        if namespaces
        else f"there is no pod in namespace `{found.at.policy.namespace}`",
        Reason.NO_POD: f"no pod that the peer could mean has `{pods}`"
        if pods
        else "there is no pod that the peer could mean",
        Reason.HOST_NETWORK: "the peer stands for pods on the host network only",
    }
    elsewhere = peer.namespaces is not None and not scene.snapshot.complete
    severity = Severity.INFO if elsewhere and reason is not Reason.HOST_NETWORK else None
    help_ = scene.pods.nearest(peer.pods) if reason is Reason.NO_POD else ""
    return Said(found.place, messages[reason], help_, severity)


def _reason(scene: Scene, namespace: str | Unknown, selected: Selected) -> Reason | None:
    if not selected.may and not scene.pods.at(namespace):
        return Reason.NO_NAMESPACE
    return _empty(scene, selected)


def _empty(scene: Scene, selected: Selected) -> Reason | None:
    if not selected.may:
        return Reason.NO_POD
    on_host = all(scene.snapshot.workloads[n].host_network is True for n in selected.may)
    return Reason.HOST_NETWORK if on_host else None


LINTS: Final = (
    Lint(
        "policy-without-namespace",
        Severity.WARNING,
        partial(_policies, Reason.NO_NAMESPACE),
        "check the namespace's name, or deploy the pods together with the policy",
        DOC,
    ),
    Lint(
        "policy-without-pods",
        Severity.WARNING,
        partial(_policies, Reason.NO_POD),
        "a policy protects only pods that its selector matches: compare it with their labels",
        DOC,
    ),
    Lint(
        "policy-on-host-network",
        Severity.WARNING,
        partial(_policies, Reason.HOST_NETWORK),
        "policies do not apply to pods on the host network: give them a network of their own",
        HOST_NETWORK_DOC,
    ),
    Lint(
        "peer-without-namespace",
        Severity.WARNING,
        partial(_peers, Reason.NO_NAMESPACE),
        f"a namespace is safely named by its label `{NAME_LABEL}`",
        f"{DOC}#targeting-a-namespace-by-its-name",
    ),
    Lint(
        "peer-without-pods",
        Severity.WARNING,
        partial(_peers, Reason.NO_POD),
        "the rule admits no one by this peer: compare its labels with those of the pods",
        DOC,
    ),
    Lint(
        "peer-on-host-network",
        Severity.WARNING,
        partial(_peers, Reason.HOST_NETWORK),
        "such traffic comes from, and goes to, a node's address: use an `ipBlock`",
        HOST_NETWORK_DOC,
    ),
)
