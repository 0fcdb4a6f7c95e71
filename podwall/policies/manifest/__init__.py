"""The Kubernetes document of a policy: written in one form, read in all that are accepted.

With `podwall.policies.validation`, all that knows camelCase. Reading says in findings what it read
differently from how it is written; what Kubernetes fills in is written out, masked or left away as
Kubernetes does it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, assert_never

from podwall.policies.addresses import ANYWHERE, Anywhere, IpBlock, IpNetwork, parse_cidr
from podwall.policies.errors import Finding, InvalidManifest, Place, Severity
from podwall.policies.labels import Labels, LabelSelector, Operator, Requirement
from podwall.policies.peers import (
    ALL_PODS,
    Namespace,
    Namespaces,
    Peer,
    Pods,
    PodsIn,
    name_selected_by,
)
from podwall.policies.policy import NetworkPolicy
from podwall.policies.ports import ALL_PORTS, Port, Ports, Protocol
from podwall.policies.rules import DENY_ALL, DenyAll, Direction, EgressRule, IngressRule, Rule
from podwall.policies.unknown import Unknown
from podwall.policies.validation import violations
from podwall.policies.validation.rules import whole_number
from podwall.policies.validation.shapes import elements, fields

__all__ = [
    "API_VERSION",
    "KIND",
    "PolicyReading",
    "from_manifest",
    "peer_manifest",
    "ports_manifest",
    "prevents_reading",
    "read",
    "selector_manifest",
    "to_manifest",
]


Manifest = dict[str, Any]

API_VERSION: Final = "networking.k8s.io/v1"
KIND: Final = "NetworkPolicy"


def to_manifest(policy: NetworkPolicy) -> Manifest:
    """Return the document of a policy: plain dicts, lists, texts and numbers.

    `policyTypes` is always written; a direction in which nothing is allowed has no list of rules,
    as in the examples of the Kubernetes documentation.
    """
    return {
        "apiVersion": API_VERSION,
        "kind": KIND,
        "metadata": _metadata(policy),
        "spec": _spec(policy),
    }


def _metadata(policy: NetworkPolicy) -> Manifest:
    metadata: Manifest = {"name": policy.name, "namespace": policy.namespace}
    if policy.labels:
        metadata["labels"] = dict(policy.labels)
    if policy.annotations:
        metadata["annotations"] = dict(policy.annotations)
    return metadata


def _spec(policy: NetworkPolicy) -> Manifest:
    spec: Manifest = {
        "podSelector": selector_manifest(policy.pod_selector.selector),
        "policyTypes": [str(direction) for direction in policy.policy_types],
    }
    for direction in policy.policy_types:
        if rules := policy.rules(direction):
            spec[direction.lower()] = [_rule_manifest(rule, direction) for rule in rules]
    return spec


def _rule_manifest(rule: Rule, direction: Direction) -> Manifest:
    written: Manifest = {}
    if not isinstance(rule.peers, Anywhere):
        end = "from" if direction is Direction.INGRESS else "to"
        written[end] = [peer_manifest(peer) for peer in rule.peers]
    if rule.ports.entries is not None:
        written["ports"] = ports_manifest(rule.ports)
    return written


def peer_manifest(peer: Peer) -> Manifest:
    """Return the document of one element of `from` or `to`."""
    match peer:
        case Pods(selector):
            return {"podSelector": selector_manifest(selector)}
        case Namespace() | Namespaces():
            return {"namespaceSelector": selector_manifest(peer.selector)}
        case PodsIn(namespaces, Pods(selector)):
            return peer_manifest(namespaces) | {"podSelector": selector_manifest(selector)}
        case IpBlock(cidr, exceptions):
            block: Manifest = {"cidr": str(cidr)}
            if exceptions:
                block["except"] = [str(exception) for exception in exceptions]
            return {"ipBlock": block}
        case _:
            assert_never(peer)


def ports_manifest(ports: Ports) -> list[Manifest]:
    """Return the list of port entries; it is empty for `ALL_PORTS`, which Kubernetes leaves out."""
    return [_port_manifest(entry) for entry in ports.entries or ()]


def _port_manifest(entry: Port) -> Manifest:
    written: Manifest = {"protocol": str(entry.protocol)}
    if entry.port is not None:
        written["port"] = entry.port
    if entry.end_port is not None:
        written["endPort"] = entry.end_port
    return written


def selector_manifest(selector: LabelSelector) -> Manifest:
    """Return the document of a label selector; an empty one selects everything."""
    written: Manifest = {}
    if selector.match_labels:
        written["matchLabels"] = dict(selector.match_labels)
    if selector.match_expressions:
        written["matchExpressions"] = [
            _requirement_manifest(each) for each in selector.match_expressions
        ]
    return written


def _requirement_manifest(requirement: Requirement) -> Manifest:
    written: Manifest = {"key": requirement.key, "operator": str(requirement.operator)}
    if requirement.values:
        written["values"] = list(requirement.values)
    return written


_ReadMapping = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class PolicyReading:
    """A policy that was read, and what is to be said about its document.

    `policy` is None where the API server would refuse the document, where a value is known only
    after deployment, and where the server makes up the name.
    """

    policy: NetworkPolicy | None
    findings: tuple[Finding, ...] = ()


def read(
    manifest: object, place: Place | None = None, *, namespace: str = "default"
) -> PolicyReading:
    """Return the policy of a document, with findings.

    A document without a namespace belongs to `namespace`, as it does for kubectl. What Kubernetes
    fills in is written out, masked, or left away as Kubernetes does it: the policy's own document
    is the one that the server stores.
    """
    document = place or Place()
    findings = (*violations(manifest, document), *_remarks(manifest, document))
    if any(map(prevents_reading, findings)):
        return PolicyReading(None, findings)
    return PolicyReading(_policy(fields(manifest), namespace), findings)


def from_manifest(manifest: object, place: Place | None = None) -> NetworkPolicy:
    """Return the policy of a document, or raise all that keeps it from being one.

    Raises:
        InvalidManifest: with the place of the one problem; several are raised in an ExceptionGroup.
    """
    reading = read(manifest, place)
    if reading.policy is not None:
        return reading.policy
    problems = [
        InvalidManifest(each.message, help=each.help, place=each.place)
        for each in reading.findings
        if prevents_reading(each)
    ]
    if len(problems) == 1:
        raise problems[0]
    raise ExceptionGroup("the API server would refuse the document", problems)


_KNOWN_AFTER_DEPLOYMENT = "known-after-deployment"
_NAME_GENERATED = "name-generated"
_LEAVES = frozenset({str, int, float, bool, type(None)})
_DROPPED = ("finalizers", "ownerReferences")


def prevents_reading(finding: Finding) -> bool:
    """Tell whether a finding is a reason why a document gives no policy."""
    return finding.severity is Severity.ERROR or finding.id in (
        _KNOWN_AFTER_DEPLOYMENT,
        _NAME_GENERATED,
    )


def _remarks(manifest: object, document: Place) -> Iterator[Finding]:
    for path, unknown in _unknowns(manifest):
        yield Finding(
            _KNOWN_AFTER_DEPLOYMENT, Severity.INFO, str(unknown), document.at(path.strip("."))
        )
    metadata = fields(fields(manifest).get("metadata"))
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
        for key, each in fields(value).items():
            if type(each) not in _LEAVES:
                yield f"{path}.{key}", each


def _policy(manifest: _ReadMapping, namespace: str) -> NetworkPolicy:
    metadata, spec = fields(manifest.get("metadata")), fields(manifest.get("spec"))
    types = _policy_types(spec)
    return NetworkPolicy(
        name=metadata["name"],
        namespace=metadata.get("namespace") or namespace,
        pod_selector=_pods(spec.get("podSelector")),
        ingress=_ingress(elements(spec.get("ingress"))) if Direction.INGRESS in types else None,
        egress=_egress(elements(spec.get("egress"))) if Direction.EGRESS in types else None,
        labels=_texts(metadata.get("labels")),
        annotations=_texts(metadata.get("annotations")),
    )


def _policy_types(spec: _ReadMapping) -> Sequence[str]:
    # https://github.com/kubernetes/kubernetes/blob/master/pkg/apis/networking/v1/defaults.go
    implied = ["Ingress", "Egress"] if elements(spec.get("egress")) else ["Ingress"]
    return elements(spec.get("policyTypes")) or implied


def _ingress(rules: Sequence[object]) -> tuple[IngressRule, ...] | DenyAll:
    read_ = (IngressRule(_peers(fields(rule).get("from")), _ports(rule)) for rule in rules)
    return tuple(dict.fromkeys(read_)) or DENY_ALL


def _egress(rules: Sequence[object]) -> tuple[EgressRule, ...] | DenyAll:
    read_ = (EgressRule(_peers(fields(rule).get("to")), _ports(rule)) for rule in rules)
    return tuple(dict.fromkeys(read_)) or DENY_ALL


def _peers(peers: object) -> tuple[Peer, ...] | Anywhere:
    return tuple(dict.fromkeys(_peer(fields(each)) for each in elements(peers))) or ANYWHERE


def _peer(peer: _ReadMapping) -> Peer:
    block, pods, namespaces = (
        peer.get(name) for name in ("ipBlock", "podSelector", "namespaceSelector")
    )
    if block is not None:
        return _ip_block(fields(block))
    if namespaces is None:
        return _pods(pods)
    return _pods_in(_selector(namespaces), _pods(pods))


def _pods_in(selector: LabelSelector, pods: Pods) -> Peer:
    name = name_selected_by(selector)
    if name is None:
        labelled = Namespaces(selector)
        return labelled if pods == ALL_PODS else PodsIn(labelled, pods)
    named = Namespace(name)
    return named if pods == ALL_PODS else PodsIn(named, pods)


def _pods(selector: object) -> Pods:
    return Pods(_selector(selector))


def _ip_block(block: _ReadMapping) -> IpBlock:
    exceptions = tuple(_network(each) for each in elements(block.get("except")))
    return IpBlock(_network(block["cidr"]), exceptions)


def _network(text: str) -> IpNetwork:
    cidr = parse_cidr(text)
    assert cidr is not None, text
    return cidr.network


def _ports(rule: object) -> Ports:
    entries = tuple(_read_port(fields(each)) for each in elements(fields(rule).get("ports")))
    return Ports(entries) if entries else ALL_PORTS


def _read_port(entry: _ReadMapping) -> Port:
    port = entry.get("port")
    return Port(
        Protocol(entry.get("protocol") or Protocol.TCP),
        port if isinstance(port, str) else whole_number(port),
        whole_number(entry.get("endPort")),
    )


def _selector(selector: object) -> LabelSelector:
    written = fields(selector)
    return LabelSelector(
        Labels(_texts(written.get("matchLabels"))),
        tuple(
            _read_requirement(fields(each)) for each in elements(written.get("matchExpressions"))
        ),
    )


def _read_requirement(requirement: _ReadMapping) -> Requirement:
    values = tuple(each or "" for each in elements(requirement.get("values")))
    return Requirement(requirement["key"], Operator(requirement["operator"]), values)


def _texts(texts: object) -> dict[str, str]:
    # A text that is null is the empty text to the API server.
    return {key: value or "" for key, value in fields(texts).items()}
