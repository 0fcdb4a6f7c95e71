"""Backends of load balancers and node ports, which some engines open whatever the policies say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from podwall.engines import Treatment
from podwall.model import Operator, PodPeer, Policy, PortRule, Requirement, Rule, Selector, Unknown
from podwall.reachability.answers import Answers
from podwall.reachability.cluster import rules_of
from podwall.reachability.matching import Match
from podwall.reachability.namespaces import NAME_LABEL
from podwall.reachability.port_rules import Direction

if TYPE_CHECKING:
    from collections.abc import Iterator

    from podwall.model import Service, Workload
    from podwall.reachability.cluster import Cluster

__all__ = ["Backends", "in_namespace"]


def in_namespace(name: str) -> Selector:
    """Return the selector of one namespace by its name."""
    return Selector((Requirement(NAME_LABEL, Operator.IN, (name,)),))


class Backends:
    """What keeps the backends of services open under an engine that closes them."""

    why: Final = (
        "pods whose egress is restricted reached these backends through a node port; "
        "leave the rule out if that was not meant"
    )

    def __init__(self, source: Cluster, target: Cluster) -> None:
        """Find the services that the source opens for certain, and the target does not."""
        opened = source.engine.cluster_services.value is Treatment.OPEN
        closed = target.engine.cluster_services.value is not Treatment.OPEN
        self._cluster = source
        self._answers = Answers(source)
        services = source.services if opened and closed else ()
        self._services = [each for each in services if _is_known(each)]

    def egress(self, direction: Direction) -> tuple[Rule, ...]:
        """Return the rules that let pods reach the backends; none for ingress."""
        if direction is Direction.INGRESS:
            return ()
        return tuple(
            Rule((PodPeer(each.selector, in_namespace(str(each.namespace))),), _targets(each))
            for each in self._services
            if each.selector is not None
        )

    def policies(self) -> Iterator[tuple[Policy, str]]:
        """Yield a policy for each service whose backends are isolated, and why."""
        for service in self._services:
            pods = [each for each in self._cluster.workloads if self._is_backend(service, each)]
            if pods and all(self._is_isolated(each) for each in pods):
                assert service.selector is not None
                rule = Rule(None, _targets(service))
                name = f"allow-service-{service.name}"
                yield (
                    Policy(service.namespace, name, service.selector, ingress=(rule,)),
                    f"service `{service.name}` opened its backends to everyone past the policies",
                )

    def mixed(self) -> Iterator[Service]:
        """Yield the services of whose backends only some are isolated: no policy keeps those."""
        for service in self._services:
            pods = [each for each in self._cluster.workloads if self._is_backend(service, each)]
            if len({self._is_isolated(each) for each in pods}) > 1:
                yield service

    def _is_backend(self, service: Service, workload: Workload) -> bool:
        assert service.selector is not None
        found = self._answers.pods(service.namespace, service.selector, workload)
        return found.match is Match.YES

    def _is_isolated(self, workload: Workload) -> bool:
        return any(
            rules_of(each, Direction.INGRESS) is not None
            and self._answers.pods(each.namespace, each.pod_selector, workload).match is Match.YES
            for each in self._cluster.policies
        )


def _is_known(service: Service) -> bool:
    parts = (service.namespace, service.type, service.external_traffic_policy)
    targets = (value for port in service.ports for value in (port.target, port.protocol))
    unknown = (isinstance(each, Unknown) for each in (*parts, *targets))
    return bool(service.ports) and not any(unknown)


def _targets(service: Service) -> tuple[PortRule, ...]:
    return tuple(dict.fromkeys(PortRule(each.protocol, each.target) for each in service.ports))
