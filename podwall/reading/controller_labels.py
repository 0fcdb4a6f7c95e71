"""The labels that controllers add to their pods, where a selector asks for one of them.

They are not in any manifest, and most of them tell the pods of one workload apart, so that a policy
that asks for them has no certain answer.
https://kubernetes.io/docs/reference/labels-annotations-taints/
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Final

from podwall.model import LabelMap, PodPeer, Policy, Rule, Selector, Service, Unknown, Workload

__all__ = ["with_controller_labels"]

#: The keys that each kind adds; those of `OWN_NAME` have the name of the object as their value.
JOB: Final = (
    "batch.kubernetes.io/controller-uid",
    "batch.kubernetes.io/job-name",
    "controller-uid",
    "job-name",
)
ADDED: Final = {
    "Deployment": ("pod-template-hash",),
    "StatefulSet": (
        "apps.kubernetes.io/pod-index",
        "controller-revision-hash",
        "statefulset.kubernetes.io/pod-name",
    ),
    "DaemonSet": ("controller-revision-hash", "pod-template-generation"),
    "Job": JOB,
    "CronJob": JOB,
}
OWN_NAME: Final = {("Job", "batch.kubernetes.io/job-name"), ("Job", "job-name")}
KEYS: Final = frozenset(key for keys in ADDED.values() for key in keys)


def with_controller_labels(
    workloads: tuple[Workload, ...], policies: Iterable[Policy], services: Iterable[Service]
) -> tuple[Workload, ...]:
    """Return workloads with the labels that controllers add, as far as a selector asks for them."""
    asked = KEYS & {
        requirement.key
        for selector in _selectors(policies, services)
        for requirement in selector.requirements
    }
    return tuple(_labelled(each, asked) for each in workloads) if asked else workloads


def _labelled(workload: Workload, asked: frozenset[str]) -> Workload:
    keys = asked.intersection(ADDED.get(workload.kind, ()))
    if not keys:
        return workload
    added: Mapping[str, str | Unknown] = {key: _value(workload, key) for key in keys}
    labels = LabelMap.of({**dict(workload.labels.items), **added}, workload.labels.more)
    return replace(workload, labels=labels)


def _value(workload: Workload, key: str) -> str | Unknown:
    if (workload.kind, key) in OWN_NAME:
        return workload.name
    return Unknown(f"label `{key}`, which the {workload.kind} `{workload.name}` gives to its pods")


def _selectors(policies: Iterable[Policy], services: Iterable[Service]) -> Iterator[Selector]:
    for policy in policies:
        yield policy.pod_selector
        for rules in (policy.ingress, policy.egress):
            yield from _peer_selectors(rules if isinstance(rules, tuple) else ())
    yield from (service.selector for service in services if service.selector is not None)


def _peer_selectors(rules: Iterable[Rule | Unknown]) -> Iterator[Selector]:
    for rule in rules:
        if isinstance(rule, Rule) and isinstance(rule.peers, tuple):
            yield from (peer.pods for peer in rule.peers if isinstance(peer, PodPeer))
