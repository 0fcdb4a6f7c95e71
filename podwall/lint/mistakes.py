"""What is legal and often not meant."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Final

from podwall.lint.lint import Lint, Said
from podwall.lint.scene import PEERS_KEY, Scene, said_of
from podwall.model import PodPeer, Policy, Selector, Unknown
from podwall.policies.findings import Severity
from podwall.policies.system_namespaces import SYSTEM_NAMESPACES

__all__ = ["LINTS"]

DOC: Final = (
    "https://kubernetes.io/docs/concepts/services-networking/network-policies/"
    "#behavior-of-to-and-from-selectors"
)


def _two_elements(scene: Scene) -> Iterator[Said]:
    """Yield rules whose list has namespaces in one element and pods in the next."""
    for at in scene.rules:
        peers = at.rule.peers if isinstance(at.rule.peers, tuple) else ()
        for index, (first, second) in enumerate(pairwise(peers)):
            if _is_namespaces(first) and _is_own_pods(second):
                key = PEERS_KEY[at.direction]
                yield Said(
                    at.place.at(f"{key}[{index + 1}]"),
                    f"two elements mean either: all pods of those namespaces, or such pods of "
                    f"namespace `{at.policy.namespace}`",
                )


def _is_namespaces(peer: object) -> bool:
    return isinstance(peer, PodPeer) and peer.namespaces is not None and peer.pods == Selector()


def _is_own_pods(peer: object) -> bool:
    return isinstance(peer, PodPeer) and peer.namespaces is None and bool(peer.pods.requirements)


def _system(scene: Scene) -> Iterator[Said]:
    for policy in scene.snapshot.policies:
        if policy.namespace in SYSTEM_NAMESPACES:
            yield Said(
                policy.place.at("metadata.namespace"),
                f"policy {said_of(policy)} is in a namespace that the cluster itself needs",
            )


def _unknown(scene: Scene) -> Iterator[Said]:
    for policy in scene.snapshot.policies:
        for unknown in dict.fromkeys(_unknowns(policy)):
            yield Said(policy.place, f"policy {said_of(policy)}: {unknown.cause}")


def _unknowns(policy: Policy) -> Iterator[Unknown]:
    parts = (policy.namespace, policy.ingress, policy.egress, policy.pod_selector.unknown)
    yield from (part for part in parts if isinstance(part, Unknown))
    yield from (item.unknown for item in policy.pod_selector.requirements if item.unknown)


def _services(scene: Scene) -> Iterator[Said]:
    for service in scene.snapshot.services:
        if service.selector is not None:
            selected = scene.pods.selected(service.namespace, service.selector)
            if not selected.may:
                yield Said(
                    service.place.at("spec.selector"), f"service `{service.name}` has no pods"
                )


LINTS: Final = (
    Lint(
        "two-elements-mean-or",
        Severity.WARNING,
        _two_elements,
        "to mean such pods of those namespaces, put both selectors into one element",
        DOC,
    ),
    Lint(
        "policy-in-system-namespace",
        Severity.WARNING,
        _system,
        "a policy that is too strict there cuts off names, metrics or admission for the cluster",
        "https://learn.microsoft.com/azure/aks/concepts-managed-namespaces",
    ),
    Lint(
        "known-only-after-deployment",
        Severity.INFO,
        _unknown,
        "verdicts that depend on it are undetermined: write the value instead of an output",
    ),
    Lint(
        "service-without-pods",
        Severity.INFO,
        _services,
        "compare its selector with the pods' labels",
        "https://kubernetes.io/docs/concepts/services-networking/service/",
    ),
)
