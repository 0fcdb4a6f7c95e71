"""Read the policies among documents that the typed language has, as values of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any, Final, TypeVar

from podwall.policies import (
    ALL_PORTS,
    CiliumNetworkPolicy,
    CiliumRule,
    ClusterNetworkPolicy,
    Direction,
    Entity,
    Finding,
    HttpRequest,
    InvalidValue,
    Labels,
    LabelSelector,
    NamedNamespace,
    NetworkPolicy,
    Operator,
    Place,
    Pods,
    PodsIn,
    Port,
    Ports,
    Protocol,
    Requirement,
    Severity,
    ask_names,
    entities_from,
    entities_to,
    http,
    names_to,
    pods_from,
    pods_to,
    requests_from,
)
from podwall.policies.cilium_policy import CILIUM_KIND, RequestingPods
from podwall.policies.manifest import (
    CLUSTER_KIND,
    KIND,
    cluster_policy_arguments,
    prevents_reading,
    remarks,
)
from podwall.policies.policy import read
from podwall.policies.syntax import digits
from podwall.policies.validation.parts import fields_of, items_of, whole_number
from podwall.quick_dataclass import dataclass
from podwall.reading.cilium_policies import is_cilium_policy, read_cilium_policy
from podwall.reading.fields import Malformed
from podwall.reading.known_kinds import meant_instead
from podwall.reading.ledger import Document, single_objects
from podwall.reading.metadata import ManifestObject, read_object
from podwall.reading.objects import malformed, no_such_kind
from podwall.reading.refusals import metadata_refusals
from podwall.reading.tier_policies import GROUP, KINDS
from podwall.reading.tier_refusals import tier_refusals
from podwall.reading.unread_objects import is_other_policy

__all__ = ["TypedPolicies", "typed_policies"]

#: What `kubectl apply` keeps for itself on an object: the document of its last run, as JSON.
#: https://kubernetes.io/docs/tasks/manage-kubernetes-objects/declarative-config/
_KUBECTL: Final = "kubectl.kubernetes.io/last-applied-configuration"


@dataclass(frozen=True, slots=True)
class TypedPolicies:
    """Policies in the order of their documents, each with its place, and the findings."""

    policies: tuple[tuple[NetworkPolicy, Place], ...] = ()
    findings: tuple[Finding, ...] = ()
    cluster_policies: tuple[tuple[ClusterNetworkPolicy, Place], ...] = ()
    cilium_policies: tuple[tuple[CiliumNetworkPolicy, Place], ...] = ()


_Typed = NetworkPolicy | ClusterNetworkPolicy | CiliumNetworkPolicy


def typed_policies(documents: Iterable[Document], namespace: str = "default") -> TypedPolicies:
    """Return the policies of documents; one that can't be kept has a finding of severity error.

    What a policy can't keep of its document, and what its document means other than it seems, is a
    finding of less severity. Objects that are no policies do not matter.

    Args:
        documents: policies and other objects.
        namespace: where a policy belongs that names none.
    """
    last: dict[tuple[type[_Typed], str, str], tuple[_Typed, Place]] = {}
    findings: list[Finding] = []
    for document in single_objects(documents):
        policy, found = _read(document, namespace)
        findings += found
        if policy is None:
            continue
        space = "" if isinstance(policy, ClusterNetworkPolicy) else policy.namespace
        identity = (type(policy), space, policy.name)
        if identity in last:
            findings.append(_repeated(last[identity], policy, document.place))
        last[identity] = (policy, document.place)
    found_last = tuple(last.values())
    return TypedPolicies(
        _of_kind(NetworkPolicy, found_last),
        tuple(findings),
        _of_kind(ClusterNetworkPolicy, found_last),
        _of_kind(CiliumNetworkPolicy, found_last),
    )


_One = TypeVar("_One", NetworkPolicy, ClusterNetworkPolicy, CiliumNetworkPolicy)


def _of_kind(
    kind: type[_One], found: Iterable[tuple[_Typed, Place]]
) -> tuple[tuple[_One, Place], ...]:
    return tuple((each, place) for each, place in found if isinstance(each, kind))


def _read(document: Document, namespace: str) -> tuple[_Typed | None, Iterable[Finding]]:
    if not _is_meant_as_policy(document.manifest):
        return _read_other(document, namespace)
    reading = read(document.manifest, document.place, namespace=namespace)
    if reading.policy is None:
        return None, map(_as_error, reading.findings)
    policy, dropped = _without_kubectl(reading.policy, document.place)
    return policy, (*reading.findings, *dropped)


def _read_other(
    document: Document, namespace: str
) -> tuple[ClusterNetworkPolicy | CiliumNetworkPolicy | None, Iterable[Finding]]:
    try:
        item = read_object(document.manifest, document.place)
    except Malformed as problem:
        kind = document.manifest.get("kind") if isinstance(document.manifest, dict) else None
        return None, () if isinstance(kind, str) else (malformed(problem, document.place),)
    if item.kind == CILIUM_KIND and is_cilium_policy(item):
        return _read_cilium_policy(item, namespace)
    if (item.group, item.kind) != (GROUP, CLUSTER_KIND) or item.version not in KINDS[CLUSTER_KIND]:
        return None, _on_other(item)
    return _read_cluster_policy(item)


def _read_cilium_policy(
    item: ManifestObject, namespace: str
) -> tuple[CiliumNetworkPolicy | None, Iterable[Finding]]:
    findings = [*metadata_refusals(item), *remarks(item.manifest, item.place)]
    if any(map(prevents_reading, findings)):
        return None, map(_as_error, findings)
    try:
        read_cilium_policy(item)
        policy = _cilium_policy(item.manifest, namespace)
    except Malformed as problem:
        return None, (*findings, malformed(problem, item.place))
    except InvalidValue as problem:
        place = item.place.at(problem.place.path)
        return None, (*findings, _not_kept(item, place, problem.message))
    policy, dropped = _without_kubectl(policy, item.place)
    return policy, (*findings, *_idle_fields(item), *dropped)


def _idle_fields(item: ManifestObject) -> Iterator[Finding]:
    """Yield the findings on what decides nothing, and has no place in a typed policy."""
    for name in sorted(_IDLE_FIELDS & fields_of(item.manifest.get("spec")).keys()):
        message = f"`{name}` has no place in a typed policy"
        yield Finding("field-not-kept", Severity.INFO, message, item.place.at(f"spec.{name}"))


#: What a rule of Cilium's may say beside what it decides.
_IDLE_FIELDS: Final = frozenset({"description", "labels", "log"})
_SOURCES: Final = ("k8s:", "any:")
_POD_NAMESPACE: Final = "io.kubernetes.pod.namespace"
_NAMESPACE_LABELS: Final = "io.cilium.k8s.namespace.labels."
_ANY_PROTOCOL: Final = (Protocol.TCP, Protocol.UDP, Protocol.SCTP)
_DNS: Final = ask_names().peers


def _cilium_policy(manifest: Mapping[str, Any], namespace: str) -> CiliumNetworkPolicy:
    """Return the policy that a document is, which Cilium takes.

    Raises:
        InvalidValue: a part of it has no typed form, with its place.
    """
    metadata, spec = fields_of(manifest.get("metadata")), fields_of(manifest.get("spec"))
    if manifest.get("specs"):
        raise _untyped("specs", "`specs` are several policies in one")
    for name in sorted(spec.keys() - _IDLE_FIELDS):
        if name not in {"endpointSelector", "ingress", "egress"} and spec[name]:
            raise _untyped(f"spec.{name}", f"`{name}` is nothing that a typed policy says")
    rules = {way: tuple(_cilium_rules(spec, way)) or None for way in Direction}
    labels, annotations = (fields_of(metadata.get(each)) for each in ("labels", "annotations"))
    return CiliumNetworkPolicy(
        name=metadata["name"],
        namespace=metadata.get("namespace") or namespace,
        pod_selector=_cilium_subject(spec.get("endpointSelector")),
        ingress=rules[Direction.INGRESS],
        egress=rules[Direction.EGRESS],
        labels={key: text or "" for key, text in labels.items()},
        annotations={key: text or "" for key, text in annotations.items()},
    )


def _untyped(path: str, message: str) -> InvalidValue:
    return InvalidValue(message, place=Place(path=path))


def _cilium_rules(spec: Mapping[str, Any], direction: Direction) -> Iterator[CiliumRule]:
    """Yield the rules of a direction, each once; one with several lists of ports is several."""
    seen: set[CiliumRule] = set()
    for index, written in enumerate(map(fields_of, items_of(spec.get(direction.field)))):
        for rule in _parts_of_rule(written, direction, f"spec.{direction.field}[{index}]"):
            if rule not in seen:
                yield rule
            seen.add(rule)


def _parts_of_rule(
    written: Mapping[str, Any], direction: Direction, path: str
) -> Iterator[CiliumRule]:
    start = "from" if direction is Direction.INGRESS else "to"
    typed = {f"{start}{each}" for each in ("Endpoints", "Entities", "FQDNs")}
    peers = [each for each in typed if written.get(each)]
    for name in sorted(written.keys() - typed - {"toPorts"}):
        raise _untyped(f"{path}.{name}", f"`{name}` is nothing that a typed rule says")
    if len(peers) != 1:
        raise _untyped(path, "a typed rule is about pods, entities or names")
    entries = list(map(fields_of, items_of(written.get("toPorts")))) or [{}]
    for index, entry in enumerate(entries):
        at = f"{path}.toPorts[{index}]"
        ports = _cilium_ports(entry, at) if written.get("toPorts") else ALL_PORTS
        yield _cilium_rule(_CiliumPeers(direction, peers[0], written[peers[0]], path), ports,
                           entry, at)  # fmt: skip


@dataclass(frozen=True, slots=True)
class _CiliumPeers:
    """The one list of peers of a rule at `path`."""

    direction: Direction
    field: str
    given: Any
    path: str


def _cilium_rule(
    peers: _CiliumPeers, ports: Ports, entry: Mapping[str, Any], at: str
) -> CiliumRule:
    requests = {key: each for key, each in fields_of(entry.get("rules")).items() if each}
    ingress = peers.direction is Direction.INGRESS
    if peers.field == "toFQDNs" and not requests:
        return names_to(*_fqdns(peers.given, f"{peers.path}.toFQDNs"), ports=ports)
    if peers.field.endswith("Entities") and not requests:
        entities = _entities(peers.given, f"{peers.path}.{peers.field}")
        return (entities_from if ingress else entities_to)(*entities, ports=ports)
    if not peers.field.endswith("Endpoints"):
        raise _untyped(f"{at}.rules", "requests have a typed form for pods alone")
    pods_ = tuple(
        _cilium_pods(fields_of(each), f"{peers.path}.{peers.field}[{index}]")
        for index, each in enumerate(items_of(peers.given))
    )
    if not requests:
        return (pods_from if ingress else pods_to)(*dict.fromkeys(pods_), ports=ports)
    if requests.keys() == {"http"} and ingress and len(pods_) == 1:
        return requests_from(pods_[0], *_requests(requests["http"], f"{at}.rules.http"),
                             ports=ports)  # fmt: skip
    if requests.keys() == {"dns"} and not ingress and pods_ == _DNS:
        names = _fqdns(requests["dns"], f"{at}.rules.dns")
        return ask_names(*(() if names == ("*",) else names), ports=ports)
    raise _untyped(f"{at}.rules", "the typed requests are those of HTTP, and names asked of DNS")


def _fqdns(given: object, path: str) -> tuple[str, ...]:
    """Return the names of a list, each once."""
    found = []
    for index, each in enumerate(map(fields_of, items_of(given))):
        if len(each) != 1:
            raise _untyped(f"{path}[{index}]", "one of `matchName` and `matchPattern` names them")
        found.append(next(iter(each.values())))
    return tuple(dict.fromkeys(found))


def _entities(given: object, path: str) -> tuple[Entity, ...]:
    known = {str(each): each for each in Entity}
    for index, each in enumerate(items_of(given)):
        if each not in known:
            raise _untyped(f"{path}[{index}]", f"`{each}` is no `Entity` of the typed language")
    return tuple(dict.fromkeys(known[each] for each in items_of(given)))


def _requests(given: object, path: str) -> Iterator[HttpRequest]:
    for index, each in enumerate(map(fields_of, items_of(given))):
        if each.keys() != {"method", "path"}:
            raise _untyped(f"{path}[{index}]", "a typed request has a method and a path")
        yield http(each["method"], each["path"])


def _cilium_ports(entry: Mapping[str, Any], path: str) -> Ports:
    for name in sorted(entry.keys() - {"ports", "rules"}):
        raise _untyped(f"{path}.{name}", f"`{name}` is nothing that a typed rule says")
    listed = list(map(fields_of, items_of(entry.get("ports"))))
    if not listed:
        raise _untyped(path, "a list of ports without one allows nothing")
    return Ports(tuple(port for each in listed for port in _cilium_port(each)))


def _cilium_port(written: Mapping[str, Any]) -> Iterator[Port]:
    text, last = str(written["port"]), whole_number(written.get("endPort")) or None
    number = digits(text)
    port = None if number == 0 else text.lower() if number is None else number
    protocol = (written.get("protocol") or "ANY").upper()
    for each in _ANY_PROTOCOL if protocol == "ANY" else (Protocol(protocol),):
        yield Port(each, port, last if number else None)


def _cilium_subject(given: object) -> Pods:
    pods_, about = _cilium_labels(fields_of(given), "spec.endpointSelector")
    for key, path in about:
        raise _untyped(path, f"`{key}` is replaced by the policy's namespace")
    return Pods(pods_)


def _cilium_pods(given: Mapping[str, Any], path: str) -> RequestingPods:
    pods_, about = _cilium_labels(given, path)
    if not about:
        return Pods(pods_)
    labels = {_plain_key(key): each for key, each in fields_of(given.get("matchLabels")).items()}
    if [_plain_key(key) for key, _ in about] != [_POD_NAMESPACE] or _POD_NAMESPACE not in labels:
        raise _untyped(about[-1][1], "typed rules mean pods of one namespace, by its name")
    named = NamedNamespace(labels[_POD_NAMESPACE])
    return named if pods_ == LabelSelector() else PodsIn(named, Pods(pods_))


def _cilium_labels(
    given: Mapping[str, Any], path: str
) -> tuple[LabelSelector, list[tuple[str, str]]]:
    """Return what a selector asks of pods, and the keys about namespaces with their places."""
    labels: dict[str, str] = {}
    asked: list[Requirement] = []
    about: list[tuple[str, str]] = []
    for key, each in fields_of(given.get("matchLabels")).items():
        if _is_about_pods(key, f"{path}.matchLabels[{key}]", about):
            labels[_plain_key(key)] = each or ""
    for index, one in enumerate(map(fields_of, items_of(given.get("matchExpressions")))):
        if _is_about_pods(one["key"], f"{path}.matchExpressions[{index}].key", about):
            values = tuple(each or "" for each in items_of(one.get("values")))
            asked.append(Requirement(_plain_key(one["key"]), Operator(one["operator"]), values))
    return LabelSelector(Labels(labels), tuple(asked)), about


def _is_about_pods(key: str, path: str, about: list[tuple[str, str]]) -> bool:
    """Return whether a key is one of pods' labels; one about namespaces is noted in `about`."""
    plain = _plain_key(key)
    if ":" in plain:
        raise _untyped(path, f"`{key}` is no label of pods")
    if plain == _POD_NAMESPACE or plain.startswith(_NAMESPACE_LABELS):
        about.append((key, path))
        return False
    return True


def _plain_key(key: str) -> str:
    return next((key.removeprefix(each) for each in _SOURCES if key.startswith(each)), key)


def _read_cluster_policy(
    item: ManifestObject,
) -> tuple[ClusterNetworkPolicy | None, Iterable[Finding]]:
    findings = (
        *tier_refusals(item),
        *remarks(item.manifest, item.place),
        *_experimental(item),
    )
    if any(map(prevents_reading, findings)):
        return None, map(_as_error, findings)
    try:
        policy = ClusterNetworkPolicy(**cluster_policy_arguments(item.manifest))
    except InvalidValue as problem:
        place = item.place.at(problem.place.path)
        return None, (*findings, _not_kept(item, place, problem.message))
    policy, dropped = _without_kubectl(policy, item.place)
    return policy, (*findings, *dropped)


_EXPERIMENTS: Final = frozenset({"nodes", "domainNames", "destinationNamedPort"})


def _experimental(item: ManifestObject) -> Iterator[Finding]:
    """Yield the findings on fields that only the experimental channel of the API has."""
    spec = fields_of(item.manifest.get("spec"))
    for direction, peers in (("ingress", "from"), ("egress", "to")):
        for number, rule in enumerate(map(fields_of, items_of(spec.get(direction)))):
            for field in (peers, "protocols"):
                for index, each in enumerate(map(fields_of, items_of(rule.get(field)))):
                    path = f"spec.{direction}[{number}].{field}[{index}]"
                    for name in sorted(_EXPERIMENTS & each.keys()):
                        message = f"`{name}` is of the experimental channel"
                        yield _not_kept(item, item.place.at(f"{path}.{name}"), message)


def _not_kept(item: ManifestObject, place: Place, why: str) -> Finding:
    return Finding(
        "policy-not-kept",
        Severity.ERROR,
        f"{item.kind} `{item.name}` has no typed form: {why}",
        place,
        "keep its manifest",
    )


def _is_meant_as_policy(manifest: object) -> bool:
    if not isinstance(manifest, Mapping) or manifest.get("kind") != KIND:
        return False
    return not is_other_policy(str(manifest.get("apiVersion")).rpartition("/")[0], KIND)


def _on_other(item: ManifestObject) -> Iterator[Finding]:
    """Yield the findings on an object that has no typed form, or of which that is not clear."""
    meant = meant_instead(item.group, item.kind)
    if meant and meant[1] == KIND:
        yield no_such_kind(item, *meant)
    if is_other_policy(item.group, item.kind):
        yield Finding(
            "policy-kind-not-kept",
            Severity.WARNING,
            f"{item.kind} `{item.name}` has no typed form, and is left out",
            item.place,
            "keep its manifest: it may allow or deny traffic as well",
        )


def _as_error(finding: Finding) -> Finding:
    """Return a finding as an error where it is why there is no policy."""
    return replace(finding, severity=Severity.ERROR) if prevents_reading(finding) else finding


def _without_kubectl(policy: _One, place: Place) -> tuple[_One, tuple[Finding, ...]]:
    if _KUBECTL not in policy.annotations:
        return policy, ()
    kept = {key: text for key, text in policy.annotations.items() if key != _KUBECTL}
    dropped = Finding(
        "field-not-kept",
        Severity.INFO,
        f"`{_KUBECTL}` is what kubectl keeps for itself, and is left out",
        place.at(f"metadata.annotations[{_KUBECTL}]"),
    )
    return replace(policy, annotations=kept), (dropped,)


def _repeated(first: tuple[_Typed, Place], second: _Typed, place: Place) -> Finding:
    policy, there = first
    same = policy == second
    title = f"{CLUSTER_KIND} {second.name}"
    if not isinstance(second, ClusterNetworkPolicy):
        kind = KIND if isinstance(second, NetworkPolicy) else CILIUM_KIND
        title = f"{kind} {second.namespace}/{second.name}"
    return Finding(
        "duplicate-object",
        Severity.INFO if same else Severity.ERROR,
        f"{title} is written twice{'' if same else ', differently'}: first at {there}",
        place,
        "one object has one name; the last one written is taken",
    )
