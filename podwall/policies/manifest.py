"""The Kubernetes document of a policy's parts: written in one form, read in all that are accepted.

With `podwall.policies.validation`, all that knows camelCase. What Kubernetes fills in is written
out, masked or left away as Kubernetes does it. What reads expects a document that `violations`
finds no error in.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, TypedDict, assert_never

from podwall.policies.addresses import ANYWHERE, Anywhere, IpBlock, IpNetwork, parse_cidr
from podwall.policies.cluster_rules import (
    ClusterEgressRule,
    ClusterIngressRule,
    ClusterPeer,
    ClusterPods,
    ClusterRule,
    PolicyTier,
    TierAction,
)
from podwall.policies.errors import Finding, Place, Severity, Unknown
from podwall.policies.labels import Labels, LabelSelector, Operator, Requirement
from podwall.policies.ports import ALL_PORTS, FIRST_PORT, LAST_PORT, Port, Ports, Protocol
from podwall.policies.rules import (
    ALL_PODS,
    DENY_ALL,
    DenyAll,
    Direction,
    EgressRule,
    IngressRule,
    NamedNamespace,
    Namespaces,
    Peer,
    Pods,
    PodsIn,
    PolicyRule,
    name_selected_by,
)
from podwall.policies.validation.parts import fields_of, items_of, whole_number

__all__ = [
    "API_VERSION",
    "CLUSTER_API_VERSION",
    "CLUSTER_KIND",
    "KIND",
    "ClusterPolicyArguments",
    "Manifest",
    "PolicyArguments",
    "block_manifest",
    "cluster_pods_manifest",
    "cluster_policy_arguments",
    "cluster_rule_manifest",
    "peer_manifest",
    "policy_arguments",
    "port_manifest",
    "ports_manifest",
    "prevents_reading",
    "remarks",
    "requirement_manifest",
    "rule_manifest",
    "selector_manifest",
]


Manifest = dict[str, Any]

API_VERSION: Final = "networking.k8s.io/v1"
KIND: Final = "NetworkPolicy"
CLUSTER_API_VERSION: Final = "policy.networking.k8s.io/v1alpha2"
CLUSTER_KIND: Final = "ClusterNetworkPolicy"


def rule_manifest(rule: PolicyRule, direction: Direction) -> Manifest:
    """Return the document of a rule in a direction."""
    written: Manifest = {}
    if not isinstance(rule.peers, Anywhere):
        written[direction.peers_field] = [peer_manifest(peer) for peer in rule.peers]
    if rule.ports.entries is not None:
        written["ports"] = ports_manifest(rule.ports)
    return written


def peer_manifest(peer: Peer) -> Manifest:
    """Return the document of one element of `from` or `to`."""
    match peer:
        case Pods(selector):
            return {"podSelector": selector_manifest(selector)}
        case NamedNamespace() | Namespaces():
            return {"namespaceSelector": selector_manifest(peer.selector)}
        case PodsIn(namespaces, Pods(selector)):
            return peer_manifest(namespaces) | {"podSelector": selector_manifest(selector)}
        case IpBlock(cidr, exceptions):
            return block_manifest(cidr, exceptions)
        case _:
            assert_never(peer)


def block_manifest(cidr: IpNetwork, exceptions: Sequence[IpNetwork]) -> Manifest:
    """Return the document of a peer that is an ip block."""
    block: Manifest = {"cidr": str(cidr)}
    if exceptions:
        block["except"] = [str(exception) for exception in exceptions]
    return {"ipBlock": block}


def ports_manifest(ports: Ports) -> list[Manifest]:
    """Return the list of port entries; it is empty for `ALL_PORTS`, which Kubernetes leaves out."""
    entries = ports.entries or ()
    return [port_manifest(each.protocol, each.port, each.end_port) for each in entries]


def port_manifest(protocol: object, port: object, end_port: object) -> Manifest:
    """Return the document of one entry of `ports`; what is None is left out."""
    parts = {"protocol": str(protocol), "port": port, "endPort": end_port}
    return {key: value for key, value in parts.items() if value is not None}


def selector_manifest(selector: LabelSelector) -> Manifest:
    """Return the document of a label selector; an empty one selects everything."""
    written: Manifest = {}
    if selector.match_labels:
        written["matchLabels"] = dict(selector.match_labels)
    if selector.match_expressions:
        written["matchExpressions"] = [
            requirement_manifest(each.key, each.operator, each.values)
            for each in selector.match_expressions
        ]
    return written


def requirement_manifest(key: str, operator: str, values: Sequence[str]) -> Manifest:
    """Return the document of one element of `matchExpressions`."""
    written: Manifest = {"key": key, "operator": str(operator)}
    return {**written, "values": list(values)} if values else written


def cluster_rule_manifest(rule: ClusterRule, direction: Direction) -> Manifest:
    """Return the document of a rule of a ClusterNetworkPolicy."""
    written: Manifest = {"name": rule.name} if rule.name else {}
    written["action"] = str(rule.action)
    written[direction.peers_field] = _cluster_peers(rule.peers)
    if rule.ports.entries is not None:
        written["protocols"] = [_cluster_port(each) for each in rule.ports.entries]
    return written


def _cluster_peers(peers: Sequence[ClusterPeer]) -> list[Manifest]:
    """Return `from` or `to`; blocks that follow each other are one element of it."""
    written: list[Manifest] = []
    for peer in peers:
        if not isinstance(peer, IpBlock):
            written.append(cluster_pods_manifest(peer))
        elif written and "networks" in written[-1]:
            written[-1]["networks"].append(str(peer.cidr))
        else:
            written.append({"networks": [str(peer.cidr)]})
    return written


def cluster_pods_manifest(pods: ClusterPods) -> Manifest:
    """Return the document of a subject, or of a peer that is pods."""
    if not isinstance(pods, PodsIn):
        return {"namespaces": selector_manifest(pods.selector)}
    return {
        "pods": {
            "namespaceSelector": selector_manifest(pods.namespaces.selector),
            "podSelector": selector_manifest(pods.pods.selector),
        }
    }


def _cluster_port(entry: Port) -> Manifest:
    # The definition demands a port of each protocol: all of them are the range of all.
    start, end = entry.port, entry.end_port
    if start is None:
        start, end = FIRST_PORT, LAST_PORT
    numbers = {"number": start} if end is None else {"range": {"start": start, "end": end}}
    return {str(entry.protocol).lower(): {"destinationPort": numbers}}


_ReadMapping = Mapping[str, Any]
_KNOWN_AFTER_DEPLOYMENT = "known-after-deployment"
_NAME_GENERATED = "name-generated"
_LEAVES = frozenset({str, int, float, bool, type(None)})
_DROPPED = ("finalizers", "ownerReferences")


def prevents_reading(finding: Finding) -> bool:
    """Return whether a finding is a reason why a document gives no policy."""
    return finding.severity is Severity.ERROR or finding.id in (
        _KNOWN_AFTER_DEPLOYMENT,
        _NAME_GENERATED,
    )


def remarks(manifest: object, document: Place) -> Iterator[Finding]:
    """Yield what keeps a document from being a typed policy, and what such a policy can't keep."""
    for path, unknown in _unknowns(manifest):
        yield Finding(
            _KNOWN_AFTER_DEPLOYMENT, Severity.INFO, str(unknown), document.at(path.strip("."))
        )
    metadata = fields_of(fields_of(manifest).get("metadata"))
    if not metadata.get("name") and metadata.get("generateName"):
        yield Finding(
            _NAME_GENERATED,
            Severity.INFO,
            "the server makes up the policy's name",
            document.at("metadata.generateName"),
            "give the policy a `name`, so that there is one such policy",
        )
    for name in _DROPPED:
        if metadata.get(name):
            yield Finding(
                "field-not-kept",
                Severity.INFO,
                f"`{name}` has no place in a typed policy",
                document.at(f"metadata.{name}"),
            )


def _unknowns(document: object) -> Iterator[tuple[str, Unknown]]:
    # Without recursion: junk may be nested deeper than the stack.
    waiting = [("", document)]
    while waiting:
        path, value = waiting.pop()
        if isinstance(value, Unknown):
            yield path, value
        else:
            waiting.extend(reversed(list(_inside(path, value))))


def _inside(path: str, value: object) -> Iterator[tuple[str, object]]:
    if isinstance(value, list | tuple):
        for index, each in enumerate(value):
            if type(each) not in _LEAVES:
                yield f"{path}[{index}]", each
    else:
        for key, each in fields_of(value).items():
            if type(each) not in _LEAVES:
                yield f"{path}.{key}", each


class PolicyArguments(TypedDict):
    """The arguments of `NetworkPolicy`."""

    name: str
    namespace: str
    pod_selector: Pods
    ingress: tuple[IngressRule, ...] | DenyAll | None
    egress: tuple[EgressRule, ...] | DenyAll | None
    labels: Mapping[str, str]
    annotations: Mapping[str, str]


def policy_arguments(manifest: object, namespace: str) -> PolicyArguments:
    """Return what a document says; without a namespace it belongs to `namespace`."""
    written = fields_of(manifest)
    metadata, spec = fields_of(written.get("metadata")), fields_of(written.get("spec"))
    types = _policy_types(spec)
    return PolicyArguments(
        name=metadata["name"],
        namespace=metadata.get("namespace") or namespace,
        pod_selector=_pods(spec.get("podSelector")),
        ingress=_ingress(items_of(spec.get("ingress"))) if Direction.INGRESS in types else None,
        egress=_egress(items_of(spec.get("egress"))) if Direction.EGRESS in types else None,
        labels=_texts(metadata.get("labels")),
        annotations=_texts(metadata.get("annotations")),
    )


class ClusterPolicyArguments(TypedDict):
    """The arguments of `ClusterNetworkPolicy`."""

    name: str
    tier: PolicyTier
    priority: int
    subject: ClusterPods
    ingress: tuple[ClusterIngressRule, ...] | None
    egress: tuple[ClusterEgressRule, ...] | None
    labels: Mapping[str, str]
    annotations: Mapping[str, str]


def cluster_policy_arguments(manifest: object) -> ClusterPolicyArguments:
    """Return what the document of a ClusterNetworkPolicy says.

    It has nothing that only the experimental channel of its API has.
    """
    written = fields_of(manifest)
    metadata, spec = fields_of(written.get("metadata")), fields_of(written.get("spec"))
    ingress = (
        ClusterIngressRule(
            TierAction(rule["action"]),
            tuple(dict.fromkeys(map(_cluster_pods, items_of(rule["from"])))),
            _cluster_ports(rule),
            rule.get("name") or "",
        )
        for rule in map(fields_of, items_of(spec.get("ingress")))
    )
    egress = (
        ClusterEgressRule(
            TierAction(rule["action"]),
            tuple(dict.fromkeys(_read_cluster_peers(items_of(rule["to"])))),
            _cluster_ports(rule),
            rule.get("name") or "",
        )
        for rule in map(fields_of, items_of(spec.get("egress")))
    )
    priority = whole_number(spec["priority"])
    assert priority is not None, "a document with findings of severity error is not read"
    return ClusterPolicyArguments(
        name=metadata["name"],
        tier=PolicyTier(spec["tier"]),
        priority=priority,
        subject=_cluster_pods(spec["subject"]),
        ingress=tuple(dict.fromkeys(ingress)) or None,
        egress=tuple(dict.fromkeys(egress)) or None,
        labels=_texts(metadata.get("labels")),
        annotations=_texts(metadata.get("annotations")),
    )


def _read_cluster_peers(peers: Sequence[object]) -> Iterator[ClusterPeer]:
    for peer in map(fields_of, peers):
        if peer.get("networks") is None:
            yield _cluster_pods(peer)
        else:
            yield from (IpBlock(_network(each)) for each in items_of(peer["networks"]))


def _cluster_pods(peer: object) -> ClusterPods:
    written = fields_of(peer)
    if written.get("namespaces") is not None:
        spaces = _selector(written["namespaces"])
        name = name_selected_by(spaces)
        return Namespaces(spaces) if name is None else NamedNamespace(name)
    pods = fields_of(written["pods"])
    return _pods_in(_selector(pods.get("namespaceSelector")), _pods(pods.get("podSelector")))


def _cluster_ports(rule: _ReadMapping) -> Ports:
    entries = tuple(map(_read_cluster_port, map(fields_of, items_of(rule.get("protocols")))))
    return Ports(entries) if entries else ALL_PORTS


def _read_cluster_port(entry: _ReadMapping) -> Port:
    word = next(each for each in ("tcp", "udp", "sctp") if entry.get(each) is not None)
    port = fields_of(fields_of(entry[word]).get("destinationPort"))
    numbers = fields_of(port.get("range"))
    start = numbers.get("start") if numbers else port.get("number")
    return Port(Protocol(word.upper()), whole_number(start), whole_number(numbers.get("end")))


def _policy_types(spec: _ReadMapping) -> Sequence[str]:
    # https://github.com/kubernetes/kubernetes/blob/master/pkg/apis/networking/v1/defaults.go
    implied = ["Ingress", "Egress"] if items_of(spec.get("egress")) else ["Ingress"]
    return items_of(spec.get("policyTypes")) or implied


def _ingress(rules: Sequence[object]) -> tuple[IngressRule, ...] | DenyAll:
    read_ = (IngressRule(_peers(fields_of(rule).get("from")), _ports(rule)) for rule in rules)
    return tuple(dict.fromkeys(read_)) or DENY_ALL


def _egress(rules: Sequence[object]) -> tuple[EgressRule, ...] | DenyAll:
    read_ = (EgressRule(_peers(fields_of(rule).get("to")), _ports(rule)) for rule in rules)
    return tuple(dict.fromkeys(read_)) or DENY_ALL


def _peers(peers: object) -> tuple[Peer, ...] | Anywhere:
    return tuple(dict.fromkeys(_peer(fields_of(each)) for each in items_of(peers))) or ANYWHERE


def _peer(peer: _ReadMapping) -> Peer:
    block, pods, namespaces = (
        peer.get(name) for name in ("ipBlock", "podSelector", "namespaceSelector")
    )
    if block is not None:
        return _ip_block(fields_of(block))
    if namespaces is None:
        return _pods(pods)
    return _pods_in(_selector(namespaces), _pods(pods))


def _pods_in(selector: LabelSelector, pods: Pods) -> ClusterPods:
    name = name_selected_by(selector)
    if name is None:
        labelled = Namespaces(selector)
        return labelled if pods == ALL_PODS else PodsIn(labelled, pods)
    named = NamedNamespace(name)
    return named if pods == ALL_PODS else PodsIn(named, pods)


def _pods(selector: object) -> Pods:
    return Pods(_selector(selector))


def _ip_block(block: _ReadMapping) -> IpBlock:
    exceptions = tuple(_network(each) for each in items_of(block.get("except")))
    return IpBlock(_network(block["cidr"]), exceptions)


def _network(text: str) -> IpNetwork:
    cidr = parse_cidr(text)
    assert cidr is not None, text
    return cidr.network


def _ports(rule: object) -> Ports:
    entries = tuple(_read_port(fields_of(each)) for each in items_of(fields_of(rule).get("ports")))
    return Ports(entries) if entries else ALL_PORTS


def _read_port(entry: _ReadMapping) -> Port:
    port = entry.get("port")
    return Port(
        Protocol(entry.get("protocol") or Protocol.TCP),
        port if isinstance(port, str) else whole_number(port),
        whole_number(entry.get("endPort")),
    )


def _selector(selector: object) -> LabelSelector:
    written = fields_of(selector)
    return LabelSelector(
        Labels(_texts(written.get("matchLabels"))),
        tuple(
            _read_requirement(fields_of(each)) for each in items_of(written.get("matchExpressions"))
        ),
    )


def _read_requirement(requirement: _ReadMapping) -> Requirement:
    values = tuple(each or "" for each in items_of(requirement.get("values")))
    return Requirement(requirement["key"], Operator(requirement["operator"]), values)


def _texts(texts: object) -> dict[str, str]:
    # A text that is null is the empty text to the API server.
    return {key: value or "" for key, value in fields_of(texts).items()}
