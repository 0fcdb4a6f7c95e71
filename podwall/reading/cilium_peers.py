"""Whom Cilium's rules mean: pods by labels, entities, addresses, names, services, groups of CIDRs.

A label may name its source, as `k8s:app` does; labels of the source `reserved` stand for entities.
Services and groups are `NamedService` and `NamedGroup`, which are `Unknown` until something takes
their place. A service that selects pods means these, on their own ports; the endpoints of one that
selects none are written elsewhere. A group means its CIDRs, which are no pods. What is not there
means nobody, where nothing can be elsewhere.
https://docs.cilium.io/en/stable/security/policy/language/#services-based
https://docs.cilium.io/en/stable/network/kubernetes/ciliumcidrgroup/
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import field, replace
from ipaddress import IPv4Interface, IPv6Interface, ip_interface, ip_network
from typing import Any, Final

from podwall.model import (
    EMPTY_SELECTOR,
    AddressPeer,
    CiliumPolicy,
    EntityPeer,
    IpNetwork,
    IpPeer,
    LabelMap,
    Operator,
    Peer,
    PodPeer,
    Policy,
    Rule,
    Selector,
    SelectorRequirement,
    Service,
    TierPolicy,
    TierRule,
    Unknown,
)
from podwall.policies.addresses import parse_cidr
from podwall.policies.rules import METADATA_NAME
from podwall.policies.syntax import label_key_problem, label_value_problem
from podwall.policies.validation.parts import fields_of, items_of
from podwall.policies.wording import did_you_mean
from podwall.quick_dataclass import dataclass
from podwall.reading.fields import Malformed, NotEnforced, mapping, text, texts
from podwall.reading.fields import field as one_field
from podwall.reading.metadata import ManifestObject, read_selector

__all__ = [
    "CidrGroup",
    "NamedGroup",
    "NamedService",
    "cidr_groups",
    "is_plain_selector",
    "read_cidr",
    "read_cidr_set",
    "read_cloud_group",
    "read_endpoint",
    "read_entities",
    "read_names",
    "read_service",
    "read_subject",
    "resolved",
]


_POD_NAMESPACE: Final = "io.kubernetes.pod.namespace"
_NAMESPACE_LABELS: Final = "io.cilium.k8s.namespace.labels."
_IN_RUN: Final = ("io.cilium.",)
_ACCOUNT: Final = "io.cilium.k8s.policy.serviceaccount"
_RESERVED: Final = "reserved:"
_SOURCES: Final = ("k8s:", "any:")


@dataclass(frozen=True, slots=True)
class NamedService(Unknown):
    """The endpoints of a service, by its namespace and name."""

    namespace: str = ""
    name: str = ""


@dataclass(frozen=True, slots=True)
class NamedGroup(Unknown):
    """The CIDRs of groups: of the one with a `name`, or of those with some `labels`."""

    name: str = ""
    labels: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class CidrGroup:
    """A CiliumCIDRGroup; of one that is not understood the networks are None."""

    name: str
    labels: LabelMap
    networks: tuple[IpPeer, ...] | None = field(default=())


def unknown_addresses(name: str, cause: str) -> EntityPeer:
    """Return addresses outside of the cluster that are not known."""
    return EntityPeer(name, ipv4=Unknown(cause), ipv6=Unknown(cause))


def is_plain_selector(value: object, *, peer: bool = True) -> bool:
    """Return whether all labels of a selector, of a `peer` or of the pods, are read here."""
    keys = list(_keys(fields_of(value)))
    if any(each.startswith(_RESERVED) for each in keys):
        return peer and len(keys) == 1 and _reserved(fields_of(value)) in _IDENTITIES
    return not any(":" in each.removeprefix(source) for each in keys for source in [_source(each)])


def _keys(selector: Mapping[str, Any]) -> Iterator[str]:
    yield from (str(each) for each in fields_of(selector.get("matchLabels")))
    expressions = map(fields_of, items_of(selector.get("matchExpressions")))
    yield from (str(each.get("key", "")) for each in expressions)


def _source(key: str) -> str:
    return next((each for each in _SOURCES if key.startswith(each)), "")


def _reserved(selector: Mapping[str, Any]) -> str | None:
    """Return the identity that a selector of one label asks for, if it asks for nothing else."""
    labels = fields_of(selector.get("matchLabels"))
    expressions = [fields_of(each) for each in items_of(selector.get("matchExpressions"))]
    plain = all(each == "" for each in labels.values())
    exist = all(each.get("operator") == "Exists" for each in expressions)
    key = next(_keys(selector), "")
    return key.removeprefix(_RESERVED) if plain and exist and key.startswith(_RESERVED) else None


def _selector(value: Any) -> Selector:
    """Return a selector, unless Cilium finds it invalid: it puts the source before every key."""
    selector = read_selector(value)
    for each in selector.requirements:
        problem = label_key_problem(f"any.{each.key.removeprefix(_source(each.key))}")
        values = each.operator in {Operator.IN, Operator.NOT_IN}
        if problem is None and each.unknown is None and values is not bool(each.values):
            problem = "must have values" if values else "must have no values"
        problem = problem or next(filter(None, map(label_value_problem, each.values)), None)
        if problem is not None:
            raise NotEnforced(f"has no valid requirement of `{each.key[:70]}`: {problem}")
    return selector


def read_subject(namespace: str | Unknown | None, value: Any) -> PodPeer:
    """Return the pods that a rule is about; `namespaces` None: those of the policy's namespace.

    A namespace in the labels of a policy of a namespace is replaced by that of the policy.
    """
    node = mapping(value)
    if isinstance(node, Unknown):
        anyone = Selector(unknown=node)
        return PodPeer(anyone, EMPTY_SELECTOR if namespace is None else None)
    if namespace is not None:
        labels = fields_of(node.get("matchLabels"))
        kept = {key: each for key, each in labels.items() if key != f"k8s:{_POD_NAMESPACE}"}
        node = {**node, "matchLabels": kept}
    peer = _split(_selector(node))
    if namespace is None:
        return peer if peer.namespaces is not None else replace(peer, namespaces=EMPTY_SELECTOR)
    if peer.namespaces is None:
        return peer
    value = ((namespace,), None) if isinstance(namespace, str) else ((), namespace)
    own = SelectorRequirement(METADATA_NAME, Operator.IN, *value)
    return replace(peer, namespaces=_with(peer.namespaces, own))


def _with(selector: Selector, requirement: SelectorRequirement) -> Selector:
    return replace(selector, requirements=(*selector.requirements, requirement))


def _split(selector: Selector) -> PodPeer:
    """Return what a selector asks of pods, and of their namespaces (None: nothing)."""
    pods: list[SelectorRequirement] = []
    spaces: list[SelectorRequirement] = []
    doubt = selector.unknown
    for each in selector.requirements:
        key = each.key.removeprefix(_source(each.key))
        if key == _POD_NAMESPACE:
            spaces.append(replace(each, key=METADATA_NAME))
        elif key.startswith(_NAMESPACE_LABELS):
            spaces.append(replace(each, key=key.removeprefix(_NAMESPACE_LABELS)))
        elif key.startswith(_IN_RUN) and key != _ACCOUNT:
            doubt = doubt or Unknown(f"the label `{key}`, which Cilium sets in the cluster")
        else:
            pods.append(replace(each, key=key))
    return PodPeer(Selector(tuple(pods), doubt), Selector(tuple(spaces)) if spaces else None)


def read_endpoint(namespace: str | Unknown | None, value: Any) -> Peer:
    """Return the pods that an element of `fromEndpoints` or `toEndpoints` means."""
    node = mapping(value)
    if isinstance(node, Unknown):
        return node
    reserved = _reserved(node)
    if reserved is not None:
        return _IDENTITIES[reserved]
    peer = _split(_selector(node))
    if peer.namespaces is None and namespace is None:
        return replace(peer, namespaces=EMPTY_SELECTOR)
    return peer


_API_SERVER: Final = Unknown("which addresses are the API server's is known only in the cluster")
_NODE: Final = Unknown("which node a pod runs on is not known")


def _entity(name: str, **meant: bool | Unknown) -> EntityPeer:
    return EntityPeer(f"the entity `{name}`", **meant)


_ENTITIES: Final = {
    "all": _entity("all", pods=True, nodes=True, ipv4=True, ipv6=True),
    "world": _entity("world", ipv4=True, ipv6=True),
    "world-ipv4": _entity("world-ipv4", ipv4=True),
    "world-ipv6": _entity("world-ipv6", ipv6=True),
    "cluster": _entity("cluster", pods=True, nodes=True),
    "host": _entity("host", nodes=_NODE),
    "remote-node": _entity("remote-node", nodes=_NODE),
    "kube-apiserver": _entity(
        "kube-apiserver", nodes=_API_SERVER, ipv4=_API_SERVER, ipv6=_API_SERVER
    ),
    **{each: _entity(each) for each in ("health", "ingress", "init", "none", "unmanaged")},
}
"""Who is meant by an entity; the last ones are none of the ends that a source can show."""


_FAMILIES: Final = Unknown("which label of the world addresses have depends on the IP families")
_IDENTITIES: Final = {
    **{each: _entity(each, ipv4=_FAMILIES, ipv6=_FAMILIES)
       for each in ("world", "world-ipv4", "world-ipv6")},
    **{each: _ENTITIES[each]
       for each in ("host", "remote-node", "kube-apiserver", "health", "ingress", "init",
                    "unmanaged")},
}  # fmt: skip
"""Whom a label of the source `reserved` means: entities that are no identity have none."""


def read_entities(value: Any) -> tuple[Peer, ...]:
    """Return the entities of a list: both sorts of nodes together are every node."""
    names = texts(value)
    if isinstance(names, Unknown):
        return (names,)
    for index, name in enumerate(names):
        if isinstance(name, str) and name not in _ENTITIES:
            help_ = did_you_mean(name, _ENTITIES)
            raise Malformed(f"`{name[:60]}` is no entity; {help_}", f"[{index}]")
    nodes = {"host", "remote-node"} <= set(names)
    every = [EntityPeer("the entities `host` and `remote-node`", nodes=True)] if nodes else []
    each = (name if isinstance(name, Unknown) else _ENTITIES[name] for name in names)
    return (*every, *each)


_PREFIX: Final = re.compile(r"[0-9A-Fa-f:.]+/(0|[1-9][0-9]*)")


def _interface(written: str, field_: str = "") -> IPv4Interface | IPv6Interface:
    """Return a prefix with its address, as Cilium reads them: no leading zeros, and no masks."""
    try:
        if _PREFIX.fullmatch(written):
            return ip_interface(written)
    except ValueError:
        pass
    raise NotEnforced(f"must be a CIDR such as `10.0.0.0/8`, is `{written[:60]}`", field_)


def read_cidr(value: Any) -> Peer:
    """Return an element of `toCIDR`, which may be an address."""
    written = text(value)
    if isinstance(written, Unknown):
        return written
    if "/" in written:
        return IpPeer(_interface(written).network)
    try:
        return IpPeer(ip_network(written))
    except ValueError:
        raise NotEnforced(f"must be an address or a CIDR, is `{written[:60]}`") from None


def read_cidr_set(value: Any) -> Peer:
    """Return an element of `toCIDRSet`: a block without exceptions, or a group of CIDRs."""
    node = mapping(value)
    if isinstance(node, Unknown):
        return node
    kinds = [each for each in ("cidr", "cidrGroupRef", "cidrGroupSelector") if node.get(each)]
    if len(kinds) != 1:
        raise NotEnforced("must have one of `cidr`, `cidrGroupRef` and `cidrGroupSelector`")
    if kinds != ["cidr"]:
        return read_cidr_group(node)
    written = one_field(node, "cidr", text, "")
    exceptions = one_field(node, "except", texts, ())
    if isinstance(written, Unknown):
        return written
    network = _interface(written, "cidr").network
    return exceptions if isinstance(exceptions, Unknown) else _without(network, exceptions)


def _without(network: IpNetwork, exceptions: tuple[str | Unknown, ...]) -> Peer:
    """Return a block without exceptions, the address of each of which has to be inside of it."""
    known = []
    for index, each in enumerate(exceptions):
        if isinstance(each, Unknown):
            return each
        hole = _interface(each, f"except[{index}]")
        if hole.version != network.version or hole.ip not in network:
            raise NotEnforced(f"`{each}` is not part of `{network}`", f"except[{index}]")
        known.append(network if hole.network.prefixlen < network.prefixlen else hole.network)
    return IpPeer(network, tuple(known))


def read_cloud_group(_: Any) -> Peer:
    """Return an element of `toGroups`: addresses that only the cloud knows."""
    return unknown_addresses(
        "a group of a cloud", "the addresses of a group are known only in the cloud"
    )


def read_names(value: Any) -> Peer:
    """Return an element of `toFQDNs`: addresses that Cilium learns of DNS answers."""
    node = fields_of(value)
    if node.get("matchName") and node.get("matchPattern"):
        raise NotEnforced("stands beside `matchName`", "matchPattern")
    name = node.get("matchName") or node.get("matchPattern")
    which = f"`{name}`" if isinstance(name, str) else "names"
    cause = Unknown(f"only for these names: the addresses of {which} are learnt by DNS")
    return EntityPeer(f"the addresses of {which}", nodes=cause, ipv4=cause, ipv6=cause)


_SOURCE: Final = re.compile(r"^(k8s|any):")


def read_cidr_group(node: Mapping[str, Any]) -> Peer:
    """Return groups of CIDRs by the name of one, or by labels that they have to have."""
    name, selector = node.get("cidrGroupRef"), fields_of(node.get("cidrGroupSelector"))
    which = f"`{name}`" if isinstance(name, str) else "by labels"
    cause = f"the addresses of CiliumCIDRGroup {which}"
    labels = fields_of(selector.get("matchLabels"))
    plain = all(isinstance(each, str) for each in labels.values())
    other = node.get("except") or selector.get("matchExpressions")
    if other or not plain or not (isinstance(name, str) or labels):
        return unknown_addresses("groups of CIDRs", cause)
    asked = tuple(sorted((_SOURCE.sub("", key), labels[key]) for key in labels))
    return NamedGroup(cause, name if isinstance(name, str) else "", asked)


def read_service(value: Any) -> Unknown:
    """Return an element of `toServices`: a service by its namespace and name, or by its labels."""
    named = fields_of(fields_of(value).get("k8sService"))
    name = named.get("serviceName")
    namespace = named.get("namespace")
    if isinstance(name, str) and name and isinstance(namespace, str) and namespace:
        cause = f"the endpoints of service `{namespace}/{name}` are not written"
        return NamedService(cause, namespace, name)
    which = f"service `{name}`" if isinstance(name, str) else "services by labels"
    return Unknown(f"whom {which} stands for is known only in the cluster")


def cidr_groups(items: Iterable[ManifestObject]) -> tuple[CidrGroup, ...]:
    """Return the groups of CIDRs among objects; of one name the last."""
    found = {
        item.name: CidrGroup(item.name, item.labels, _networks(item.manifest))
        for item in items
        if (item.group, item.kind) == ("cilium.io", "CiliumCIDRGroup")
    }
    return tuple(found.values())


def _networks(manifest: Mapping[str, object]) -> tuple[IpPeer, ...] | None:
    written = fields_of(manifest.get("spec")).get("externalCIDRs")
    if isinstance(written, Unknown):
        return None
    found = [parse_cidr(each) if isinstance(each, str) else None for each in items_of(written)]
    known = tuple(IpPeer(each.network) for each in found if each is not None)
    return known if len(known) == len(found) else None


def resolved(
    policies: Iterable[CiliumPolicy],
    services: Sequence[Service],
    groups: Sequence[CidrGroup],
    *,
    complete: bool,
) -> Iterator[CiliumPolicy]:
    """Yield policies whose rules mean pods and addresses instead of names.

    `complete` says that what is not here does not exist.
    """
    resolver = _Resolver(services, groups, complete=complete)
    for policy in policies:
        yield resolver.policy(policy)


_Peers = tuple[Peer | AddressPeer, ...]


class _Resolver:
    """Puts what names stand for in their place."""

    def __init__(
        self, services: Sequence[Service], groups: Sequence[CidrGroup], *, complete: bool
    ) -> None:
        self._services = {(each.namespace, each.name): each for each in services}
        self._groups = groups
        self._complete = complete

    def policy(self, policy: CiliumPolicy) -> CiliumPolicy:
        """Return a policy; the same one where it names nothing."""
        beside = tuple(map(self._beside, policy.beside))
        around = tuple(map(self._around, policy.around))
        same = beside == policy.beside and around == policy.around
        return policy if same else replace(policy, beside=beside, around=around)

    def _beside(self, policy: Policy) -> Policy:
        ingress, egress = (
            tuple(self._rules(each)) if isinstance(each, tuple) else each
            for each in (policy.ingress, policy.egress)
        )
        return replace(policy, ingress=ingress, egress=egress)

    def _rules(self, rules: Iterable[Rule | Unknown]) -> Iterator[Rule | Unknown]:
        """Yield rules without those that mean nobody."""
        for rule in rules:
            if not isinstance(rule, Rule) or not _names(rule.peers):
                yield rule
                continue
            peers = tuple(
                each for each in self._peers(rule.peers) if not isinstance(each, AddressPeer)
            )
            if peers:
                yield replace(rule, peers=peers)

    def _around(self, policy: TierPolicy) -> TierPolicy:
        ingress, egress = (
            tuple(map(self._tier_rule, each)) if isinstance(each, tuple) else each
            for each in (policy.ingress, policy.egress)
        )
        return replace(policy, ingress=ingress, egress=egress)

    def _tier_rule(self, rule: TierRule | Unknown) -> TierRule | Unknown:
        if isinstance(rule, Unknown) or not _names(rule.peers):
            return rule
        return replace(rule, peers=tuple(self._peers(rule.peers)))

    def _peers(self, peers: object) -> Iterator[Peer | AddressPeer]:
        for each in peers if isinstance(peers, tuple) else ():
            match each:
                case NamedService():
                    yield from self._of_service(each)
                case NamedGroup():
                    yield from self._of_group(each)
                case _:
                    yield each

    def _of_service(self, named: NamedService) -> Iterator[Peer]:
        service = self._services.get((named.namespace, named.name))
        if service is None and not self._complete:
            yield Unknown(named.cause)
        if service is None:
            return
        if service.selector is None:
            yield unknown_addresses(f"the endpoints of service `{named.name}`", named.cause)
            return
        here = SelectorRequirement(METADATA_NAME, Operator.IN, (named.namespace,))
        yield PodPeer(service.selector, Selector((here,)))

    def _of_group(self, named: NamedGroup) -> Iterator[Peer]:
        meant = [each for each in self._groups if _is_meant(each, named)]
        if not self._complete and (named.labels or not meant):
            yield unknown_addresses("groups of CIDRs", named.cause)
        for each in meant:
            if each.networks is None:
                yield unknown_addresses("groups of CIDRs", named.cause)
            yield from each.networks or ()


def _names(peers: object) -> bool:
    """Return whether some peers are names of other objects."""
    return isinstance(peers, tuple) and any(
        isinstance(each, NamedService | NamedGroup) for each in peers
    )


def _is_meant(group: CidrGroup, named: NamedGroup) -> bool:
    if named.name:
        return group.name == named.name
    return set(named.labels) <= set(group.labels.items)
