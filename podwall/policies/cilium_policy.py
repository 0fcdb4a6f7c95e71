"""The policy of Cilium's kind, for what a NetworkPolicy cannot say: names, entities and requests.

    names_to("api.example.org", ports=tcp(443))           addresses by their names in DNS
    ask_names()                                           DNS itself, which Cilium has to read
    entities_to(Entity.KUBE_APISERVER, ports=tcp(443))    ends by what they are
    entities_from(Entity.WORLD, ports=tcp(443))           addresses outside of the cluster
    requests_from(pods(app="web"), http("GET", "/v1/.*"), ports=tcp(80))
    pods_from(pods(app="web"), ports=tcp(80))             pods, in either direction

Whatever else a pod may do is said by NetworkPolicies: Cilium takes both together, and either
isolates. Only Cilium enforces this kind, and AKS the names and requests of it only with Advanced
Container Networking Services.

Source: https://docs.cilium.io/en/stable/security/policy/language/
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import field
from enum import StrEnum
from typing import Any, Final

from podwall.policies.errors import InvalidValue, Place
from podwall.policies.labels import Annotations, Labels, LabelSelector
from podwall.policies.manifest import Manifest, requirement_manifest, selector_manifest
from podwall.policies.ports import Ports, Protocol, tcp, udp
from podwall.policies.rules import Direction, NamedNamespace, Pods, PodsIn, check_name
from podwall.policies.syntax import dns_label_problem, dns_subdomain_problem
from podwall.policies.wording import refused, shown
from podwall.quick_dataclass import dataclass

__all__ = [
    "CILIUM_KIND",
    "CiliumNetworkPolicy",
    "CiliumRule",
    "Entity",
    "HttpRequest",
    "RequestingPods",
    "ask_names",
    "entities_from",
    "entities_to",
    "http",
    "names_to",
    "pods_from",
    "pods_to",
    "requests_from",
]

CILIUM_API_VERSION: Final = "cilium.io/v2"
CILIUM_KIND: Final = "CiliumNetworkPolicy"
_MOST_PORTS: Final = 40
_NAME: Final = re.compile(
    r"[a-z0-9_*]([a-z0-9_*-]*[a-z0-9_*])?(\.[a-z0-9_*]([a-z0-9_*-]*[a-z0-9_*])?)*"
)
_METHOD: Final = re.compile(r"[A-Z]+")
_LONGEST_NAME: Final = 255
_POD_NAMESPACE: Final = "k8s:io.kubernetes.pod.namespace"
_DNS_PORTS: Final = udp(53) | tcp(53)
_DNS_SERVERS: Final = NamedNamespace("kube-system").pods({"k8s-app": "kube-dns"})


class Entity(StrEnum):
    """An end of connections by what it is; `HOST` is a pod's own node, `WORLD` all outside."""

    WORLD = "world"
    HOST = "host"
    REMOTE_NODE = "remote-node"
    KUBE_APISERVER = "kube-apiserver"
    CLUSTER = "cluster"


RequestingPods = Pods | NamedNamespace | PodsIn[NamedNamespace]
"""Pods of the policy's own namespace, or of one that is named."""


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """A request that passes: its method, and a pattern that its whole path matches."""

    method: str
    path: str

    def __post_init__(self) -> None:
        """Refuse what no request has, and a pattern that cannot be read."""
        method, path = _text(self.method), _text(self.path)
        if not _METHOD.fullmatch(method):
            raise refused("rules.http[].method", self.method, "is no method", "write `GET`")
        if not path.startswith("/"):
            remedy = "a path begins with `/`, as in `/v1/.*`"
            raise refused("rules.http[].path", self.path, "is no path", remedy)
        try:
            re.compile(self.path)
        except re.error as problem:
            remedy = f"write a regular expression: {problem}"
            raise refused("rules.http[].path", self.path, "is no pattern", remedy) from None


def _text(given: object) -> str:
    """Return a text; what is none is an empty one, which nothing here may be."""
    return given if isinstance(given, str) else ""


def http(method: str, path: str, /) -> HttpRequest:
    """Return the requests of a method whose path matches a pattern as a whole.

    >>> http("GET", "/v1/.*").path
    '/v1/.*'
    """
    return HttpRequest(method, path)


@dataclass(frozen=True, slots=True)
class CiliumRule:
    """One rule, made by `names_to`, `entities_to` and the others."""

    direction: Direction
    peers: tuple[str | Entity | RequestingPods, ...]
    ports: Ports
    requests: tuple[HttpRequest, ...] = ()
    names_asked: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """The names whose addresses it opens."""
        plain = (each for each in self.peers if isinstance(each, str))
        return tuple(each for each in plain if not isinstance(each, Entity))

    def manifest(self) -> Manifest:
        """Return the Kubernetes document."""
        written = _peers_manifest(self)
        entry: Manifest = {}
        if self.ports.entries is not None:
            entry["ports"] = [_port(each.protocol, each.port, each.end_port)
                              for each in self.ports.entries]  # fmt: skip
        if self.requests:
            asked = [{"method": each.method, "path": each.path} for each in self.requests]
            entry["rules"] = {"http": asked}
        if self.names_asked:
            entry["rules"] = {"dns": list(map(_name_manifest, self.names_asked))}
        return {**written, "toPorts": [entry]} if entry else written


def names_to(name: str, /, *others: str, ports: Ports) -> CiliumRule:
    """Return the rule that the pods may connect to the addresses of some names.

    `*` stands for any characters inside of one label. Cilium knows an address from the DNS answer
    that a pod got, so that a policy with names also says `ask_names()`.

    >>> from podwall.policies import tcp
    >>> names_to("api.example.org", ports=tcp(443)).manifest()["toFQDNs"]
    [{'matchName': 'api.example.org'}]
    """
    given = (name, *others)
    kept = tuple(_kept_name(each, index) for index, each in enumerate(given))
    return _rule(Direction.EGRESS, kept, ports, "toFQDNs")


def _kept_name(given: object, index: int, field_: str = "egress[].toFQDNs") -> str:
    path = f"{field_}[{index}]"
    lower = given.lower().rstrip(".") if isinstance(given, str) else ""
    if len(lower) > _LONGEST_NAME or not _NAME.fullmatch(lower):
        raise refused(path, given, "is no name", "write `api.example.org` or `*.example.org`")
    if not lower.strip("*."):
        raise refused(path, given, "is every name", "for all addresses, say `Entity.WORLD`")
    return lower


def ask_names(*names: str, ports: Ports = _DNS_PORTS) -> CiliumRule:
    """Return the rule that the pods may ask the DNS of the cluster, which Cilium reads.

    Args:
        names: the names that may be asked for; without any, every name.
        ports: where DNS answers.

    >>> ask_names().manifest()["toPorts"][0]["rules"]
    {'dns': [{'matchPattern': '*'}]}
    """
    kept = tuple(
        each if each == "*" else _kept_name(each, index, "egress[].toPorts[].rules.dns")
        for index, each in enumerate(names)
    )
    plain = _rule(Direction.EGRESS, (_DNS_SERVERS,), ports, "toEndpoints")
    if ports.entries is None:
        raise refused("egress[].toPorts", "ALL_PORTS", "are not ports of DNS", "write `udp(53)`")
    return CiliumRule(plain.direction, plain.peers, ports, names_asked=kept or ("*",))


def entities_to(entity: Entity, /, *others: Entity, ports: Ports) -> CiliumRule:
    """Return the rule that the pods may connect to some sorts of ends."""
    return _of_entities(Direction.EGRESS, (entity, *others), ports)


def entities_from(entity: Entity, /, *others: Entity, ports: Ports) -> CiliumRule:
    """Return the rule that some sorts of ends may connect to the pods."""
    return _of_entities(Direction.INGRESS, (entity, *others), ports)


def pods_from(peer: RequestingPods, /, *others: RequestingPods, ports: Ports) -> CiliumRule:
    """Return the rule that some pods may connect to the pods, as a NetworkPolicy can say, too."""
    return _of_pods(Direction.INGRESS, (peer, *others), ports)


def pods_to(peer: RequestingPods, /, *others: RequestingPods, ports: Ports) -> CiliumRule:
    """Return the rule that the pods may connect to some pods, as a NetworkPolicy can say, too.

    >>> from podwall.policies import namespace, tcp
    >>> pods_to(namespace("bank"), ports=tcp(80)).manifest()["toEndpoints"]
    [{'matchLabels': {'k8s:io.kubernetes.pod.namespace': 'bank'}}]
    """
    return _of_pods(Direction.EGRESS, (peer, *others), ports)


def requests_from(
    peer: RequestingPods, request: HttpRequest, /, *requests: HttpRequest, ports: Ports
) -> CiliumRule:
    """Return the rule that some pods may send some requests of HTTP, and no others.

    A NetworkPolicy that allows the same peer and port leaves nothing to filter.
    """
    _check_pods(peer)
    asked = (request, *requests)
    _check_kinds(asked, HttpRequest, "rules.http", 'write `http("GET", "/v1/.*")`')
    plain = _rule(Direction.INGRESS, (peer,), ports, "fromEndpoints")
    entries = plain.ports.entries
    if entries is None or any(
        each.protocol is not Protocol.TCP or each.port is None for each in entries
    ):
        remedy = "requests are of TCP: write the ports, as in `tcp(80)`"
        raise refused("toPorts", str(ports), "are not some ports of TCP", remedy)
    return CiliumRule(Direction.INGRESS, plain.peers, plain.ports, tuple(dict.fromkeys(asked)))


def _of_pods(direction: Direction, given: tuple[RequestingPods, ...], ports: Ports) -> CiliumRule:
    field_ = f"{_peer_field(direction)}Endpoints"
    for peer in given:
        _check_pods(peer, f"{direction.field}[].{field_}")
    return _rule(direction, given, ports, field_)


def _of_entities(direction: Direction, given: tuple[Entity, ...], ports: Ports) -> CiliumRule:
    path = f"{direction.field}[].{_peer_field(direction)}Entities"
    words = ", ".join(f"`Entity.{each.name}`" for each in Entity)
    _check_kinds(given, Entity, path, f"one of {words}")
    return _rule(direction, given, ports, path.partition("[].")[2])


def _check_kinds(given: Sequence[object], kind: type, path: str, remedy: str) -> None:
    for index, each in enumerate(given):
        if not isinstance(each, kind):
            raise refused(f"{path}[{index}]", each, f"is no {kind.__name__}", remedy)


def _check_pods(peer: object, path: str = "ingress[].fromEndpoints") -> None:
    """Refuse what is not pods of one namespace."""
    inside = isinstance(peer, PodsIn) and isinstance(peer.namespaces, NamedNamespace)
    if not inside and not isinstance(peer, Pods | NamedNamespace):
        remedy = "write `pods(...)`, `namespace(...)` or `namespace(...).pods(...)`"
        raise refused(path, peer, "does not select pods", remedy)


def _check_ports(ports: object, path: str) -> None:
    if not isinstance(ports, Ports):
        remedy = "write `tcp(443)`, `udp(53) | tcp(53)` or `ALL_PORTS`"
        raise refused(path, ports, "is not a set of ports", remedy)
    if ports.entries is not None and len(ports.entries) > _MOST_PORTS:
        message = f"there are {len(ports.entries)} ports, and a rule has at most {_MOST_PORTS}"
        raise InvalidValue(message, help="make several rules of it", place=Place(path=path))


def _rule(
    direction: Direction,
    peers: tuple[str | Entity | RequestingPods, ...],
    ports: Ports,
    peers_field: str,
) -> CiliumRule:
    path = f"{direction.field}[].{peers_field}"
    for index, each in enumerate(peers):
        if each in peers[:index]:
            raise refused(f"{path}[{index}]", each, "is given twice", "give each peer once")
    _check_ports(ports, f"{direction.field}[].toPorts")
    return CiliumRule(direction, peers, ports)


def _peer_field(direction: Direction) -> str:
    return "from" if direction is Direction.INGRESS else "to"


def _peers_manifest(rule: CiliumRule) -> Manifest:
    names, start = rule.names, _peer_field(rule.direction)
    if names:
        return {"toFQDNs": list(map(_name_manifest, names))}
    entities = [str(each) for each in rule.peers if isinstance(each, Entity)]
    if entities:
        return {f"{start}Entities": entities}
    pods = [each for each in rule.peers if not isinstance(each, str)]
    return {f"{start}Endpoints": [_endpoint(each) for each in pods]}


def _name_manifest(name: str) -> Manifest:
    return {"matchPattern" if "*" in name else "matchName": name}


def _endpoint(peer: RequestingPods) -> Manifest:
    if isinstance(peer, Pods):
        return selector_manifest(peer.selector)
    space = peer.name if isinstance(peer, NamedNamespace) else peer.namespaces.name
    selector = LabelSelector() if isinstance(peer, NamedNamespace) else peer.pods.selector
    labels = {
        _POD_NAMESPACE: space,
        **{f"k8s:{key}": each for key, each in selector.match_labels.items()},
    }
    written: Manifest = {"matchLabels": labels}
    if selector.match_expressions:
        written["matchExpressions"] = [
            requirement_manifest(f"k8s:{each.key}", each.operator, each.values)
            for each in selector.match_expressions
        ]
    return written


def _port(protocol: Protocol, port: int | str | None, end_port: int | None) -> Manifest:
    """Return the document of a port, which is a text; every port of a protocol is `0`."""
    written: Manifest = {"port": "0" if port is None else str(port), "protocol": str(protocol)}
    return written if end_port is None else {**written, "endPort": end_port}


@dataclass(frozen=True, slots=True, kw_only=True)
class CiliumNetworkPolicy:
    """A CiliumNetworkPolicy of `cilium.io/v2`, as far as a NetworkPolicy cannot say it.

    It isolates its pods in each direction of which it has rules, as a NetworkPolicy does, and what
    any policy allows is allowed. One that opens names has to let its pods ask for them, so that
    Cilium learns their addresses.

    >>> from podwall.policies import pods, tcp
    >>> policy = CiliumNetworkPolicy(
    ...     name="payments",
    ...     namespace="shop",
    ...     pod_selector=pods(app="api"),
    ...     egress=[names_to("api.example.org", ports=tcp(443)), ask_names()],
    ... )
    >>> policy.to_manifest()["spec"]["egress"][0]["toPorts"]
    [{'ports': [{'port': '443', 'protocol': 'TCP'}]}]
    """

    name: str
    namespace: str
    pod_selector: Pods
    ingress: Sequence[CiliumRule] | None = None
    egress: Sequence[CiliumRule] | None = None
    labels: Mapping[str, str] = field(default_factory=Labels)
    annotations: Mapping[str, str] = field(default_factory=Annotations)

    def __post_init__(self) -> None:
        """Refuse what the API server or Cilium refuses, and names that nobody could ask for."""
        check_name(self.name, "metadata.name", dns_subdomain_problem)
        check_name(self.namespace, "metadata.namespace", dns_label_problem)
        _check_subject(self.pod_selector)
        if self.ingress is None and self.egress is None:
            message = "the policy says nothing about ingress and nothing about egress"
            remedy = "give `ingress` or `egress`: a list of rules"
            raise InvalidValue(message, help=remedy, place=Place(path="spec"))
        _keep(self, "labels", Labels(self.labels, path="metadata.labels"))
        _keep(self, "annotations", Annotations(self.annotations, path="metadata.annotations"))
        for direction in Direction:
            given = self.ingress if direction is Direction.INGRESS else self.egress
            _keep(self, direction.field, _rules(given, direction))
        _check_names_are_asked(self)

    def rules(self, direction: Direction) -> tuple[CiliumRule, ...]:
        """Return the rules of a direction."""
        given = self.ingress if direction is Direction.INGRESS else self.egress
        return tuple(given or ())

    def to_manifest(self) -> dict[str, Any]:
        """Return the Kubernetes document: plain dicts, lists, texts and numbers."""
        texts = {"labels": dict(self.labels), "annotations": dict(self.annotations)}
        spec: dict[str, Any] = {"endpointSelector": selector_manifest(self.pod_selector.selector)}
        for direction in Direction:
            if rules := self.rules(direction):
                spec[direction.field] = [each.manifest() for each in rules]
        metadata = {"name": self.name, "namespace": self.namespace}
        return {
            "apiVersion": CILIUM_API_VERSION,
            "kind": CILIUM_KIND,
            "metadata": {**metadata, **{key: each for key, each in texts.items() if each}},
            "spec": spec,
        }


def _check_subject(given: object) -> None:
    if not isinstance(given, Pods):
        remedy = "write `pods(app=...)` or `ALL_PODS`"
        raise refused("spec.endpointSelector", given, "does not select pods", remedy)


def _keep(policy: CiliumNetworkPolicy, name: str, value: object) -> None:
    object.__setattr__(policy, name, value)


def _rules(given: object, direction: Direction) -> tuple[CiliumRule, ...] | None:
    path = f"spec.{direction.field}"
    if given is None:
        return None
    remedy = "write a list of rules, such as `[entities_to(...)]`"
    if not isinstance(given, Iterable) or isinstance(given, str):
        raise refused(path, given, "is not a list of rules", remedy)
    rules = tuple(given)
    if not rules:
        remedy = "to say nothing about a direction, leave it out; to close it, a NetworkPolicy does"
        raise InvalidValue("the list of rules is empty", help=remedy, place=Place(path=path))
    _check_kinds(rules, CiliumRule, path, remedy)
    for index, rule in enumerate(rules):
        assert isinstance(rule, CiliumRule)
        if rule.direction is not direction:
            raise refused(f"{path}[{index}]", rule, "is not a rule of this direction", remedy)
        if rule in rules[:index]:
            place = Place(path=f"{path}[{index}]")
            raise InvalidValue("the same rule is given twice", help="give each once", place=place)
    return rules


def _check_names_are_asked(policy: CiliumNetworkPolicy) -> None:
    rules = policy.rules(Direction.EGRESS)
    names = [name for rule in rules for name in rule.names]
    if names and not any(rule.names_asked for rule in rules):
        raise InvalidValue(
            f"{shown(names[0])} is opened, and nothing lets Cilium read DNS answers",
            help="add `ask_names()` to `egress`",
            place=Place(path="spec.egress"),
        )
