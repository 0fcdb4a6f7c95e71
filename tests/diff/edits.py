"""Random edits of a cluster, as a commit would make them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from podwall.model import LabelMap, Policy, Snapshot, SnapshotWorkload
from tests.core.clusters import random_cluster, random_policy
from tests.core.obscured import obscured

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

    from tests.core.clusters import Size

__all__ = ["edited"]


def edited(rng: Random, snapshot: Snapshot, size: Size) -> Snapshot:
    """Return the snapshot after one to three edits."""
    for _ in range(rng.choice((1, 1, 2, 3))):
        snapshot = rng.choice(_EDITS)(rng, snapshot, size)
    return snapshot


def _new_policy(rng: Random, snapshot: Snapshot, size: Size) -> Snapshot:
    added = replace(random_policy(rng, 0, size), name=f"new{rng.randint(0, 9)}")
    return replace(snapshot, policies=(*snapshot.policies, added))


def _policy_gone(rng: Random, snapshot: Snapshot, _: Size) -> Snapshot:
    kept = rng.sample(snapshot.policies, max(0, len(snapshot.policies) - 1))
    return replace(snapshot, policies=tuple(kept))


def _policy_edited(rng: Random, snapshot: Snapshot, size: Size) -> Snapshot:
    if not snapshot.policies:
        return snapshot
    number = rng.randrange(len(snapshot.policies))
    other = random_policy(rng, number, size)
    old = snapshot.policies[number]
    new: Policy = rng.choice(
        (
            replace(old, ingress=other.ingress),
            replace(old, egress=other.egress),
            replace(old, pod_selector=other.pod_selector),
        )
    )
    policies = (*snapshot.policies[:number], new, *snapshot.policies[number + 1 :])
    return replace(snapshot, policies=policies)


def _workload_edited(rng: Random, snapshot: Snapshot, size: Size) -> Snapshot:
    number = rng.randrange(len(snapshot.workloads))
    other = random_cluster(rng, size).workloads[0]
    old = snapshot.workloads[number]
    new: SnapshotWorkload = rng.choice(
        (
            replace(old, labels=other.labels),
            replace(old, ports=other.ports),
            replace(old, replicas=3 - int(old.replicas == 1)),
            replace(old, kind="DaemonSet"),
            replace(old, host_network=not old.host_network),
        )
    )
    workloads = (*snapshot.workloads[:number], new, *snapshot.workloads[number + 1 :])
    return replace(snapshot, workloads=workloads)


def _workload_gone(rng: Random, snapshot: Snapshot, _: Size) -> Snapshot:
    kept = rng.sample(snapshot.workloads, max(1, len(snapshot.workloads) - 1))
    return replace(snapshot, workloads=tuple(kept))


def _new_workload(rng: Random, snapshot: Snapshot, size: Size) -> Snapshot:
    added = replace(random_cluster(rng, size).workloads[0], name=f"new{rng.randint(0, 9)}")
    return replace(snapshot, workloads=(*snapshot.workloads, added))


def _namespaces_relabelled(rng: Random, snapshot: Snapshot, size: Size) -> Snapshot:
    return replace(snapshot, namespaces=random_cluster(rng, size).namespaces)


def _something_hidden(rng: Random, snapshot: Snapshot, _: Size) -> Snapshot:
    return obscured(rng, snapshot, 0.05)


def _labels_lost(_: Random, snapshot: Snapshot, __: Size) -> Snapshot:
    bare = (replace(each, labels=LabelMap()) for each in snapshot.workloads[:1])
    return replace(snapshot, workloads=(*bare, *snapshot.workloads[1:]))


_EDITS: tuple[Callable[[Random, Snapshot, Size], Snapshot], ...] = (
    _new_policy,
    _policy_gone,
    _policy_edited,
    _policy_edited,
    _workload_edited,
    _workload_gone,
    _new_workload,
    _namespaces_relabelled,
    _something_hidden,
    _labels_lost,
)
