"""Whether labels match a selector, or addresses a block: yes, no or maybe.

A value that is not known yet makes the answer maybe, never no.
https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#label-selectors
https://kubernetes.io/docs/concepts/services-networking/network-policies/#targeting-a-namespace-by-its-name

Both families of addresses lie on one line of whole numbers, IPv4 first, so that one set algebra
serves both.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from enum import IntEnum
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_network, summarize_address_range
from itertools import chain
from typing import Final

from podwall.aks.network_engine import EngineVersions
from podwall.engines import BlockMatch, Engine, Fact, Treatment
from podwall.model import (
    IpAddress,
    IpNetwork,
    IpPeer,
    LabelMap,
    Operator,
    Selector,
    SelectorRequirement,
    Snapshot,
    SnapshotWorkload,
    Unknown,
    undeclared_labels,
)
from podwall.policies.rules import METADATA_NAME
from podwall.portset import Ranges, difference, intersection, merged
from podwall.quick_dataclass import dataclass

__all__ = [
    "END",
    "FAMILIES",
    "FIRST_V6",
    "LOCAL_DNS",
    "NO",
    "YES",
    "AddressBounds",
    "Match",
    "MatchAnswer",
    "NamespaceLabels",
    "address_bounds",
    "all_of",
    "answer_by_blocks",
    "at_most",
    "block_ranges",
    "blocks_match",
    "doubts_of",
    "first_address",
    "host_match",
    "is_ipv6",
    "is_local_dns",
    "known_address_bounds",
    "labels_match",
    "local_dns_by_block",
    "network_ranges",
    "networks",
    "on_own_node",
    "requirement_matches",
    "running_versions",
]


class Match(IntEnum):
    """The three answers, ordered, so that `min` is AND and `max` is OR."""

    NO = 0
    MAYBE = 1
    YES = 2


def all_of(matches: Iterable[Match]) -> Match:
    """Return the AND of all, `YES` for none."""
    return min(matches, default=Match.YES)


def labels_match(selector: Selector, labels: LabelMap) -> Match:
    """Return whether the labels fulfil every requirement; no requirement matches everything.

    >>> web = Selector((SelectorRequirement("app", Operator.IN, ("web",)),))
    >>> labels_match(web, LabelMap.of({"app": "web", "tier": "front"})).name
    'YES'
    >>> labels_match(web, LabelMap.of({"app": Unknown("the app label")})).name
    'MAYBE'
    """
    known = Match.YES
    for each in selector.requirements:
        match = requirement_matches(each, labels)
        if match is Match.NO:
            return match
        if match is Match.MAYBE:
            known = match
    return known if selector.unknown is None else min(known, Match.MAYBE)


def requirement_matches(requirement: SelectorRequirement, labels: LabelMap) -> Match:
    """Return whether the labels fulfil one requirement.

    `NotIn` and `DoesNotExist` match where the key is missing, `In` and `Exists` need it.
    """
    positive = _holds(requirement, labels)
    return _REVERSED[positive] if requirement.operator in _NEGATIVE else positive


_NEGATIVE: Final = frozenset({Operator.NOT_IN, Operator.DOES_NOT_EXIST})
_WITHOUT_VALUES: Final = frozenset({Operator.EXISTS, Operator.DOES_NOT_EXIST})
_REVERSED: Final = (Match.YES, Match.MAYBE, Match.NO)


def _holds(requirement: SelectorRequirement, labels: LabelMap) -> Match:
    """Return whether the key is there, with one of the values for `In` and `NotIn`."""
    if requirement.overlooked:
        return Match.NO
    for key, value in labels.items:
        if key == requirement.key:
            return _is_among(value, requirement)
    return Match.NO if labels.more is None else Match.MAYBE


def _is_among(value: str | Unknown, requirement: SelectorRequirement) -> Match:
    if requirement.operator in _WITHOUT_VALUES:
        return Match.YES
    if isinstance(value, Unknown):
        return Match.MAYBE
    if value in requirement.values:
        return Match.YES
    return Match.NO if requirement.unknown is None else Match.MAYBE


def doubts_of(selector: Selector, labels: LabelMap) -> Iterator[Unknown]:
    """Yield the unknown values that keep the selector from matching, or not, for certain."""
    if selector.unknown is not None:
        yield selector.unknown
    for requirement in selector.requirements:
        if requirement_matches(requirement, labels) is not Match.MAYBE:
            continue
        value = next((value for key, value in labels.items if key == requirement.key), labels.more)
        yield from (each for each in (value, requirement.unknown) if isinstance(each, Unknown))


def host_match(workload: SnapshotWorkload) -> Match:
    """Return whether a workload's pods use the network of their node."""
    host = workload.host_network
    if isinstance(host, Unknown):
        return Match.MAYBE
    return Match.YES if host else Match.NO


class NamespaceLabels:
    """The labels of every namespace, declared in the snapshot or not."""

    def __init__(self, snapshot: Snapshot) -> None:
        """Take the declared labels; where a namespace is declared twice, the last one counts."""
        self._declared = {each.name: each.labels for each in snapshot.namespaces}
        self._complete = snapshot.complete

    def of(self, namespace: str | Unknown) -> LabelMap:
        """Return the labels of a namespace, the label with its name always among them."""
        if isinstance(namespace, Unknown):
            return LabelMap(((METADATA_NAME, namespace),), namespace)
        declared = self._declared.get(namespace)
        if declared is None:
            return undeclared_labels(namespace, complete=self._complete)
        return LabelMap.of({**dict(declared.items), METADATA_NAME: namespace}, declared.more)


FIRST_V6: Final = 1 << 32
END: Final = FIRST_V6 + (1 << 128)
"""The line of all addresses goes from 0 to before this; IPv6 begins at `FIRST_V6`."""

FAMILIES: Final[tuple[IpNetwork, ...]] = (ip_network("0.0.0.0/0"), ip_network("::/0"))


def is_ipv6(network: IpNetwork) -> bool:
    """Return whether a network is one of IPv6."""
    return isinstance(network, IPv6Network)


def _line(network: IpNetwork) -> tuple[int, int]:
    """Return the network's first and last address on the line of all addresses."""
    first = int(network.network_address) + (FIRST_V6 if isinstance(network, IPv6Network) else 0)
    return first, first + (1 << (network.max_prefixlen - network.prefixlen)) - 1


def network_ranges(*networks: IpNetwork) -> Ranges:
    """Return the addresses of networks as ranges on the line of all addresses."""
    return merged(map(_line, networks))


@lru_cache(maxsize=1_024)
def block_ranges(blocks: tuple[IpPeer, ...]) -> Ranges:
    """Return the addresses of ip blocks, each without its exceptions.

    An address excepted in one block and contained in another is in the result. A replay asks for
    the blocks of one rule again for each pair.
    """
    return merged(chain.from_iterable(_ranges(block) for block in blocks))


def _ranges(block: IpPeer) -> Ranges:
    return difference((_line(block.network),), network_ranges(*block.exceptions))


@dataclass(frozen=True, slots=True)
class AddressBounds:
    """Where addresses of pods (or nodes) are: each has one in `certain`, and all in `possible`.

    Of a pod whose addresses are known, both are these: a block means it for certain with all.
    """

    certain: Ranges
    possible: Ranges

    def within(self, addresses: Ranges) -> Match:
        """Return whether an address that can be anywhere here is among `addresses`."""
        if not difference(self.certain, addresses):
            return Match.YES
        return Match.MAYBE if intersection(self.possible, addresses) else Match.NO


_NO_HOST: Final = (
    *("0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/4"),
    *("::/127", "fe80::/10", "ff00::/8"),
)
"""This network, the host itself, what no router forwards, and groups: no pod or node is there."""


def address_bounds(
    cidrs: Sequence[IpNetwork], families: Sequence[IpNetwork] = FAMILIES
) -> AddressBounds:
    """Return where addresses from the given ranges are.

    Without any range that is not known: any address of `families` that a host can have. Pods get
    public ones, too, where their network has some.
    https://learn.microsoft.com/en-us/azure/aks/concepts-network-cni-overview
    """
    if cidrs:
        known = network_ranges(*cidrs)
    else:
        known = difference(network_ranges(*families), network_ranges(*map(ip_network, _NO_HOST)))
    return AddressBounds(known, known)


def known_address_bounds(addresses: Sequence[IpAddress]) -> AddressBounds:
    """Return where a pod is that has just these addresses."""
    return address_bounds([ip_network(each) for each in addresses])


_AT_MOST: Final = {
    BlockMatch.NEVER: Match.NO,
    BlockMatch.BY_ADDRESS: Match.YES,
    BlockMatch.UNDEFINED: Match.MAYBE,
}


def at_most(fact: Fact[BlockMatch]) -> Match:
    """Return how surely a block means a pod (or node) under an engine that has its addresses."""
    return _AT_MOST[fact.value]


def blocks_match(fact: Fact[BlockMatch], addresses: Ranges, where: AddressBounds) -> Match:
    """Return whether ip blocks of these addresses match pods (or nodes) under an engine."""
    most = at_most(fact)
    return min(where.within(addresses), most) if most else most


def first_address(network: IpNetwork) -> int:
    """Return a network's first address as its number on the line of all addresses."""
    return _line(network)[0]


def networks(ranges: Ranges) -> Iterator[IpNetwork]:
    """Yield the fewest networks that make up ranges of addresses, none of which mixes families."""
    return chain.from_iterable(map(_networks, ranges))


def _networks(span: tuple[int, int]) -> Iterator[IpNetwork]:
    first, last = span
    if first < FIRST_V6:
        return summarize_address_range(IPv4Address(first), IPv4Address(last))
    return summarize_address_range(IPv6Address(first - FIRST_V6), IPv6Address(last - FIRST_V6))


def running_versions(snapshot: Snapshot, engine: Engine) -> EngineVersions:
    """Return the versions of an engine that may run in a cluster: the one seen there, if it is."""
    own = snapshot.engine_version if snapshot.engine == engine.name else None
    return engine.versions(snapshot.kubernetes_version, own)


@dataclass(frozen=True, slots=True)
class MatchAnswer:
    """Whether something matches; for maybe, the causes of the doubt in words."""

    match: Match
    causes: tuple[str, ...] = ()

    def __and__(self, other: MatchAnswer) -> MatchAnswer:
        """Return the answer to whether both match."""
        if self.match is Match.YES or other.match is Match.NO:
            return other
        if other.match is Match.YES or self.match is Match.NO:
            return self
        return self._with(other, min(self.match, other.match))

    def __or__(self, other: MatchAnswer) -> MatchAnswer:
        """Return the answer to whether one of them matches."""
        if self.match is Match.NO or other.match is Match.YES:
            return other
        if other.match is Match.NO or self.match is Match.YES:
            return self
        return self._with(other, max(self.match, other.match))

    def _with(self, other: MatchAnswer, match: Match) -> MatchAnswer:
        causes = dict.fromkeys((*self.causes, *other.causes))
        return MatchAnswer(match, tuple(causes) if match is Match.MAYBE else ())


@lru_cache(maxsize=1_024)
def answer_by_blocks(
    fact: Fact[BlockMatch], where: AddressBounds, blocks: tuple[IpPeer, ...]
) -> MatchAnswer:
    """Answer whether ip blocks mean what is there; replays ask for those of one rule again."""
    match = blocks_match(fact, block_ranges(blocks), where)
    if match is not Match.MAYBE:
        return MatchAnswer(match)
    written = ", ".join(f"`{block.network}`" for block in blocks)
    unknown = ", which is not known" if fact.value is BlockMatch.BY_ADDRESS else ""
    return MatchAnswer(match, (f"ip block {written}: {fact.says}{unknown}",))


YES: Final = MatchAnswer(Match.YES)
NO: Final = MatchAnswer(Match.NO)

LOCAL_DNS: Final = ip_network("169.254.10.10/31")
"""The two addresses of AKS LocalDNS, which every node that runs it has for itself.

See https://learn.microsoft.com/azure/aks/localdns-custom.
"""
_LOCAL_DNS: Final = network_ranges(LOCAL_DNS)


def is_local_dns(addresses: Ranges) -> bool:
    """Return whether addresses are all those of AKS LocalDNS."""
    return bool(addresses) and not difference(addresses, _LOCAL_DNS)


def on_own_node(snapshot: Snapshot, engine: Engine) -> bool:
    """Return whether an engine, in some version that may run, takes LocalDNS for the own node."""
    return set(_on_local_dns(snapshot, engine)) != {Treatment.ENFORCED}


def local_dns_by_block(snapshot: Snapshot, engine: Engine) -> MatchAnswer:
    """Answer whether an ip block that names AKS LocalDNS means it."""
    found = _on_local_dns(snapshot, engine)
    if Treatment.IGNORED not in found:
        return YES
    return MatchAnswer(Match.MAYBE, (engine.local_dns.says,)) if len(found) > 1 else NO


def _on_local_dns(snapshot: Snapshot, engine: Engine) -> tuple[Treatment, ...]:
    return engine.local_dns.at(running_versions(snapshot, engine))
