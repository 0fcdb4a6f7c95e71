"""The whole analysis: from a snapshot to the join of what may be sent and what may be received.

The steps, each in a module of its own:

    cluster         the policies that act under the engine, and their groups
    pod_classes     pods that no policy tells apart
    peers           which elements (classes, then address parts) each peer set contains
    destinations    port names, and what passes whatever the policies say
    profiles        what isolated elements may send, and what they may receive
    tiers           what policies with tiers, if there are any, decide before and after that
    join            both together, by role

`Endpoints` are what its elements are called, and `PeerResolver` says whom selectors mean there.
"""

from __future__ import annotations

import sys
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from difflib import get_close_matches
from functools import cached_property
from itertools import chain
from typing import TYPE_CHECKING, Final, NamedTuple

from podwall.engines import Engine
from podwall.model import (
    Peer,
    Policy,
    PortRule,
    Rule,
    Selector,
    Service,
    Snapshot,
    SnapshotWorkload,
    Unknown,
    UnreadPolicy,
)
from podwall.policies.errors import InvalidValue
from podwall.policies.rules import Direction
from podwall.portset import Ranges
from podwall.quick_dataclass import dataclass
from podwall.reachability.arrays import Atoms, Csr, IntArray, Registry, Sets, distinct, is_in
from podwall.reachability.cluster import EnforcedCluster, rules_of
from podwall.reachability.destinations import (
    Destinations,
    Exemptions,
    OutsideElements,
    destinations,
    exemptions,
)
from podwall.reachability.few_arrays import FEW, choose, np
from podwall.reachability.join import Join, TierJoin, apart, roles, under_tiers
from podwall.reachability.matching import (
    FIRST_V6,
    Match,
    block_ranges,
    first_address,
    is_local_dns,
    networks,
)
from podwall.reachability.peers import (
    BlockEnds,
    PeerSetElements,
    PodLookup,
    Universe,
    peer_set_elements,
)
from podwall.reachability.pod_classes import (
    MentionedLabels,
    PodClasses,
    PodLocations,
    address_atoms,
    pod_classes,
)
from podwall.reachability.policy_reader import overruling
from podwall.reachability.policy_rules import PeerSets, PolicyGroups, TierRules, policy_groups
from podwall.reachability.port_table import PortTable
from podwall.reachability.profiles import Grants, Profiles, profiles
from podwall.reachability.values import Bounds, Endpoint, ExternalRange, WorkloadEndpoint

# Few clusters have policies with tiers.
if TYPE_CHECKING:
    from podwall.reachability.tiers import TierEnds, TierPorts, TierTable

__all__ = [
    "Analysis",
    "Endpoints",
    "PeerResolver",
    "ResolvedPeers",
    "WrittenRules",
    "analysis",
]


class WrittenRules(NamedTuple):
    """What the policies state, and whom they mean of those that the snapshot shows.

    `isolating` gives for each element the groups that isolate it: `2 * group`, plus one if perhaps.
    `services` are those that open ports, each with the peer set of the pods that it selects.
    `overruled` gives for each element what policies that are not read do to its rules, as numbers.
    `tiers` are the policies with tiers.
    """

    peer_sets: PeerSets
    elements: PeerSetElements
    groups: Mapping[Direction, PolicyGroups]
    isolating: Mapping[Direction, Csr]
    services: Sequence[tuple[int, Service]]
    overruled: Mapping[Direction, IntArray]
    tiers: Mapping[Direction, TierRules]


@dataclass(frozen=True, slots=True)
class Analysis:
    """What is known about a cluster's connections, in classes, atoms and roles.

    `on_host` are the elements that are nodes, or may be: pods on the host network, and addresses.
    """

    cluster: EnforcedCluster
    rules: WrittenRules
    classes: PodClasses
    lookup: PodLookup
    addresses: Atoms
    outside: OutsideElements
    on_host: IntArray
    destinations: Destinations
    ports: PortTable
    join: Join


def analysis(snapshot: Snapshot, engine: Engine) -> Analysis:
    """Return the analysis of a snapshot under an engine."""
    cluster = EnforcedCluster(snapshot, engine)
    choose(_amount(cluster))
    context = _Context(cluster)
    outgoing = context.side(Direction.EGRESS)
    incoming = context.side(Direction.INGRESS)
    table = PortTable(context.bounds.values, is_certain=not cluster.tiers)
    return Analysis(
        cluster=cluster,
        rules=context.rules,
        classes=context.classes,
        lookup=context.lookup,
        addresses=context.addresses,
        outside=context.outside,
        on_host=context.on_host,
        destinations=context.destinations,
        ports=table,
        join=_joined(context, outgoing, incoming, table),
    )


def _amount(cluster: EnforcedCluster) -> int:
    """Return about how many things the analysis is of; tiers are left to numpy.

    They are not counted where pods and policies alone are too many for lists.
    """
    whole = len(cluster.workloads) + len(cluster.policies) + len(cluster.services)
    if cluster.tiers or whole > FEW:
        return sys.maxsize
    rules = chain.from_iterable(rules_of(p, d) or () for p in cluster.policies for d in Direction)
    lists = ((each.peers, each.ports) for each in rules if isinstance(each, Rule))
    parts = sum(len(each) for each in chain.from_iterable(lists) if isinstance(each, tuple))
    return whole + parts


class _DirectionRules(NamedTuple):
    """One direction's profiles, the sets that their grants are for, and what is exempt."""

    profiles: Profiles
    sets: Sets
    exempt: Exemptions
    tier_ports: TierPorts | None = None


def _joined(
    context: _Context, outgoing: _DirectionRules, incoming: _DirectionRules, table: PortTable
) -> Join:
    universe = context.universe
    egress, ingress = (each.profiles.with_ports(table.numbers) for each in (outgoing, incoming))
    sent = context.tiers(Direction.EGRESS, outgoing, table)
    received = context.tiers(Direction.INGRESS, incoming, table)
    if sent is None or received is None:
        sources = roles(egress, incoming.sets, universe)
        destinations = roles(ingress, outgoing.sets, universe)
        return Join.of(sources, destinations, egress, ingress, table)
    egress, ingress = under_tiers(egress, sent), under_tiers(ingress, received)
    sources = roles(egress, incoming.sets, universe, apart(sent, received))
    destinations = roles(ingress, outgoing.sets, universe, apart(received, sent))
    join = Join.of(sources, destinations, egress, ingress, table)
    return TierJoin.beside(join, sent, received)


class _Context:
    """What both directions share: classes of pods, address parts, and the elements of peer sets."""

    def __init__(self, cluster: EnforcedCluster) -> None:
        peer_sets = PeerSets()
        self.cluster = cluster
        self.groups = {each: policy_groups(cluster, each, peer_sets) for each in Direction}
        services = [_with_peer_set(service, peer_sets) for service in cluster.services]
        unread = [(peer_sets.of_unread(each), each) for each in cluster.unread]
        tiers = {each: TierRules(cluster, each, peer_sets) for each in Direction}
        mentions = MentionedLabels(peer_sets.pod_selectors.values)
        names = _port_names(self.groups.values(), cluster.services)
        names.update(name for each in tiers.values() for name in each.port_names())
        blocks = {block for each in peer_sets.blocks for block in each} | cluster.idle_blocks()
        cuts = [block_ranges((block,)) for block in blocks]
        self.addresses = address_atoms([*cuts, *_beside(cuts, cluster.node_ranges)])
        locations = PodLocations(self.addresses)
        self.classes = pod_classes(cluster.workloads, mentions, names, locations)
        nodes = len(cluster.hiding_nodes)
        self.universe = Universe(len(self.classes), len(self.addresses), nodes)
        self.outside = _outside(self.universe, self.addresses)
        self.on_host = self._on_host()
        self.lookup = PodLookup(self.classes, cluster.namespaces)
        self.elements = peer_set_elements(cluster, peer_sets, self.lookup, self.addresses)
        self.destinations = destinations(
            cluster, self.classes, self.elements, services, self.universe.size
        )
        self.bounds = Registry[Bounds]()
        isolating = {each: self._isolating(groups) for each, groups in self.groups.items()}
        overruled = {each: self._overruled(each, unread) for each in Direction}
        self.rules = WrittenRules(
            peer_sets, self.elements, self.groups, isolating, services, overruled, tiers
        )

    def _on_host(self) -> IntArray:
        nodes = [
            self.cluster.are_nodes(each) and not is_local_dns(each)
            for each in self.addresses.ranges()
        ]
        pods = np.flatnonzero(self.classes.host != Match.NO)
        return np.concatenate([pods, np.flatnonzero(nodes) + len(self.classes)])

    def side(self, direction: Direction) -> _DirectionRules:
        """Return one direction's profiles and their sets."""
        cluster, named, groups = self.cluster, self.destinations, self.groups[direction]
        grants = Grants(groups, self.elements, named, cluster.ports, self.bounds)
        own = named.naming
        exempt = exemptions(direction, cluster.engine, self.on_host, named)
        found = profiles(
            isolating=self.rules.isolating[direction],
            naming=own if direction is Direction.INGRESS else np.zeros_like(own),
            exemptions=exempt,
            overruled=self.rules.overruled[direction],
            grants=grants,
            bounds=self.bounds,
            outside=self.outside,
        )
        used, compact = np.unique(found.sets.items, return_inverse=True)
        return _DirectionRules(
            replace(found, sets=Csr(found.sets.starts, compact)),
            grants.sets(used),
            exempt,
            self._tier_ports(direction, exempt) if cluster.tiers else None,
        )

    def _tier_ends(self) -> TierEnds:
        from podwall.reachability.tiers import TierEnds  # noqa: PLC0415 - as above

        blocks = BlockEnds.of(self.cluster, self.classes, self.addresses)
        return TierEnds(self.cluster, self.elements, blocks, self.destinations)

    def _tier_ports(self, direction: Direction, exempt: Exemptions) -> TierPorts:
        from podwall.reachability.tiers import TierPorts  # noqa: PLC0415 - as above

        rules = self.rules.tiers[direction]
        return TierPorts(rules, self._tier_ends(), exempt, self.bounds)

    def tiers(
        self, direction: Direction, side: _DirectionRules, table: PortTable
    ) -> TierTable | None:
        """Return what tiers do in a direction, if there are any."""
        if side.tier_ports is None:
            return None
        from podwall.reachability.tiers import tier_table  # noqa: PLC0415 - as above

        return tier_table(
            rules=self.rules.tiers[direction],
            ends=self._tier_ends(),
            isolating=self.rules.isolating[direction],
            exemptions=side.exempt,
            overruled=self.rules.overruled[direction],
            ports=side.tier_ports,
            table=table,
            outside=self.outside,
        )

    def _isolating(self, groups: PolicyGroups) -> Csr:
        """Return for each element the groups that isolate it: `2 * group`, plus one if perhaps."""
        targets = np.array(groups.targets, dtype=np.int64)
        doubtful = is_in(np.arange(len(targets)), np.array(sorted(groups.doubtful), dtype=np.int64))
        certain, isolated = self.elements.must.gather(targets)
        perhaps, position = self.elements.perhaps.gather(targets)
        elements = (isolated, self.elements.perhaps.items[position])
        codes = np.concatenate([2 * certain + doubtful[certain], 2 * perhaps + 1])
        order = np.argsort(codes, kind="stable")
        return Csr.of_pairs(np.concatenate(elements)[order], codes[order], self.universe.size)

    def _overruled(
        self, direction: Direction, unread: Sequence[tuple[int, UnreadPolicy]]
    ) -> IntArray:
        """Return for each element what policies that are not read do to its rules."""
        found = np.zeros(self.universe.size, dtype=np.int64)
        for peer_set, policy in unread:
            if direction in policy.directions:
                for elements in self.elements.of(peer_set):
                    found[elements] = np.maximum(found[elements], overruling((policy,)))
        return found


_BESIDE_LOCAL_DNS: Final = 256


def _beside(cuts: Sequence[Ranges], nodes: Ranges) -> Iterator[Ranges]:
    """Yield the addresses of nodes beside which a block begins or ends, as parts of their own.

    What is left over between two such edges could else be written as a network of nodes alone. Of
    LocalDNS that is so also where a block for it is as wide as `169.254.10.0/24`.
    """
    if not nodes:
        return
    edges = sorted({edge for each in cuts for first, last in each for edge in (first, last + 1)})
    for first, last in nodes:
        around = _BESIDE_LOCAL_DNS if is_local_dns(((first, last),)) else last - first + 1
        found = bisect_left(edges, first - around)
        if found < len(edges) and edges[found] <= last + 1 + around:
            yield ((first, last),)


def _outside(universe: Universe, addresses: Atoms) -> OutsideElements:
    """Return the address parts by family, and the node of each if clients may be hidden."""
    ipv6 = np.array([ranges[0][0] >= FIRST_V6 for ranges in addresses.ranges()], dtype=np.bool_)
    families = tuple(np.flatnonzero(each) + universe.pods for each in (~ipv6, ipv6))
    first = universe.pods + universe.parts
    return OutsideElements(families, tuple(range(first, first + universe.nodes)))


def _with_peer_set(service: Service, peer_sets: PeerSets) -> tuple[int, Service]:
    assert service.selector is not None
    return peer_sets.of_pods(service.namespace, service.selector), service


def _port_names(groups: Iterable[PolicyGroups], services: Iterable[Service]) -> set[str]:
    """Return the port names that rules and services mention."""
    lists = (ports for each in groups for ports in each.ports.values if isinstance(ports, tuple))
    entries = (entry for each in lists for entry in each if isinstance(entry, PortRule))
    targets = (port.target for service in services for port in service.ports)
    ports = chain((entry.port for entry in entries), targets)
    return {port for port in ports if isinstance(port, str)}


class Endpoints:
    """Workloads by id, then external ranges by address; `element` has each one's class or part.

    `workload_numbers` has for each workload by id its index among the cluster's workloads.
    """

    def __init__(
        self, workloads: Sequence[SnapshotWorkload], classes: PodClasses, addresses: Atoms
    ) -> None:
        """Name the workloads, and write the address parts as networks."""
        named = sorted(zip(_ids(workloads), range(len(workloads)), strict=True))
        self.workloads = tuple(WorkloadEndpoint(name, workloads[n]) for name, n in named)
        outside = sorted(
            (
                (network, part)
                for part, ranges in enumerate(addresses.ranges())
                for network in networks(ranges)
            ),
            key=lambda pair: first_address(pair[0]),
        )
        self.externals = tuple(ExternalRange(network) for network, _ in outside)
        self.workload_numbers: IntArray = np.array([number for _, number in named], dtype=np.int64)
        inside = classes.of_workload[self.workload_numbers]
        parts = np.array([part for _, part in outside], dtype=np.int64)
        self.element: IntArray = np.concatenate([inside, parts + len(classes)])
        self.all: tuple[Endpoint, ...] = (*self.workloads, *self.externals)
        self._number = {each.id: number for number, each in enumerate(self.all)}
        self._also = {also: each.id for each in self.workloads for also in each.workload.also}

    def of_element(self, element: int) -> Endpoint:
        """Return the first endpoint of an element, which stands for all that are like it."""
        return self.all[int(self._firsts[element])]

    @cached_property
    def _firsts(self) -> IntArray:
        found = np.zeros(int(self.element.max(initial=0)) + 1, dtype=np.int64)
        found[self.element[::-1]] = np.arange(len(self.all))[::-1]
        return found

    def number(self, endpoint_id: str) -> int:
        """Return an endpoint's index in `all`; a workload may be asked for by its real name.

        Raises:
            InvalidValue: there is no endpoint with that id.
        """
        number = self._number.get(endpoint_id)
        if number is None:
            number = self._number.get(self._also.get(endpoint_id, ""))
        if number is None:
            raise _unknown_endpoint(endpoint_id, self._number)
        return number


def _ids(workloads: Sequence[SnapshotWorkload]) -> list[str]:
    """Return each workload's id: `namespace/name`, with the kind where two kinds would clash.

    Workloads whose namespace is unknown may still clash; the second is then `…#2`.
    """
    short = [each.full_name for each in workloads]
    count = Counter(short)
    seen: defaultdict[str, int] = defaultdict(int)
    result = []
    for each, name in zip(workloads, short, strict=True):
        namespace = name.partition("/")[0]
        full = name if count[name] == 1 else f"{namespace}/{each.kind}/{each.name}"
        seen[full] += 1
        result.append(full if seen[full] == 1 else f"{full}#{seen[full]}")
    return result


def _unknown_endpoint(endpoint_id: str, known: dict[str, int]) -> InvalidValue:
    """Return the error for an id that is not there, with the nearest one that is."""
    short = (name for name in known if name.split("/")[-1] == endpoint_id)
    near = [*short, *get_close_matches(endpoint_id, known, n=1)]
    help_ = f"did you mean `{near[0]}`?" if near else "`podwall reach` lists all endpoints"
    return InvalidValue(f"there is no workload or external range `{endpoint_id}`", help=help_)


class ResolvedPeers(NamedTuple):
    """Elements, that is classes of pods and address parts: meant for certain, and at most."""

    must: IntArray
    may: IntArray


class PeerResolver:
    """Resolves what the policies of an analysis mention; other labels are not told apart.

    The analysis has resolved the rules of its policies already; other peers are resolved by
    themselves.
    """

    def __init__(self, analysis: Analysis) -> None:
        """Keep what the analysis has indexed."""
        self._analysis = analysis
        self._peer_sets = analysis.rules.peer_sets.copy()
        self._found: dict[int, ResolvedPeers] = {}
        self.everyone = np.arange(len(analysis.classes) + len(analysis.addresses))

    def within(self, namespace: str | Unknown, pods: Selector) -> ResolvedPeers:
        """Return the pods of one namespace that a selector selects."""
        return self._resolved(lambda peer_sets: peer_sets.of_pods(namespace, pods))

    def across(self, namespaces: Selector, pods: Selector) -> ResolvedPeers:
        """Return the pods that a selector selects in all namespaces that another selects."""
        return self._resolved(lambda peer_sets: peer_sets.of_pods_across(namespaces, pods))

    def peer(self, policy: Policy, *peer: Peer) -> ResolvedPeers:
        """Return whom a peer of a policy's rule means; ip blocks of one rule go together."""
        rule = Rule(peer)
        return self._resolved(lambda peer_sets: next(peer_sets.of_rule(policy.namespace, rule)))

    def _resolved(self, number_in: Callable[[PeerSets], int]) -> ResolvedPeers:
        number = number_in(self._peer_sets)
        if number not in self._found:
            known = self._analysis.rules.elements
            alone = number >= len(known.must)
            self._found[number] = self._shown(
                *(self._alone(number_in) if alone else known.of(number))
            )
        return self._found[number]

    def _alone(self, number_in: Callable[[PeerSets], int]) -> tuple[IntArray, IntArray]:
        analysis, peer_sets = self._analysis, PeerSets()
        number = number_in(peer_sets)
        found = peer_set_elements(analysis.cluster, peer_sets, analysis.lookup, analysis.addresses)
        return found.of(number)

    def _shown(self, must: IntArray, perhaps: IntArray) -> ResolvedPeers:
        shown = len(self.everyone)
        must, perhaps = must[must < shown], perhaps[perhaps < shown]
        return ResolvedPeers(must, distinct(np.concatenate([must, perhaps])))
