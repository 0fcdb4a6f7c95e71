"""Reads the Kubernetes document of a policy, in every form that the API server accepts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from podwall.policies.addresses import ANYWHERE, Anywhere, IpBlock
from podwall.policies.cidrs import IpNetwork, parsed
from podwall.policies.errors import InvalidManifest, Place
from podwall.policies.findings import Finding, Severity
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
from podwall.policies.rules import DENY_ALL, DenyAll, Direction, EgressRule, IngressRule
from podwall.policies.unknown import Unknown
from podwall.policies.validation import violations
from podwall.policies.validation.ports import whole_number
from podwall.policies.validation.shapes import elements, fields

__all__ = ["Reading", "from_manifest", "prevents_reading", "read"]

Document = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Reading:
    """A policy that was read, and what is to be said about its document.

    `policy` is None where the API server would refuse the document, where a value is known only
    after deployment, and where the server makes up the name.
    """

    policy: NetworkPolicy | None
    findings: tuple[Finding, ...] = ()


def read(manifest: object, place: Place | None = None, *, namespace: str = "default") -> Reading:
    """Return the policy of a document, with findings.

    A document without a namespace belongs to `namespace`, as it does for kubectl. What Kubernetes
    fills in is written out, masked, or left away as Kubernetes does it: the policy's own document
    is the one that the server stores.
    """
    document = place or Place()
    findings = (*violations(manifest, document), *_remarks(manifest, document))
    if any(map(prevents_reading, findings)):
        return Reading(None, findings)
    return Reading(_policy(fields(manifest), namespace), findings)


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


_UNTOLD = "known-after-deployment"
_NAMELESS = "name-generated"
_LEAVES = frozenset({str, int, float, bool, type(None)})
_DROPPED = ("finalizers", "ownerReferences")


def prevents_reading(finding: Finding) -> bool:
    """Tell whether a finding is a reason why a document gives no policy."""
    return finding.severity is Severity.ERROR or finding.id in (_UNTOLD, _NAMELESS)


def _remarks(manifest: object, document: Place) -> Iterator[Finding]:
    for path, unknown in _unknowns(manifest):
        yield Finding(_UNTOLD, Severity.INFO, str(unknown), document.at(path.strip(".")))
    metadata = fields(fields(manifest).get("metadata"))
    if not metadata.get("name") and metadata.get("generateName"):
        yield Finding(
            _NAMELESS,
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


def _policy(manifest: Document, namespace: str) -> NetworkPolicy:
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


def _policy_types(spec: Document) -> Sequence[str]:
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


def _peer(peer: Document) -> Peer:
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


def _ip_block(block: Document) -> IpBlock:
    exceptions = tuple(_network(each) for each in elements(block.get("except")))
    return IpBlock(_network(block["cidr"]), exceptions)


def _network(text: str) -> IpNetwork:
    cidr = parsed(text)
    assert cidr is not None, text
    return cidr.network


def _ports(rule: object) -> Ports:
    entries = tuple(_port(fields(each)) for each in elements(fields(rule).get("ports")))
    return Ports(entries) if entries else ALL_PORTS


def _port(entry: Document) -> Port:
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
        tuple(_requirement(fields(each)) for each in elements(written.get("matchExpressions"))),
    )


def _requirement(requirement: Document) -> Requirement:
    values = tuple(each or "" for each in elements(requirement.get("values")))
    return Requirement(requirement["key"], Operator(requirement["operator"]), values)


def _texts(texts: object) -> dict[str, str]:
    # A text that is null is the empty text to the API server.
    return {key: value or "" for key, value in fields(texts).items()}
