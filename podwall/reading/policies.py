"""Read NetworkPolicies and Services into what they do, and the ports of both, and of containers.

It calls webhooks of admission and of conversion, and passes requests on to the API servers that
extend it. An address (`url`) is outside of what policies of the cluster are about.
https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/
https://kubernetes.io/docs/concepts/extend-kubernetes/api-extension/apiserver-aggregation/

The rules are those of the API server's defaulting:
https://github.com/kubernetes/kubernetes/blob/master/pkg/apis/networking/v1/defaults.go
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache, partial
from typing import Any, Final, TypeVar

from podwall.model import (
    IpNetwork,
    IpPeer,
    IpProtocol,
    Peer,
    PodPeer,
    Policy,
    PortRule,
    Rule,
    Selector,
    ServerCall,
    Service,
    ServicePort,
    Unknown,
    WorkloadPort,
)
from podwall.policies.addresses import parse_cidr
from podwall.policies.ports import FIRST_PORT, LAST_PORT
from podwall.policies.rules import Direction
from podwall.reading.fields import (
    Malformed,
    field,
    flag,
    list_of,
    mapping,
    number,
    number_or_text,
    one_of,
    text,
    texts,
    within,
)
from podwall.reading.metadata import ManifestObject, read_plain_selector, read_selector

__all__ = [
    "PROTOCOL",
    "read_container_port",
    "read_egress_rule",
    "read_ingress_rule",
    "read_policy",
    "read_port_rule",
    "read_service",
    "server_calls",
]

PROTOCOL = one_of((IpProtocol.TCP, IpProtocol.UDP, IpProtocol.SCTP))


def _own_protocol(value: Any) -> IpProtocol | Unknown:
    """Return the protocol of a container's or a service's port: an empty one is TCP, as in Go."""
    return IpProtocol.TCP if value == "" else PROTOCOL(value)


def read_port_rule(value: Any) -> PortRule | Unknown:
    """Return one entry of a rule's `ports`; a protocol that is left out is TCP."""
    node = mapping(value)
    if isinstance(node, Unknown):
        return node
    port = field(node, "port", number_or_text, None)
    end_port = field(node, "endPort", number, None)
    protocol = field(node, "protocol", PROTOCOL, IpProtocol.TCP)
    _within(port, "port")
    _within(end_port, "endPort")
    return _port_rule(protocol, port, end_port)


@lru_cache(maxsize=65536)
def _port_rule(
    protocol: IpProtocol | Unknown, port: int | str | Unknown | None, end_port: int | Unknown | None
) -> PortRule:
    """Return the rule; policies repeat them, so one value serves them all."""
    return PortRule(protocol, port, end_port)


def read_container_port(value: Any) -> WorkloadPort | Unknown:
    """Return one declared port of a container, or the unknown that hides part of it."""
    node = mapping(value)
    if isinstance(node, Unknown):
        return node
    name = field(node, "name", text, None)
    protocol = field(node, "protocol", _own_protocol, IpProtocol.TCP)
    port = _required_port(node)
    if isinstance(port, Unknown):
        return port
    if isinstance(protocol, Unknown):
        return protocol
    return name if isinstance(name, Unknown) else WorkloadPort(port, protocol, name)


def _required_port(node: Mapping[str, Any]) -> int | Unknown:
    port = field(node, "containerPort", number, None)
    if port is None:
        raise Malformed("is required", "containerPort")
    _within(port, "containerPort")
    return port


def _within(port: int | str | Unknown | None, key: str) -> None:
    if isinstance(port, int) and not FIRST_PORT <= port <= LAST_PORT:
        raise Malformed(f"must be between {FIRST_PORT} and {LAST_PORT}, is `{port}`", key)


def read_service(item: ManifestObject) -> Service:
    """Return a service; the type is `ClusterIP` and the target the port itself by default."""
    return within(item.manifest, ("spec",), partial(_service, item))


def _service(item: ManifestObject, spec: Mapping[str, Any] | Unknown) -> Service:
    if isinstance(spec, Unknown):
        anyone = Selector(unknown=spec)
        return Service(item.namespace, item.name, spec, anyone, (), spec, item.place)
    return Service(
        item.namespace,
        item.name,
        field(spec, "type", text, "ClusterIP"),
        field(spec, "selector", _selector, None),
        field(spec, "ports", _ports, ()),
        field(spec, "externalTrafficPolicy", text, "Cluster"),
        item.place,
        _source_ranges(item, spec),
        field(spec, "allocateLoadBalancerNodePorts", flag, True),
        field(spec, "externalIPs", _has_any, False),
    )


# They are taken where `spec` has no ranges, and beside it; tags stand for ranges that Azure knows.
# https://cloud-provider-azure.sigs.k8s.io/topics/loadbalancer/
_BALANCER: Final = "service.beta.kubernetes.io"
_RANGE_ANNOTATIONS: Final = (
    f"{_BALANCER}/load-balancer-source-ranges",
    f"{_BALANCER}/azure-allowed-ip-ranges",
    f"{_BALANCER}/azure-allowed-service-tags",
)


def _source_ranges(
    item: ManifestObject, spec: Mapping[str, Any]
) -> tuple[str | Unknown, ...] | Unknown:
    """Return the only clients of the load balancer, unknown where annotations name some."""
    metadata = item.manifest.get("metadata")
    annotations = metadata.get("annotations") if isinstance(metadata, Mapping) else None
    given = field(spec, "loadBalancerSourceRanges", texts, ())
    values = annotations if isinstance(annotations, Mapping) else {}
    for key in _RANGE_ANNOTATIONS:
        if values.get(key):
            return Unknown(f"annotation `{key}` says whom the load balancer lets in")
    return given


def _has_any(value: Any) -> bool | Unknown:
    found = texts(value)
    return found if isinstance(found, Unknown) else bool(found)


def _selector(value: Any) -> Selector | None:
    """Return the selector; an empty one selects no pods, unlike a policy's."""
    selector = read_plain_selector(value)
    return None if selector == Selector() else selector


def _ports(value: Any) -> tuple[ServicePort, ...]:
    ports = list_of(_port)(value)
    return (ServicePort(ports, ports, ports, ports),) if isinstance(ports, Unknown) else ports


def _port(value: Any) -> ServicePort:
    node = mapping(value)
    if isinstance(node, Unknown):
        return ServicePort(node, node, node, node)
    port = field(node, "port", number, None)
    if port is None:
        raise Malformed("is required", "port")
    target = field(node, "targetPort", number_or_text, port)
    protocol = field(node, "protocol", _own_protocol, IpProtocol.TCP)
    return ServicePort(port, target or port, protocol, field(node, "nodePort", number, None))


_ADMISSION: Final = frozenset({"ValidatingWebhookConfiguration", "MutatingWebhookConfiguration"})
_HTTPS: Final = 443


def server_calls(item: ManifestObject) -> tuple[ServerCall, ...]:
    """Return the calls that an object makes the API server do, as far as they are written."""
    if item.group == "admissionregistration.k8s.io" and item.kind in _ADMISSION:
        return tuple(_of_webhooks(item))
    if (item.group, item.kind) == ("apiextensions.k8s.io", "CustomResourceDefinition"):
        return tuple(_of_conversion(item))
    if (item.group, item.kind) == ("apiregistration.k8s.io", "APIService"):
        client = {"service": _at(item.manifest, "spec", "service")}
        return tuple(_call(item, client, f"API `{item.name}`", "spec.service"))
    return ()


def _of_webhooks(item: ManifestObject) -> Iterator[ServerCall]:
    """Yield the calls of webhooks; one without rules is never called."""
    webhooks = item.manifest.get("webhooks")
    for index, each in enumerate(webhooks if isinstance(webhooks, list | tuple) else ()):
        if _at(each, "rules"):
            what = f"webhook `{_at(each, 'name') or item.name}`"
            needed = _at(each, "failurePolicy") != "Ignore"
            path = f"webhooks[{index}].clientConfig.service"
            yield from _call(item, _at(each, "clientConfig"), what, path, needed=needed)


def _of_conversion(item: ManifestObject) -> Iterator[ServerCall]:
    conversion = _at(item.manifest, "spec", "conversion")
    if _at(conversion, "strategy") == "Webhook":
        client = _at(conversion, "webhook", "clientConfig")
        path = "spec.conversion.webhook.clientConfig.service"
        yield from _call(item, client, f"conversion webhook of `{item.name}`", path)


def _call(
    item: ManifestObject, client: object, what: str, path: str, *, needed: bool = True
) -> Iterator[ServerCall]:
    """Yield the call of a service, if it is one whose name is known."""
    service = _at(client, "service")
    namespace, name = _at(service, "namespace"), _at(service, "name")
    port = _at(service, "port")
    if port is None:
        port = _HTTPS
    if isinstance(namespace, str) and isinstance(name, str) and isinstance(port, int):
        yield ServerCall(what, namespace, name, port, needed, item.place.at(path))


def _at(node: object, *steps: str) -> Any:
    for step in steps:
        node = node.get(step) if isinstance(node, Mapping) else None
    return node


T = TypeVar("T")
EVERY_POD = Selector()
read_ports = list_of(read_port_rule)


def read_ingress_rule(value: Any) -> Rule | Unknown:
    """Return one rule of `spec.ingress`."""
    return _rule(value, "from")


def read_egress_rule(value: Any) -> Rule | Unknown:
    """Return one rule of `spec.egress`."""
    return _rule(value, "to")


def _rule(value: Any, peers_key: str) -> Rule | Unknown:
    node = mapping(value)
    if isinstance(node, Unknown):
        return node
    peers = field(node, peers_key, read_peers, ())
    ports = field(node, "ports", read_ports, ())
    return Rule(_everything_if_empty(peers), _everything_if_empty(ports))


def _everything_if_empty(entries: tuple[T, ...] | Unknown) -> tuple[T, ...] | Unknown | None:
    return None if entries == () else entries


def _peer(value: Any) -> Peer:
    """Return a peer; one with no field, or with both kinds of fields, is refused by the API.

    https://kubernetes.io/docs/reference/kubernetes-api/policy-resources/network-policy-v1/
    """
    node = mapping(value)
    if isinstance(node, Unknown):
        return node
    pods = field(node, "podSelector", read_selector, None)
    namespaces = field(node, "namespaceSelector", read_selector, None)
    block = field(node, "ipBlock", _ip_block, None)
    if block is None and pods is None and namespaces is None:
        raise Malformed("must specify a peer")
    if block is None:
        return PodPeer(EVERY_POD if pods is None else pods, namespaces)
    if pods is not None or namespaces is not None:
        raise Malformed("may not stand beside a selector", "ipBlock")
    return block


read_peers = list_of(_peer)


def _ip_block(value: Any) -> IpPeer | Unknown:
    node = mapping(value)
    if isinstance(node, Unknown):
        return node
    cidr = field(node, "cidr", _network, None)
    if cidr is None:
        raise Malformed("is required", "cidr")
    exceptions = field(node, "except", list_of(_network), ())
    if isinstance(cidr, Unknown):
        return cidr
    if isinstance(exceptions, Unknown):
        return exceptions
    known = tuple(item for item in exceptions if not isinstance(item, Unknown))
    unknown = (item for item in exceptions if isinstance(item, Unknown))
    return IpPeer(cidr, known) if len(known) == len(exceptions) else next(unknown)


def _network(value: Any) -> IpNetwork | Unknown:
    """Return the network of a CIDR; host bits are legal and masked, for old objects' sake.

    https://github.com/kubernetes/enhancements/issues/4858
    """
    written = text(value)
    if isinstance(written, Unknown):
        return written
    cidr = parse_cidr(written)
    if cidr is None:
        raise Malformed(f"must be a CIDR such as `10.0.0.0/8`, is `{written[:60]}`")
    return cidr.network


Rules = tuple[Rule | Unknown, ...] | Unknown
Isolates = bool | Unknown
_TYPES: Final = tuple(map(str, Direction))
read_ingress = list_of(read_ingress_rule)
read_egress = list_of(read_egress_rule)


def read_policy(item: ManifestObject) -> Policy:
    """Return the policy that the API server would store for a NetworkPolicy."""
    return within(item.manifest, ("spec",), partial(_policy, item))


def _policy(item: ManifestObject, spec: Mapping[str, Any] | Unknown) -> Policy:
    if isinstance(spec, Unknown):
        anyone = Selector(unknown=spec)
        return Policy(item.namespace, item.name, anyone, spec, spec, item.place)
    selector = field(spec, "podSelector", read_selector, EVERY_POD)
    ingress = field(spec, "ingress", read_ingress, ())
    egress = field(spec, "egress", read_egress, ())
    isolates = _isolation(field(spec, "policyTypes", texts, ()), egress)
    return Policy(
        item.namespace,
        item.name,
        selector,
        _enforced(ingress, isolates(Direction.INGRESS)),
        _enforced(egress, isolates(Direction.EGRESS)),
        item.place,
        _unlisted(ingress, isolates(Direction.INGRESS)),
        _unlisted(egress, isolates(Direction.EGRESS)),
    )


def _isolation(
    types: tuple[str | Unknown, ...] | Unknown, egress: Rules
) -> Callable[[Direction], Isolates]:
    """Return who is isolated: the listed directions, or ingress and whatever egress has rules."""
    if isinstance(types, Unknown):
        return lambda _: types
    if not types:
        has_egress = egress if isinstance(egress, Unknown) else bool(egress)
        return lambda direction: True if direction is Direction.INGRESS else has_egress
    for index, name in enumerate(types):
        if isinstance(name, str) and name not in _TYPES:
            message = f"must be one of {', '.join(_TYPES)}, is `{name[:60]}`"
            raise Malformed(message, f"policyTypes[{index}]")
    unlisted = next((name for name in types if isinstance(name, Unknown)), False)
    return lambda direction: direction in types or unlisted


def _enforced(rules: Rules, isolates: Isolates) -> Rules | None:
    if isinstance(isolates, Unknown):
        return isolates
    if not isolates:
        return None
    return (rules,) if isinstance(rules, Unknown) else rules


def _unlisted(rules: Rules, isolates: Isolates) -> Rules | None:
    """Return the rules of a direction that `policyTypes` does not list, or perhaps does not."""
    return None if isolates is True or rules == () else rules
