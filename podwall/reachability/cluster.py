"""A snapshot as one engine reads it: which policies and services act, and whom they match.

The analysis of all pairs and the replay of one pair both start from here. `MatchAnswers` answers
whether a single selector, peer or list of ip blocks matches one endpoint, and why that is in doubt.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Hashable
from functools import cached_property, lru_cache, reduce
from ipaddress import ip_network
from itertools import chain
from typing import Final

from podwall.engines import BlockMatch, Engine, Fact, Treatment
from podwall.model import (
    EMPTY_SELECTOR,
    EntityPeer,
    IpNetwork,
    IpPeer,
    LabelMap,
    PodPeer,
    Policy,
    Rule,
    Selector,
    Service,
    Snapshot,
    SnapshotWorkload,
    Unknown,
    UnreadPolicy,
)
from podwall.policies.rules import METADATA_NAME, Direction
from podwall.portset import Ranges, difference, includes
from podwall.reachability.label_conditions import KeyCondition, LabelConditions
from podwall.reachability.matching import (
    FAMILIES,
    LOCAL_DNS,
    NO,
    YES,
    AddressBounds,
    Match,
    MatchAnswer,
    NamespaceLabels,
    address_bounds,
    answer_by_blocks,
    block_ranges,
    doubts_of,
    first_address,
    host_match,
    is_ipv6,
    is_local_dns,
    known_address_bounds,
    labels_match,
    local_dns_by_block,
    network_ranges,
    on_own_node,
)
from podwall.reachability.policy_reader import (
    acting_policies,
    acting_unread,
    blocks_of,
    has_unlisted,
    of_calico,
    tier_blocks,
    tier_stages,
    with_unlisted,
)
from podwall.reachability.port_rules import PortReader, hides_clients
from podwall.reachability.values import (
    AnyEndpoint,
    Bound,
    ExternalRange,
    HidingNode,
    NodeEndpoint,
    UnseenPods,
    known_addresses,
)

__all__ = [
    "MOST_ASKED",
    "NO",
    "SOME_OF_THESE",
    "YES",
    "EnforcedCluster",
    "MatchAnswer",
    "MatchAnswers",
    "Rules",
    "group_key",
    "lets_past",
    "nodes_within",
    "other_namespaces",
    "rules_of",
    "same_namespace",
    "unknown_direction",
]


Rules = tuple[Rule | Unknown, ...]


class EnforcedCluster:
    """The acting policies and services of a snapshot under one engine.

    Of objects with the same kind, namespace and name the last one counts, as in a cluster.
    """

    def __init__(self, snapshot: Snapshot, engine: Engine) -> None:
        """Leave out what does not act."""
        self.snapshot, self.engine = snapshot, engine
        self.workloads = _last_of_each(snapshot)
        acting = acting_policies(snapshot, engine)
        self.policies = tuple(each for each, _ in acting)
        self._written = {id(each): written for each, written in acting}
        self.services = tuple(each for each in snapshot.services if lets_past(each, engine))
        self.unread = acting_unread(snapshot, engine)
        self.tiers = tier_stages(snapshot, engine)
        around = (each.policy for stage in self.tiers for each in stage.policies)
        if snapshot.calico_policies or snapshot.cilium_policies:
            from podwall.reachability.engine_labels import with_account_labels  # noqa: PLC0415 - few

            self.workloads = with_account_labels(snapshot, self.workloads, self.policies, around)
        self.namespaces = NamespaceLabels(snapshot)
        self.ports = PortReader(snapshot, engine)
        families = _families(snapshot, engine)
        self.pods_at = address_bounds(snapshot.pod_cidrs, families)
        self.nodes_at = address_bounds((), families)
        hidden = bool(self.services) and hides_clients(engine)
        self.hiding_nodes = tuple(address_bounds((), (each,)) for each in FAMILIES if hidden)

    @cached_property
    def nodes(self) -> dict[str, NodeEndpoint]:
        """The nodes of which addresses are known, by each of these; LocalDNS is the own node."""
        nodes = self.snapshot.nodes
        listed = (NodeEndpoint.at(each, node.name) for node in nodes for each in node.addresses)
        addresses = LOCAL_DNS if on_own_node(self.snapshot, self.engine) else ()
        local = (NodeEndpoint.at(each, "AKS LocalDNS") for each in addresses)
        return {each.id: each for each in chain(listed, local)}

    @cached_property
    def local_dns_by_block(self) -> MatchAnswer:
        """Whether an ip block that names AKS LocalDNS means it."""
        return local_dns_by_block(self.snapshot, self.engine)

    @cached_property
    def node_ranges(self) -> Ranges:
        """The known addresses of nodes; those of LocalDNS, where no block means them."""
        local = (LOCAL_DNS,) if self.local_dns_by_block is not YES else ()
        nodes = (address for each in self.snapshot.nodes for address in each.addresses)
        return network_ranges(*map(ip_network, nodes), *local)

    def are_nodes(self, addresses: Ranges) -> bool:
        """Return whether addresses are all known as those of nodes."""
        known = self.node_ranges
        if not known or addresses[0][0] < known[0][0] or addresses[-1][1] > known[-1][1]:
            return False
        return not difference(addresses, known)

    @cached_property
    def shown_namespaces(self) -> tuple[str, ...]:
        """The namespaces that are declared, or that anything is in, in alphabetical order."""
        snapshot = self.snapshot
        used = {each.namespace for each in snapshot.workloads}
        used.update(each.namespace for each in snapshot.policies)
        used.update(each.namespace for each in snapshot.services)
        used.update(each.name for each in snapshot.namespaces)
        used.update(each.namespace for each in snapshot.unread_policies if each.namespace)
        used.update(each.namespace for each in snapshot.cilium_policies if each.namespace)
        used.update(each.namespace for each in snapshot.calico_policies if each.namespace)
        return tuple(sorted(each for each in used if isinstance(each, str)))

    def as_written(self, policy: Policy) -> Policy:
        """Return the policy of the snapshot that an acting one is read from."""
        return self._written.get(id(policy), policy)

    def idle_blocks(self) -> set[IpPeer]:
        """Return the ip blocks of policies that do not act: they cut the outside all the same.

        Those of policies with tiers are among them.
        """
        acting, snapshot = {id(policy) for policy in self.policies}, self.snapshot
        idle = (policy for policy in snapshot.policies if id(policy) not in acting)
        unlisted = map(with_unlisted, filter(has_unlisted, snapshot.policies))
        beside = (each for whole in snapshot.cilium_policies for each in whole.beside)
        around = (each for whole in snapshot.cilium_policies for each in whole.around)
        written = (*snapshot.tier_policies, *around, *of_calico(snapshot))
        tiers = chain.from_iterable(map(tier_blocks, written))
        policies = (*idle, *unlisted, *beside)
        return {block for policy in policies for block in blocks_of(policy)}.union(tiers)


MOST_ASKED: Final = 256
"""A range of more addresses is about those that are no node's."""


def nodes_within(cluster: EnforcedCluster, network: IpNetwork) -> list[NodeEndpoint]:
    """Return the nodes with an address in a range that is asked about, if it is a small one.

    A larger range is about the addresses that are no node's, since a pod's own node always reaches
    it, whatever is stated or asked.
    """
    if network.num_addresses > MOST_ASKED:
        return []
    return [each for each in cluster.nodes.values() if each.workload.addresses[0] in network]


def other_namespaces(
    selector: Selector, bound: Bound, shown: Collection[str]
) -> LabelConditions | None:
    """Return what a selector asks of the labels of namespaces that are not shown.

    None where it means none of them. That their names are not those of the ones shown is implied.
    """
    found = LabelConditions.of(selector, bound)
    name = None if found is None else found.of_key(METADATA_NAME)
    if found is None or name is None or name.is_free:
        return found
    elsewhere = name.values.difference(shown)
    if name.negated:
        return found.with_key(METADATA_NAME, KeyCondition(elsewhere, negated=True, missing=True))
    return found.with_key(METADATA_NAME, KeyCondition(elsewhere)) if elsewhere else None


def rules_of(policy: Policy, direction: Direction) -> Rules | None:
    """Return a policy's rules in a direction, None where it does not isolate it.

    A direction that is not known yet may isolate and allow anything: one unknown rule.
    """
    rules = policy.ingress if direction is Direction.INGRESS else policy.egress
    return (rules,) if isinstance(rules, Unknown) else rules


def unknown_direction(policy: Policy, direction: Direction) -> Unknown | None:
    """Return why it is not known whether a policy isolates in a direction, if it is not."""
    rules = policy.ingress if direction is Direction.INGRESS else policy.egress
    return rules if isinstance(rules, Unknown) else None


def group_key(policy: Policy, direction: Direction, target: Hashable) -> Hashable:
    """Return a key that is equal for policies that certainly isolate the same pods.

    `target` differs where the policies' namespaces or selectors do. Two equal ones with something
    unknown in them need not turn out equal.
    """
    known = (
        policy.pod_selector.is_known
        and isinstance(policy.namespace, str)
        and unknown_direction(policy, direction) is None
    )
    return target if known else (id(policy), None)


def _families(snapshot: Snapshot, engine: Engine) -> tuple[IpNetwork, ...]:
    """Return the families that addresses of pods and nodes can be of.

    Every pod of a cluster has addresses of the same ones. An engine that ignores policies with IPv6
    blocks runs in clusters without IPv6 only.
    """
    shown = {address.version for each in snapshot.workloads for address in each.addresses}
    declared = set(snapshot.ip_families)
    known = {each.version for each in snapshot.pod_cidrs} or declared or shown
    if not known and engine.ipv6_blocks.value is Treatment.IGNORED:
        known = {FAMILIES[0].version}
    return tuple(each for each in FAMILIES if not known or each.version in known)


def _last_of_each(snapshot: Snapshot) -> tuple[SnapshotWorkload, ...]:
    names = defaultdict[str | Unknown, set[str]](set)
    for each in snapshot.workloads:
        names[each.namespace].add(each.name)
    if sum(map(len, names.values())) == len(snapshot.workloads):
        return snapshot.workloads
    last = {
        (each.namespace, each.kind, each.name): number
        for number, each in enumerate(snapshot.workloads)
    }
    return tuple(
        each
        for number, each in enumerate(snapshot.workloads)
        if isinstance(each.namespace, Unknown)
        or last[each.namespace, each.kind, each.name] == number
    )


def lets_past(service: Service, engine: Engine) -> bool:
    """Return whether traffic may reach pods past the rules through a service."""
    if not engine.enforces or engine.cluster_services.value is Treatment.ENFORCED:
        return False
    outside = service.is_behind_nodes or service.external_ips is not False
    policy = service.external_traffic_policy
    rewrites = isinstance(policy, Unknown) or policy == "Cluster"
    return outside and rewrites and service.selector not in {None, EMPTY_SELECTOR}


_MOST_KEPT: Final = 1 << 14
_ANYWHERE: Final = UnseenPods(EMPTY_SELECTOR, EMPTY_SELECTOR)


def _three(meant: bool | Unknown) -> MatchAnswer:  # noqa: FBT001 - a part of a peer, no switch
    if isinstance(meant, Unknown):
        return MatchAnswer(Match.MAYBE, (meant.cause,))
    return YES if meant else NO


class MatchAnswers:
    """Answers for one cluster under one engine."""

    def __init__(self, cluster: EnforcedCluster) -> None:
        """Keep what the answers depend on."""
        self._cluster = cluster
        self._about_unseen = lru_cache(_MOST_KEPT)(_all_selected)
        self._unseen_there = lru_cache(_MOST_KEPT)(self._in_namespaces)
        self._unseen_by_blocks = lru_cache(_MOST_KEPT)(self._by_blocks)

    def pods(
        self, namespace: str | Unknown, selector: Selector, pods: SnapshotWorkload | UnseenPods
    ) -> MatchAnswer:
        """Answer whether a selector that is applied to a namespace selects pods."""
        if isinstance(pods, UnseenPods):
            there = self._in_namespace(namespace, pods)
            return there if there is NO else there & self._about_unseen(selector, pods.pods)
        own = _on_pod_network(pods) & same_namespace(namespace, pods.namespace)
        return own if own is NO else own & _selected(selector, pods.labels)

    def pods_of_unread(
        self, policy: UnreadPolicy, pods: SnapshotWorkload | UnseenPods
    ) -> MatchAnswer:
        """Answer whether a policy that is not read may be about pods.

        Of unseen pods it may be about all that are where it is, whatever it asks of their labels.
        """
        if isinstance(pods, UnseenPods):
            everywhere = policy.namespace is None
            return YES if everywhere else self._in_namespace(policy.namespace or "", pods)
        if policy.namespace is None:
            return _on_pod_network(pods) & _selected(policy.pods, pods.labels)
        return self.pods(policy.namespace, policy.pods, pods)

    def peer(
        self, namespace: str | Unknown, peer: PodPeer, pods: SnapshotWorkload | UnseenPods
    ) -> MatchAnswer:
        """Answer whether a peer in a policy of `namespace` means pods."""
        if peer.namespaces is None:
            return self.pods(namespace, peer.pods, pods)
        if isinstance(pods, UnseenPods):
            there = self._unseen_there(peer.namespaces, pods.namespaces)
            return there if there == NO else there & self._about_unseen(peer.pods, pods.pods)
        labels = self._cluster.namespaces.of(pods.namespace)
        there = _on_pod_network(pods) & _selected(peer.namespaces, labels)
        return there if there is NO else there & _selected(peer.pods, pods.labels)

    def _in_namespace(self, namespace: str | Unknown, pods: UnseenPods) -> MatchAnswer:
        """Answer whether unseen pods are in a policy's namespace."""
        if isinstance(namespace, Unknown):
            return MatchAnswer(Match.MAYBE, (namespace.cause,))
        if not isinstance(pods.namespaces, tuple) or namespace not in pods.namespaces:
            return NO
        return YES if len(pods.namespaces) == 1 else _SOME

    def _in_namespaces(
        self, selector: Selector, namespaces: tuple[str, ...] | Selector
    ) -> MatchAnswer:
        """Answer whether unseen pods of some namespaces are in those that a selector means."""
        cluster = self._cluster
        if isinstance(namespaces, Selector):
            shown = cluster.shown_namespaces
            must = other_namespaces(selector, Bound.MUST, shown)
            may = other_namespaces(selector, Bound.MAY, shown)
            return _of_all(namespaces, selector, must, may)
        answers = {_selected(selector, cluster.namespaces.of(each)) for each in namespaces}
        if len(answers) == 1:
            return answers.pop()
        return reduce(MatchAnswer.__or__, answers, _SOME)

    def blocks(self, blocks: tuple[IpPeer, ...], endpoint: AnyEndpoint | HidingNode) -> MatchAnswer:
        """Answer whether the ip blocks of a rule mean an endpoint."""
        engine = self._cluster.engine
        facts = (engine.pods_by_block, engine.nodes_by_block)
        if isinstance(endpoint, UnseenPods):  # wherever they are, it is the same to ip blocks
            return self._unseen_by_blocks(blocks, _ANYWHERE, *facts)
        if is_local_dns(there := network_ranges(*known_addresses(endpoint))):
            named = not difference(there, block_ranges(blocks))
            return self._cluster.local_dns_by_block if named else NO
        return self._by_blocks(blocks, endpoint, *facts)

    def entity(self, entity: EntityPeer, endpoint: AnyEndpoint | HidingNode) -> MatchAnswer:
        """Answer whether ends of some sorts are meant, of one of which an endpoint is."""
        if isinstance(endpoint, UnseenPods):
            return _three(entity.pods)
        if isinstance(endpoint, HidingNode):
            return _three(entity.nodes)
        if isinstance(endpoint, ExternalRange):
            outside = entity.ipv6 if is_ipv6(endpoint.network) else entity.ipv4
            on_node = self._cluster.are_nodes(network_ranges(endpoint.network))
            return _three(entity.nodes if on_node else outside)
        host = host_match(endpoint.workload)
        if host is Match.MAYBE and entity.pods != entity.nodes:
            return MatchAnswer(host, (_host_cause(endpoint.workload), *entity.causes))
        return _three(entity.nodes if host is Match.YES else entity.pods)

    def networks(
        self, networks: tuple[IpPeer, ...], endpoint: AnyEndpoint | HidingNode
    ) -> MatchAnswer:
        """Answer whether the networks of a rule of a tier mean an endpoint."""
        fact = self._cluster.engine.networks
        return self._by_blocks(networks, endpoint, fact, fact)

    def _by_blocks(
        self,
        blocks: tuple[IpPeer, ...],
        endpoint: AnyEndpoint | HidingNode,
        pods: Fact[BlockMatch],
        nodes: Fact[BlockMatch],
    ) -> MatchAnswer:
        cluster = self._cluster
        if isinstance(endpoint, ExternalRange):
            there = network_ranges(endpoint.network)
            if cluster.are_nodes(there):
                return answer_by_blocks(nodes, AddressBounds(there, there), blocks)
            return YES if includes(block_ranges(blocks), first_address(endpoint.network)) else NO
        if isinstance(endpoint, HidingNode):
            return answer_by_blocks(nodes, address_bounds((), (endpoint.family,)), blocks)
        if isinstance(endpoint, UnseenPods):
            return answer_by_blocks(pods, cluster.pods_at, blocks)
        return self._workload_by_blocks(blocks, endpoint.workload, pods, nodes)

    def _workload_by_blocks(
        self,
        blocks: tuple[IpPeer, ...],
        workload: SnapshotWorkload,
        pods: Fact[BlockMatch],
        nodes: Fact[BlockMatch],
    ) -> MatchAnswer:
        at = known_address_bounds(workload.addresses) if workload.addresses else None
        host = host_match(workload)
        if host is Match.YES:
            return answer_by_blocks(nodes, at or self._cluster.nodes_at, blocks)
        pod = answer_by_blocks(pods, at or self._cluster.pods_at, blocks)
        if host is Match.MAYBE:
            node = answer_by_blocks(nodes, at or self._cluster.nodes_at, blocks)
            if pod.match is not node.match:
                return MatchAnswer(Match.MAYBE, (_host_cause(workload),))
        return pod


def same_namespace(left: str | Unknown, right: str | Unknown) -> MatchAnswer:
    """Answer whether two namespaces are one."""
    causes = tuple(each.cause for each in (left, right) if isinstance(each, Unknown))
    if causes:
        return MatchAnswer(Match.MAYBE, causes)
    return YES if left == right else NO


def _selected(selector: Selector, labels: LabelMap) -> MatchAnswer:
    if (match := labels_match(selector, labels)) is not Match.MAYBE:
        return YES if match is Match.YES else NO
    causes = (each.cause for each in doubts_of(selector, labels))
    return MatchAnswer(match, tuple(dict.fromkeys(causes)))


SOME_OF_THESE: Final = "some of these pods are meant, and some are not"
"""Why a selector that divides unseen pods has no single answer."""

_SOME: Final = MatchAnswer(Match.MAYBE, (SOME_OF_THESE,))


def _all_selected(selector: Selector, pods: Selector) -> MatchAnswer:
    """Answer whether a selector matches the pods that another one describes."""
    must, may = (LabelConditions.of(selector, bound) for bound in (Bound.MUST, Bound.MAY))
    return _of_all(pods, selector, must, may)


def _of_all(
    described: Selector,
    selector: Selector,
    must: LabelConditions | None,
    may: LabelConditions | None,
) -> MatchAnswer:
    """Answer whether a selector means all that is described: `must` for certain, `may` at most."""
    these = LabelConditions.of(described)
    if these is None or may is None or these & may is None:
        return NO
    if must is not None and these <= must:
        return YES
    unknown = (selector.unknown, *(each.unknown for each in selector.requirements))
    causes = tuple(each.cause for each in unknown if each is not None)
    return MatchAnswer(Match.MAYBE, causes if these <= may else (*causes, SOME_OF_THESE))


def _on_pod_network(workload: SnapshotWorkload) -> MatchAnswer:
    """Answer whether selectors see a workload's pods; on the host network they never do."""
    host = host_match(workload)
    if host is Match.MAYBE:
        return MatchAnswer(host, (_host_cause(workload),))
    return NO if host is Match.YES else YES


def _host_cause(workload: SnapshotWorkload) -> str:
    host = workload.host_network
    return host.cause if isinstance(host, Unknown) else ""
