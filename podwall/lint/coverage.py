"""Workloads and namespaces that no policy protects."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from podwall.lint.lint import Lint, Said
from podwall.lint.scene import Scene
from podwall.model import Selector
from podwall.policies.errors import Place
from podwall.policies.findings import Severity
from podwall.reachability.cluster import rules_of
from podwall.reachability.port_rules import Direction

__all__ = ["LINTS"]

DOC: Final = (
    "https://kubernetes.io/docs/concepts/services-networking/network-policies/#default-policies"
)

#: Stands for a namespace that is not known yet: it may be any.
SOMEWHERE: Final = "?"


def _unprotected(scene: Scene) -> Iterator[Said]:
    """Yield workloads that no policy isolates; nothing where there is no policy at all."""
    policies = scene.snapshot.policies
    isolated = frozenset().union(*(scene.pods.of_policy(policy).may for policy in policies))
    for number, workload in enumerate(scene.snapshot.workloads):
        if policies and number not in isolated and workload.host_network is False:
            yield Said(
                workload.place, f"no policy isolates `{scene.pods.name(number)}` in any direction"
            )


def _no_policies(scene: Scene) -> Iterator[Said]:
    workloads = scene.snapshot.workloads
    if workloads and not scene.snapshot.policies:
        count = "is 1 workload" if len(workloads) == 1 else f"are {len(workloads)} workloads"
        yield Said(Place(), f"there {count} and no network policy")


def _open_namespaces(scene: Scene) -> Iterator[Said]:
    places = {namespace.name: namespace.place for namespace in scene.snapshot.namespaces}
    denying = {direction: _denying(scene, direction) for direction in Direction}
    for name in _populated(scene) if scene.snapshot.policies else ():
        missing = [each for each in Direction if not {name, SOMEWHERE} & denying[each]]
        if missing:
            severity = Severity.WARNING if Direction.INGRESS in missing else None
            yield Said(
                places.get(name, Place()),
                f"namespace `{name}` has no policy that denies {' and '.join(missing)} by default",
                severity=severity,
            )


def _populated(scene: Scene) -> list[str]:
    names = {
        workload.namespace
        for workload in scene.snapshot.workloads
        if isinstance(workload.namespace, str) and workload.host_network is False
    }
    return sorted(names)


def _denying(scene: Scene, direction: Direction) -> set[str]:
    """Return the namespaces with a policy for all pods that isolates, or may isolate."""
    return {
        policy.namespace if isinstance(policy.namespace, str) else SOMEWHERE
        for policy in scene.snapshot.policies
        if policy.pod_selector == Selector() and rules_of(policy, direction) is not None
    }


LINTS: Final = (
    Lint(
        "workload-not-isolated",
        Severity.WARNING,
        _unprotected,
        "everyone can reach it, and it can reach everyone: deny by default in its namespace",
        DOC,
    ),
    Lint(
        "no-policies",
        Severity.INFO,
        _no_policies,
        "every pod can reach every other: begin with a default deny",
        DOC,
    ),
    Lint(
        "namespace-without-default-deny",
        Severity.INFO,
        _open_namespaces,
        "a new pod is protected from its first moment only by a policy that selects every pod",
        DOC,
    ),
)
