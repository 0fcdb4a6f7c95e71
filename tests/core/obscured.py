"""A known cluster with some of its values hidden, as a preview would see it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from podwall.model import (
    LabelMap,
    PodPeer,
    Policy,
    PortRule,
    Rule,
    Selector,
    SelectorRequirement,
    Snapshot,
    SnapshotWorkload,
    Unknown,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from random import Random

__all__ = ["HIDDEN", "obscured"]

Value = TypeVar("Value")

HIDDEN = "hidden for the test"


class _Hider:
    """Hides each value with the same small chance."""

    def __init__(self, rng: Random, chance: float) -> None:
        self._rng = rng
        self._chance = chance
        self._count = 0

    def maybe(self, value: Value) -> Value | Unknown:
        """Return the value, or an unknown in its place."""
        return self._unknown() if self._hides() else value

    def each(
        self, values: Iterable[Value], change: Callable[[Value], Value]
    ) -> tuple[Value | Unknown, ...]:
        """Return the values, changed or hidden."""
        return tuple(self.maybe(change(value)) for value in values)

    def more(self) -> Unknown | None:
        """Return an unknown now and then."""
        return self._unknown() if self._hides() else None

    def _hides(self) -> bool:
        return self._rng.random() < self._chance

    def _unknown(self) -> Unknown:
        self._count += 1
        return Unknown(f"{HIDDEN} #{self._count}")

    def labels(self, labels: LabelMap) -> LabelMap:
        """Hide values, or drop some labels and say that there may be more."""
        more = self.more()
        kept = [item for item in labels.items if more is None or self._rng.random() < 0.5]
        return LabelMap.of({key: self.maybe(value) for key, value in kept}, more)

    def selector(self, selector: Selector) -> Selector:
        """Hide values of requirements, or drop some and say that there may be more."""
        more = self.more()
        kept = [r for r in selector.requirements if more is None or self._rng.random() < 0.5]
        return Selector(tuple(self._requirement(each) for each in kept), more)

    def _requirement(self, requirement: SelectorRequirement) -> SelectorRequirement:
        unknown = self.more() if requirement.values else None
        if unknown is None:
            return requirement
        return replace(requirement, values=requirement.values[:-1], unknown=unknown)

    def workload(self, workload: SnapshotWorkload) -> SnapshotWorkload:
        """Hide what a workload may hide."""
        open_ports = self.more()
        kept = (p for p in workload.ports if open_ports is None or self._rng.random() < 0.5)
        return replace(
            workload,
            namespace=self.maybe(workload.namespace),
            labels=self.labels(workload.labels),
            ports=tuple(kept),
            host_network=self.maybe(workload.host_network),
            open_ports=open_ports,
        )

    def policy(self, policy: Policy) -> Policy:
        """Hide what a policy may hide."""
        return replace(
            policy,
            namespace=self.maybe(policy.namespace),
            pod_selector=self.selector(policy.pod_selector),
            ingress=self._rules(policy.ingress),
            egress=self._rules(policy.egress),
        )

    def _rules(
        self, rules: tuple[Rule | Unknown, ...] | Unknown | None
    ) -> tuple[Rule | Unknown, ...] | Unknown | None:
        if isinstance(rules, tuple):
            rules = tuple(
                self.maybe(self._rule(each)) if isinstance(each, Rule) else each for each in rules
            )
        return self.maybe(rules)

    def _rule(self, rule: Rule) -> Rule:
        peers, ports = rule.peers, rule.ports
        if isinstance(peers, tuple):
            peers = self.each(peers, lambda p: self._peer(p) if isinstance(p, PodPeer) else p)
        if isinstance(ports, tuple):
            ports = self.each(ports, lambda p: self._port(p) if isinstance(p, PortRule) else p)
        return Rule(self.maybe(peers), self.maybe(ports))

    def _peer(self, peer: PodPeer) -> PodPeer:
        namespaces = peer.namespaces
        return PodPeer(self.selector(peer.pods), namespaces and self.selector(namespaces))

    def _port(self, entry: PortRule) -> PortRule:
        number = isinstance(entry.port, int)
        return PortRule(
            self.maybe(entry.protocol),
            self.maybe(entry.port),
            self.maybe(entry.end_port) if number else None,
        )


def obscured(rng: Random, snapshot: Snapshot, chance: float) -> Snapshot:
    """Return the snapshot with each of its values hidden with a chance."""
    hider = _Hider(rng, chance)
    return replace(
        snapshot,
        namespaces=tuple(
            replace(each, labels=hider.labels(each.labels)) for each in snapshot.namespaces
        ),
        workloads=tuple(hider.workload(each) for each in snapshot.workloads),
        policies=tuple(hider.policy(each) for each in snapshot.policies),
    )
