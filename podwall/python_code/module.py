"""Policies as expressions of the typed language, a preset's call where one fits, and as modules."""

from __future__ import annotations

import builtins
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain, count
from keyword import iskeyword, issoftkeyword
from typing import Any, Final

from podwall import policies
from podwall.policies import (
    ALL_PODS,
    CiliumNetworkPolicy,
    CiliumRule,
    ClusterNetworkPolicy,
    Direction,
    EgressRule,
    Entity,
    NetworkPolicy,
    Peer,
    PolicyTier,
    allow_dns,
    default_deny,
)
from podwall.policies.addresses import IpBlock
from podwall.policies.cilium_policy import RequestingPods
from podwall.policies.cluster_rules import ClusterPeer, ClusterRule
from podwall.policies.manifest import peer_manifest, ports_manifest, selector_manifest
from podwall.policies.presets import DNS_PORTS, KUBE_DNS, LOCAL_DNS
from podwall.policies.rules import METADATA_NAME
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
    call_code,
    imports,
    source_of,
    text_literal,
    texts_code,
)

__all__ = [
    "CILIUM_POLICIES",
    "CLUSTER_POLICIES",
    "POLICIES",
    "cilium_policy_code",
    "cluster_policy_code",
    "namespace_code",
    "peer_code",
    "pods_code",
    "policies_module",
    "policy_code",
    "ports_code",
    "preset_code",
    "variables",
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
        arguments["labels"] = texts_code(metadata["labels"])
    if metadata.get("annotations"):
        arguments["annotations"] = DictCode(texts_code(metadata["annotations"]).items, spread=True)
    return call_code("NetworkPolicy", keywords=arguments, spread=True)


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
        arguments["labels"] = texts_code(policy.labels)
    if policy.annotations:
        arguments["annotations"] = DictCode(texts_code(policy.annotations).items, spread=True)
    return call_code("ClusterNetworkPolicy", keywords=arguments, spread=True)


def cilium_policy_code(policy: CiliumNetworkPolicy) -> Call:
    """Return the expression that makes a policy of Cilium's kind."""
    arguments: dict[str, Expression] = {
        "name": text_literal(policy.name),
        "namespace": text_literal(policy.namespace),
        "pod_selector": peer_code(peer_manifest(policy.pod_selector)),
    }
    for direction in Direction:
        if rules := policy.rules(direction):
            codes = tuple(_cilium_rule(rule) for rule in rules)
            arguments[direction.field] = ListCode(codes, spread=True)
    if policy.labels:
        arguments["labels"] = texts_code(policy.labels)
    if policy.annotations:
        arguments["annotations"] = DictCode(texts_code(policy.annotations).items, spread=True)
    return call_code("CiliumNetworkPolicy", keywords=arguments, spread=True)


def _cilium_rule(rule: CiliumRule) -> Expression:
    end = "from" if rule.direction is Direction.INGRESS else "to"
    ports: dict[str, Expression] = {"ports": ports_code(ports_manifest(rule.ports))}
    if rule.names_asked:
        names = () if rule.names_asked == ("*",) else rule.names_asked
        given = {} if rule.ports == DNS_PORTS else ports
        return call_code("ask_names", map(text_literal, names), given)
    if rule.requests:
        asked = (call_code("http", [text_literal(each.method), text_literal(each.path)])
                 for each in rule.requests)  # fmt: skip
        return call_code("requests_from", [*map(_cilium_peer, rule.peers), *asked], ports)
    kind = next(iter(rule.peers))
    word = "entities" if isinstance(kind, Entity) else "names" if rule.names else "pods"
    return call_code(f"{word}_{end}", map(_cilium_peer, rule.peers), ports)


def _cilium_peer(peer: str | Entity | RequestingPods) -> Expression:
    if isinstance(peer, Entity):
        return MethodName(NameCode("Entity"), peer.name)
    return text_literal(peer) if isinstance(peer, str) else peer_code(peer_manifest(peer))


def _cluster_rule(rule: ClusterRule, end: str) -> Expression:
    keywords: dict[str, Expression] = {"ports": ports_code(ports_manifest(rule.ports))}
    if rule.name:
        keywords["name"] = text_literal(rule.name)
    return call_code(f"{rule.action.lower()}_{end}", map(_cluster_peer, rule.peers), keywords)


def _cluster_peer(peer: ClusterPeer) -> Expression:
    if isinstance(peer, IpBlock):
        return call_code("ip_block", [text_literal(str(peer.cidr))])
    return peer_code(peer_manifest(peer))


def _rules(rules: Sequence[Manifest], end: str) -> Expression:
    if not rules:
        return NameCode("DENY_ALL")
    return ListCode(tuple(_rule(rule, end) for rule in rules), spread=True)


def _rule(rule: Manifest, end: str) -> Expression:
    peers = [peer_code(peer) for peer in rule.get(end, ())] or [NameCode("ANYWHERE")]
    return call_code(f"allow_{end}", peers, {"ports": ports_code(rule.get("ports", ()))})


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
    return call_code("ip_block", [text_literal(block["cidr"])], keywords)


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
    return call_code("namespace", [text_literal(name)])


def pods_code(selector: Manifest) -> Expression:
    """Return the expression of the pods that a selector means in the policy's own namespace."""
    conditions = tuple(_conditions(selector))
    return Call(NameCode("pods"), conditions) if conditions else NameCode("ALL_PODS")


def _conditions(selector: Manifest) -> Iterator[Argument]:
    """Yield the arguments: a mapping where a key is no name, requirements, labels by keyword."""
    labels: Mapping[str, str] = selector.get("matchLabels", {})
    are_names = all(key.isidentifier() and not iskeyword(key) for key in labels)
    if labels and not are_names:
        yield Argument(texts_code(labels))
    for requirement in selector.get("matchExpressions", ()):
        texts = (requirement["key"], *requirement.get("values", ()))
        yield Argument(call_code(_OPERATORS[requirement["operator"]], map(text_literal, texts)))
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
    return call_code(protocol.lower(), [first], keywords)


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


POLICIES: Final = "POLICIES"
CLUSTER_POLICIES: Final = "CLUSTER_POLICIES"
CILIUM_POLICIES: Final = "CILIUM_POLICIES"

#: What a module may import or use beside its own names, and `l`, which looks like a digit.
_TAKEN: Final = frozenset({
    *policies.__all__, *dir(builtins), POLICIES, CLUSTER_POLICIES, CILIUM_POLICIES, "l",
})  # fmt: skip
_Typed = NetworkPolicy | ClusterNetworkPolicy | CiliumNetworkPolicy


def variables(found: Sequence[_Typed]) -> tuple[str, ...]:
    """Return a name for each policy, in order: no two are the same, and none hides another name.

    A policy is called as in Kubernetes; where that is not possible or not clear, its namespace
    stands before, and at last a number behind.

    >>> from podwall.policies import allow_dns, default_deny
    >>> variables([default_deny("shop"), allow_dns("shop", name="dns"), default_deny("bank")])
    ('shop_default_deny', 'dns', 'bank_default_deny')
    """
    plain = [_identifier(policy.name) for policy in found]
    times = Counter(plain)
    wanted = (
        name if times[name] == 1 and _is_free(name) else _identifier(f"{_whose(policy)}-{name}")
        for name, policy in zip(plain, found, strict=True)
    )
    return tuple(_distinct(wanted))


def _whose(policy: _Typed) -> str:
    return "cluster" if isinstance(policy, ClusterNetworkPolicy) else policy.namespace


def _identifier(name: str) -> str:
    """Return a name of Kubernetes in the letters of Python's."""
    written = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")
    return written if written[:1].isalpha() else f"policy_{written}"


def _is_free(name: str) -> bool:
    return not (name in _TAKEN or iskeyword(name) or issoftkeyword(name))


def _distinct(wanted: Iterable[str]) -> Iterator[str]:
    seen: set[str] = set()
    for name in wanted:
        candidates = chain([name], (f"{name}_{number}" for number in count(2)))
        free = next(each for each in candidates if each not in seen and _is_free(each))
        seen.add(free)
        yield free


_USE: Final = """\
`POLICIES` holds them by namespace; in a Pulumi program,

    for name, policies in POLICIES.items():
        NetworkPolicies(name, policies)

deploys them."""


_ACROSS: Final = """\
`CLUSTER_POLICIES` are those of the whole cluster; where its engine enforces this kind,

    ClusterNetworkPolicies("cluster", CLUSTER_POLICIES, engine=...)

deploys them."""


_OF_CILIUM: Final = """\
`CILIUM_POLICIES` are those of Cilium's kind, of all namespaces; where Cilium is the engine,

    CiliumNetworkPolicies("cilium", CILIUM_POLICIES, engine="cilium")

deploys them."""


def policies_module(
    found: Sequence[NetworkPolicy],
    headline: str,
    across: Sequence[ClusterNetworkPolicy] = (),
    of_cilium: Sequence[CiliumNetworkPolicy] = (),
) -> str:
    r"""Return the text of a module that makes policies: one variable each, grouped by namespace.

    It is formatted as `ruff format` leaves it at 100 columns, and ends with all of them by
    namespace, with those `across` namespaces, and those `of_cilium`. `headline` begins its
    docstring, and must be plain words.

    >>> from podwall.policies import default_deny
    >>> lines = policies_module([default_deny("shop", name="closed")], "The shop.").splitlines()
    >>> print(*lines[-5:], sep="\n")
    closed = default_deny("shop", name="closed")
    <BLANKLINE>
    POLICIES = {
        "shop": [closed],
    }
    """
    ordered = sorted(found, key=lambda policy: policy.namespace)  # stable: else as they were read
    names = iter(variables([*ordered, *across, *of_cilium]))
    named = [(next(names), policy) for policy in ordered]
    made = {
        name: preset_code(policy) or policy_code(policy.to_manifest()) for name, policy in named
    }
    spanning = {next(names): cluster_policy_code(policy) for policy in across}
    cilium = {next(names): cilium_policy_code(policy) for policy in of_cilium}
    uses = [
        use for use, given in ((_USE, named), (_ACROSS, spanning), (_OF_CILIUM, cilium)) if given
    ]
    code = [*made.values(), *spanning.values(), *cilium.values()]
    parts = ["\n\n".join([f'"""{headline}', *uses]) + '\n"""', imports(code)]
    by_namespace: dict[str, list[str]] = {}
    for name, policy in named:
        by_namespace.setdefault(policy.namespace, []).append(name)
    for namespace, names_there in by_namespace.items():
        heading = f"# Namespace {namespace}\n\n" if len(by_namespace) > 1 else ""
        parts.append(heading + _definitions({name: made[name] for name in names_there}))
    sections = [(each, what) for each, what in ((spanning, "The whole cluster"),
                (cilium, "Of Cilium's kind")) if each]  # fmt: skip
    for codes, heading in sections:
        alone = not named and len(sections) == 1
        parts.append(("" if alone else f"# {heading}\n\n") + _definitions(codes))
    if named or not sections:
        parts.append(_definition(POLICIES, _lists(by_namespace)))
    for name, codes in ((CLUSTER_POLICIES, spanning), (CILIUM_POLICIES, cilium)):
        if codes:
            parts.append(_definition(name, ListCode(tuple(map(NameCode, codes)), spread=True)))
    return "\n\n".join(parts) + "\n"


def _definitions(codes: Mapping[str, Expression]) -> str:
    return "\n\n".join(_definition(*each) for each in codes.items())


def _definition(name: str, expression: Expression) -> str:
    before = f"{name} = "
    return before + source_of(expression, before=len(before))


def _lists(by_namespace: dict[str, list[str]]) -> Expression:
    lists = {name: ListCode(tuple(map(NameCode, each))) for name, each in by_namespace.items()}
    return DictCode(tuple(lists.items()), spread=True)
