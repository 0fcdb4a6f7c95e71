"""Whom Cilium's rules mean by the names of other objects: services, and groups of CIDRs.

A rule is read by itself, and has these as `NamedService` and `NamedGroup`, which are `Unknown` as
long as nothing takes their place. A service that selects pods means these, on their own ports; the
endpoints of one that selects none are written elsewhere. A group means its CIDRs, which are no
pods. What is not there means nobody, where nothing can be elsewhere.
https://docs.cilium.io/en/stable/security/policy/language/#services-based
https://docs.cilium.io/en/stable/network/kubernetes/ciliumcidrgroup/
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import field, replace
from typing import Any, Final

from podwall.model import (
    AddressPeer,
    CiliumPolicy,
    EntityPeer,
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
from podwall.policies.validation.parts import fields_of, items_of
from podwall.quick_dataclass import dataclass
from podwall.reading.metadata import ManifestObject

__all__ = [
    "CidrGroup",
    "NamedGroup",
    "NamedService",
    "cidr_groups",
    "read_cidr_group",
    "read_service",
    "resolved",
    "unknown_addresses",
]


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
