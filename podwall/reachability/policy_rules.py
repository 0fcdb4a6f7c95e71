"""The rules of all policies in one direction, as numbers: whom they isolate, and what they allow.

Every set of pods or addresses that a policy names, as its target or as a peer, is a *peer set* with
one number, however often it is written. Policies that isolate the same pods are one *group*: there
is no order between them, and what they allow adds up.

The sets of pods that they name are peer sets like those of NetworkPolicies, so that pods which no
tier tells apart stay in one class.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from itertools import chain
from typing import Final, NamedTuple, TypeVar

from podwall.model import (
    EMPTY_SELECTOR,
    AddressPeer,
    EntityPeer,
    IpPeer,
    Operator,
    PodPeer,
    Policy,
    PortRule,
    Rule,
    Selector,
    TierAction,
    TierName,
    TierPolicy,
    TierRule,
    Unknown,
    UnreadPolicy,
)
from podwall.policies.rules import Direction
from podwall.reachability.arrays import IntArray, Registry, unique_rows
from podwall.reachability.cluster import EnforcedCluster, group_key, rules_of, unknown_direction
from podwall.reachability.few_arrays import np
from podwall.reachability.port_rules import RulePorts, has_names

__all__ = [
    "EVERYONE",
    "PERHAPS_EVERYONE",
    "Blocks",
    "NumberedPolicy",
    "NumberedRule",
    "NumberedStage",
    "PeerSets",
    "PolicyGroups",
    "TierRules",
    "only_excludes",
    "policy_groups",
]

EVERYONE: Final = 0
"""The peer set of all pods and all addresses."""

PERHAPS_EVERYONE: Final = 1
"""The peer set of peers that are not known yet."""

Blocks = tuple[IpPeer, ...]
"""All the ip blocks of one rule."""

_Pair = tuple[int, int]

T = TypeVar("T", bound=Hashable)


class PeerSets:
    """Numbers the peer sets of a cluster in the order in which they are met.

    `within` are the pods of a namespace that a selector matches, `across` those in all namespaces
    that another selector matches; both have the two parts' numbers in the registries.
    """

    def __init__(self) -> None:
        """Begin with the two peer sets that always exist."""
        self.namespaces = Registry[str | Unknown]()
        self.pod_selectors = Registry[Selector]()
        self.namespace_selectors = Registry[Selector]()
        self.within: dict[_Pair, int] = {}
        self.across: dict[_Pair, int] = {}
        self.blocks: dict[Blocks, int] = {}
        self.entities: dict[EntityPeer, int] = {}

    def __len__(self) -> int:
        """Return the number of peer sets."""
        fixed = PERHAPS_EVERYONE + 1
        pods = len(self.within) + len(self.across)
        return fixed + pods + len(self.blocks) + len(self.entities)

    def copy(self) -> PeerSets:
        """Return peer sets with the same numbers, to which further ones are added."""
        other = PeerSets()
        for name, each in vars(self).items():
            setattr(other, name, each.copy())
        return other

    def of_pods(self, namespace: str | Unknown, pods: Selector) -> int:
        """Return the number of the pods of one namespace that a selector matches."""
        key = (self.namespaces.number(namespace), self.pod_selectors.number(pods))
        return self._number(self.within, key)

    def of_pods_across(self, namespaces: Selector, pods: Selector) -> int:
        """Return the number of the pods that a selector matches in the namespaces of another."""
        key = (self.namespace_selectors.number(namespaces), self.pod_selectors.number(pods))
        return self._number(self.across, key)

    def of_entity(self, entity: EntityPeer) -> int:
        """Return the number of all ends of some sorts."""
        return self._number(self.entities, entity)

    def of_unread(self, policy: UnreadPolicy) -> int:
        """Return the number of the pods that a policy which is not read may select."""
        if policy.namespace is None:
            return self.of_pods_across(EMPTY_SELECTOR, policy.pods)
        return self.of_pods(policy.namespace, policy.pods)

    def of_rule(self, namespace: str | Unknown, rule: Rule | Unknown) -> Iterator[int]:
        """Yield the numbers of a rule's peers, in a policy of some namespace."""
        peers = PERHAPS_EVERYONE if isinstance(rule, Unknown) else rule.peers
        if peers is None:
            yield EVERYONE
        elif not isinstance(peers, tuple):
            yield PERHAPS_EVERYONE
        else:
            blocks: list[IpPeer] = []
            for peer in peers:
                if isinstance(peer, PodPeer):
                    yield self._of_peer(namespace, peer)
                elif isinstance(peer, IpPeer):
                    blocks.append(peer)
                elif isinstance(peer, EntityPeer):
                    yield self.of_entity(peer)
                else:
                    yield PERHAPS_EVERYONE
            if blocks:
                yield self._number(self.blocks, tuple(blocks))

    @property
    def are_known(self) -> bool:
        """Whether every namespace and every selector is fully known."""
        selectors = chain(self.pod_selectors.values, self.namespace_selectors.values)
        named = all(isinstance(each, str) for each in self.namespaces.values)
        return named and all(each.is_known for each in selectors)

    def wholes(self) -> dict[int, int]:
        """Return the peer sets that only exclude, each with the one it takes something from.

        That is the same set without its excluding selector: of pods or, if that one does not only
        exclude, of namespaces. What is needed for it is added.
        """
        found = {}
        names, pods = self.namespaces.values, self.pod_selectors.values
        spaces = self.namespace_selectors.values
        for (name, selector), number in list(self.within.items()):
            if only_excludes(pods[selector]):
                found[number] = self.of_pods(names[name], EMPTY_SELECTOR)
        for (space, selector), number in list(self.across.items()):
            if only_excludes(pods[selector]):
                found[number] = self.of_pods_across(spaces[space], EMPTY_SELECTOR)
            elif only_excludes(spaces[space]):
                found[number] = self.of_pods_across(EMPTY_SELECTOR, pods[selector])
        plain = set(found.values())
        return {number: whole for number, whole in found.items() if number not in plain}

    def _number(self, known: dict[T, int], key: T) -> int:
        number = known.get(key)
        if number is None:
            number = known[key] = len(self)
        return number

    def _of_peer(self, namespace: str | Unknown, peer: PodPeer) -> int:
        if peer.namespaces is None:
            return self.of_pods(namespace, peer.pods)
        return self.of_pods_across(peer.namespaces, peer.pods)


_EXCLUDING: Final = frozenset({Operator.NOT_IN, Operator.DOES_NOT_EXIST})


def only_excludes(selector: Selector) -> bool:
    """Return whether a selector has conditions, and all of them exclude.

    >>> from podwall.model import SelectorRequirement
    >>> only_excludes(Selector((SelectorRequirement("app", Operator.NOT_IN, ("web",)),)))
    True
    """
    requirements = selector.requirements
    return bool(requirements) and all(each.operator in _EXCLUDING for each in requirements)


class PolicyGroups:
    """The policy groups of one direction, and the parts of their rules, in parallel lists.

    `targets` has for each group the peer set that it isolates, `doubtful` the groups that may not
    isolate it at all. Each part is a peer of a rule with the rule's ports: a group, a peer set, and
    a number into `ports`.
    """

    def __init__(self, direction: Direction) -> None:
        """Begin with none."""
        self.direction = direction
        self.ports = Registry[RulePorts]()
        self.targets: list[int] = []
        self.doubtful: set[int] = set()
        self._numbers: dict[Hashable, int] = {}
        self._parts: list[tuple[int, int, int]] = []
        self._once: tuple[IntArray, IntArray, IntArray] | None = None

    def add(self, policy: Policy, peer_sets: PeerSets) -> None:
        """Add the rules of one policy, if it isolates in this direction."""
        rules = rules_of(policy, self.direction)
        if rules is None:
            return
        self._once = None
        group = self._group(policy, peer_sets.of_pods(policy.namespace, policy.pod_selector))
        for rule in rules:
            ports = self.ports.number(None if isinstance(rule, Unknown) else rule.ports)
            for peer_set in peer_sets.of_rule(policy.namespace, rule):
                self._parts.append((group, peer_set, ports))

    def parts(self) -> tuple[IntArray, IntArray, IntArray]:
        """Return the groups, peer sets and ports of all parts, each part once."""
        if self._once is None:
            rows, _ = unique_rows(np.array(self._parts, dtype=np.int64).reshape(-1, 3))
            group, peer_set, ports = rows.T
            self._once = group, peer_set, ports
        return self._once

    def _group(self, policy: Policy, target: int) -> int:
        key = group_key(policy, self.direction, target)
        group = self._numbers.setdefault(key, len(self.targets))
        if group == len(self.targets):
            self.targets.append(target)
            if unknown_direction(policy, self.direction):
                self.doubtful.add(group)
        return group


def policy_groups(
    cluster: EnforcedCluster, direction: Direction, peer_sets: PeerSets
) -> PolicyGroups:
    """Return the groups of all the cluster's policies, and add what they name to the peer sets."""
    result = PolicyGroups(direction)
    for policy in cluster.policies:
        result.add(policy, peer_sets)
    return result


class NumberedRule(NamedTuple):
    """A rule with its sets of peers as numbers.

    `addresses`: it also means addresses that are not known, none of them of a pod network.
    """

    action: TierAction | Unknown
    peer_sets: tuple[int, ...]
    networks: Blocks
    ports: RulePorts
    addresses: bool = False


class NumberedPolicy(NamedTuple):
    """A policy with the set of its subject as a number, and whether it only perhaps acts."""

    subject: int
    doubtful: bool
    rules: tuple[NumberedRule, ...]


class NumberedStage(NamedTuple):
    """Policies of one tier and one priority."""

    tier: TierName
    policies: tuple[NumberedPolicy, ...]
    rank: int = 0

    @property
    def where(self) -> tuple[TierName, int]:
        """Its tier, and which of several that stand there."""
        return self.tier, self.rank


class TierRules:
    """The stages of one direction, in order."""

    def __init__(self, cluster: EnforcedCluster, direction: Direction, peer_sets: PeerSets) -> None:
        """Number what the policies select; what is new is added to the peer sets."""
        self.direction = direction
        self.stages = tuple(self._stages(cluster, peer_sets))

    @property
    def policies(self) -> Sequence[NumberedPolicy]:
        """All policies, in order."""
        return tuple(chain.from_iterable(each.policies for each in self.stages))

    @property
    def have_names(self) -> bool:
        """Whether some rule names ports."""
        return any(has_names(rule.ports) for each in self.policies for rule in each.rules)

    def port_names(self) -> Iterator[str]:
        """Yield the names of ports that rules mention."""
        for rule in chain.from_iterable(each.rules for each in self.policies):
            for entry in rule.ports if isinstance(rule.ports, tuple) else ():
                if isinstance(entry, PortRule) and isinstance(entry.port, str):
                    yield entry.port

    def _stages(self, cluster: EnforcedCluster, peer_sets: PeerSets) -> Iterator[NumberedStage]:
        for stage in cluster.tiers:
            policies = tuple(
                self._policy(each.policy, peer_sets, doubtful=bool(each.doubts))
                for each in stage.policies
                if each.policy.rules(self.direction)
            )
            if policies:
                yield NumberedStage(stage.tier, policies, stage.rank)

    def _policy(self, policy: TierPolicy, peer_sets: PeerSets, *, doubtful: bool) -> NumberedPolicy:
        unknown = isinstance(policy.subject, Unknown)
        subject = _EVERY_POD if isinstance(policy.subject, Unknown) else policy.subject
        rules = tuple(_numbered(each, peer_sets) for each in policy.rules(self.direction))
        return NumberedPolicy(_of_pods(subject, peer_sets), doubtful or unknown, rules)


_EVERY_POD = PodPeer(EMPTY_SELECTOR, EMPTY_SELECTOR)


def _of_pods(peer: PodPeer, peer_sets: PeerSets) -> int:
    return peer_sets.of_pods_across(peer.namespaces or EMPTY_SELECTOR, peer.pods)


def _numbered(rule: TierRule | Unknown, peer_sets: PeerSets) -> NumberedRule:
    if isinstance(rule, Unknown):
        return NumberedRule(rule, (PERHAPS_EVERYONE,), (), None)
    if rule.peers is None or isinstance(rule.peers, Unknown):
        everyone = EVERYONE if rule.peers is None else PERHAPS_EVERYONE
        return NumberedRule(rule.action, (everyone,), (), rule.ports)
    pods = (_of_pods(each, peer_sets) for each in rule.peers if isinstance(each, PodPeer))
    entities = (peer_sets.of_entity(e) for e in rule.peers if isinstance(e, EntityPeer))
    unknown = any(isinstance(each, Unknown) for each in rule.peers)
    return NumberedRule(
        rule.action,
        (*pods, *entities, *((PERHAPS_EVERYONE,) if unknown else ())),
        tuple(each for each in rule.peers if isinstance(each, IpPeer)),
        rule.ports,
        any(isinstance(each, AddressPeer) for each in rule.peers),
    )
