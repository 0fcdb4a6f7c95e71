"""Selectors, peers and ports in words, and the single conditions of which a peer consists.

A pod peer asks for labels of the pod and for labels of its namespace; without a selector of
namespaces it asks for the namespace of the policy. It matches a pod if every condition holds.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum

from podwall.model import (
    EMPTY_SELECTOR,
    AddressPeer,
    EntityPeer,
    IpPeer,
    Operator,
    Peer,
    PodPeer,
    Policy,
    PortRule,
    Rule,
    Selector,
    SelectorRequirement,
    SnapshotWorkload,
    TierRule,
    Unknown,
    namespace_text,
)
from podwall.policies.rules import METADATA_NAME, Direction
from podwall.quick_dataclass import dataclass
from podwall.reachability.cluster import EnforcedCluster, MatchAnswers, same_namespace
from podwall.reachability.matching import Match, requirement_matches
from podwall.reachability.port_rules import RulePorts
from podwall.reachability.values import UnseenPods
from podwall.rule_parts import selector_text

__all__ = [
    "ConditionOn",
    "PeerCondition",
    "blocks_text",
    "carrying",
    "peer_conditions",
    "peer_text",
    "pod_conditions",
    "ports_text",
    "rule_text",
    "tier_rule_text",
]


def carrying(requirement: SelectorRequirement) -> str:
    """Return what would have to be for a requirement to hold, after `if the pod …`.

    >>> from podwall.model import SelectorRequirement
    >>> carrying(SelectorRequirement("role", Operator.IN, ("frontend",)))
    'carried role=frontend'
    """
    if requirement.overlooked:
        return f"were asked for by another label than {requirement.key}, which the engine overlooks"
    values = " or ".join(f"{requirement.key}={value}" for value in requirement.values)
    match requirement.operator:
        case Operator.IN:
            return f"carried {values}"
        case Operator.NOT_IN:
            return f"did not carry {values}"
        case Operator.EXISTS:
            return f"carried the label {requirement.key}"
        case Operator.DOES_NOT_EXIST:
            return f"did not carry the label {requirement.key}"


def rule_text(rule: Rule | Unknown, direction: Direction, own_namespace: str) -> str:
    """Return a rule of a policy in a namespace as a person would say it.

    >>> from podwall.model import PortRule, Rule
    >>> rule_text(Rule(None, (PortRule(port=80),)), Direction.INGRESS, "shop")
    'from anyone on TCP 80'
    """
    way = "from" if direction is Direction.INGRESS else "to"
    if isinstance(rule, Unknown):
        return f"a rule that is not known yet ({rule.cause})"
    return f"{way} {_peers_text(rule, own_namespace)} on {ports_text(rule.ports)}"


def tier_rule_text(rule: TierRule | Unknown, direction: Direction) -> str:
    """Return a rule of a policy with a tier as a person would say it.

    >>> from podwall.model import Selector, TierAction, TierRule
    >>> every_pod = PodPeer(Selector(), Selector())
    >>> tier_rule_text(TierRule(TierAction.DENY, (every_pod,)), Direction.INGRESS)
    'Deny from every pod of every namespace on all ports'
    """
    if isinstance(rule, Unknown):
        return f"a rule that is not known yet ({rule.cause})"
    action = "an unknown action" if isinstance(rule.action, Unknown) else str(rule.action)
    way = "from" if direction is Direction.INGRESS else "to"
    return f"{action} {way} {_tier_peers_text(rule)} on {ports_text(rule.ports)}"


def _tier_peers_text(rule: TierRule) -> str:
    if rule.peers is None:
        return "anyone"
    if isinstance(rule.peers, Unknown):
        return f"peers that are not known yet ({rule.peers.cause})"
    blocks = tuple(each for each in rule.peers if isinstance(each, IpPeer))
    named = [
        each.cause if isinstance(each, AddressPeer) else peer_text(each, "")
        for each in rule.peers
        if not isinstance(each, IpPeer)
    ]
    return " or ".join([*named, *([peer_text(blocks, "")] if blocks else [])])


def _peers_text(rule: Rule, own_namespace: str) -> str:
    if rule.peers is None:
        return "anyone"
    if isinstance(rule.peers, Unknown):
        return peer_text(rule.peers, own_namespace)
    blocks = tuple(peer for peer in rule.peers if isinstance(peer, IpPeer))
    others = (peer for peer in rule.peers if not isinstance(peer, IpPeer))
    written = [peer_text(peer, own_namespace) for peer in others]
    return ", or ".join([*written, *([blocks_text(blocks)] if blocks else [])]) or "no one"


def peer_text(peer: Peer | tuple[IpPeer, ...], own_namespace: str) -> str:
    """Return a peer in words; a peer without namespaces means the policy's own.

    A namespace that is asked for by its name is simply named.

    >>> from podwall.model import Selector, SelectorRequirement
    >>> ops = SelectorRequirement("kubernetes.io/metadata.name", Operator.IN, ("ops",))
    >>> peer_text(PodPeer(Selector(), Selector((ops,))), "shop")
    'every pod of namespace ops'
    """
    match peer:
        case Unknown(cause):
            return f"peers that are not known yet ({cause})"
        case PodPeer(pods, None):
            return f"{_pods_text(pods)} of namespace {own_namespace}"
        case PodPeer(pods, namespaces):
            assert namespaces is not None
            return f"{_pods_text(pods)} of {_namespaces_text(namespaces)}"
        case IpPeer():
            return blocks_text((peer,))
        case EntityPeer(name):
            return name
        case _:
            return blocks_text(peer)


def _namespaces_text(namespaces: Selector) -> str:
    match namespaces:
        case Selector((SelectorRequirement(key, Operator.IN, (name,), None),), None) if (
            key == METADATA_NAME
        ):
            return f"namespace {name}"
        case _:
            written = selector_text(namespaces)
            return f"namespaces with {written}" if written else "every namespace"


def _pods_text(pods: Selector) -> str:
    written = selector_text(pods)
    return f"pods with {written}" if written else "every pod"


def blocks_text(blocks: tuple[IpPeer, ...]) -> str:
    """Return ip blocks in words.

    >>> from ipaddress import ip_network
    >>> blocks_text((IpPeer(ip_network("10.0.0.0/8"), (ip_network("10.1.0.0/16"),)),))
    'addresses in 10.0.0.0/8 except 10.1.0.0/16'
    """
    return "addresses in " + " or ".join(_block_text(block) for block in blocks)


def _block_text(block: IpPeer) -> str:
    exceptions = ", ".join(str(each) for each in block.exceptions)
    return f"{block.network} except {exceptions}" if exceptions else str(block.network)


def ports_text(ports: RulePorts) -> str:
    """Return a rule's ports as they are written.

    >>> from podwall.model import PortRule, IpProtocol
    >>> ports_text((PortRule(IpProtocol.TCP, "http"), PortRule(IpProtocol.UDP, 53, 55)))
    'TCP http, UDP 53-55'
    """
    if ports is None:
        return "all ports"
    if isinstance(ports, Unknown):
        return "ports that are not known yet"
    return ", ".join(_port_text(entry) for entry in ports)


def _port_text(entry: PortRule | Unknown) -> str:
    if isinstance(entry, Unknown):
        return "a port that is not known yet"
    first, last = (_known(value) for value in (entry.port, entry.end_port))
    number = f"{first}-{last}" if last else first
    protocol = _known(entry.protocol)
    written = f"{protocol} {number}" if number else f"all {protocol}"
    return f"{written}, {entry.condition.cause}" if entry.condition else written


def _known(value: object) -> str:
    if value is None:
        return ""
    return "…" if isinstance(value, Unknown) else str(value)


class ConditionOn(StrEnum):
    """Whether a condition asks for a label of the pod, of its namespace, or for its namespace."""

    POD = "pod"
    NAMESPACE = "namespace"
    PLACE = "place"


@dataclass(frozen=True, slots=True)
class PeerCondition:
    """One condition of a peer; its words follow "it would match if".

    It asks for the `requirement`, or without one for the policy's own `namespace`.
    """

    on: ConditionOn
    words: str
    requirement: SelectorRequirement | None
    namespace: str | Unknown = ""

    @property
    def key(self) -> str:
        """The label that is asked for, empty where a namespace is asked for by its name."""
        named = self.on is ConditionOn.PLACE or self.requirement is None
        return "" if named or self.requirement is None else self.requirement.key

    def match(self, cluster: EnforcedCluster, workload: SnapshotWorkload | UnseenPods) -> Match:
        """Return whether it holds for a workload on the pod network, or for unseen pods."""
        if isinstance(workload, UnseenPods):
            return MatchAnswers(cluster).peer(self.namespace, self._alone(), workload).match
        if self.requirement is None:
            return same_namespace(self.namespace, workload.namespace).match
        if self.on is ConditionOn.POD:
            return requirement_matches(self.requirement, workload.labels)
        return requirement_matches(self.requirement, cluster.namespaces.of(workload.namespace))

    def _alone(self) -> PodPeer:
        """Return the peer with this condition only."""
        if self.requirement is None:
            return PodPeer(EMPTY_SELECTOR)
        asked = Selector((self.requirement,))
        if self.on is ConditionOn.POD:
            return PodPeer(asked, EMPTY_SELECTOR)
        return PodPeer(EMPTY_SELECTOR, asked)


def peer_conditions(policy: Policy, peer: PodPeer) -> Iterator[PeerCondition]:
    """Yield the conditions of a peer, those on the namespace first.

    >>> from podwall.model import PodPeer, Policy, Selector
    >>> web = Policy("shop", "web", Selector())
    >>> [each.words for each in peer_conditions(web, PodPeer(Selector()))]
    ['the pod were in namespace shop']
    """
    if peer.namespaces is None:
        words = f"the pod were in namespace {namespace_text(policy.namespace)}"
        yield PeerCondition(ConditionOn.PLACE, words, None, policy.namespace)
    yield from pod_conditions(peer)


def pod_conditions(peer: PodPeer) -> Iterator[PeerCondition]:
    """Yield the conditions of a peer that are the same in whatever namespace its policy is."""
    if peer.namespaces is not None:
        yield from map(_on_namespace, peer.namespaces.requirements)
    for each in peer.pods.requirements:
        yield PeerCondition(ConditionOn.POD, f"the pod {carrying(each)}", each)


def _on_namespace(requirement: SelectorRequirement) -> PeerCondition:
    if requirement.key == METADATA_NAME and requirement.operator is Operator.IN:
        words = f"the pod were in namespace {' or '.join(requirement.values)}"
        return PeerCondition(ConditionOn.PLACE, words, requirement)
    words = f"the pod's namespace {carrying(requirement)}"
    return PeerCondition(ConditionOn.NAMESPACE, words, requirement)
