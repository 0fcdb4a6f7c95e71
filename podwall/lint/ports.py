"""Ports that nobody declares, and port names that mean nothing or several things."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from podwall.lint.lint import Lint, Said
from podwall.lint.scene import PortAt, RuleAt, Scene
from podwall.model import PodPeer, Unknown, Workload
from podwall.policies.findings import Severity
from podwall.reachability.port_rules import Direction

__all__ = ["LINTS", "destinations"]

API: Final = (
    "https://kubernetes.io/docs/reference/kubernetes-api/policy-resources/network-policy-v1/"
)


def destinations(scene: Scene, at: RuleAt) -> list[Workload]:
    """Return the workloads on which a rule's ports are, without those on the host network.

    Nothing where some of them are, or may be, outside the source.
    """
    numbers = _destinations(scene, at)
    workloads = (scene.snapshot.workloads[number] for number in sorted(numbers))
    return [workload for workload in workloads if workload.host_network is False]


def _destinations(scene: Scene, at: RuleAt) -> frozenset[int]:
    if at.direction is Direction.INGRESS:
        return frozenset(scene.pods.of_policy(at.policy).may)
    peers = at.rule.peers
    if not isinstance(peers, tuple) or not all(_is_here(scene, peer) for peer in peers):
        return frozenset()
    pod_peers = (peer for peer in peers if isinstance(peer, PodPeer))
    return frozenset().union(*(scene.pods.of_peer(at.policy, peer).may for peer in pod_peers))


def _is_here(scene: Scene, peer: object) -> bool:
    return isinstance(peer, PodPeer) and (peer.namespaces is None or scene.snapshot.complete)


def _undeclared(scene: Scene) -> Iterator[Said]:
    for found in scene.ports:
        number, port = found.port.port, found.port
        if not isinstance(number, int) or port.end_port is not None:
            continue
        targets = destinations(scene, found.at)
        declared = [item for each in targets for item in each.ports]
        certain = all(each.ports and each.open_ports is None for each in targets)
        listening = {(item.number, item.protocol) for item in declared}
        if targets and certain and (number, port.protocol) not in listening:
            yield _said_undeclared(scene, found, targets)


def _said_undeclared(scene: Scene, found: PortAt, targets: list[Workload]) -> Said:
    number, protocol = found.port.port, found.port.protocol
    message = f"none of the pods that {protocol} {number} is about declares that port"
    for service in scene.snapshot.services:
        for port in service.ports:
            if port.port == number != port.target and service.namespace == targets[0].namespace:
                target = "another" if isinstance(port.target, Unknown) else f"`{port.target}`"
                return Said(
                    found.place,
                    message,
                    f"`{number}` is the port of service `{service.name}`: rules speak of the pods' "
                    f"port, which is {target}",
                )
    return Said(found.place, message)


def _unknown_names(scene: Scene) -> Iterator[Said]:
    for found in scene.ports:
        name, protocol = found.port.port, found.port.protocol
        if not isinstance(name, str):
            continue
        targets = destinations(scene, found.at)
        certain = all(each.open_ports is None for each in targets)
        has_name = any(
            (item.name, item.protocol) == (name, protocol)
            for each in targets
            for item in each.ports
        )
        if targets and certain and not has_name:
            yield Said(
                found.place, f"no pod that the rule is about has a {protocol} port called `{name}`"
            )


def _ambiguous_names(scene: Scene) -> Iterator[Said]:
    for found in scene.ports:
        numbers = _numbers(scene, found)
        if len(numbers) > 1:
            listed = ", ".join(map(str, sorted(numbers)))
            yield Said(found.place, f"`{found.port.port}` stands for different ports: {listed}")


def _numbers(scene: Scene, found: PortAt) -> set[int]:
    if not isinstance(found.port.port, str):
        return set()
    return {
        item.number
        for each in destinations(scene, found.at)
        for item in each.ports
        if (item.name, item.protocol) == (found.port.port, found.port.protocol)
    }


LINTS: Final = (
    Lint(
        "port-nobody-declares",
        Severity.WARNING,
        _undeclared,
        "rules speak of the port on which the pods listen, after the service's translation",
        f"{API}#NetworkPolicySpec",
    ),
    Lint(
        "port-name-nobody-has",
        Severity.WARNING,
        _unknown_names,
        "the entry allows nothing: name a port of the destination pods, or write its number",
        f"{API}#NetworkPolicySpec",
    ),
    Lint(
        "port-name-ambiguous",
        Severity.INFO,
        _ambiguous_names,
        "each pod is reached on its own number; Cilium skips such egress rules: write numbers",
        "https://github.com/cilium/cilium/issues/30003",
    ),
)
