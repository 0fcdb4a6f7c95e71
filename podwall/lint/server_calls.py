"""Webhooks and other services that the API server can't call, because policies close their pods.

On AKS the API server is not in the cluster's network. Its calls come out of pods
`konnectivity-agent` of `kube-system`, or, with API Server VNet Integration, from its own subnet.
https://learn.microsoft.com/azure/aks/api-server-vnet-integration
"""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_network
from typing import Final

from podwall.lint.context import Diagnostic, Lint, LintContext
from podwall.model import IpNetwork, IpProtocol, ServerCall, Service, ServicePort, SnapshotWorkload
from podwall.policies.errors import Severity
from podwall.policies.peers import METADATA_NAME

__all__ = ["SERVER_CALL_LINTS"]


DOC: Final = (
    "https://kubernetes.io/docs/concepts/architecture/control-plane-node-communication/"
    "#konnectivity-service"
)
SYSTEM: Final = "kube-system"
AGENT: Final = ("app", "konnectivity-agent")
AGENT_TEXT: Final = "=".join(AGENT)
#: A subnet of an AKS cluster has addresses of these, as a rule.
PRIVATE: Final = tuple(map(ip_network, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")))


def _blocked(context: LintContext) -> Iterator[Diagnostic]:
    calls = context.snapshot.server_calls
    agents = _agents(context) if calls else ()
    for call in calls if agents else ():
        for port, pods in _backends(context, call).items():
            closed = [each for each in pods if _is_closed(context, agents, each, port)]
            if closed:
                yield _diagnostic(context, call, closed, port)


def _agents(context: LintContext) -> tuple[str, ...]:
    """Return the pods through which the API server calls, none in a cluster without them."""
    shown = [
        context.endpoint(number)
        for number, each in enumerate(context.snapshot.workloads)
        if each.namespace == SYSTEM and AGENT in each.labels.items
    ]
    if any(shown) or context.snapshot.complete:
        return tuple(each for each in shown if each is not None)
    if SYSTEM in context.reachability.cluster.shown_namespaces:
        return (f"{SYSTEM}/any:{AGENT_TEXT}",)
    return (f"any:{AGENT_TEXT}@{METADATA_NAME}={SYSTEM}",)


def _backends(context: LintContext, call: ServerCall) -> dict[int, list[int]]:
    """Return the pods that surely answer a call, by the number of their port."""
    found: dict[int, list[int]] = {}
    for service in _services(context, call):
        for port in _ports(service, call):
            selector = service.selector
            selected = selector and context.pods.selected(service.namespace, selector).must
            for number in sorted(selected or ()):
                target = _target(port, context.snapshot.workloads[number])
                if target is not None:
                    found.setdefault(target, []).append(number)
    return found


def _services(context: LintContext, call: ServerCall) -> Iterator[Service]:
    for service in context.snapshot.services:
        named = (service.namespace, service.name) == (call.namespace, call.service)
        if named and service.selector is not None and service.selector.requirements:
            yield service


def _ports(service: Service, call: ServerCall) -> Iterator[ServicePort]:
    asked = (call.port, IpProtocol.TCP)
    return (each for each in service.ports if (each.port, each.protocol) == asked)


def _target(port: ServicePort, pod: SnapshotWorkload) -> int | None:
    """Return the number of a service's port on a pod; None where it is not known."""
    if isinstance(port.target, int):
        return port.target
    numbers = {each.number for each in pod.ports if each.name == port.target}
    return numbers.pop() if len(numbers) == 1 and pod.open_ports is None else None


def _is_closed(context: LintContext, agents: tuple[str, ...], pod: int, port: int) -> bool:
    """Return whether a pod is closed to every agent for certain."""
    end = context.endpoint(pod)
    if end is None:
        return False
    return not any(_may_pass(context, agent, end, port) for agent in agents)


def _may_pass(context: LintContext, source: str, end: str, port: int) -> bool:
    found = context.reachability.connection(source, end)
    return (found.allowed | found.undetermined_ports).contains(IpProtocol.TCP, port)


def _diagnostic(context: LintContext, call: ServerCall, closed: list[int], port: int) -> Diagnostic:
    ends = [end for end in map(context.endpoint, closed) if end is not None]
    subnets = [_private_ranges(context, end, port) for end in ends]
    unless = ", unless by API Server VNet Integration" if all(subnets) else ""
    meant = all(any(each.prefixlen > 0 for each in some) for some in subnets)
    return Diagnostic(
        call.place,
        f"the API server can't call {call.what}{unless}: pods `{AGENT[1]}` of `{SYSTEM}` may not "
        f"connect to {context.pods.names(closed)} on TCP {port}",
        severity=Severity.INFO if meant or not call.needed else None,
    )


def _private_ranges(context: LintContext, end: str, port: int) -> list[IpNetwork]:
    """Return the ranges with private addresses that get in: an API server's may be one."""
    return [
        each.network
        for each in context.reachability.externals
        if any(_overlap(each.network, some) for some in PRIVATE)
        and _may_pass(context, each.id, end, port)
    ]


def _overlap(left: IpNetwork, right: IpNetwork) -> bool:
    return left.version == right.version and left.overlaps(right)


SERVER_CALL_LINTS: Final = (
    Lint(
        "api-server-blocked",
        Severity.WARNING,
        _blocked,
        f"allow ingress from pods with `{AGENT_TEXT}` in `{SYSTEM}`, or, with API Server VNet "
        "Integration, from its subnet",
        DOC,
    ),
)
