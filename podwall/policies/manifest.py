"""The Kubernetes document of a policy's parts: written in one form, read in all that are accepted.

With `podwall.policies.validation`, all that knows camelCase. What Kubernetes fills in is written
out, masked or left away as Kubernetes does it. What reads expects a document that `violations`
finds no error in.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, TypedDict, assert_never

from podwall.policies.addresses import ANYWHERE, Anywhere, IpBlock, IpNetwork, parse_cidr
from podwall.policies.errors import Finding, Place, Severity
from podwall.policies.labels import Labels, LabelSelector, Operator, Requirement
from podwall.policies.peers import (
    ALL_PODS,
    NamedNamespace,
    Namespaces,
    Peer,
    Pods,
    PodsIn,
    name_selected_by,
)
from podwall.policies.ports import ALL_PORTS, Port, Ports, Protocol
from podwall.policies.rules import DENY_ALL, DenyAll, Direction, EgressRule, IngressRule, PolicyRule
from podwall.policies.unknown import Unknown
from podwall.policies.validation.rules import whole_number
from podwall.policies.validation.shapes import fields_of, items_of

__all__ = [
    "API_VERSION",
    "KIND",
    "Manifest",
    "PolicyArguments",
    "block_manifest",
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


def _pods_in(selector: LabelSelector, pods: Pods) -> Peer:
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
