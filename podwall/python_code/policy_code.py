"""A policy as an expression of the typed language, a preset's call where one makes it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from keyword import iskeyword
from typing import Any, Final

from podwall.policies import (
    ALL_PODS,
    ClusterNetworkPolicy,
    Direction,
    EgressRule,
    NetworkPolicy,
    Peer,
    PolicyTier,
    allow_dns,
    default_deny,
)
from podwall.policies.addresses import IpBlock
from podwall.policies.cluster_rules import ClusterPeer, ClusterRule
from podwall.policies.manifest import peer_manifest, ports_manifest, selector_manifest
from podwall.policies.peers import METADATA_NAME
from podwall.policies.presets import DNS_PORTS, KUBE_DNS, LOCAL_DNS
from podwall.policies.syntax import dns_label_problem
from podwall.python_code.expression import (
    Argument,
    Call,
    DictCode,
    Expression,
    ListCode,
    Literal,
    MethodName,
    NameCode,
    UnionCode,
    text_literal,
)

__all__ = [
    "cluster_policy_code",
    "namespace_code",
    "peer_code",
    "pods_code",
    "policy_code",
    "ports_code",
    "preset_code",
]


Manifest = Mapping[str, Any]

_OPERATORS: Final = {
    "In": "in_",
    "NotIn": "not_in",
    "Exists": "exists",
    "DoesNotExist": "does_not_exist",
}
_NAMED_PEERS: Final = (
    (peer_manifest(KUBE_DNS), NameCode("KUBE_DNS")),
    (peer_manifest(LOCAL_DNS), NameCode("LOCAL_DNS")),
)


def policy_code(manifest: Manifest) -> Call:
    """Return the expression that makes the policy of a document.

    The document is in the one form that `NetworkPolicy.to_manifest` writes, and need not be valid:
    what the API server would refuse is refused again when the expression runs.

    >>> from podwall.python_code.expression import source_of
    >>> from podwall.policies import default_deny
    >>> print(source_of(policy_code(default_deny("shop").to_manifest())))
    NetworkPolicy(
        name="default-deny",
        namespace="shop",
        pod_selector=ALL_PODS,
        ingress=DENY_ALL,
        egress=DENY_ALL,
    )
    """
    metadata, spec = manifest["metadata"], manifest["spec"]
    arguments: dict[str, Expression] = {
        field: text_literal(metadata[field])
        for field in ("name", "namespace")
        if field in metadata  # the namespace may be known only after deployment
    }
    arguments["pod_selector"] = pods_code(spec["podSelector"])
    for direction in Direction:
        if direction in spec["policyTypes"]:
            rules = spec.get(direction.field, ())
            arguments[direction.field] = _rules(rules, direction.peers_field)
    if metadata.get("labels"):
        arguments["labels"] = _texts(metadata["labels"])
    if metadata.get("annotations"):
        arguments["annotations"] = DictCode(_texts(metadata["annotations"]).items, spread=True)
    return _call("NetworkPolicy", keywords=arguments, spread=True)


def cluster_policy_code(policy: ClusterNetworkPolicy) -> Call:
    """Return the expression that makes a policy with a tier."""
    tier = "ADMIN" if policy.tier is PolicyTier.ADMIN else "BASELINE"
    arguments: dict[str, Expression] = {
        "name": text_literal(policy.name),
        "tier": MethodName(NameCode("PolicyTier"), tier),
        "priority": Literal(str(policy.priority)),
        "subject": peer_code(peer_manifest(policy.subject)),
    }
    for direction in Direction:
        if rules := policy.rules(direction):
            codes = (_cluster_rule(rule, direction.peers_field) for rule in rules)
            arguments[direction.field] = ListCode(tuple(codes), spread=True)
    if policy.labels:
        arguments["labels"] = _texts(policy.labels)
    if policy.annotations:
        arguments["annotations"] = DictCode(_texts(policy.annotations).items, spread=True)
    return _call("ClusterNetworkPolicy", keywords=arguments, spread=True)


def _cluster_rule(rule: ClusterRule, end: str) -> Expression:
    keywords: dict[str, Expression] = {"ports": ports_code(ports_manifest(rule.ports))}
    if rule.name:
        keywords["name"] = text_literal(rule.name)
    return _call(f"{rule.action.lower()}_{end}", map(_cluster_peer, rule.peers), keywords)


def _cluster_peer(peer: ClusterPeer) -> Expression:
    if isinstance(peer, IpBlock):
        return _call("ip_block", [text_literal(str(peer.cidr))])
    return peer_code(peer_manifest(peer))


def _rules(rules: Sequence[Manifest], end: str) -> Expression:
    if not rules:
        return NameCode("DENY_ALL")
    return ListCode(tuple(_rule(rule, end) for rule in rules), spread=True)


def _rule(rule: Manifest, end: str) -> Expression:
    peers = [peer_code(peer) for peer in rule.get(end, ())] or [NameCode("ANYWHERE")]
    return _call(f"allow_{end}", peers, {"ports": ports_code(rule.get("ports", ()))})


def peer_code(peer: Manifest) -> Expression:
    """Return the expression of one element of `from` or `to`."""
    for document, name in _NAMED_PEERS:
        if peer == document:
            return name
    if "ipBlock" in peer:
        return _ip_block(peer["ipBlock"])
    if "namespaceSelector" not in peer:
        return pods_code(peer["podSelector"])
    there = _namespaces(peer["namespaceSelector"])
    conditions = tuple(_conditions(peer.get("podSelector", {})))
    return Call(MethodName(there, "pods"), conditions) if conditions else there


def _ip_block(block: Manifest) -> Expression:
    exceptions = tuple(text_literal(each) for each in block.get("except", ()))
    keywords = {"except_": ListCode(exceptions)} if exceptions else {}
    return _call("ip_block", [text_literal(block["cidr"])], keywords)


def _namespaces(selector: Manifest) -> Expression:
    name = _name_selected_by(selector)
    if name is not None:
        return namespace_code(name)
    conditions = tuple(_conditions(selector))
    return Call(NameCode("namespaces"), conditions) if conditions else NameCode("ALL_NAMESPACES")


def _name_selected_by(selector: Manifest) -> str | None:
    """Return the one namespace that a selector names and asks nothing else of."""
    labels = selector.get("matchLabels", {})
    if selector.get("matchExpressions") or tuple(labels) != (METADATA_NAME,):
        return None
    # A value that is no possible name selects no namespace, and is a label like any other.
    return None if dns_label_problem(labels[METADATA_NAME]) else str(labels[METADATA_NAME])


def namespace_code(name: str) -> Call:
    """Return the expression of a namespace by its name."""
    return _call("namespace", [text_literal(name)])


def pods_code(selector: Manifest) -> Expression:
    """Return the expression of the pods that a selector means in the policy's own namespace."""
    conditions = tuple(_conditions(selector))
    return Call(NameCode("pods"), conditions) if conditions else NameCode("ALL_PODS")


def _conditions(selector: Manifest) -> Iterator[Argument]:
    """Yield the arguments: a mapping where a key is no name, requirements, labels by keyword."""
    labels: Mapping[str, str] = selector.get("matchLabels", {})
    are_names = all(key.isidentifier() and not iskeyword(key) for key in labels)
    if labels and not are_names:
        yield Argument(_texts(labels))
    for requirement in selector.get("matchExpressions", ()):
        texts = (requirement["key"], *requirement.get("values", ()))
        yield Argument(_call(_OPERATORS[requirement["operator"]], map(text_literal, texts)))
    if are_names:
        yield from (Argument(text_literal(value), key) for key, value in labels.items())


def ports_code(ports: Sequence[Manifest]) -> Expression:
    """Return the expression of the entries of `ports`; there are none for every port."""
    if not ports:
        return NameCode("ALL_PORTS")
    if list(ports) == ports_manifest(DNS_PORTS):
        return NameCode("DNS_PORTS")
    parts = tuple(map(_port, ports))
    return parts[0] if len(parts) == 1 else UnionCode(parts)


def _port(entry: Manifest) -> Expression:
    protocol, port = entry["protocol"], entry.get("port")
    if port is None:
        return NameCode(f"ALL_{protocol}_PORTS")
    first = text_literal(port) if isinstance(port, str) else Literal(str(port))
    last = entry.get("endPort")
    keywords = {} if last is None else {"end_port": Literal(str(last))}
    return _call(protocol.lower(), [first], keywords)


def _texts(texts: Mapping[str, str]) -> DictCode:
    return DictCode(tuple((key, text_literal(value)) for key, value in texts.items()))


def _call(
    function: str,
    positional: Iterable[Expression] = (),
    keywords: Mapping[str, Expression] | None = None,
    *,
    spread: bool = False,
) -> Call:
    named = (Argument(value, keyword) for keyword, value in (keywords or {}).items())
    return Call(NameCode(function), (*map(Argument, positional), *named), spread)


_ALL_SERVERS: Final = (KUBE_DNS, LOCAL_DNS)


def preset_code(policy: NetworkPolicy) -> Call | None:
    """Return the call of the preset that makes exactly this policy, if there is one.

    >>> preset_code(default_deny("shop")) is None
    False
    """
    return _default_deny(policy) or _allow_dns(policy)


def _default_deny(policy: NetworkPolicy) -> Call | None:
    if policy != default_deny(policy.namespace, name=policy.name):
        return None
    name = _name_argument(policy, "default-deny")
    return Call(NameCode("default_deny"), (_namespace_argument(policy), *name))


def _allow_dns(policy: NetworkPolicy) -> Call | None:
    servers, clients = _name_servers(policy), policy.pod_selector
    if not servers or policy != allow_dns(
        policy.namespace, clients=clients, servers=servers, name=policy.name
    ):
        return None
    arguments = [_namespace_argument(policy)]
    if clients != ALL_PODS:
        selector = selector_manifest(clients.selector)
        arguments.append(Argument(pods_code(selector), "clients"))
    if servers != _ALL_SERVERS:
        peers: Iterator[Expression] = (peer_code(peer_manifest(each)) for each in servers)
        arguments.append(Argument(ListCode(tuple(peers)), "servers"))
    return Call(NameCode("allow_dns"), (*arguments, *_name_argument(policy, "allow-dns")))


def _name_servers(policy: NetworkPolicy) -> tuple[Peer, ...]:
    """Return whom a policy asks for names, if these are servers that have a name here."""
    match policy.egress:
        case (EgressRule(tuple() as peers, ports),) if ports == DNS_PORTS:
            return peers if set(peers) <= set(_ALL_SERVERS) else ()
        case _:
            return ()


def _namespace_argument(policy: NetworkPolicy) -> Argument:
    return Argument(text_literal(policy.namespace))


def _name_argument(policy: NetworkPolicy, default: str) -> Iterator[Argument]:
    if policy.name != default:
        yield Argument(text_literal(policy.name), "name")
